"""Every form in which frameworks and providers give a message is read, and none is an exception."""

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from memkit.observe.intake import as_turn
from memkit.observe.message_content import read_content

READ: list[tuple[str, Any, str, list[str]]] = [
    ("a string", "hello", "hello", []),
    ("texts", ["one", {"type": "text", "text": "two"}, {"type": "input_text", "text": "three"}], "one\ntwo\nthree", []),
    ("an answer's text", [{"type": "output_text", "text": "four", "annotations": []}], "four", []),
    ("a text without a type", {"text": "five"}, "five", []),
    ("a picture", [{"type": "image", "url": "https://example.org/a.png"}], "", ["image"]),
    (
        "a picture with a caption",
        [{"type": "image_url", "image_url": {"url": "https://example.org/a.png", "alt": "two dogs"}}],
        "[image: two dogs]",
        ["image_url"],
    ),
    (
        "a picture with a caption among its extras",
        [{"type": "image", "base64": "A" * 9000, "mime_type": "image/png", "extras": {"caption": "a red kite"}}],
        "[image: a red kite]",
        ["image"],
    ),
    ("a file", [{"type": "file", "file_id": "f1", "filename": "lease.pdf"}], "[file: lease.pdf]", ["file"]),
    (
        "a file in a part of its own",
        [{"type": "file", "file": {"filename": "tax 2024.pdf", "file_data": "data:application/pdf;base64,QUJD"}}],
        "[file: tax 2024.pdf]",
        ["file"],
    ),
    ("a file with metadata", [{"type": "file", "metadata": {"title": "the will"}}], "[file: the will]", ["file"]),
    (
        "a recording",
        [{"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav", "transcript": "See you at six."}}],
        "[audio: See you at six.]",
        ["input_audio"],
    ),
    ("a recording without words", [{"type": "audio", "base64": "UklG"}], "", ["audio"]),
    ("a video", [{"type": "video", "title": "first steps"}], "[video: first steps]", ["video"]),
    (
        "reasoning",
        [{"type": "reasoning", "reasoning": "hm", "title": "x"}, {"type": "text", "text": "Yes."}],
        "Yes.",
        [],
    ),
    ("thinking", [{"type": "thinking", "thinking": "hm", "signature": "s"}, "Yes."], "Yes.", []),
    ("hidden thinking", [{"type": "redacted_thinking", "data": "x"}, "Yes."], "Yes.", []),
    (
        "thinking of a third kind",
        [{"type": "reasoning_content", "reasoning_content": {"text": "hm"}}, "Yes."],
        "Yes.",
        [],
    ),
    ("a refusal", [{"type": "refusal", "refusal": "I can't help with that."}], "I can't help with that.", ["refusal"]),
    ("a tool's use", [{"type": "tool_use", "id": "c1", "name": "zoom", "input": {"by": 2}}], "", ["tool_use"]),
    ("a tool's result", [{"type": "tool_result", "tool_use_id": "c1", "content": "42"}], "", ["tool_result"]),
    ("a kind nobody knows", [{"type": "hologram", "depth": 3}], "", ["hologram"]),
    ("a kind that is no string", [{"type": 7, "text": "seven"}], "", [7]),
    ("something non-standard", [{"type": "non_standard", "value": {"a": 1}}], "", ["non_standard"]),
    ("a text that is none", [{"type": "text", "text": None}, {"type": "text"}], "", ["text", "text"]),
    ("nothing", None, "", []),
]


@pytest.mark.parametrize(("case", "content", "text", "types"), READ, ids=[case for case, *_ in READ])
def test_the_words_of_a_content_are_read_and_other_blocks_kept_as_what_they_are(
    case: str, content: Any, text: str, types: list[Any]
) -> None:
    words, extra = read_content(content)
    assert words == text
    assert [block["type"] for block in extra.get("blocks", [])] == types
    assert len(json.dumps(extra)) < 400


@pytest.mark.parametrize("content", [[3, None, object(), b"x", ["a", ["b"]]], [{}], [{"type": None}], [{1: 2}]])
def test_what_is_no_block_is_no_exception(content: Any) -> None:
    words, extra = read_content(content)
    assert isinstance(words, str)
    json.dumps(extra)


def test_the_urls_of_pictures_are_kept_and_their_bytes_are_not() -> None:
    url, data = "https://example.org/kite.png", "data:image/png;base64," + "A" * 5000
    blocks = [{"type": "image_url", "image_url": {"url": place}} for place in (url, data)]
    kept = as_turn(HumanMessage(["Look!", *blocks])).metadata
    assert kept is not None
    assert [block["image_url"]["url"] for block in kept["blocks"]] == [url, f"({len(data)} characters)"]


def test_a_tools_message_keeps_its_status_its_name_and_its_call() -> None:
    turn = as_turn(ToolMessage("no such city", tool_call_id="c1", status="error", name="weather"))
    assert (turn.speaker, turn.role) == ("weather", "tool")
    assert turn.metadata == {"tool_call_id": "c1", "status": "error"}
    assert as_turn({"role": "tool", "content": "ok", "tool_call_id": "c1", "status": "success"}).metadata == {
        "tool_call_id": "c1"
    }


def test_words_that_stand_beside_an_empty_content_are_read() -> None:
    refused = AIMessage("", additional_kwargs={"refusal": "I can't help with that."})
    spoken = AIMessage("", additional_kwargs={"audio": {"id": "a1", "data": "UklG", "transcript": "See you at six."}})
    assert [as_turn(message).text for message in (refused, spoken)] == [
        "I can't help with that.",
        "[audio: See you at six.]",
    ]
    assert as_turn({"role": "assistant", "content": None, "refusal": "No."}).text == "No."
    assert as_turn({"role": "assistant", "content": "Yes.", "refusal": None, "audio": None}).text == "Yes."


def test_calls_of_functions_in_their_old_form_are_kept() -> None:
    call = {"name": "weather", "arguments": '{"city": "Porto"}'}
    assert as_turn(AIMessage("", additional_kwargs={"function_call": call})).metadata == {"function_call": call}
