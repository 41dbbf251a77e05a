"""Primitive changes that every operation comes down to: all that an engine has to carry out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from memkit.models import IndexEntry
from memkit.protocols import BankView
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory


@dataclass(frozen=True)
class Erased:
    """One erasure: the seqs that it removes, and the contents of its receipt; ids are UUIDs."""

    seqs: tuple[int, ...]
    counts: Mapping[str, int]
    ids: tuple[str, ...]
    chosen: int
    remade: tuple[str, ...] = ()
    requested_by: str | None = None
    fingerprints: tuple[bytes, ...] = ()


@dataclass
class ChangeSet:
    """Changes of one apply to one bank; lists are in the order in which they came.

    `new`: memories with their index entries. `changed`: existing memories with other numbers. `replaced`:
    existing memories with other contents. `entries`: new index entries of existing memories. `history`: new
    lines of histories; `histories`: whole ones that replace these memories' own. `removed`: seqs that go with
    their index entry, history and links; links to them are cleared. `exchanges` replace those with the same
    number; `settled` leave the queue. `erased`: erasures, whose
    receipts are written; nothing that they or `replaced` took away may stay in the files.
    """

    new: list[tuple[StoredMemory, IndexEntry]] = field(default_factory=list)
    changed: list[StoredMemory] = field(default_factory=list)
    replaced: list[StoredMemory] = field(default_factory=list)
    entries: dict[int, IndexEntry] = field(default_factory=dict)
    history: list[HistoryRow] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    exchanges: list[Queued] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    histories: dict[int, list[HistoryRow]] = field(default_factory=dict)
    erased: list[Erased] = field(default_factory=list)
    next_seq: int = 1
    next_exchange: int = 1

    def __bool__(self) -> bool:
        return any(
            (
                self.new,
                self.changed,
                self.replaced,
                self.entries,
                self.history,
                self.removed,
                self.exchanges,
                self.settled,
                self.histories,
                self.erased,
            )
        )


class Reader(BankView, Protocol):
    """An engine's view, with the reads that applying operations needs besides."""

    @property
    def next_seq(self) -> int: ...
    @property
    def next_exchange(self) -> int: ...
    def records(self, seqs: Sequence[int]) -> dict[int, StoredMemory]:
        """Stored memories, by seq."""
        ...

    def history_rows(self, seq: int) -> list[HistoryRow]:
        """A memory's history, oldest first."""
        ...

    def reasons(self) -> list[tuple[int, str]]:
        """Reasons that a thinker gave for its changes, with the seqs of the changed memories."""
        ...

    def queued(self, numbers: Sequence[int]) -> dict[int, Queued]:
        """Exchanges of the queue, by number."""
        ...
