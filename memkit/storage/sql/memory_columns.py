"""Columns of the table `memory` by name, as records and index entries fill them."""

from collections.abc import Callable
from typing import TypedDict

from memkit.identifiers import uuid7_bytes
from memkit.models import IndexEntry, Memory
from memkit.storage.core.enum_codes import AUTHOR_CODES, KIND_CODES, ROLE_CODES, STATE_CODES
from memkit.storage.core.hashing import Hasher
from memkit.storage.core.records import StoredMemory, micros
from memkit.text.terms.tokens import asks


class StateColumns(TypedDict):
    """Columns that change while the contents stay."""

    seq: int
    state: int
    valid_until: int | None
    superseded_by: int | None
    echo_of: int | None
    strength: float
    recalled_at: int | None
    recall_count: int
    pinned: bool
    session: int | None
    episode: int | None
    salience: float | None


class ContentColumns(TypedDict):
    """Columns that only other contents change."""

    author: int
    role: int | None
    speaker: int | None
    head: int | None
    label: int | None
    occurred_at: int | None
    valid_from: int | None
    length: int
    asks: bool


class FixedColumns(TypedDict):
    """Columns that never change."""

    id: bytes
    ref: int | None
    kind: int
    recorded_at: int | None


class EntryColumns(TypedDict):
    """Columns of the index entry."""

    wanted: bool
    hash_group: int | None
    text_key: int


def state_columns(record: StoredMemory) -> StateColumns:
    memory, (session, episode) = record.memory, record.placement or (None, None)
    return {
        "seq": record.seq,
        "state": STATE_CODES.codes[memory.state],
        "valid_until": micros(memory.valid_until),
        "superseded_by": record.superseded_by,
        "echo_of": record.echo_of,
        "strength": memory.strength,
        "recalled_at": micros(memory.recalled_at),
        "recall_count": memory.recall_count,
        "pinned": memory.pinned,
        "session": session,
        "episode": episode,
        "salience": memory.salience,
    }


def content_columns(record: StoredMemory, hasher: Hasher) -> ContentColumns:
    memory = record.memory
    return {
        "author": AUTHOR_CODES.codes[memory.author],
        "role": ROLE_CODES.code(memory.role),
        "speaker": _hash(hasher.speaker, memory.speaker),
        "head": _hash(hasher.head, memory.head),
        "label": None if record.placement is None else _hash(hasher.label, memory.session),
        "occurred_at": micros(memory.occurred_at),
        "valid_from": micros(memory.valid_from),
        "length": len(memory.text),
        "asks": asks(memory.text),
    }


def fixed_columns(record: StoredMemory, hasher: Hasher) -> FixedColumns:
    return {
        "id": record.uid,
        "ref": _hash(hasher.ref, own_id(record.memory)),
        "kind": KIND_CODES.codes[record.memory.kind],
        "recorded_at": micros(record.memory.recorded_at),
    }


def entry_columns(entry: IndexEntry) -> EntryColumns:
    return {"wanted": entry.wanted, "hash_group": entry.group, "text_key": entry.text_key}


def own_id(memory: Memory) -> str | None:
    """The caller's own id; None where the memory's id is a UUIDv7."""
    return None if uuid7_bytes(memory.id) is not None else memory.id


def _hash(hash: Callable[[str], int], word: str | None) -> int | None:
    return None if word is None else hash(word)
