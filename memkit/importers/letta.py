"""Letta's agent files (.af): an agent's messages as turns, and its memory blocks, line by line, as thoughts.

Ids in such a file are numbers of its own ("message-0"), so that ids are made from what the messages say.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from memkit.importers.blocks import words_of
from memkit.importers.files import OpenFile, json_records, listed, mapping, packed_files, text_of
from memkit.importers.records import (
    HIDDEN_REASON,
    ORIGIN_KEY,
    REASONING_REASON,
    TOOL_REASON,
    UNKNOWN_REASON,
    ContentIds,
    Incoming,
    SkippedRecord,
    Source,
    source_id,
    thought_record,
    turn_record,
)
from memkit.models import Role
from memkit.text.terms.tokens import has_words

FORMAT_NAME = "letta"
FILE_PATTERN = re.compile(r"\.(af|json)$")
PERSONA_LABEL = "persona"
SPEAKING_TOOL = "send_message"  # by which older agents answer
SPOKEN_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
PERSONA_REASON = "an agent's persona"
MISSING_SENTENCE = "holds no .af file."


def read(source: Source) -> Iterator[Incoming]:
    """Thoughts of the blocks, then the turns of each agent. Raises InputError."""
    for name, open_file in packed_files(source.path, FILE_PATTERN, missing=MISSING_SENTENCE):
        yield from _blocks(source, open_file, name)
        for agent in json_records(open_file, name, ("agents",)):
            yield from _agent(source, mapping(agent))


def _blocks(source: Source, open_file: OpenFile, name: str) -> Iterator[Incoming]:
    ids = ContentIds(FORMAT_NAME)
    for block in json_records(open_file, name, ("blocks", "core_memory")):
        label, value = (text_of(mapping(block).get(key)) for key in ("label", "value"))
        lines = [line.strip(" \t-*") for line in value.splitlines() if has_words(line)]
        if label == PERSONA_LABEL and lines:
            yield SkippedRecord(PERSONA_REASON)
            continue
        for line in lines:
            metadata = {ORIGIN_KEY: FORMAT_NAME, "block": label}
            yield thought_record(source, line, id=ids.next("block", label, line), at=None, metadata=metadata)


def _agent(source: Source, agent: dict[str, Any]) -> Iterator[Incoming]:
    ids, session = ContentIds(FORMAT_NAME), source_id(FORMAT_NAME, text_of(agent.get("name")) or "agent")
    for message in map(mapping, listed(agent.get("messages"))):
        words = _said(message)
        if isinstance(words, SkippedRecord):
            yield words
            continue
        role, at = text_of(message.get("role")), message.get("created_at")
        yield turn_record(
            source,
            words,
            SPOKEN_ROLES[role],
            id=ids.next(session, role, str(at), words),
            at=at,
            session=session,
            metadata={ORIGIN_KEY: FORMAT_NAME, "agent": agent.get("name"), "model_name": message.get("model")},
            speaker=text_of(message.get("name")) or None,
        )


def _said(message: dict[str, Any]) -> str | SkippedRecord:
    """Words of a message, or why it isn't something that was said."""
    role, calls = text_of(message.get("role")), listed(message.get("tool_calls"))
    words = words_of(message.get("content") or message.get("text"))
    if role == "system":
        return SkippedRecord(HIDDEN_REASON)
    if role not in SPOKEN_ROLES:
        return SkippedRecord(TOOL_REASON if role in ("tool", "approval") else UNKNOWN_REASON)
    if role == "user":
        return _unwrapped(words)
    sent = [text for call in calls if (text := _sent(call))]
    if sent:
        return "\n".join(sent)
    return SkippedRecord(REASONING_REASON if words.strip() else TOOL_REASON) if calls else words


def _unwrapped(words: str) -> str | SkippedRecord:
    """Words of a person, taken out of the JSON in which older agents get them; events are left out."""
    event = _object(words) if words.startswith("{") else {}
    if not isinstance(event.get("type"), str):
        return words
    return text_of(event.get("message")) if event["type"] == "user_message" else SkippedRecord(HIDDEN_REASON)


def _sent(call: Any) -> str:
    function = mapping(mapping(call).get("function"))
    if function.get("name") != SPEAKING_TOOL:
        return ""
    return text_of(_object(text_of(function.get("arguments"))).get("message"))


def _object(text: str) -> dict[str, Any]:
    try:
        return mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}
