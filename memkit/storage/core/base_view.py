"""Half of every engine's view: memories, history and the queue as callers see them, from stored rows."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from memkit.batches import QuantisedBatch
from memkit.exported import ExportedBank, ExportedMemory
from memkit.models import Exchange, HistoryEntry, IndexRow, Memory, State
from memkit.protocols import BankView, PageOptions, Position
from memkit.storage.core.checksums import corrupt_error, decoding
from memkit.storage.core.filters import matching_seqs
from memkit.storage.core.hashing import Hasher
from memkit.storage.core.records import HistoryRow, Queued, history_entries, linked_seqs, to_memories
from memkit.storage.core.transfer import exported_memory
from memkit.storage.core.unit_of_work import Reader
from memkit.storage.core.vectors import quantise_vectors
from memkit.times import is_put_off, to_micros

T = TypeVar("T")
VISIBLE_STATES: tuple[State, ...] = ("active", "superseded")


class LastTurn(NamedTuple):
    """A session's last turn, the size of its episode, and the session's open exchange with its size."""

    seq: int
    episode_turns: int
    episode_characters: int
    exchange: int | None
    exchange_turns: int


class View(Reader, Protocol):
    """The part of a Reader that follows from the few reads that an engine does itself."""

    hasher: Hasher

    def names(self, seqs: Iterable[int]) -> dict[int, str]:
        """Ids as callers know them, by seq."""

    def tagged(self, tags: Sequence[int]) -> set[int]:
        """Seqs of memories that have any of these metadata entries."""

    def all_seqs(self) -> list[int]:
        """Seqs of all memories, in order."""

    def rows_of(self, seqs: Collection[int]) -> list[IndexRow]:
        """Rows of these memories, without their sources."""

    def resting_on(self, seqs: Sequence[int]) -> set[int]:
        """Seqs of memories with any of these among their sources."""

    def last_turn(self, label: str | None) -> LastTurn | None:
        """The last turn of a session, or of the bank."""

    def queue(self) -> list[Queued]:
        """All exchanges of the queue, oldest first."""

    def quantised(self, seqs: Sequence[int], dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]:
        """The stored vectors of those seqs that have one of this dimension, and those of their passages."""
        return quantise_vectors(seqs, *self.with_passages(seqs), dimension)

    def read_ahead(self, *reads: Callable[[BankView], object], trips: int = 1) -> None:
        """Nothing: no read of this engine goes far."""
        return

    def read_ahead_since(self, since: int) -> None:
        """Nothing, either."""
        return

    def read_last(self, read: Callable[[BankView], T]) -> T:
        """Value of the read."""
        return read(self)

    def memories(self, seqs: Sequence[int]) -> dict[int, Memory]:
        """Whole records, in the order of `seqs`."""
        if not seqs:
            return {}
        records = self.records(seqs)
        memories = to_memories(records, self.names(linked_seqs(records.values())))
        return {seq: memories[seq] for seq in seqs if seq in memories}

    def lazy_memories(self, seqs: Sequence[int]) -> Mapping[int, Memory]:
        return self.memories(seqs)

    def in_order(self, seqs: Sequence[int]) -> list[Memory]:
        return list(self.memories(seqs).values())

    def history(self, id: str) -> list[HistoryEntry]:
        """Creation of a memory, then every change of it, oldest first."""
        seq = self.locate([id]).get(id)
        if seq is None:
            return []
        history_rows = self.history_rows(seq)
        names = self.names(linked_seqs(row.before for row in history_rows if row.before is not None))
        with decoding("a memory"):
            return history_entries(self.records([seq])[seq], history_rows, names)

    def histories(self, seqs: Sequence[int]) -> dict[int, list[HistoryRow]]:
        """Histories of those of these memories that have one, by seq."""
        return {seq: history_rows for seq in seqs if (history_rows := self.history_rows(seq))}

    def outline(self) -> ExportedBank:
        state = self.state
        return ExportedBank(
            name=state.name,
            zone=state.zone,
            created_at=state.created_at,
            change=state.change,
            next_number=self.next_seq,
            next_exchange=self.next_exchange,
        )

    def exported(self, seqs: Sequence[int]) -> list[ExportedMemory]:
        histories, entries = self.histories(seqs), self.entries(seqs)
        records = sorted(self.records(seqs).items())
        with decoding("a memory"):
            return [exported_memory(record, histories.get(seq, ()), entries[seq]) for seq, record in records]

    def matching(self, where: Mapping[str, Any]) -> list[int]:
        """Seqs of memories that a filter over metadata accepts. Raises InputError for one that can't be read."""
        return sorted(matching_seqs(where, self))

    def seqs_with(self, path: str, values: Sequence[Any]) -> set[int]:
        return self.tagged([self.hasher.tag(path, value) for value in values])

    def seqs_having(self, path: str) -> set[int]:
        return self.tagged([self.hasher.field(path)])

    def metadata_of(self, seqs: Collection[int]) -> dict[int, Mapping[str, Any]]:
        return {seq: memory.metadata for seq, memory in self.memories(sorted(seqs)).items()}

    def derived_from(self, seqs: Sequence[int]) -> list[int]:
        """Seqs of memories that rest on any of these, directly or through others."""
        seen: set[int] = set()
        border = set(seqs)
        while border:
            border = self.resting_on(sorted(border)) - seen
            seen |= border
        return sorted(seen - set(seqs))

    def position(self, label: str | None) -> Position | None:
        """The last turn of the session called `label`, or of the bank where it is None."""
        last = self.last_turn(label)
        if last is None:
            return None
        record = self.records([last.seq]).get(last.seq)
        if record is None:
            raise corrupt_error("the last turn")
        if record.placement is None:
            return None
        memory, place = record.memory, record.placement
        return Position(
            **last._asdict(),
            id=memory.id,
            label=memory.session,
            session=place.session,
            episode=place.episode,
            at=memory.occurred_at,
            speaker=memory.speaker,
            role=memory.role,
        )

    def exchanges(self, *, due_at: datetime | None = None, numbers: Sequence[int] | None = None) -> list[Exchange]:
        """The thinking queue, oldest first; with `due_at`, only what may be tried by then."""
        queue = self.queue() if numbers is None else [q for _, q in sorted(self.queued(numbers).items())]
        due = [q for q in queue if due_at is None or not is_put_off(q.due_at, due_at)]
        names = self.names({seq for queued in due for seq in queued.turns})
        with decoding("an exchange"):
            return [queued.to_exchange(names) for queued in due]


def chosen_seqs(rows: Iterable[IndexRow], options: PageOptions) -> list[int]:
    """Seqs of the rows that belong to a page, in its order."""
    places = sorted((_place(row.occurred_at, row.seq, options), row.seq) for row in rows if _belongs(row, options))
    if options.after is not None:
        behind = _place(*options.after, options)
        places = [pair for pair in places if pair[0] > behind]
    return [seq for _, seq in places[: options.limit]]


def _place(occurred_at: int, seq: int, options: PageOptions) -> tuple[int, ...]:
    place = (seq,) if options.order.endswith("recorded_at") else (occurred_at, seq)
    return tuple(-number for number in place) if options.order.startswith("-") else place


def _belongs(row: IndexRow, options: PageOptions) -> bool:
    early = options.since is not None and row.occurred_at < to_micros(options.since)
    late = options.until is not None and row.occurred_at >= to_micros(options.until)
    wanted = row.state in options.states and (options.kinds is None or row.kind in options.kinds)
    return wanted and not (early or late)
