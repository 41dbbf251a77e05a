"""Unit of work (Fowler): the changes of one batch of operations, collected before anything is written.

They come down to a change set: a few kinds of primitive changes, which are all that an engine has to carry out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from memkit.errors import UnknownMemoryError
from memkit.identifiers import bank_path, uuid7, uuid7_bytes
from memkit.models import Action, Author, IndexEntry, Memory, Placement
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
    their index entry, history and links; links to them are cleared. `exchanges` replace those with the same number;
    `settled` leave the queue. `erased`: erasures, whose receipts are written; nothing that they or `replaced` took
    away may stay in the files.
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
    change: int = 0  # the bank's change number that this is
    zone: str | None = None  # another zone of the bank

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
                self.zone,
            )
        )


class Reader(BankView, Protocol):
    """An engine's view, with the reads that applying operations needs besides."""

    next_seq: int
    next_exchange: int

    def records(self, seqs: Sequence[int]) -> dict[int, StoredMemory]:
        """Stored memories, by seq."""

    def history_rows(self, seq: int) -> list[HistoryRow]:
        """A memory's history, oldest first."""

    def reasons(self) -> list[tuple[int, str]]:
        """Reasons that a thinker gave for its changes, with the seqs of the changed memories."""

    def queued(self, numbers: Sequence[int]) -> dict[int, Queued]:
        """Exchanges of the queue, by number."""


class UnitOfWork:
    """The bank as it will be after the operations so far; reads through to the engine, and writes nothing to it."""

    def __init__(self, reader: Reader, at: datetime) -> None:
        self.at = at
        self.reader = reader
        self.change = reader.state.change + 1
        self.zone = reader.state.zone
        self.next_seq = self._first_seq = reader.next_seq
        self.next_exchange = reader.next_exchange
        self.erased_seqs: set[int] = set()
        self.history: list[HistoryRow] = []
        self._seqs: dict[str, int] = {}
        self._records: dict[int, StoredMemory] = {}
        self._entries: dict[int, IndexEntry] = {}  # those that are to be written
        self._dirty: dict[int, None] = {}
        self._replaced: set[int] = set()
        self._pointers: list[tuple[int, str]] = []
        self._stored_exchanges: dict[int, Queued] = {}  # as they were before
        self._exchanges: dict[int, Queued | None] = {}
        self._histories: dict[int, list[HistoryRow]] = {}
        self._erased: list[Erased] = []

    def prepare(self, ids: Sequence[tuple[Iterable[str | None], Iterable[str | None]]]) -> None:
        """Look up the ids of all operations at once; of each, the memories of the first ones are read, too."""
        read = {id for first, _ in ids for id in first}
        self._seqs = self.reader.locate([id for id in read.union(*(others for _, others in ids)) if id is not None])
        self.load(self._seqs[id] for id in read if id in self._seqs)

    def load(self, seqs: Iterable[int]) -> None:
        """Read memories that weren't read yet."""
        missing = [seq for seq in seqs if seq not in self._records and seq not in self.erased_seqs]
        if missing:
            self._records.update(self.reader.records(missing))

    def find(self, id: str) -> int | None:
        """The seq of an id, if it is in the bank at this point."""
        seq = self._seqs.get(id)
        return None if seq in self.erased_seqs else seq

    def require(self, id: str, operation: str) -> int:
        """The seq of an id. Raises UnknownMemoryError."""
        seq = self.find(id)
        if seq is None:
            raise UnknownMemoryError(
                f"{operation}: an id that it names is not in bank {bank_path(self.reader.state.name)}, "
                "so nothing of this call was done. Ids hold within one bank; list them with bank.list()."
            )
        return seq

    def record(self, seq: int) -> StoredMemory:
        self.load([seq])
        return self._records[seq]

    def if_present(self, seq: int | None) -> int | None:
        """The seq itself, if its memory is still there."""
        if seq is None or seq in self.erased_seqs:
            return None
        self.load([seq])
        return seq if seq in self._records else None

    def loaded_records(self) -> list[StoredMemory]:
        """Memories read or added so far."""
        return list(self._records.values())

    def entry(self, seq: int) -> IndexEntry:
        """The index entry of a memory at this point."""
        return self._entries[seq] if seq in self._entries else self.reader.entries([seq])[seq]

    def add(
        self, memory: Memory, entry: IndexEntry, placement: Placement | None, sources: Sequence[int]
    ) -> StoredMemory:
        """Add a memory at the end of the bank; `sources` are seqs."""
        own = _without_links(memory)
        uid = uuid7_bytes(memory.id) or UUID(uuid7(memory.recorded_at)).bytes
        record = StoredMemory(self.next_seq, uid, own, placement, tuple(sorted(set(sources))))
        self.next_seq += 1
        self._seqs[memory.id] = record.seq
        self._records[record.seq] = record
        self._entries[record.seq] = entry
        if memory.superseded_by is not None:
            self._pointers.append((record.seq, memory.superseded_by))
        return record

    def adopt(self, record: StoredMemory, entry: IndexEntry, history_rows: Iterable[HistoryRow], change: int) -> None:
        """Add a memory under a number that lies above all that are there, as part of a change that has a number."""
        self.next_seq, self.change = record.seq + 1, change
        self._seqs[record.memory.id] = record.seq
        self._records[record.seq] = record
        self._entries[record.seq] = entry
        self.history += history_rows

    def update(self, record: StoredMemory) -> None:
        """Change the numbers and links of a memory."""
        self._records[record.seq] = record
        if record.seq < self._first_seq:
            self._dirty[record.seq] = None

    def replace_contents(self, record: StoredMemory, entry: IndexEntry | None) -> None:
        """Put other contents under a memory's seq; its index entry stays where none is given."""
        record = replace(record, memory=_without_links(record.memory))
        self._records[record.seq] = record
        if entry is not None:
            self._entries[record.seq] = entry
        if record.seq < self._first_seq:
            self._replaced.add(record.seq)
            self._dirty[record.seq] = None

    def index(self, seq: int, entry: IndexEntry) -> None:
        """Replace a memory's index entry."""
        self._entries[seq] = entry
        if seq < self._first_seq:
            self._dirty[seq] = None

    def add_history(
        self,
        before: StoredMemory,
        event: Action,
        author: Author,
        *,
        reason: str | None = None,
    ) -> None:
        """Add a line to a memory's history."""
        self.history.append(HistoryRow(before.seq, event, self.at, author, reason, before, self.change))

    def history_of(self, seq: int) -> list[HistoryRow]:
        """A memory's history up to this point."""
        stored = self._histories.get(seq)
        if stored is None:
            stored = self.reader.history_rows(seq) if seq < self._first_seq else []
        return stored + [history_row for history_row in self.history if history_row.seq == seq]

    def replace_history(self, seq: int, history_rows: Iterable[HistoryRow]) -> None:
        """Put another history in the place of a memory's."""
        self._histories[seq] = list(history_rows)
        self.history = [history_row for history_row in self.history if history_row.seq != seq]

    def erase(self, erased: Erased) -> None:
        """Remove memories for good; later operations don't see them."""
        self._erased.append(erased)
        self.remove(erased.seqs)

    def remove(self, seqs: Iterable[int]) -> None:
        """Remove memories without a receipt; later operations don't see them."""
        for seq in seqs:
            self.erased_seqs.add(seq)
            for by_seq in (self._records, self._entries, self._dirty, self._histories):
                by_seq.pop(seq, None)
        self.history = [history_row for history_row in self.history if history_row.seq not in self.erased_seqs]

    def load_exchanges(self, numbers: Iterable[int]) -> None:
        """Read several exchanges of the queue at once."""
        missing = [number for number in dict.fromkeys(numbers) if number not in self._exchanges]
        if missing:
            stored = self.reader.queued(missing)
            self._stored_exchanges |= stored
            self._exchanges |= {number: stored.get(number) for number in missing}

    def exchange(self, number: int | None) -> Queued | None:
        """An exchange of the queue as it is at this point."""
        if number is None:
            return None
        self.load_exchanges([number])
        return self._exchanges[number]

    def queue(self, exchange: Queued) -> None:
        self._exchanges[exchange.number] = exchange

    def settle(self, number: int) -> None:
        self.exchange(number)
        self._exchanges[number] = None

    def changes(self) -> ChangeSet:
        """All changes so far, as primitive ones."""
        self._resolve()
        added = [record for seq, record in self._records.items() if seq >= self._first_seq]
        old = [self._records[seq].without_links(self.erased_seqs) for seq in self._dirty]
        exchanges = [self._without_erased_turns(e) for e in self._exchanges.values() if e is not None]
        stored = self._stored_exchanges
        changed = [e for e in exchanges if e.turns and stored.get(e.number) != e]
        empty = {e.number for e in exchanges if not e.turns}
        settled = {n for n, e in self._exchanges.items() if e is None} | empty
        return ChangeSet(
            new=[(record.without_links(self.erased_seqs), self._entries[record.seq]) for record in added],
            changed=[record for record in old if record.seq not in self._replaced],
            replaced=[record for record in old if record.seq in self._replaced],
            entries={seq: self._entries[seq] for seq in self._dirty if seq in self._entries},
            history=self.history,
            histories=self._histories,
            erased=self._erased,
            removed=sorted(seq for seq in self.erased_seqs if seq < self._first_seq),
            exchanges=changed,
            settled=sorted(number for number in settled if number in stored),
            next_seq=self.next_seq,
            next_exchange=self.next_exchange,
            change=self.change,
            zone=None if self.zone == self.reader.state.zone else self.zone,
        )

    def _resolve(self) -> None:
        """Link memories to those that superseded them, which may come later in the batch."""
        for seq, id in self._pointers:
            if seq not in self.erased_seqs:
                target = self.require(id, "Insert")
                self.update(replace(self._records[seq], superseded_by=target))

    def _without_erased_turns(self, exchange: Queued) -> Queued:
        return replace(exchange, turns=tuple(seq for seq in exchange.turns if seq not in self.erased_seqs))


def _without_links(memory: Memory) -> Memory:
    if not memory.sources and memory.superseded_by is None and memory.echo_of is None:
        return memory
    return memory.model_copy(update={"sources": (), "superseded_by": None, "echo_of": None})
