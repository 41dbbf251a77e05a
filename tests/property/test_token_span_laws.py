"""Laws of tokens from elsewhere: however bytes are cut and shown, the spans cover the text, and nothing is lost."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from memkit.errors import SurprisalError
from memkit.protocols import Token
from memkit.surprisal.logprobs import echoed, message_tokens, prompted

HARD = st.sampled_from("é ñ日本語😀🇵🇹\ufffd<>[]")
PLAIN = st.characters(min_codepoint=33, max_codepoint=126)
CUTTABLE = st.text(st.one_of(PLAIN, st.characters(exclude_categories=["Cs"]), HARD), min_size=1)


@st.composite
def cut_texts(draw: st.DrawFn) -> tuple[str, list[bytes], list[float]]:
    """A text, its bytes cut anywhere, and a log-probability for each part."""
    text = draw(CUTTABLE)
    data = text.encode()
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(data) - 1)), max_size=12)) - {len(data)})
    parts = [data[a:b] for a, b in pairwise([0, *cuts, len(data)])]
    scores = draw(st.lists(st.floats(-20, 0), min_size=len(parts), max_size=len(parts)))
    return text, parts, scores


def replaced(parts: Sequence[bytes]) -> list[str]:
    return [part.decode(errors="replace") for part in parts]


def late(parts: Sequence[bytes]) -> list[str]:
    """A part that doesn't finish a character is shown as nothing, the one that does with all of it."""
    shown, waiting = [], b""
    for part in parts:
        waiting += part
        try:
            shown.append(waiting.decode())
            waiting = b""
        except UnicodeDecodeError:
            shown.append("")
    return shown


def latin(parts: Sequence[bytes]) -> list[str]:
    return [part.decode() if is_text(part) else part.decode("latin-1") for part in parts]


def escaped(parts: Sequence[bytes]) -> list[str]:
    return [part.decode() if is_text(part) else "bytes:" + "".join(map(shown_byte, part)) for part in parts]


def is_text(part: bytes) -> bool:
    return part.decode(errors="replace").encode() == part


def shown_byte(byte: int) -> str:
    return chr(byte) if byte < 0x80 else f"\\x{byte:02x}"


def assert_covered(text: str, tokens: Sequence[Token], total: float) -> None:
    assert [token.start for token in tokens] == [0, *(token.end for token in tokens[:-1])]
    assert tokens[-1].end == len(text)
    assert all(token.start < token.end for token in tokens)
    assert math.isclose(sum(token.surprisal for token in tokens), total, abs_tol=1e-6)


@pytest.mark.parametrize("show", [replaced, late, latin, escaped])
@given(cut_texts())
def test_an_echo_covers_the_text_in_order_however_split_characters_are_shown(
    show: Callable[[Sequence[bytes]], list[str]], drawn: tuple[str, list[bytes], list[float]]
) -> None:
    text, parts, scores = drawn
    lists = {"tokens": show(parts), "token_logprobs": scores, "text_offset": list(range(len(parts)))}
    tokens = echoed({"choices": [{"logprobs": lists}]}, text, new_tokens=0)
    assert_covered(text, tokens, -sum(scores))


@given(cut_texts())
def test_a_message_covers_its_text_in_order_by_the_bytes_of_its_tokens(
    drawn: tuple[str, list[bytes], list[float]],
) -> None:
    text, parts, scores = drawn
    shown = replaced(parts)
    content = [{"token": t, "bytes": list(b), "logprob": p} for t, b, p in zip(shown, parts, scores, strict=True)]
    tokens = message_tokens(AIMessage(text, response_metadata={"logprobs": {"content": content}}))
    assert_covered(text, tokens, -sum(scores))
    characters = {len(text[:i].encode()) for i in range(len(text) + 1)}
    whole = {sum(map(len, parts[:i])) for i in range(len(parts) + 1)} & characters
    assert len(tokens) == len(whole) - 1


@given(cut_texts())
def test_prompt_logprobs_cover_the_text_with_the_first_token_as_likely_as_any(
    drawn: tuple[str, list[bytes], list[float]],
) -> None:
    text, parts, scores = drawn
    assume(len(parts) == 1 or parts[0].isascii())  # else it may be the start mark or a part of a character
    pairs = zip(replaced(parts)[1:], scores[1:], strict=True)
    entries = [None, *({"7": {"logprob": p, "rank": 1, "decoded_token": t}} for t, p in pairs)]
    tokens = prompted({"choices": [{"prompt_logprobs": entries}]}, text, vocabulary=50_000)
    assert_covered(text, tokens, math.log(50_000) - sum(scores[1:]))


@given(cut_texts(), st.data())
def test_a_list_that_lacks_a_token_is_an_error_and_no_partial_score(
    drawn: tuple[str, list[bytes], list[float]], data: st.DataObject
) -> None:
    text, parts, scores = drawn
    own = [i for i, part in enumerate(parts) if part.isascii() and part != b" "]  # a part may be another's, too
    assume(own)
    lost = data.draw(st.sampled_from(own))
    kept = [(t, p) for i, (t, p) in enumerate(zip(replaced(parts), scores, strict=True)) if i != lost]
    lists = {"tokens": [t for t, _ in kept], "token_logprobs": [p for _, p in kept]}
    with pytest.raises(SurprisalError):
        echoed({"choices": [{"logprobs": lists}]}, text, new_tokens=0)


NAMES = ["choices", "logprobs", "tokens", "token_logprobs", "prompt_logprobs", "logprob", "decoded_token", "a", "7"]
SHOWN = st.sampled_from(["a", "b", " ", "ab", "", "é", "\ufffd", "<s>", "bytes:\\xc3", "\ud83d"])
NUMBERS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats())
JSON = st.recursive(
    st.one_of(NUMBERS, SHOWN),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)),
)
LISTS = st.fixed_dictionaries({"tokens": st.lists(SHOWN, max_size=5), "token_logprobs": st.lists(NUMBERS, max_size=5)})
ENTRIES = st.lists(st.one_of(st.none(), st.dictionaries(SHOWN, NUMBERS, max_size=2)), max_size=5)
CHOICES = st.fixed_dictionaries({"logprobs": st.one_of(LISTS, JSON), "prompt_logprobs": st.one_of(ENTRIES, JSON)})
ANSWERS = st.one_of(JSON, st.fixed_dictionaries({"choices": st.lists(CHOICES, min_size=1, max_size=1)}))


@given(ANSWERS, st.sampled_from(["a", "ab", "a b", "éa", "aéb", "<s>a"]))
@settings(max_examples=400)
def test_any_answer_at_all_is_read_whole_or_refused(answer: object, text: str) -> None:
    for read in (echoed, prompted):
        try:
            tokens = read(answer, text)
        except SurprisalError:
            continue
        assert_covered(text, tokens, sum(token.surprisal for token in tokens))
        assert all(0 <= token.surprisal < math.inf for token in tokens)
