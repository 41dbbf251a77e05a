"""What servers and messages say of log-probabilities: read whole or refused, never in part."""

import math
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from memkit.errors import SurprisalError
from memkit.protocols import Token
from memkit.surprisal.logprobs import echoed, message_tokens, prompted
from memkit.surprisal.windows import at_spaces, windows

TEXT = "Ana moved to Lisbon"
PARTS = ["Ana", " moved", " to", " Lis", "bon"]
SPANS = [(0, 3), (3, 9), (9, 12), (12, 16), (16, 19)]


def echo(tokens: list[Any], scores: list[Any], **more: Any) -> dict[str, Any]:
    return {"choices": [{"logprobs": {"tokens": tokens, "token_logprobs": scores, **more}}]}


def spans(tokens: list[Token]) -> list[tuple[int, int]]:
    return [(token.start, token.end) for token in tokens]


def test_the_made_token_is_cut_off_and_the_first_is_as_likely_as_any() -> None:
    answer = echo([*PARTS, "."], [None, -1, -2, -3, -4, -5], text_offset=[0, 3, 9, 12, 16, 19])
    tokens = echoed(answer, TEXT, vocabulary=1000)
    assert spans(tokens) == SPANS
    assert [t.surprisal for t in tokens] == pytest.approx([math.log(1000), 1, 2, 3, 4])


def test_where_nothing_was_made_the_servers_own_count_of_the_prompt_is_believed() -> None:
    answer = echo(PARTS, [None, -1, -2, -3, -4]) | {"usage": {"prompt_tokens": 5, "completion_tokens": 0}}
    assert spans(echoed(answer, TEXT)) == SPANS


def test_a_made_token_that_looks_like_a_part_of_the_last_character_is_no_part_of_it() -> None:
    answer = echo(["a", "�", "�", "�"], [None, -1, -2, -9]) | {"usage": {"prompt_tokens": 3}}
    assert echoed(answer, "aé", vocabulary=1) == [Token(0, 1, 0.0), Token(1, 2, 3.0)]


def test_a_made_token_that_repeats_the_prompt_is_no_score_of_it() -> None:
    answer = echo(["yes"], [-0.5]) | {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    with pytest.raises(SurprisalError, match="join"):
        echoed(answer, "yes")


@pytest.mark.parametrize("marks", [["<s>"], ["<|begin_of_text|>"], ["[gMASK]", "<sop>"], [""]])
def test_the_models_start_token_is_left_out_and_the_first_word_has_its_own_surprisal(marks: list[str]) -> None:
    scores = [None, *[-9.0] * (len(marks) - 1), -0.5, -1, -2, -3, -4, -5]
    tokens = echoed(echo([*marks, *PARTS, "."], scores), TEXT)
    assert spans(tokens) == SPANS
    assert tokens[0].surprisal == 0.5


def test_a_text_that_begins_with_what_looks_like_a_start_token_keeps_it() -> None:
    tokens = echoed(echo(["<s>", "<s>", " is", " it"], [None, -1, -2, -3]), "<s> is it", new_tokens=0)
    assert tokens == [Token(0, 3, 1), Token(3, 6, 2), Token(6, 9, 3)]
    assert spans(echoed(echo(["<s>", " is"], [None, -1]), "<s> is", new_tokens=0)) == [(0, 3), (3, 6)]


def test_spaces_that_a_tokenizer_adds_at_the_start_or_loses_between_words_are_no_fault() -> None:
    added, lost = [" Ana", *PARTS[1:]], ["Ana", "moved", "to", "Lis", "bon"]
    for shown in (added, lost):
        assert spans(echoed(echo(shown, [None, -1, -2, -3, -4]), TEXT, new_tokens=0)) == SPANS


def test_split_characters_side_by_side_are_one_token_where_their_parts_cannot_be_told_apart() -> None:
    answer = echo(["a", "�", "�", "�", "�", "b"], [None, -1, -2, -3, -4, -5])
    assert echoed(answer, "aéñb", new_tokens=0, vocabulary=1) == [Token(0, 1, 0), Token(1, 3, 10), Token(3, 4, 5)]


@pytest.mark.parametrize("shown", [["�", "", "", " hi"], ["", "", "", " hi"], ["", "", "😀", " hi"]])
def test_parts_that_are_shown_as_nothing_belong_to_the_character_that_they_are_parts_of(shown: list[str]) -> None:
    tokens = echoed(echo(["<s>", *shown], [None, -1, -2, -3, -4]), "😀 hi", new_tokens=0)
    assert tokens == [Token(0, 1, 6), Token(1, 4, 4)]


def test_nothing_stands_for_one_character_at_most_and_never_for_plain_letters() -> None:
    for text in ("a日本", "ab"):
        with pytest.raises(SurprisalError, match="join"):
            echoed(echo(["a", ""], [None, -1]), text, new_tokens=0)


def test_a_log_probability_a_hair_above_zero_is_rounding() -> None:
    assert echoed(echo(["a", "b"], [None, 1e-7]), "ab", new_tokens=0)[1].surprisal == 0.0


def test_an_offset_of_minus_one_everywhere_means_that_a_server_tells_none() -> None:
    answer = echo(PARTS, [None, -1, -2, -3, -4], text_offset=[-1] * 5)
    assert spans(echoed(answer, TEXT, new_tokens=0)) == SPANS


GOOD = [None, -1.0, -2.0, -3.0, -4.0]
WRONG_ECHOES: dict[str, tuple[Any, str]] = {
    "no mapping": ([], "the whole"),
    "no choices": ({"choices": []}, "choices"),
    "an error in place of an answer": ({"error": {"message": TEXT}}, "choices"),
    "no logprobs": ({"choices": [{"text": TEXT}]}, "logprobs"),
    "null logprobs": ({"choices": [{"text": TEXT, "logprobs": None}]}, "logprobs"),
    "the shape of chat": ({"choices": [{"logprobs": {"content": []}}]}, "logprobs.tokens"),
    "no scores": ({"choices": [{"logprobs": {"tokens": PARTS}}]}, "token_logprobs"),
    "null tokens": (echo(None, GOOD), "logprobs.tokens"),  # type: ignore[arg-type]
    "a token that is no string": (echo([*PARTS[:4], 7], GOOD), "tokens.4"),
    "scores as strings": (echo(PARTS, [None, "-1", -2, -3, -4]), "token_logprobs.1"),
    "fewer scores than tokens": (echo(PARTS, GOOD[:4]), "different lengths"),
    "fewer offsets than tokens": (echo(PARTS, GOOD, text_offset=[0, 3]), "different lengths"),
    "offsets out of order": (echo(PARTS, GOOD, text_offset=[0, 9, 3, 12, 16]), "out of order"),
    "a null in the middle": (echo(PARTS, [None, -1, None, -3, -4]), "null at 2"),
    "all null": (echo(PARTS, [None] * 5), "null at 1"),
    "not a number": (echo(PARTS, [None, math.nan, -2, -3, -4]), "finite"),
    "minus infinity": (echo(PARTS, [None, -math.inf, -2, -3, -4]), "finite"),
    "probabilities in place of their logarithms": (echo(PARTS, [0.9, 0.5, 0.1, 0.2, 0.3]), "less than"),
    "generated tokens only": (echo(["."], [-1]), "join"),
    "nothing": (echo([], []), "join"),
    "the last token missing": (echo(PARTS[:4], GOOD[:4]), "join"),
    "the first token missing": (echo(PARTS[1:], GOOD[1:]), "join"),
    "one token too many": (echo([*PARTS, " now"], [*GOOD, -5]), "join"),
    "another text": (echo(["Bob", *PARTS[1:]], GOOD), "join"),
    "tokens out of order": (echo([PARTS[0], *PARTS[:0:-1]], GOOD), "join"),
    "ids in place of tokens": (echo([f"token_id:{i}" for i in range(5)], GOOD), "join"),
}


@pytest.mark.parametrize("name", WRONG_ECHOES)
def test_an_echo_that_is_not_whole_is_an_error_that_says_what_and_not_the_text(name: str) -> None:
    answer, rule = WRONG_ECHOES[name]
    with pytest.raises(SurprisalError, match=rule) as caught:
        echoed(answer, TEXT, new_tokens=0)
    assert "bon" not in str(caught.value)
    assert caught.value.__cause__ is None


def named(token: str, score: Any, **more: Any) -> dict[str, Any]:
    return {"11": {"logprob": score, "rank": 3, "decoded_token": token}, **more}


def test_prompt_logprobs_name_the_prompts_token_first_and_others_after_it() -> None:
    other = {"12": {"logprob": -0.1, "rank": 1, "decoded_token": " ran"}}
    entries = [None, *(named(token, -i, **other) for i, token in enumerate(PARTS[1:], start=1))]
    tokens = prompted({"choices": [{"prompt_logprobs": entries}]}, TEXT, vocabulary=1000)
    assert spans(tokens) == SPANS
    assert [t.surprisal for t in tokens] == pytest.approx([math.log(1000), 1, 2, 3, 4])


def test_prompt_logprobs_may_map_decoded_tokens_to_numbers() -> None:
    entries = [None, *({token: -i} for i, token in enumerate(PARTS[1:], start=1))]
    assert spans(prompted({"choices": [{"prompt_logprobs": entries}]}, TEXT)) == SPANS


def test_the_null_of_prompt_logprobs_is_the_start_token_where_the_others_are_the_whole_text() -> None:
    entries = [None, *(named(token, -i) for i, token in enumerate(PARTS))]
    tokens = prompted({"choices": [{"prompt_logprobs": entries}]}, TEXT)
    assert [t.surprisal for t in tokens] == [0, 1, 2, 3, 4]


WRONG_PROMPTS: dict[str, tuple[Any, str]] = {
    "null": (None, "prompt_logprobs"),
    "a null in the middle": ([None, None, named(" to", -1)], "null at 1"),
    "an empty mapping": ([None, {}], "without a token"),
    "a token without its text": ([None, {"7": {"logprob": -1, "decoded_token": None}}], "decoded_token"),
    "a secret as a key, with no number": ([None, {"Lisbon": "x"}], "prompt_logprobs.1"),
    "not a number": ([None, named(" moved to Lisbon", math.nan)], "logprob"),
    "above zero": ([None, named(" moved to Lisbon", 1.0)], "logprob"),
    "another text": ([None, named(" moved to Porto", -1)], "join"),
    "nothing": ([], "join"),
}


@pytest.mark.parametrize("name", WRONG_PROMPTS)
def test_prompt_logprobs_that_are_not_whole_are_an_error_without_the_text(name: str) -> None:
    entries, rule = WRONG_PROMPTS[name]
    with pytest.raises(SurprisalError, match=rule) as caught:
        prompted({"choices": [{"prompt_logprobs": entries}]}, TEXT)
    assert "bon" not in str(caught.value)


def message(text: Any, content: Any) -> AIMessage:
    return AIMessage(text, response_metadata={"logprobs": {"content": content}})


def made(token: str, logprob: Any, raw: list[int] | None = None) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": raw, "top_logprobs": []}


def test_a_message_gives_its_tokens_with_their_characters() -> None:
    content = [made(token, -i, list(token.encode())) for i, token in enumerate(PARTS)]
    tokens = message_tokens(message(TEXT, content))
    assert spans(tokens) == SPANS
    assert [t.surprisal for t in tokens] == [0, 1, 2, 3, 4]


def test_parts_of_a_character_are_one_token_by_their_bytes_and_without_them() -> None:
    smile = "😀".encode()
    exact = [made("\\xf0\\x9f", -1, list(smile[:2])), made("\\x98\\x80", -2, list(smile[2:]))]
    shown = [made("�", -1, [239, 191, 189]), made("�", -2, [239, 191, 189])]
    for parts in (exact, shown):
        tokens = message_tokens(message("Yes 😀!", [made("Yes ", -0.5), *parts, made("!", -0.25)]))
        assert tokens == [Token(0, 4, 0.5), Token(4, 5, 3.0), Token(5, 6, 0.25)]


def test_an_end_token_that_is_not_in_the_message_is_left_out() -> None:
    for end in ("<|im_end|>", "</s>", ""):
        assert spans(message_tokens(message("Yes!", [made("Yes", -1), made("!", -1), made(end, -0.1)]))) == [
            (0, 3),
            (3, 4),
        ]


def test_a_message_in_blocks_is_read_by_its_words() -> None:
    blocks = [{"type": "text", "text": "Yes!"}]
    assert spans(message_tokens(message(blocks, [made("Yes", -1), made("!", -1)]))) == [(0, 3), (3, 4)]


def test_a_message_without_words_has_no_tokens() -> None:
    assert message_tokens(message("", None)) == []


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        [made("Yes", -1)],
        [made("Yes", -1), made("?", -1)],
        [made("Yes", None), made("!", -1)],
        [made("Yes", math.nan), made("!", -1)],
        [made("Yes", 0.5), made("!", -1)],
        [made("Yes", -1), made("!", -1, [300])],
        [{"token": "Yes!"}],
    ],
)
def test_a_message_whose_log_probabilities_are_not_whole_is_an_error(content: Any) -> None:
    with pytest.raises(SurprisalError) as caught:
        message_tokens(message("Yes!", content))
    assert "Yes" not in str(caught.value)


def test_a_message_without_log_probabilities_is_an_error_that_says_how_to_get_them() -> None:
    for bare in (AIMessage("Yes!"), AIMessage("Yes!", response_metadata={"logprobs": None})):
        with pytest.raises(SurprisalError, match="logprobs=True"):
            message_tokens(bare)


def test_windows_cut_at_spaces_leave_no_character_out_and_read_each_once() -> None:
    text = "one two  three " * 20 + "x" * 50
    read = ""
    for begin, fresh, end in windows(len(text), 40, at_spaces(text)):
        assert begin <= fresh == len(read) < end <= begin + 40
        read += text[fresh:end]
        assert end == len(text) or text[end] == " " or "x" in text[fresh:end]
    assert read == text
