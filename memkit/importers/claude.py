"""Claude's export: conversations.json, alone, unpacked or in its archive.

Messages lie in a list; where they name those that they follow, turns are those of the branch that ends last.
"""

import re
from collections.abc import Iterator
from typing import Any

from memkit.importers.blocks import media_words, words_of
from memkit.importers.files import json_records, listed, mapping, packed_files, text_of
from memkit.importers.records import (
    BRANCH_REASON,
    CHILDLESS_REASON,
    ORIGIN_KEY,
    TOOL_REASON,
    UNKNOWN_REASON,
    Incoming,
    SkippedRecord,
    Source,
    content_id,
    session_id,
    source_id,
    turn_record,
)
from memkit.models import Role

FORMAT_NAME = "claude"
FILE_PATTERN = re.compile(r"(^|/)conversations(-\d+)?\.json$")
ROOT_ID = "00000000-0000-4000-8000-000000000000"  # that first messages follow
SENDER_ROLES: dict[str, Role] = {"human": "user", "user": "user", "assistant": "assistant"}
MISSING_SENTENCE = "holds no conversations.json. Give Claude's export: the zip, the folder or conversations.json."


def read(source: Source) -> Iterator[Incoming]:
    """Turns of all conversations. Raises InputError."""
    for name, open_file in packed_files(source.path, FILE_PATTERN, missing=MISSING_SENTENCE):
        for conversation in json_records(open_file, name, keys=("conversations",)):
            yield from _conversation(source, mapping(conversation))


def _conversation(source: Source, conversation: dict[str, Any]) -> Iterator[Incoming]:
    messages = [mapping(message) for message in listed(conversation.get("chat_messages"))]
    if not messages:
        yield SkippedRecord(CHILDLESS_REASON)
        return
    chosen = _chosen_ids(messages, text_of(conversation.get("current_leaf_message_uuid")))
    for message in messages:
        if chosen is None or text_of(message.get("uuid")) in chosen:
            yield _turn(source, conversation, message)
        else:
            yield SkippedRecord(BRANCH_REASON)


def _chosen_ids(messages: list[dict[str, Any]], leaf: str) -> set[str] | None:
    """Ids on the branch that ends at the leaf, or with the newest message; None where there is one branch alone."""
    parents = _parents(messages)
    if len(set(parents.values())) == len(messages):
        return None
    if not any(parent in parents for parent in parents.values()):
        return None
    node = leaf if leaf in parents else text_of(max(messages, key=_time).get("uuid"))
    chosen: set[str] = set()
    while node in parents and node not in chosen:
        chosen.add(node)
        node = parents[node]
    return chosen


def _parents(messages: list[dict[str, Any]]) -> dict[str, str]:
    """Ids of the messages that each follows; of one whose own is missing in the file, of the one before it there."""
    pairs = [(text_of(message.get("uuid")), text_of(message.get("parent_message_uuid"))) for message in messages]
    there, before = {"", ROOT_ID, *(id for id, _ in pairs)}, ""
    parents: dict[str, str] = {}
    for id, parent in pairs:
        parents[id] = parent if parent in there else before
        before = id
    return parents


def _time(message: dict[str, Any]) -> str:
    return text_of(message.get("created_at"))


def _turn(source: Source, conversation: dict[str, Any], message: dict[str, Any]) -> Incoming:
    role = SENDER_ROLES.get(text_of(message.get("sender")))
    if role is None:
        return SkippedRecord(UNKNOWN_REASON)
    words, at = _words(message), message.get("created_at") or conversation.get("created_at")
    conversation_id, own_id = text_of(conversation.get("uuid")), text_of(message.get("uuid"))
    if not words.strip() and any(mapping(block).get("type") != "text" for block in listed(message.get("content"))):
        return SkippedRecord(TOOL_REASON)
    return turn_record(
        source,
        words,
        role,
        id=source_id(FORMAT_NAME, own_id) if own_id else content_id(FORMAT_NAME, conversation_id, str(at), words),
        at=at,
        session=session_id(FORMAT_NAME, conversation_id),
        metadata={ORIGIN_KEY: FORMAT_NAME, "conversation": conversation.get("name")},
    )


def _words(message: dict[str, Any]) -> str:
    """Words of a message and the names of its files; of what was pasted as a file, the name alone."""
    said = words_of(message.get("content")) if message.get("content") else text_of(message.get("text"))
    files = [*listed(message.get("attachments")), *listed(message.get("files"))]
    return "\n".join(filter(None, [said, *(media_words("file", file) for file in files)]))
