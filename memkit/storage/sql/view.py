"""One bank in SQLite, read within one read or write transaction."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from memkit.batches import BATCH_ROWS, PassageBatch, QuantisedBatch, RowBatch, SketchBatch, TermBatch
from memkit.identifiers import uuid7_bytes
from memkit.models import BankState, IndexEntry, IndexRow, Kind, Memory, PastState
from memkit.protocols import FloatArray
from memkit.storage.core.base_view import View
from memkit.storage.core.blocks import (
    SKETCH_PART,
    TERM_PART,
    VECTOR_PART,
    Block,
    EntryRow,
    sketch_batches,
    term_batch,
    unpack_terms,
)
from memkit.storage.core.checksums import corrupt_error, decoding
from memkit.storage.core.enum_codes import AUTHOR_CODES, KIND_CODES, STATE_CODES
from memkit.storage.core.hashing import Hasher
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory
from memkit.storage.core.rows import Payload, decode_exchange, decode_history, decode_past, decode_record
from memkit.storage.core.vectors import passage_batch, stack_vectors, unpack_vectors
from memkit.storage.sql.connection import Connection, Cursor
from memkit.storage.sql.index_rows import index_row, row_batch
from memkit.storage.sql.queries import run, run_over
from memkit.storage.sql.row_blocks import last_in_blocks, rows_of_blocks, too_many
from memkit.times import from_micros, to_micros

Sources = dict[int, tuple[int, ...]]
MANY = 500  # seqs
LINKS = slice(12, 14)  # the columns `superseded_by` and `echo_of` of the query `records`
HARDLY = 4  # if more than one in so many rows of blocks have changed since, blocks are no use


class BankRow(NamedTuple):
    """A bank's row: its state and its counters."""

    bank: int
    name: str
    zone: str
    key: bytes
    change: int
    epoch: int
    created_at: int
    size: int
    next_seq: int
    next_history: int
    next_exchange: int
    next_block: int
    unsealed_sketches: int
    unsealed_terms: int

    def checked(self) -> "BankRow":
        """The row, if its size and counters are whole numbers. Raises CorruptError."""
        if not all(isinstance(counter, int) for counter in self[7:]):
            raise corrupt_error("a bank's row")
        return self

    @decoding("a bank's row")
    def to_state(self) -> BankState:
        return BankState(
            number=self.bank,
            name=tuple(json.loads(self.name)),
            zone=self.zone,
            key=self.key,
            change=self.change,
            epoch=self.epoch,
            created_at=from_micros(self.created_at),
            size=self.size,
        )


@dataclass(frozen=True)
class Located:
    """A seq with the number of the block that holds a part of its trace; None: the tail does."""

    block: int | None
    row: EntryRow


class SqliteView(View):
    """A BankView over a connection that is inside a transaction."""

    def __init__(self, connection: Connection, row: BankRow) -> None:
        self.connection = connection
        self.row = row
        self.bank = row.bank
        self.hasher = Hasher(row.key)
        self._state = row.to_state()

    @property
    def state(self) -> BankState:
        return self._state

    @property
    def next_seq(self) -> int:
        return self.row.next_seq

    @property
    def next_exchange(self) -> int:
        return self.row.next_exchange

    def _one(self, name: str, *values: Any) -> Any:
        return run(self.connection, name, self.bank, *values).fetchone()

    def _all(self, name: str, *values: Any) -> list[int]:
        return [row[0] for row in run(self.connection, name, self.bank, *values)]

    def _over(self, name: str, values: Iterable[Any], *head: Any) -> Iterator[tuple[Any, ...]]:
        return run_over(self.connection, name, (self.bank, *head), list(values))

    def locate(self, ids: Sequence[str]) -> dict[str, int]:
        uids = {id: uid for id in ids if (uid := uuid7_bytes(id)) is not None}
        refs = {id: self.hasher.ref(id) for id in ids if id not in uids}
        by_uid = dict(self._over("seqs_by_uid", uids.values()))
        by_ref = dict(self._over("seqs_by_ref", refs.values()))
        found = {id: by_uid.get(uid) for id, uid in uids.items()}
        found |= {id: by_ref.get(ref) for id, ref in refs.items()}
        return {id: seq for id in ids if (seq := found[id]) is not None}

    def records(self, seqs: Sequence[int]) -> dict[int, StoredMemory]:
        return _made(*self._read(seqs))

    def lazy_memories(self, seqs: Sequence[int]) -> Callable[[], dict[int, Memory]]:
        if not seqs:
            return dict
        rows, sources = self._read(seqs)
        pointers = {link for row in rows for link in row[LINKS] if link is not None}
        names = self.names(pointers.union(*sources.values()))
        return lambda: {seq: record.to_memory(names) for seq, record in _made(rows, sources).items()}

    def _read(self, seqs: Sequence[int]) -> tuple[list[tuple[Any, ...]], Sources]:
        rows = list(self._over("records", seqs))
        return rows, self._sources(row[0] for row in rows if row[2] != KIND_CODES.codes["turn"])

    def _sources(self, seqs: Iterable[int]) -> Sources:
        found: dict[int, set[int]] = defaultdict(set)
        for seq, source in self._over("sources", seqs):
            found[seq].add(source)
        return {seq: tuple(sorted(sources)) for seq, sources in found.items()}

    def names(self, seqs: Iterable[int]) -> dict[int, str]:
        rows = self._over("names", seqs)
        with decoding("a memory"):
            return {seq: Payload.parse(own).id or str(UUID(bytes=uid)) for seq, uid, own in rows}

    def rows(self, since: int = 0) -> Iterator[IndexRow]:
        """Index rows in order of seq; both queries run in the view's snapshot."""
        sources = self._links(since)
        for row in self._changed("rows", since):
            yield index_row(row, sources.get(row[0], ()), self.row.next_seq)

    def row_batches(self, since: int = 0) -> Iterator[RowBatch]:
        links = self._links(since)
        if since or too_many(self._one("count_moved")[0], self.row.size, share=HARDLY):
            yield from self._batches(self._changed("rows", since), links)
            return
        for rows in rows_of_blocks(self.connection, self.bank):
            yield RowBatch(rows.fields, _resting(links, rows.seqs.tolist()))
        last = last_in_blocks(self.connection, self.bank)
        yield from self._batches(run(self.connection, "rows_after", self.bank, last), links)
        yield from self._batches(run(self.connection, "moved_rows", self.bank), links)

    def _batches(self, rows: Cursor, links: Sources) -> Iterator[RowBatch]:
        while some := rows.fetchmany(BATCH_ROWS):
            yield row_batch(some, _resting(links, (row[0] for row in some)), self.row.next_seq)

    def _changed(self, name: str, since: int) -> Cursor:
        if since:
            return run(self.connection, f"{name}_since", self.bank, since)
        return run(self.connection, name, self.bank)

    def _links(self, since: int) -> Sources:
        grouped = groupby(self._changed("row_sources", since), key=itemgetter(0))
        return {seq: tuple(source for _, source in links) for seq, links in grouped}

    def rows_of_sessions(self, sessions: Sequence[int]) -> list[IndexRow]:
        found = {row[0]: row for row in self._over("rows_of_sessions", sessions)}
        return [index_row(found[seq], (), self.row.next_seq) for seq in sorted(found)]

    def sessions_of(self, seqs: Sequence[int]) -> list[int]:
        return sorted({row[0] for row in self._over("sessions_of", seqs)})

    def erased_since(self, since: int) -> list[list[int]]:
        rows = run(self.connection, "erased_since", self.bank, since)
        return [[int(seq) for seq in np.frombuffer(seqs, dtype="<i8")] for (seqs,) in rows]

    def states_at(self, moment: datetime) -> dict[int, PastState]:
        found: dict[int, PastState] = {}
        for seq, image in run(self.connection, "changed_after", self.bank, to_micros(moment)):
            if seq not in found and image is not None:
                found[seq] = decode_past(image)
        return found

    def sketches(self, since: int = 0) -> Iterator[SketchBatch]:
        for block in self._blocks(SKETCH_PART, since):
            with decoding("an index row"):
                batches = list(sketch_batches(block))
            yield from batches

    def terms(self, since: int = 0) -> Iterator[TermBatch]:
        for block in self._blocks(TERM_PART, since):
            with decoding("an index row"):
                batch = term_batch(block)
            yield batch

    def _blocks(self, part: int, since: int) -> Iterator[Block]:
        for (data,) in run(self.connection, "blocks", self.bank, part, since):
            block = _parsed(data).since(since)
            if len(block.seqs):
                yield self._possible(block)
        tail = run(self.connection, "tail", self.bank, part, since).fetchall()
        if tail:
            with decoding("an index row"):
                block = Block.of(tail)
            yield self._possible(block)

    def _possible(self, block: Block) -> Block:
        if not 0 < block.seqs[0] <= block.seqs[-1] < self.row.next_seq:
            raise corrupt_error("an index row")
        return block

    def vectors(self, seqs: Sequence[int]) -> FloatArray:
        return self._stacked(dict(self._over("vectors", seqs)), seqs)

    def _stacked(self, found: Mapping[int, bytes], seqs: Sequence[int]) -> FloatArray:
        if not found:
            other = self._one("any_vector")
            return stack_vectors([*(None for _ in seqs), other[0] if other else None])[: len(seqs)]
        with decoding("a vector"):
            return stack_vectors(list(map(found.get, seqs)))

    def with_passages(self, seqs: Sequence[int]) -> tuple[FloatArray, PassageBatch]:
        rows = self._with_passages(seqs)
        vectors = self._stacked({seq: vector for seq, vector, _ in rows}, seqs)
        parts = {seq: passages for seq, _, passages in rows if passages is not None}
        with decoding("a passage"):
            return vectors, passage_batch(parts, vectors.shape[1])

    def _with_passages(self, seqs: Sequence[int]) -> list[tuple[int, bytes, bytes | None]]:
        """Stored vectors and passages; where most of a range is wanted, the range is read, in half the time."""
        if len(seqs) < MANY or max(seqs) - min(seqs) > 2 * len(seqs):
            return [(seq, own, parts) for seq, own, parts in self._over("vectors_with_passages", seqs)]
        wanted, rows = set(seqs), run(self.connection, "vectors_between", self.bank, min(seqs), max(seqs)).fetchall()
        return rows if len(wanted) > max(seqs) - min(seqs) else [row for row in rows if row[0] in wanted]

    def quantised(self, seqs: Sequence[int], dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]:
        found = [self._unpacked(block.only(np.isin(block.seqs, seqs)), dimension) for block in self._around(seqs)]
        known = np.concatenate([own.seqs for own, _ in found]) if found else np.empty(0, np.int64)
        found.append(super().quantised(np.setdiff1d(seqs, known).tolist(), dimension))
        own, parts = zip(*found, strict=True)
        return _joined(own), _joined(parts)

    def _around(self, seqs: Sequence[int]) -> Iterator[Block]:
        """Blocks of vectors that may hold some of these."""
        if seqs:
            for _, data in run(self.connection, "blocks_around", self.bank, VECTOR_PART, max(seqs), min(seqs)):
                yield _parsed(data)

    def _unpacked(self, block: Block, dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]:
        with decoding("a block of vectors"):
            return unpack_vectors(block, dimension)

    def turns_of(self, session: int, after: int = 0) -> list[int]:
        return self._all("turns_of", session, after)

    def last_saliences(self, limit: int) -> list[float]:
        newest_first = run(self.connection, "last_saliences", self.bank, limit).fetchall()
        return [salience for (salience,) in reversed(newest_first) if salience is not None]

    def unencoded(self, limit: int) -> list[Memory]:
        return self.in_order(self._all("unencoded", limit))

    def same_text(self, keys: Sequence[int]) -> dict[int, str]:
        found = dict(self._over("same_text", keys))
        names = self.names(found.values())
        return {key: names[seq] for key, seq in found.items()}

    def near(self, bands: Sequence[int], kinds: Sequence[Kind]) -> list[Memory]:
        seqs = sorted({row[0] for row in self._over("banded", bands)})
        return [m for m in self.in_order(seqs) if m.state == "active" and m.kind in kinds]

    def in_group(self, group: int, kinds: Sequence[Kind], limit: int) -> list[Memory]:
        return self._newest("in_group", group, kinds, limit)

    def about(self, head: str, kinds: Sequence[Kind], limit: int) -> list[Memory]:
        return self._newest("about", self.hasher.head(head), kinds, limit)

    def _newest(self, name: str, key: int, kinds: Sequence[Kind], limit: int) -> list[Memory]:
        found = {row[0] for row in self._over(name, KIND_CODES.codes_of(kinds), key)}
        return self.in_order(sorted(found, reverse=True)[:limit])

    def speakers(self) -> dict[str, int]:
        firsts = run(self.connection, "first_of_each_speaker", self.bank).fetchall()
        records = self.records([seq for _, seq in firsts])
        return {str(records[seq].memory.speaker): speaker for speaker, seq in firsts if seq in records}

    def tagged(self, tags: Sequence[int]) -> set[int]:
        return {row[0] for row in self._over("tagged", tags)}

    def all_seqs(self) -> list[int]:
        return self._all("all_seqs")

    def resting_on(self, seqs: Sequence[int]) -> set[int]:
        return {row[0] for row in self._over("derived", seqs)}

    def last_turn(self, label: str | None) -> int | None:
        row = self._one("last_placed") if label is None else self._one("last_labelled", self.hasher.label(label))
        return None if row is None else int(row[0])

    def episode_size(self, session: int, episode: int) -> tuple[int, int]:
        turns, characters = self._one("episode_size", session, episode)
        return int(turns), int(characters)

    def open_exchange(self, session: int) -> tuple[int, int] | None:
        row = self._one("open_exchange", session)
        return None if row is None else (row[0], row[1])

    def page(self, kinds: Sequence[Kind] | None, after: str | None, limit: int, states: Sequence[str]) -> list[Memory]:
        start, in_states = self.start_after(after), json.dumps(STATE_CODES.codes_of(states))
        if kinds is None:
            return self.in_order(self._all("page", start, in_states, limit))
        numbers = KIND_CODES.codes_of(kinds)
        if KIND_CODES.codes["turn"] in numbers:
            return self.in_order(self._all("page_of_kinds", start, in_states, json.dumps(numbers), limit))
        found = [s for n in set(numbers) for s in self._all("page_of_derived", n, start, in_states, limit)]
        return self.in_order(sorted(found)[:limit])

    def history_rows(self, seq: int) -> list[HistoryRow]:
        rows = run(self.connection, "history_rows", self.bank, seq).fetchall()
        return decode_history(rows, self.records([seq]).get(seq)) if rows else []

    def superseded_by_any(self, seqs: Sequence[int]) -> list[int]:
        return sorted(row[0] for row in self._over("superseded_by_any", seqs))

    def queue(self) -> list[Queued]:
        return self._queued(run(self.connection, "exchanges", self.bank).fetchall())

    def queued(self, numbers: Sequence[int]) -> dict[int, Queued]:
        found = self._queued(list(self._over("exchanges_numbered", numbers)))
        return {queued.number: queued for queued in found}

    def _queued(self, rows: Sequence[tuple[Any, ...]]) -> list[Queued]:
        turns: dict[int, set[int]] = defaultdict(set)
        for number, seq in self._over("exchange_turns", [row[0] for row in rows]):
            turns[number].add(seq)
        return [decode_exchange(row, sorted(turns[row[0]])) for row in rows]

    def echoes(self, seqs: Sequence[int]) -> list[int]:
        return sorted({row[0] for row in self._over("echoes", seqs)})

    def reasons(self) -> list[tuple[int, str]]:
        found = run(self.connection, "reasons", self.bank, AUTHOR_CODES.codes["thinker"])
        return [(int(seq), str(text)) for seq, text in found]

    def entries(self, seqs: Sequence[int]) -> dict[int, IndexEntry]:
        terms = {s: dict(_terms(at.row)) for s, at in self.located(TERM_PART, seqs).items()}
        sketches = {s: at.row.data for s, at in self.located(SKETCH_PART, seqs).items()}
        vectors = dict(self._over("vectors", seqs))
        passages = dict(self._over("passages", seqs))
        bands: dict[int, set[int]] = defaultdict(set)
        for seq, band in self._over("bands_of", seqs):
            bands[seq].add(band)
        return {
            seq: IndexEntry(
                text_key=text_key,
                terms=terms.get(seq, {}),
                vector=vectors.get(seq),
                sketch=sketches.get(seq),
                group=group,
                bands=tuple(sorted(bands[seq])),
                wanted=bool(wanted),
                passages=passages.get(seq),
            )
            for seq, text_key, group, wanted in self._over("trace_numbers", seqs)
        }

    def located(self, part: int, seqs: Sequence[int]) -> dict[int, Located]:
        """Where one part of these memories' traces lies, and what it holds."""
        if not seqs:
            return {}
        rows = [EntryRow(*row) for row in self._over("tail_of", seqs, part)]
        found = {row.seq: Located(None, row) for row in rows}
        missing = set(seqs) - set(found)
        if missing:
            around = run(self.connection, "blocks_around", self.bank, part, max(missing), min(missing))
            for number, data in around.fetchall():
                wanted = (row for row in _parsed(data).rows() if row.seq in missing)
                found.update((row.seq, Located(number, row)) for row in wanted)
        return found


def _resting(links: Sources, seqs: Iterable[int]) -> Sources:
    """The links of some rows."""
    return {seq: links[seq] for seq in seqs if seq in links} if links else links


def _joined(batches: Sequence[QuantisedBatch]) -> QuantisedBatch:
    seqs, rows = zip(*batches, strict=True)
    return QuantisedBatch(np.concatenate(seqs), np.concatenate(rows))


def _parsed(data: bytes) -> Block:
    with decoding("a block of the index"):
        return Block.parse(data)


def _terms(row: EntryRow) -> list[tuple[int, int]]:
    with decoding("an index row"):
        return unpack_terms(row.data)


def _made(rows: Iterable[tuple[Any, ...]], sources: Sources) -> dict[int, StoredMemory]:
    return {row[0]: decode_record(row, sources.get(row[0], ())) for row in rows}
