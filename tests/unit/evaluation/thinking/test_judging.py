"""The measures of thinking: strict judging, the two halves of the test set, the notes of other people."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memkit.errors import InputError
from memkit.evaluation.formats.conversation import Conversation
from memkit.evaluation.formats.files import read_conversations
from memkit.evaluation.thinking.judging import ExpectedThought, figures, judge, meets, read_cases
from memkit.evaluation.thinking.notes import compare_with_bm25, note_coverage, notes_of, salient_turns
from memkit.models import Memory, Turn
from memkit.think import ExtractiveThinker

EXCHANGES_FOLDER = Path(__file__).parents[3] / "data" / "thinking"
LOCOMO_FILE = Path(__file__).parents[5] / "shared" / "data" / "locomo_dev.json"
PART_NAMES = ("first", "second", "third", "fourth", "fifth")
SPOKEN_AT = datetime(2024, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize("part", PART_NAMES)
def test_thoughts_on_the_projects_own_exchanges_are_right_and_not_too_few(part: str) -> None:
    result = figures(list(judge(read_cases(EXCHANGES_FOLDER / f"{part}.jsonl"))))
    assert result.precision >= 0.9
    assert result.recall >= 0.6


def test_there_are_250_exchanges_and_four_of_ten_should_lead_to_nothing() -> None:
    cases = [case for part in PART_NAMES for case in read_cases(EXCHANGES_FOLDER / f"{part}.jsonl")]
    assert len(cases) >= 250
    assert 0.37 <= sum(not case.expect for case in cases) / len(cases) <= 0.43


def thought(**fields: object) -> Memory:
    values = {"id": "h", "kind": "thought", "text": "x", "head": "Ana", "relation": "lives in", "tail": "the old Porto"}
    return Memory.model_validate({**values, "occurred_at": SPOKEN_AT, "recorded_at": SPOKEN_AT, **fields})


@pytest.mark.parametrize(
    ("claim", "met"),
    [
        (ExpectedThought("insert", "ana", "lives in", "Porto"), True),
        (ExpectedThought("", "Ana", "lives in", "old Porto by the river"), True),
        (ExpectedThought("supersede", "Ana", "lives in", "Porto"), False),
        (ExpectedThought("insert", "Ana's sister", "lives in", "Porto"), False),
        (ExpectedThought("insert", "Ana", "lived in", "Porto"), False),
        (ExpectedThought("insert", "Ana", "lives in", "new Porto"), False),
        (ExpectedThought("insert", "Ana", "lives in", "Porto", "2024-06-12"), False),
    ],
)
def test_action_head_relation_tail_and_day_must_all_be_right(claim: ExpectedThought, met: bool) -> None:
    assert meets("insert", thought(), claim, "UTC") is met


def test_the_day_is_that_of_the_banks_zone() -> None:
    late = thought(valid_from=datetime(2024, 6, 11, 22, tzinfo=UTC))
    assert (
        meets("insert", late, ExpectedThought("insert", "Ana", "lives in", "Porto", "2024-06-12"), "Europe/Lisbon")
        is False
    )
    assert (
        meets("insert", late, ExpectedThought("insert", "Ana", "lives in", "Porto", "2024-06-12"), "Europe/Berlin")
        is True
    )


def case(path: Path, **fields: object) -> Path:
    turns = [{"speaker": "Ana", "text": "I live in Porto. I love chess.", "at": "2024-06-12T10:00:00+00:00"}]
    path.write_text(json.dumps({"turns": turns, **fields}), encoding="utf-8")
    return path


def test_what_is_expected_is_met_once_and_what_is_optional_counts_neither_way(tmp_path: Path) -> None:
    home = {"action": "insert", "head": "Ana", "relation": "lives in", "tail": "Porto"}
    chess = {"head": "Ana", "relation": "likes", "tail": "chess"}
    counted = [
        figures(list(judge(read_cases(case(tmp_path / "a.jsonl", expect=expect, optional=optional)))))
        for expect, optional in [([home, home], []), ([home], [chess]), ([], [])]
    ]
    assert [(f.expected, f.formed, f.right) for f in counted] == [(2, 2, 1), (1, 1, 1), (0, 2, 0)]


@pytest.mark.parametrize("line", ['{"turns": []}', '{"text": "hi"}', '{"turns": [{"text": 1}]}', "nothing"])
def test_a_line_that_is_no_exchange_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.jsonl, line 1"):
        read_cases(file)


CONVERSATION_WITH_NOTES = Conversation(
    "talk",
    (
        Turn("Hi there! How are you?", "Bo", at=SPOKEN_AT, id="D1:1", session="s1"),
        Turn("I moved to Porto in May.", "Ana", at=SPOKEN_AT, id="D1:2", session="s1"),
        Turn("Nice! I adopted a greyhound last week.", "Bo", at=SPOKEN_AT, id="D2:1", session="s2"),
    ),
)
LOCOMO_SAMPLE = {
    "observation": {"session_1_observation": {"Ana": [["Ana moved.", "D1:2"], ["Both talked.", ["D1:1", "D2:1"]]]}}
}


def test_notes_are_read_with_their_turns_and_covered_by_any_of_them() -> None:
    result = note_coverage(["D2:1", "D9:9"], notes_of(LOCOMO_SAMPLE, CONVERSATION_WITH_NOTES))
    assert (result.formed, result.on_noted, result.notes, result.reached) == (2, 1, 2, 1)


def test_as_many_salient_sentences_are_chosen_in_a_session_as_thoughts_formed() -> None:
    assert salient_turns(CONVERSATION_WITH_NOTES, {"s1": 1, "s2": 1}) == ["D1:2", "D2:1"]


@pytest.mark.skipif(not LOCOMO_FILE.exists(), reason="the data set is not here")
def test_thoughts_rest_on_what_people_noted_more_often_than_salient_sentences() -> None:
    samples = json.loads(LOCOMO_FILE.read_text(encoding="utf-8"))
    every = [
        notes_of(sample, conversation)
        for sample, conversation in zip(samples, read_conversations(LOCOMO_FILE)[1], strict=True)
    ]
    result = compare_with_bm25(every, ExtractiveThinker())
    thoughts, sentences = result["thoughts"].dump(), result["BM25 sentences"].dump()
    assert thoughts["share"] > sentences["share"]
    assert thoughts["covered"] > sentences["covered"]
