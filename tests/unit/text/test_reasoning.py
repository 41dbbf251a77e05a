"""A model's reasoning is no part of what it says."""

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import ThinkerOutputError
from memkit.observe.intake import as_turn
from memkit.text.parts import without_reasoning
from memkit.think.llm.parsing import parse_operations

REASONED = [
    ("<think>Hm, a secret.</think>It rains.", "It rains."),
    ("\n<think>\nOne.\n</think>\n\n<think>Two.</think> It rains.", "It rains."),
    ("<thinking>Hm.</thinking>It rains.", "It rains."),
    ("<reasoning>Hm.</reasoning>It rains.", "It rains."),
    ("<seed:think>Hm.</seed:think>It rains.", "It rains."),
    ("[THINK]Hm.[/THINK]It rains.", "It rains."),
    ("◁think▷Hm.◁/think▷It rains.", "It rains."),
    ("Hm, a secret.\n</think>\nIt rains.", "It rains."),
    (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>It rains.<|return|>",
        "It rains.",
    ),
    ("<think>Hm, never closed. It rains.", ""),
    ("<|channel|>analysis<|message|>Hm. It rains.", ""),
]
PLAIN = [
    "It rains.",
    "Close it with `</think>`, then answer.",
    "In HTML, <b>think</b> is bold.",
    "I think > you < think",
    "",
]


@pytest.mark.parametrize(("text", "said"), REASONED)
def test_only_what_follows_the_reasoning_is_said(text: str, said: str) -> None:
    assert without_reasoning(text) == said
    assert as_turn(("assistant", text)).text == said
    assert as_turn({"role": "assistant", "content": text}).text == said
    assert as_turn(memkit.Turn(text, "Bot", role="assistant")).text == said


@pytest.mark.parametrize("text", PLAIN)
def test_a_text_without_reasoning_stays_as_it_is(text: str) -> None:
    assert without_reasoning(text) == text


def test_a_persons_words_stay_as_they_came() -> None:
    assert as_turn(("Ana", "<think>is a tag</think> I saw")).text == "<think>is a tag</think> I saw"


def test_what_an_assistant_only_thought_is_neither_stored_nor_found() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe(
            [("Ana", "Will it rain?"), ("assistant", "<think>The quetzal code is 9471-marimba.</think>It will.")]
        )
        assert [memory.text for memory in bank.list(kinds=["turn"])] == ["Will it rain?", "It will."]


def test_operations_inside_the_reasoning_are_not_carried_out() -> None:
    assert parse_operations(without_reasoning('<think>{"op": "insert", "text": "x"}</think>[]')) == []
    with pytest.raises(ThinkerOutputError):
        parse_operations(without_reasoning('<think>{"op": "insert", "text": "x"}'))
