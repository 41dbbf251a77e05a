"""mem0: what `get_all` gives, as JSON, or its local history in SQLite (~/.mem0/history.db).

A memory of mem0's is a thought: a sentence that it drew from what somebody said.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from memkit.importers.files import is_database, json_records, mapping, packed_files, text_of
from memkit.importers.records import (
    ORIGIN_KEY,
    UNKNOWN_REASON,
    Incoming,
    SkippedRecord,
    Source,
    session_id,
    source_id,
    thought_record,
    turn_record,
)
from memkit.importers.rows import ROLE_NAMES

FORMAT_NAME = "mem0"
FILE_PATTERN = re.compile(r"\.json$")
ARRAY_KEYS = ("results", "memories")
OWNER_NAMES = ("user_id", "agent_id", "run_id")  # the first that a memory has says whose it is
KEPT_NAMES = ("user_id", "agent_id", "app_id", "run_id", "actor_id", "role", "categories", "expiration_date")
DELETED_REASON = "deleted in mem0"
MISSING_SENTENCE = "holds no .json file. Save what get_all gives as JSON, or give mem0's history.db."


def read(source: Source) -> Iterator[Incoming]:
    """Thoughts; of a local history, as they were last, and the messages that it holds. Raises InputError."""
    if is_database(source.path):
        yield from _history(source)
        yield from (_message(source, row) for row in source.read_table(source.path, "messages"))
        return
    for name, open_file in packed_files(source.path, FILE_PATTERN, missing=MISSING_SENTENCE):
        for memory in json_records(open_file, name, ARRAY_KEYS):
            yield _thought(source, mapping(memory))


def _thought(source: Source, memory: dict[str, Any]) -> Incoming:
    payload = mapping(memory.get("payload"))  # of a dump of its vectors
    fields = {**payload, **{key: value for key, value in memory.items() if value is not None}}
    text, id = text_of(fields.get("memory") or fields.get("data")), fields.get("id")
    if not text or id is None:
        return SkippedRecord(UNKNOWN_REASON)
    owner = next((str(fields[name]) for name in OWNER_NAMES if fields.get(name)), None)
    about = {name: fields.get(name) for name in KEPT_NAMES}
    return thought_record(
        source,
        text,
        id=source_id(FORMAT_NAME, str(id)),
        at=fields.get("updated_at") or fields.get("created_at"),
        metadata={**about, **mapping(fields.get("metadata")), ORIGIN_KEY: FORMAT_NAME},
        owner=() if owner is None else (owner,),
    )


def _history(source: Source) -> Iterator[Incoming]:
    """Memories as they were last, without those that were deleted."""
    last: dict[str, Mapping[str, Any]] = {}
    for row in source.read_table(source.path, "history"):
        last[str(row.get("memory_id"))] = row
    for id, row in last.items():
        text = text_of(row.get("new_memory") or row.get("new_value"))
        if row.get("is_deleted") or row.get("event") == "DELETE":
            yield SkippedRecord(DELETED_REASON)
        else:
            about = {name: row.get(name) for name in ("actor_id", "role")}
            at = row.get("updated_at") or row.get("created_at") or row.get("timestamp")
            metadata = {**about, ORIGIN_KEY: FORMAT_NAME}
            yield thought_record(source, text, id=source_id(FORMAT_NAME, id), at=at, metadata=metadata)


def _message(source: Source, row: Mapping[str, Any]) -> Incoming:
    return turn_record(
        source,
        text_of(row.get("content")),
        ROLE_NAMES.get(text_of(row.get("role")), "user"),
        id=source_id(FORMAT_NAME, str(row.get("id"))),
        at=row.get("created_at"),
        session=session_id(FORMAT_NAME, text_of(row.get("session_scope"))),
        metadata={ORIGIN_KEY: FORMAT_NAME},
        speaker=text_of(row.get("name")) or None,
    )
