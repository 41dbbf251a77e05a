"""Pydantic AI's messages as a bank's turns: what people, the model and tools said; never instructions."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    TextContent,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)

import memkit

MEMORY_TOOL_NAMES = frozenset({"search_memory", "save_memory", "correct_memory", "forget_memory"})
ASSISTANT_NAME = "assistant"


def turns_of(messages: Iterable[ModelMessage], speaker: str) -> list[memkit.Turn]:
    """Turns of messages, in order, without ids; what memory's own tools answered is left out."""
    return [turn for message in messages for turn in _turns(message, speaker)]


def prompt_turn(content: str | Sequence[UserContent], speaker: str) -> memkit.Turn:
    """Turn of what a person said: the words, and the kinds of what was beside them."""
    if isinstance(content, str):
        return memkit.Turn(content, speaker, role="user")
    words = [_words(each) for each in content]
    others = [str(each.kind) for each in content if _words(each) is None and hasattr(each, "kind")]
    text = "\n".join(text for text in words if text)
    return memkit.Turn(text, speaker, role="user", metadata={"media": others} if others else None)


def _words(content: UserContent) -> str | None:
    if isinstance(content, TextContent):
        return content.content
    return content if isinstance(content, str) else None


def _turns(message: ModelMessage, speaker: str) -> list[memkit.Turn]:
    if isinstance(message, ModelResponse):
        return _answer(message)
    turns = []
    for part in message.parts:
        if isinstance(part, UserPromptPart):
            turns.append(prompt_turn(part.content, speaker))
        elif isinstance(part, ToolReturnPart) and part.tool_name not in MEMORY_TOOL_NAMES:
            turns.append(memkit.Turn(part.model_response_str(), part.tool_name, role="tool"))
    return turns


def _answer(message: ModelResponse) -> list[memkit.Turn]:
    """A response as one turn, its tool calls beside its words; nothing for thinking alone."""
    text = "".join(part.content for part in message.parts if isinstance(part, TextPart))
    calls: list[Any] = [
        {"name": part.tool_name, "args": part.args_as_json_str()}
        for part in message.parts
        if isinstance(part, ToolCallPart)
    ]
    if not text and not calls:
        return []
    return [memkit.Turn(text, ASSISTANT_NAME, role="assistant", metadata={"tool_calls": calls} if calls else None)]
