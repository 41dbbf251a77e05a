"""ChatGPT's export: conversations.json, alone, unpacked or in its archive; newer ones are in numbered parts.

A conversation is a tree: an answer given again, or a question put differently, begins a branch. Turns are those of the
branch that the conversation was left on (`current_node`).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from memkit.importers.blocks import media_words
from memkit.importers.files import json_records, listed, mapping, packed_files, text_of
from memkit.importers.records import (
    BRANCH_REASON,
    CHILDLESS_REASON,
    HIDDEN_REASON,
    ORIGIN_KEY,
    REASONING_REASON,
    TOOL_REASON,
    UNKNOWN_REASON,
    Incoming,
    SkippedRecord,
    Source,
    SourceRecord,
    session_id,
    source_id,
    turn_record,
)
from memkit.models import Role

FORMAT_NAME = "chatgpt"
FILE_PATTERN = re.compile(r"(^|/)conversations(-\d+)?\.json$")
CITATION_PATTERN = re.compile("\ue200[^\ue201]*\ue201|【\\d+[†:][^】]*】")  # marks that only ChatGPT's page shows
SPOKEN_TYPES = frozenset({"text", "multimodal_text", "code"})
REASONING_TYPES = frozenset({"thoughts", "reasoning_recap"})
SETTING_TYPES = frozenset({"user_editable_context", "model_editable_context"})
SPOKEN_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
MISSING_SENTENCE = "holds no conversations.json. Give ChatGPT's export: the zip, the folder or conversations.json."


def read(source: Source) -> Iterator[Incoming]:
    """Turns of all conversations. Raises InputError."""
    for name, open_file in packed_files(source.path, FILE_PATTERN, missing=MISSING_SENTENCE):
        for conversation in json_records(open_file, name):
            yield from _conversation(source, mapping(conversation))


def _conversation(source: Source, conversation: dict[str, Any]) -> Iterator[Incoming]:
    nodes = mapping(conversation.get("mapping"))
    if not nodes:
        yield SkippedRecord(CHILDLESS_REASON)
        return
    path = _chosen_path(nodes, text_of(conversation.get("current_node")))
    at = conversation.get("create_time")
    for id in path:
        message = mapping(mapping(nodes[id]).get("message"))
        at = message.get("create_time") or at
        if message:
            yield _turn(source, conversation, {"id": id, **message}, at)
    for id in nodes.keys() - set(path):
        message = mapping(mapping(nodes[id]).get("message"))
        if message and isinstance(_turn(source, conversation, message, at), SourceRecord):
            yield SkippedRecord(BRANCH_REASON)


def _chosen_path(nodes: Mapping[str, Any], current: str) -> list[str]:
    """Ids from the root to the node that the conversation was left on; where it isn't named, to its newest leaf."""
    node: Any = current if current in nodes else max(nodes, key=lambda id: (_is_leaf(nodes[id]), _time(nodes[id])))
    path: dict[str, None] = {}
    while isinstance(node, str) and node in nodes and node not in path:
        path[node] = None
        node = mapping(nodes[node]).get("parent")
    return list(reversed(path))


def _is_leaf(node: Any) -> bool:
    return not listed(mapping(node).get("children"))


def _time(node: Any) -> float:
    time = mapping(mapping(node).get("message")).get("create_time")
    return float(time) if isinstance(time, int | float) else 0.0


def _turn(source: Source, conversation: dict[str, Any], message: dict[str, Any], at: Any) -> Incoming:
    content, about = mapping(message.get("content")), mapping(message.get("metadata"))
    author, kind = text_of(mapping(message.get("author")).get("role")), text_of(content.get("content_type"))
    reason = _reason(author, kind, text_of(message.get("recipient")), about)
    if reason:
        return SkippedRecord(reason)
    return turn_record(
        source,
        _words(content, about),
        SPOKEN_ROLES[author],
        id=source_id(FORMAT_NAME, text_of(message.get("id"))),
        at=at,
        session=session_id(FORMAT_NAME, text_of(conversation.get("conversation_id") or conversation.get("id"))),
        metadata={
            ORIGIN_KEY: FORMAT_NAME,
            "conversation": conversation.get("title"),
            "model_name": about.get("model_slug"),
        },
    )


def _reason(author: str, kind: str, recipient: str, about: dict[str, Any]) -> str | None:
    """The reason why a message is no turn; None where it is."""
    hidden = about.get("is_visually_hidden_from_conversation") or about.get("is_user_system_message")
    if author == "system" or hidden or kind in SETTING_TYPES:
        return HIDDEN_REASON
    if kind in REASONING_TYPES:
        return REASONING_REASON
    if author == "tool" or recipient not in ("", "all"):
        return TOOL_REASON
    return None if author in SPOKEN_ROLES and kind in SPOKEN_TYPES else UNKNOWN_REASON


def _words(content: dict[str, Any], about: dict[str, Any]) -> str:
    """Words of a message, and the names of the pictures and files that came with it."""
    parts = content.get("parts")
    said = [_part(part) for part in parts] if isinstance(parts, list) else [text_of(content.get("text"))]
    attachments = listed(about.get("attachments"))
    files = [media_words(text_of(mapping(file).get("mime_type")) or "file", file) for file in attachments]
    return CITATION_PATTERN.sub("", "\n".join(filter(None, [*said, *files])))


def _part(part: Any) -> str:
    """Words of a part: text, or what was said into a microphone."""
    return part if isinstance(part, str) else text_of(mapping(part).get("text"))
