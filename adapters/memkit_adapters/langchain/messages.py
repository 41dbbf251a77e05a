"""LangChain's messages as a bank's turns, and turns as messages again."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)
from langchain_core.runnables import RunnableConfig

import memkit

UNNAMED_PERSON = "user"  # who speaks in that role, until a call says their name
MESSAGE_ID_KEY = "message_id"  # metadata: a message's id
RESTORED_KEYS: dict[str | None, tuple[str, ...]] = {  # metadata that a message gets back
    "assistant": ("tool_calls", "invalid_tool_calls"),
    "tool": ("tool_call_id", "status"),
}
MEDIA_TYPES = frozenset({"image", "image_url", "audio", "input_audio", "video", "file"})
SHORTENED_PATTERN = re.compile(r"\(\d+ (?:characters|bytes)\)")  # what a bank keeps of bulk


def messages_of(input: Any) -> list[BaseMessage]:
    """A call's input as messages: text, a prompt value, messages, or {"input" or "messages": ...}."""
    if isinstance(input, dict):
        input = input.get("messages", input.get("input", ""))
    if hasattr(input, "to_messages"):
        return list(input.to_messages())
    if isinstance(input, str | BaseMessage):
        input = [input]
    return list(convert_to_messages(input))


def exchange_of(input: Any) -> list[BaseMessage]:
    """The same, with what was answered under "output"; nothing for None."""
    if input is None:
        return []
    if isinstance(input, dict) and "output" in input:
        answer = input["output"]
        return [*messages_of(input), answer if isinstance(answer, BaseMessage) else AIMessage(str(answer))]
    return messages_of(input)


def turns_of(
    bank: memkit.Bank, messages: Sequence[BaseMessage], config: RunnableConfig, session: str | None
) -> list[memkit.Turn]:
    """Messages as turns of the call's session and speaker. Their ids are kept beside them: models repeat them."""
    given = config.get("configurable") or {}
    named = session or given.get("session_id") or given.get("thread_id")
    turns = bank.read(messages, speakers={"user": given["speaker"]} if given.get("speaker") else None)
    return [_placed(turn, message, named) for turn, message in zip(turns, messages, strict=True)]


def speaker_of(turns: Sequence[memkit.Turn]) -> str:
    """Name of the person who spoke last; that of their role where the call doesn't say who they are."""
    return next((turn.speaker for turn in reversed(turns) if turn.role == "user"), UNNAMED_PERSON)


def _placed(turn: memkit.Turn, message: BaseMessage, session: str | None) -> memkit.Turn:
    placed = replace(turn, session=turn.session or session)
    if message.id is None or turn.id != message.id:
        return placed
    return replace(placed, id=None, metadata={**(turn.metadata or {}), MESSAGE_ID_KEY: message.id})


def message_of(memory: memkit.Memory) -> BaseMessage:
    """A stored turn as a message again."""
    kinds: dict[str | None, type[BaseMessage]] = {"assistant": AIMessage, "system": SystemMessage, "tool": ToolMessage}
    fields = {key: memory.metadata[key] for key in RESTORED_KEYS.get(memory.role, ()) if key in memory.metadata}
    if memory.role == "tool":
        fields.setdefault("tool_call_id", "")
    name = memory.speaker if memory.speaker != memory.role else None
    content = _content(memory.text, memory.metadata.get("blocks", ()))
    return kinds.get(memory.role, HumanMessage)(
        content=content, name=name, id=memory.metadata.get(MESSAGE_ID_KEY), **fields
    )


def _content(text: str, blocks: Sequence[Any]) -> Any:
    """The words, and the media that were kept whole beside them."""
    media = [block for block in blocks if _is_whole_medium(block)]
    return [*([{"type": "text", "text": text}] if text else []), *media] if media else text


def _is_whole_medium(block: Any) -> bool:
    is_medium = isinstance(block, dict) and str(block.get("type")) in MEDIA_TYPES
    return is_medium and not SHORTENED_PATTERN.search(str(block))
