"""Episodes of Graphiti and Zep, as JSON: an array of them, or what their interfaces answer ({"episodes": [...]}).

An episode of messages ("Ana: Hello") is a turn for each line that names a speaker; one of text is a turn of its source;
one of JSON is an item.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from memkit.importers.files import json_records, mapping, packed_files, text_of
from memkit.importers.records import (
    ORIGIN_KEY,
    UNKNOWN_REASON,
    ImportedItem,
    Incoming,
    SkippedRecord,
    Source,
    SourceRecord,
    session_id,
    source_id,
    turn_record,
)
from memkit.importers.rows import ROLE_NAMES

FORMAT_NAME = "graphiti"
FILE_PATTERN = re.compile(r"\.json$")
SPOKEN_LINE_PATTERN = re.compile(
    r"^([^\W\d_][^:\n]{0,60}?)(?: ?\((user|human|assistant|ai|system|tool)\))?:(?:[ \t]+|$)", re.M
)
MISSING_SENTENCE = "holds no .json file. Save the episodes as JSON."
JSON_REASON = "an episode of JSON that can't be read"


def read(source: Source) -> Iterator[Incoming]:
    """Turns and items, episode by episode. Raises InputError."""
    for name, open_file in packed_files(source.path, FILE_PATTERN, missing=MISSING_SENTENCE):
        for episode in json_records(open_file, name, ("episodes", "items")):
            yield from _episode(source, mapping(episode))


def _episode(source: Source, episode: dict[str, Any]) -> Iterator[Incoming]:
    uuid, content = text_of(episode.get("uuid")), text_of(episode.get("content"))
    kind = text_of(episode.get("source")) or "text"
    if not uuid or not content:
        yield SkippedRecord(UNKNOWN_REASON)
    elif kind == "json":
        yield _item(episode, uuid, content)
    elif kind == "message" and not _role(episode):
        for number, (speaker, role, text) in enumerate(_lines(content)):
            yield _turn(source, episode, f"{uuid}:{number}", text, speaker, role)
    else:
        speaker = text_of(episode.get("role")) or None
        fallback = None if _role(episode) else text_of(episode.get("source_description")) or FORMAT_NAME
        yield _turn(source, episode, uuid, content, speaker or fallback, _role(episode))


def _role(episode: dict[str, Any]) -> str:
    """Role in which an episode of Zep's was said; "" for others."""
    role = text_of(episode.get("role_type"))
    return role if role in ROLE_NAMES else ""


def _lines(content: str) -> Iterator[tuple[str | None, str, str]]:
    """Speakers, roles and texts; what stands before the first speaker is nobody's."""
    starts = list(SPOKEN_LINE_PATTERN.finditer(content))
    ends = [*(start.start() for start in starts), len(content)]
    if ends[0]:
        yield None, "", content[: ends[0]]
    for start, end in zip(starts, ends[1:], strict=True):
        yield start[1], start[2] or start[1].casefold(), content[start.end() : end].strip()


def _turn(source: Source, episode: dict[str, Any], id: str, text: str, speaker: str | None, role: str) -> Incoming:
    known_role = ROLE_NAMES.get(role)
    sitting = text_of(episode.get("thread_id") or episode.get("session_id"))
    named = None if speaker is not None and speaker.casefold() in ROLE_NAMES else speaker
    return turn_record(
        source,
        text,
        known_role,
        id=source_id(FORMAT_NAME, id),
        at=episode.get("valid_at") or episode.get("created_at"),
        session=session_id(FORMAT_NAME, sitting),
        metadata={
            **mapping(episode.get("metadata")),
            ORIGIN_KEY: FORMAT_NAME,
            "episode": episode.get("name"),
            "source_description": episode.get("source_description"),
        },
        speaker=named,
        owner=_owner(episode),
    )


def _owner(episode: dict[str, Any]) -> tuple[str, ...]:
    group = text_of(episode.get("group_id") or episode.get("user_id") or episode.get("graph_id"))
    return (group,) if group else ()


def _item(episode: dict[str, Any], uuid: str, content: str) -> Incoming:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return SkippedRecord(JSON_REASON)
    return SourceRecord(ImportedItem(source_id(FORMAT_NAME, uuid), value), _owner(episode))
