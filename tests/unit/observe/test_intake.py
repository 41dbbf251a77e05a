"""Whatever people hand in becomes turns, or an error of its own; never an exception for the whole batch."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from memkit.errors import InputError, InvalidTextError, InvalidTurnError, NaiveDatetimeError
from memkit.models import RejectedTurn, Turn
from memkit.observe.intake import as_turn, as_turns

NOON = datetime(2025, 5, 1, 12, tzinfo=UTC)
SECRET = "the vault opens with 7731"


def only(item: Any) -> Turn:
    [turn] = as_turns([item])
    assert isinstance(turn, Turn), turn
    return turn


def refused(item: Any) -> str:
    [turn] = as_turns([item])
    assert isinstance(turn, RejectedTurn)
    assert isinstance(turn.error, InputError)
    return str(turn.error)


def test_a_turn_passes_through_as_it_is() -> None:
    turn = Turn("hello", "ana", at=NOON, metadata={"room": 3})
    assert only(turn) is turn


def test_a_pair_is_a_speaker_and_a_text() -> None:
    assert only(("ana", "hello")) == Turn("hello", "ana")
    assert only(["ana", "hello"]) == Turn("hello", "ana")


@pytest.mark.parametrize(("name", "role"), [("user", "user"), ("AI", "assistant"), ("Ana", None)])
def test_a_pair_whose_speaker_is_a_roles_name_has_that_role(name: str, role: str | None) -> None:
    assert only((name, "hello")).role == role


def test_a_dict_keeps_everything_it_says() -> None:
    given = {
        "role": "user",
        "content": "hello",
        "name": "ana",
        "at": "2025-05-01T14:00:00+02:00",
        "id": "m1",
        "session": "chat",
        "metadata": {"room": 3},
    }
    assert only(given) == Turn("hello", "ana", "user", NOON, "m1", "chat", {"room": 3})


@pytest.mark.parametrize(
    ("given", "role"),
    [
        ("human", "user"),
        ("user", "user"),
        ("ai", "assistant"),
        ("assistant", "assistant"),
        ("system", "system"),
        ("developer", "system"),
        ("tool", "tool"),
        ("function", "tool"),
    ],
)
def test_every_usual_name_of_a_role_is_known_and_names_the_speaker(given: str, role: str) -> None:
    turn = only({"role": given, "content": "hello"})
    assert (turn.role, turn.speaker) == (role, role)


def test_who_speaks_in_a_role_can_be_named_for_the_whole_batch() -> None:
    items = [HumanMessage("hi"), {"role": "ai", "content": "hello"}, HumanMessage("hm", name="bob")]
    turns = as_turns(items, speakers={"human": "ana", "assistant": "pal"})
    assert [t.speaker for t in turns if isinstance(t, Turn)] == ["ana", "pal", "bob"]


def test_an_unknown_role_name_among_the_speakers_is_an_error() -> None:
    with pytest.raises(InvalidTurnError):
        as_turns([], speakers={"pirate": "ana"})


def test_langchain_messages_are_turns_with_their_roles_names_and_ids() -> None:
    messages = [
        HumanMessage("one", name="ana", id="h1"),
        AIMessage("two"),
        SystemMessage("three"),
        ToolMessage("four", tool_call_id="c1"),
        FunctionMessage("five", name="weather"),
        ChatMessage("six", role="user"),
        AIMessageChunk("seven"),
    ]
    turns = [only(m) for m in messages]
    assert [t.role for t in turns] == ["user", "assistant", "system", "tool", "tool", "user", "assistant"]
    assert [t.text for t in turns] == ["one", "two", "three", "four", "five", "six", "seven"]
    assert (turns[0].speaker, turns[0].id, turns[4].speaker) == ("ana", "h1", "weather")
    assert turns[3].metadata == {"tool_call_id": "c1"}


def test_a_langchain_message_may_carry_its_time_and_session() -> None:
    given = {"at": NOON, "session": "chat", "metadata": {"room": 3}}
    turn = only(HumanMessage("hello", additional_kwargs={"memkit": given}))
    assert (turn.at, turn.session, turn.metadata) == (NOON, "chat", {"room": 3})


def test_of_a_models_response_only_its_name_and_its_end_are_kept() -> None:
    response = {"model_name": "m-1", "finish_reason": "stop", "logprobs": {"content": [0.1] * 1000}}
    turn = only(AIMessage("hello", response_metadata=response))
    assert turn.metadata == {"model_name": "m-1", "finish_reason": "stop"}


def test_tool_calls_are_turns_without_words_that_say_what_was_called() -> None:
    call = {"name": "weather", "args": {"city": "Porto"}, "id": "c1"}
    turn = only(AIMessage("", tool_calls=[call]))
    assert turn.text == ""
    assert turn.metadata is not None
    assert turn.metadata["tool_calls"][0]["args"] == {"city": "Porto"}
    assert only({"role": "assistant", "content": None, "tool_calls": [call]}).metadata == {"tool_calls": [call]}


def test_of_content_blocks_the_words_become_the_text_and_the_rest_is_described() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    blocks = ["see", {"type": "text", "text": "this"}, picture, {"type": "tool_use", "name": "zoom", "input": {}}]
    turn = only(HumanMessage(blocks))
    assert turn.text == "see\nthis"
    assert turn.metadata is not None
    assert [b["type"] for b in turn.metadata["blocks"]] == ["image_url", "tool_use"]
    assert len(json.dumps(turn.metadata)) < 300


def test_what_a_block_says_that_it_shows_is_among_the_words_and_the_block_is_still_described() -> None:
    blocks = [
        {"type": "text", "text": "Look!"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}, "alt": "two dogs\n[wet] on a beach"},
        {"type": "input_audio", "transcript": "Happy birthday!"},
        {"type": "document", "caption": "", "title": "the lease"},
        {"type": "image", "caption": 3},
    ]
    turn = only({"role": "user", "content": blocks})
    assert turn.text == "Look!\n[image: two dogs (wet) on a beach]\n[audio: Happy birthday!]\n[file: the lease]"
    assert turn.metadata is not None
    assert [b["type"] for b in turn.metadata["blocks"]] == ["image_url", "input_audio", "document", "image"]


@pytest.mark.parametrize("content", ["", None, [], [{"type": "text", "text": ""}]])
def test_an_empty_content_is_a_turn_without_words(content: Any) -> None:
    assert only({"role": "user", "content": content}).text == ""


def test_what_is_described_is_always_plain_json() -> None:
    loop: list[Any] = []
    loop.append(loop)
    args = {"raw": b"\0\1", "nan": float("nan"), "odd": "a\ud800", 3: loop, "object": object()}
    turn = only({"role": "ai", "content": "", "tool_calls": [{"name": "f", "args": args}]})
    json.dumps(turn.metadata, allow_nan=False, ensure_ascii=False).encode()


SINGLE = [
    Turn("hi", "ana"),
    ("ana", "hi"),
    {"role": "user", "content": "hi", "name": "ana"},
    HumanMessage("hi", name="ana"),
]


@pytest.mark.parametrize("one", SINGLE, ids=lambda one: type(one).__name__)
def test_a_single_one_counts_as_a_list_of_one(one: Any) -> None:
    [turn] = as_turns(one)
    assert isinstance(turn, Turn)
    assert (turn.speaker, turn.text) == ("ana", "hi")


@pytest.mark.parametrize("items", ["ana: hi", b"hi", None, 7])
def test_what_holds_no_turns_at_all_is_a_clear_error(items: Any) -> None:
    with pytest.raises(InvalidTurnError, match="list of turns"):
        as_turns(items)


def test_a_generator_of_turns_is_taken() -> None:
    assert len(as_turns(("ana", f"number {i}") for i in range(3))) == 3


def test_one_bad_item_never_rejects_its_batch() -> None:
    items = [("ana", "one"), {"role": "pirate", "content": "two"}, 3, None, ("ana", "four")]
    assert [isinstance(t, Turn) for t in as_turns(items)] == [True, False, False, False, True]


@pytest.mark.parametrize(
    "item",
    [
        {"role": "pirate", "content": SECRET},
        {"role": ["user"], "content": SECRET},
        {"role": "user", "content": SECRET, SECRET: 1},
        {"role": "user", "content": SECRET, "mood": "good"},
        {"content": SECRET},
        {"role": "user"},
        {"role": "user", "content": SECRET, "at": datetime(2025, 5, 1)},
        {"role": "user", "content": SECRET, "at": "yesterday"},
        {"role": "user", "content": SECRET, "metadata": SECRET},
        {"role": "user", "content": SECRET, "metadata": {"a": object()}},
        {"role": "user", "content": SECRET, "metadata": {"a": float("nan")}},
        {"role": "user", "content": SECRET, "metadata": {"a": "\ud800"}},
        {"role": "user", "content": SECRET, "metadata": {"a": SECRET * 10_000}},
        {"role": "user", "content": SECRET, "metadata": {1: SECRET}},
        {"role": "user", "content": {"type": "text", "text": SECRET + "\0"}},
        ("ana", SECRET + "\0"),
        ("ana", SECRET + "\ud800"),
        ("ana", SECRET * 400_000),
        ("ana", 7),
        (7, SECRET),
        ("", SECRET),
        (SECRET,),
        SECRET,
        {SECRET},
        object(),
        ChatMessage(SECRET, role="pirate"),
        RemoveMessage(id="m1"),
        Turn(SECRET, "ana", metadata={"a": {1, 2}}),
    ],
)
def test_what_is_no_turn_is_an_error_that_never_tells_the_text(item: Any) -> None:
    message = refused(item)
    assert "vault" not in message
    assert len(message) < 400


def test_the_errors_say_which_rule_was_broken() -> None:
    def error(item: Any) -> type:
        [turn] = as_turns([item])
        assert isinstance(turn, RejectedTurn)
        return type(turn.error)

    assert error({"role": "pirate", "content": ""}) is InvalidTurnError
    assert error(("ana", "a\0b")) is InvalidTextError
    assert error({"role": "user", "content": "", "at": datetime(2025, 5, 1)}) is NaiveDatetimeError
    assert "'mood'" in refused({"role": "user", "content": "", "mood": "good"})


def test_as_turn_raises_what_as_turns_gives_back() -> None:
    with pytest.raises(InvalidTurnError):
        as_turn({"role": "pirate", "content": ""})


def test_an_object_with_type_and_content_is_taken_for_a_message_without_langchain() -> None:
    class Note:
        type, content = "human", "hello"

    assert only(Note()) == Turn("hello", "user", role="user")
