"""Conversation files of every format, read as turns with known evidence."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from memkit.errors import InputError
from memkit.evaluation.formats.conversation import turn_time
from memkit.evaluation.formats.files import read_conversations
from memkit.evaluation.formats.locomo import evidence_ids, is_locomo, session_time

LOCOMO_FILE = Path(__file__).parents[5] / "shared" / "data" / "locomo_dev.json"


def locomo_sample(**changes: Any) -> dict[str, Any]:
    conversation = {
        "speaker_a": "Ada",
        "session_2_date_time": "9:05 am on 2 June, 2024",
        "session_2": [{"speaker": "Ada", "dia_id": "D2:1", "text": "The boat is sold."}],
        "session_1_date_time": "1:56 pm on 8 May, 2024",
        "session_1": [
            {"speaker": "Ada", "dia_id": "D1:1", "text": "We bought a boat.", "blip_caption": "a boat"},
            {"speaker": "Bo", "dia_id": "D1:2", "text": "Lovely!"},
        ],
        "session_3_date_time": "9:05 am on 3 June, 2024",
        "session_3": [],
    }
    questions = [
        {"question": "What did they buy?", "answer": "a boat", "evidence": ["D1:01"], "category": 4},
        {"question": "What happened to it?", "answer": "sold", "evidence": ["D1:1; D:2:1", "D"], "category": 1},
        {"question": "What is not there?", "adversarial_answer": "x", "evidence": [], "category": 5},
    ]
    return {"sample_id": "s-1", "conversation": conversation, "qa": questions, **changes}


def written(folder: Path, name: str, value: Any) -> Path:
    file = folder / name
    file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("strings", "ids"),
    [
        (["D8:6; D9:17"], {"D8:6", "D9:17"}),
        (["D:11:26"], {"D11:26"}),
        (["D30:05"], {"D30:5"}),
        (["D1:18", "D", "D1:20"], {"D1:18", "D1:20"}),
        (["D9:1 D4:4 D4:6"], {"D9:1", "D4:4", "D4:6"}),
    ],
)
def test_malformed_evidence_is_split_and_normalised(strings: list[str], ids: set[str]) -> None:
    assert evidence_ids(strings) == ids


def test_a_locomo_sample_becomes_turns_in_the_order_of_its_sessions(tmp_path: Path) -> None:
    kind, [conversation] = read_conversations(written(tmp_path, "l.json", [locomo_sample()]))
    assert (kind, conversation.name, conversation.unit) == ("locomo", "s-1", "turn")
    assert [turn.id for turn in conversation.turns] == ["D1:1", "D1:2", "D2:1"]
    assert conversation.turns[0].text == "We bought a boat.\n[image: a boat]"
    assert [turn.session for turn in conversation.turns] == ["session_1", "session_1", "session_2"]
    times = [turn_time(turn) for turn in conversation.turns]
    assert times[0] == datetime(2024, 5, 8, 13, 56, tzinfo=UTC)
    assert times == sorted(set(times))


def test_questions_without_evidence_are_dropped_and_categories_have_names(tmp_path: Path) -> None:
    _, [conversation] = read_conversations(written(tmp_path, "l.json", locomo_sample()))
    assert [(q.category, set(q.evidence)) for q in conversation.questions] == [
        ("single-hop", {"D1:1"}),
        ("multi-hop", {"D1:1", "D2:1"}),
    ]


def test_midnight_and_noon_are_read_right() -> None:
    assert session_time("12:05 am on 1 January, 2024").hour == 0
    assert session_time("12:05 pm on 1 January, 2024").hour == 12


def test_a_broken_locomo_file_is_an_error_that_names_the_sample_and_no_text(tmp_path: Path) -> None:
    broken = locomo_sample(conversation={"session_1": [{"speaker": "Ada", "text": "My secret"}]})
    file = written(tmp_path, "l.json", [locomo_sample(), broken])
    with pytest.raises(InputError, match=r"l\.json, sample 2") as caught:
        read_conversations(file)
    assert "secret" not in str(caught.value)


def test_something_else_is_no_locomo_file(tmp_path: Path) -> None:
    assert not is_locomo({"a": 1})
    with pytest.raises(InputError, match=r"l\.json"):
        read_conversations(written(tmp_path, "l.json", {"a": 1}))


@pytest.mark.skipif(not LOCOMO_FILE.exists(), reason="the data set is not here")
def test_the_development_conversations_have_997_questions_to_score() -> None:
    _, conversations = read_conversations(LOCOMO_FILE)
    assert [len(c.turns) for c in conversations] == [419, 369, 663, 629, 680]
    assert sum(len(c.questions) for c in conversations) == 997


def realmem_person() -> dict[str, Any]:
    def session(name: str, day: str, *turns: dict[str, Any]) -> dict[str, Any]:
        return {"session_uuid": name, "current_time": f"{day} (Monday)", "dialogue_turns": list(turns)}

    def user(content: str, **more: Any) -> dict[str, Any]:
        return {"speaker": "User", "content": content, "is_query": False, **more}

    def assistant(content: str, **more: Any) -> dict[str, Any]:
        return {"speaker": "Assistant", "content": content, "is_query": False, **more}

    asked = user("What was my plan?", is_query=True, query_id="Q-1", category_name="Dynamic")
    return {
        "dialogues": [
            session("s1", "2025-03-03", user("I plan a garden."), assistant("Good.")),
            session("s2", "2025-03-03", asked, assistant("A garden.", memory_session_uuids=["s1", "s2", "s9"])),
            session("s3", "2025-03-05", asked | {"query_id": "Q-2"}, assistant("?", memory_session_uuids=["s3"])),
        ]
    }


def test_a_realmem_query_knows_only_the_sessions_before_its_own(tmp_path: Path) -> None:
    kind, [person] = read_conversations(written(tmp_path, "Ann.json", realmem_person()))
    assert (kind, person.name, person.unit) == ("realmem", "Ann", "session")
    [question] = person.questions  # the other one's only gold is its own session
    assert (set(question.evidence), question.asked_after, question.category) == ({"s1"}, 2, "Dynamic")
    assert question.asked_at == turn_time(person.turns[2])


def test_realmem_sessions_of_one_day_keep_their_order_and_their_roles(tmp_path: Path) -> None:
    _, [person] = read_conversations(written(tmp_path, "Ann.json", realmem_person()))
    times = [turn_time(turn) for turn in person.turns]
    assert times == sorted(times)
    assert [turn.role for turn in person.turns[:2]] == ["user", "assistant"]
    assert person.units[:3] == ("s1", "s1", "s2")


def jsonl(*items: Any) -> str:
    return "".join(json.dumps(item) + "\n" for item in items)


def test_json_lines_take_speakers_and_roles_and_fill_in_what_is_missing(tmp_path: Path) -> None:
    turns = jsonl({"speaker": "Ada", "text": "Hello"}, {"role": "assistant", "content": "Hi"}, ["Bo", "Hey"])
    file = written(tmp_path, "conversation.jsonl", turns)
    written(tmp_path, "questions.jsonl", jsonl({"question": "Who greets?", "evidence": ["line-1"]}))
    kind, [conversation] = read_conversations(file)
    assert kind == "jsonl"
    assert [turn.id for turn in conversation.turns] == ["line-1", "line-2", "line-3"]
    times = [turn_time(turn) for turn in conversation.turns]
    assert times == sorted(set(times))


def test_questions_lie_beside_the_conversation_and_those_without_evidence_are_unknown(tmp_path: Path) -> None:
    file = written(tmp_path, "my-conversation.jsonl", jsonl({"id": "t1", "speaker": "Ada", "text": "Hello"}))
    written(
        tmp_path,
        "my-questions.jsonl",
        jsonl(
            {"id": "a", "category": "c", "question": "Who?", "paraphrases": ["Who is it?"], "evidence": ["t1"]},
            {"id": "b", "category": "unknown", "question": "Where?", "evidence": []},
        ),
    )
    _, [conversation] = read_conversations(file)
    [question] = conversation.questions
    assert (question.id, question.category, question.wordings) == ("a", "c", ("Who is it?",))
    assert conversation.unknown == ("Where?",)


@pytest.mark.parametrize(
    ("turns", "questions", "said"),
    [
        ("no json at all\n", "", "line 1: is no JSON"),
        ("", "", "holds no turns"),
        (jsonl({"speaker": "Ada"}), "", "line 1"),
        (jsonl({"id": "t1", "speaker": "Ada", "text": "x"}), jsonl({"question": "Who?", "evidence": ["t7"]}), "'t7'"),
        (jsonl({"id": "t1", "speaker": "Ada", "text": "x"}), jsonl({"q": "Who?"}), "questions.jsonl, line 1"),
    ],
)
def test_a_bad_line_is_an_error_that_says_where(tmp_path: Path, turns: str, questions: str, said: str) -> None:
    file = written(tmp_path, "conversation.jsonl", turns)
    written(tmp_path, "questions.jsonl", questions)
    with pytest.raises(InputError, match=said):
        read_conversations(file)


def test_a_conversation_without_its_questions_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "conversation.jsonl", jsonl({"speaker": "Ada", "text": "Hello"}))
    with pytest.raises(InputError, match=r"questions\.jsonl"):
        read_conversations(file)


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_conversations(file)
