"""View of one bank over SQL, within one read or write transaction."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from memkit.batches import BATCH_ROWS, PassageBatch, QuantisedBatch, RowBatch, SketchBatch, TermBatch, TurnBatch
from memkit.identifiers import uuid7_bytes
from memkit.models import MEMORY_KINDS, IndexEntry, IndexRow, Kind, Memory, Mention, MentionKind, PastState
from memkit.protocols import FloatArray, PageOptions, Span
from memkit.storage.core.base_view import VISIBLE_STATES, LastTurn, chosen_seqs
from memkit.storage.core.blocks import (
    ROW_PART,
    SKETCH_PART,
    TERM_PART,
    VECTOR_PART,
    Block,
    EntryRow,
    sketch_batches,
    term_batch,
)
from memkit.storage.core.checksums import corrupt_error, decoding
from memkit.storage.core.enum_codes import AUTHOR_CODES, KIND_CODES, MENTION_CODES, STATE_CODES
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory
from memkit.storage.core.rows import (
    HistoryColumns,
    LazyMemories,
    MemoryRow,
    decode_exchanges,
    decode_history,
    decode_mentions,
    decode_names,
    decode_past,
    decode_records,
    mentions_by_seq,
    unpack_terms,
)
from memkit.storage.core.vectors import passage_batch, stack_vectors, unpack_vectors
from memkit.storage.sql.block_writer import parse_block
from memkit.storage.sql.queries import Cursor, NamedConnection
from memkit.storage.sql.querying_view import QueryingView, Sources, grouped, of_view
from memkit.storage.sql.row_blocks import index_rows, row_batch, rows_of_blocks, too_many_moved
from memkit.storage.sql.values import codes_of, page_values, span_values
from memkit.times import to_micros

RANGE_FROM = 500  # vectors; from so many on, those of a whole range are read where most of it is wanted
TURN_CODE = KIND_CODES.codes["turn"]
USELESS_SHARE = 4  # if more than one in so many rows of blocks have changed since, blocks are of no use


class SqlView(QueryingView):
    """A BankView over a connection that is inside a transaction."""

    def locate(self, ids: Sequence[str]) -> dict[str, int]:
        uids = {id: uid for id in ids if (uid := uuid7_bytes(id)) is not None}
        refs = {id: self.hasher.ref(id) for id in ids if id not in uids}
        by_uid = dict(self._over("seqs_by_uid", uids.values()))
        by_ref = dict(self._over("seqs_by_ref", refs.values()))
        seqs = {id: by_uid.get(uid) for id, uid in uids.items()} | {id: by_ref.get(ref) for id, ref in refs.items()}
        return {id: seq for id in ids if (seq := seqs[id]) is not None}

    def records(self, seqs: Sequence[int]) -> dict[int, StoredMemory]:
        return decode_records(*self._read(seqs))

    def lazy_memories(self, seqs: Sequence[int]) -> Mapping[int, Memory]:
        if not seqs:
            return {}
        rows, sources = self._read(seqs)
        pointers = {link for row in rows for link in (row.superseded_by, row.echo_of) if link is not None}
        return LazyMemories({row.seq: row for row in rows}, sources, self.names(pointers.union(*sources.values())))

    def _read(self, seqs: Sequence[int]) -> tuple[list[MemoryRow], Sources]:
        if isinstance(self.connection, NamedConnection):
            return self._read_linked(self.connection, seqs)
        rows = list(map(MemoryRow._make, self._over("memories", seqs)))
        return rows, grouped(self._over("sources", [row.seq for row in rows if row.kind != TURN_CODE]))

    def _read_linked(self, connection: NamedConnection, seqs: Sequence[int]) -> tuple[list[MemoryRow], Sources]:
        """The same in one round trip, with the names of the memories that these are linked with."""
        reads = [partial(self._over, name, seqs) for name in ("memories", "sources", "linked_ids")]
        connection.read_ahead(reads)
        rows, links, ids = (read() for read in reads)
        self._known_names.update(decode_names(ids))
        return list(map(MemoryRow._make, rows)), grouped(links)

    def names(self, seqs: Iterable[int]) -> dict[int, str]:
        if self._known_names:
            seqs = list(seqs)
            names = {seq: self._known_names[seq] for seq in seqs if seq in self._known_names}
            return names | self._names([seq for seq in seqs if seq not in names])
        return self._names(seqs)

    def _names(self, seqs: Iterable[int]) -> dict[int, str]:
        rows = self._over("ids", seqs)
        return decode_names(rows) if rows else {}

    def rows(self, since: int = 0) -> Iterator[IndexRow]:
        """Index rows in order of seq; both queries run in the view's snapshot."""
        links, rows = self._links(since), self._changed("index_rows", since)
        while some := rows.fetchmany(BATCH_ROWS):
            yield from index_rows(some, links, self.next_seq)

    def row_batches(self, since: int = 0) -> Iterator[RowBatch]:
        links = self._links(since)
        if since or too_many_moved(self.connection, self.bank, self.row.size, USELESS_SHARE):
            yield from self._batches(self._changed("index_rows", since), links)
            return
        for rows in rows_of_blocks(self.connection, self.bank):
            yield RowBatch(rows.fields, _resting(links, rows.seqs.tolist()))
        yield from self._batches(self._run("index_rows_unblocked", part=ROW_PART), links)
        yield from self._batches(self._run("index_rows_moved"), links)

    def _batches(self, rows: Cursor, links: Sources) -> Iterator[RowBatch]:
        while some := rows.fetchmany(BATCH_ROWS):
            yield row_batch(some, _resting(links, (row[0] for row in some)), self.next_seq)

    def rows_of_sessions(self, sessions: Sequence[int]) -> list[IndexRow]:
        rows = {row[0]: row for row in self._over("index_rows_of_sessions", sessions)}
        return index_rows([row for _, row in sorted(rows.items())], {}, self.next_seq) if rows else []

    def sessions_of(self, seqs: Sequence[int]) -> list[int]:
        return sorted({row[0] for row in self._over("sessions_of", seqs)})

    def erased_since(self, since: int) -> list[list[int]]:
        rows = self._run("erased_since", since=since)
        return [[int(seq) for seq in np.frombuffer(seqs, dtype="<i8")] for (seqs,) in rows]

    def states_at(self, moment: datetime) -> dict[int, PastState]:
        images = [pair for pair in self._run("images_after", moment=to_micros(moment)) if pair[1] is not None]
        return {seq: decode_past(image) for seq, image in dict(reversed(images)).items()}

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
        for (data,) in self._run("blocks", part=part, since=since):
            block = parse_block(data).since(since)
            if len(block.seqs):
                yield self._possible(block)
        unsealed = self._run("unsealed", part=part, since=since).fetchall()
        if unsealed:
            with decoding("an index row"):
                block = Block.of(unsealed)
            yield self._possible(block)

    def _possible(self, block: Block) -> Block:
        if not 0 < block.seqs[0] <= block.seqs[-1] < self.next_seq:
            raise corrupt_error("an index row")
        return block

    def vectors(self, seqs: Sequence[int]) -> FloatArray:
        return self._stacked(dict(self._over("vectors", seqs)), seqs)

    def _stacked(self, vectors: Mapping[int, bytes], seqs: Sequence[int]) -> FloatArray:
        if not vectors:
            other = self._run("any_vector").fetchone() or (None,)
            return stack_vectors([*(None for _ in seqs), *other])[: len(seqs)]
        with decoding("a vector"):
            return stack_vectors(list(map(vectors.get, seqs)))

    def with_passages(self, seqs: Sequence[int]) -> tuple[FloatArray, PassageBatch]:
        rows = self._with_passages(seqs)
        vectors = self._stacked({seq: vector for seq, vector, _ in rows}, seqs)
        parts = {seq: passages for seq, _, passages in rows if passages is not None}
        with decoding("a passage"):
            return vectors, passage_batch(parts, vectors.shape[1])

    def _with_passages(self, seqs: Sequence[int]) -> list[tuple[int, bytes, bytes | None]]:
        """Stored vectors and passages; where most of a range is wanted, the range is read, in half the time."""
        if len(seqs) < RANGE_FROM or max(seqs) - min(seqs) > 2 * len(seqs):
            return [(seq, own, parts) for seq, own, parts in self._over("vectors_with_passages", seqs)]
        wanted, rows = set(seqs), self._run("vectors_between", first=min(seqs), last=max(seqs)).fetchall()
        return rows if len(wanted) > max(seqs) - min(seqs) else [row for row in rows if row[0] in wanted]

    def tokens(self, seqs: Sequence[int]) -> dict[int, bytes]:
        return dict(self._over("tokens", seqs))

    def quantised(self, seqs: Sequence[int], dimension: int) -> tuple[QuantisedBatch, QuantisedBatch]:
        blocks = (block.only(np.isin(block.seqs, seqs)) for block in self._around(VECTOR_PART, seqs))
        with decoding("a block of vectors"):
            batches = [unpack_vectors(block, dimension) for block in blocks]
        in_blocks = np.concatenate([own.seqs for own, _ in batches]) if batches else np.empty(0, np.int64)
        batches.append(super().quantised(np.setdiff1d(seqs, in_blocks).tolist(), dimension))
        own, parts = zip(*batches, strict=True)
        return _joined(own), _joined(parts)

    def _around(self, part: int, seqs: Collection[int]) -> Iterator[Block]:
        """Blocks of a part that may hold some of these."""
        if seqs:
            for _, data in self._run("blocks_around", part=part, first=min(seqs), last=max(seqs)):
                yield parse_block(data)

    def labelled(self, session: str, newest: int | None = None) -> list[int]:
        label = self.hasher.label(session)
        if newest is None:
            return self._seqs("labelled", label=label)
        return self._seqs("newest_labelled", label=label, limit=newest)[::-1]

    def turns_of(self, session: int, after: int = 0) -> list[int]:
        return self._seqs("turns_of", session=session, after=after)

    def visible_turns(self, session: int) -> TurnBatch:
        rows = self._run("visible_turns", session=session, states=codes_of(STATE_CODES, VISIBLE_STATES)).fetchall()
        with decoding("a memory"):
            return TurnBatch.of(rows)

    def last_saliences(self, limit: int) -> list[float]:
        newest_first = self._run("last_saliences", limit=limit).fetchall()
        with decoding("a memory"):
            return [float(salience) for (salience,) in reversed(newest_first) if salience is not None]

    def unencoded(self, limit: int) -> list[Memory]:
        return self.in_order(self._seqs("unencoded", limit=limit))

    def same_text(self, keys: Sequence[int]) -> dict[int, str]:
        return decode_names(self._over("same_text", keys))

    def same_thoughts(self, keys: Sequence[int], speaker: str | None) -> dict[int, Memory]:
        if speaker is None:
            seqs = dict(self._over("same_thoughts_of_nobody", keys))
        else:
            seqs = dict(self._over("same_thoughts", keys, speaker=self.hasher.speaker(speaker)))
        memories = self.memories(list(seqs.values()))
        return {key: memories[seq] for key, seq in seqs.items()}

    def in_groups(self, groups: Sequence[int], kinds: Sequence[Kind], limit: int) -> list[int]:
        reads = [partial(self._newest, "in_group", kinds, limit, hash_group=group) for group in groups]
        self.read_ahead(*(of_view(read) for read in reads))
        return [seq for read in reads for seq in read()]

    def about(self, head: str, kinds: Sequence[Kind], limit: int) -> list[Memory]:
        return self.in_order(self._newest("with_head", kinds, limit, head=self.hasher.head(head)))

    def _newest(self, name: str, kinds: Sequence[Kind], limit: int, **key: int) -> list[int]:
        seqs = {row[0] for row in self._over(name, codes_of(KIND_CODES, kinds), limit=limit, **key)}
        return sorted(seqs, reverse=True)[:limit]

    def speakers(self) -> dict[str, int]:
        firsts = [(row[0], MemoryRow._make(row[1:])) for row in self._run("first_of_each_speaker")]
        records = decode_records([row for _, row in firsts], {})
        return {str(records[row.seq].memory.speaker): speaker for speaker, row in firsts}

    def expiring(self, until: datetime, limit: int) -> list[int]:
        return self._seqs("expiring", until=to_micros(until), limit=limit)

    def tagged(self, tags: Sequence[int]) -> set[int]:
        return {row[0] for row in self._over("with_tags", tags)}

    def mentions(self, kinds: Sequence[MentionKind], span: Span = (None, None)) -> list[tuple[int, Mention]]:
        return decode_mentions(self._over("mentions_between", codes_of(MENTION_CODES, kinds), **span_values(*span)))

    def all_seqs(self) -> list[int]:
        return self._seqs("all_seqs")

    def resting_on(self, seqs: Sequence[int]) -> set[int]:
        return {row[0] for row in self._over("resting_on", seqs)}

    def last_turn(self, label: str | None) -> LastTurn | None:
        last = self._run("last_placed") if label is None else self._run("last_labelled", label=self.hasher.label(label))
        row = last.fetchone()
        return None if row is None else LastTurn(*row)

    def rows_of(self, seqs: Collection[int]) -> list[IndexRow]:
        rows = self._over("index_rows_of", seqs)
        return index_rows(sorted(rows, key=itemgetter(0)), {}, self.next_seq) if rows else []

    def page(self, options: PageOptions) -> list[Memory]:
        if options.among is not None:
            return self.in_order(chosen_seqs(self.rows_of(options.among), options))
        numbers = set(codes_of(KIND_CODES, MEMORY_KINDS if options.kinds is None else options.kinds))
        values, descending = page_values(options), options.order.startswith("-")
        if options.order.endswith("occurred_at"):
            return self._merged("page_by_time", numbers, options, values)
        if TURN_CODE not in numbers:
            return self._merged("page_of_derived", numbers, options, values)
        return self.in_order(self._seqs("page_back" if descending else "page", kinds=sorted(numbers), **values))

    def _merged(self, name: str, kinds: Iterable[int], options: PageOptions, values: Mapping[str, Any]) -> list[Memory]:
        """A page from the pages of each kind."""
        descending = options.order.startswith("-")
        query = f"{name}_back" if descending else name
        places = sorted(tuple(row) for kind in kinds for row in self._run(query, kind=kind, **values))
        if descending:
            places.reverse()
        return self.in_order([place[-1] for place in places[: options.limit]])

    def history_rows(self, seq: int) -> list[HistoryRow]:
        return self.histories([seq]).get(seq, [])

    def histories(self, seqs: Sequence[int]) -> dict[int, list[HistoryRow]]:
        columns: dict[int, list[HistoryColumns]] = {}
        for seq, *values in self._over("history_rows", seqs):
            columns.setdefault(seq, []).append(HistoryColumns._make(values))
        records = self.records(list(columns)) if columns else {}
        return {seq: decode_history(rows, records.get(seq)) for seq, rows in columns.items()}

    def superseded_by_any(self, seqs: Sequence[int]) -> list[int]:
        return sorted(row[0] for row in self._over("superseded_by_any", seqs))

    def queue(self) -> list[Queued]:
        return decode_exchanges(self._run("exchanges"))

    def queued(self, numbers: Sequence[int]) -> dict[int, Queued]:
        rows = self._over("exchanges_numbered", numbers)
        return {queued.number: queued for queued in decode_exchanges(rows)}

    def echoes(self, seqs: Sequence[int]) -> list[int]:
        return sorted({row[0] for row in self._over("echoes", seqs)})

    def reasons(self) -> list[tuple[int, str]]:
        rows = self._run("reasons", author=AUTHOR_CODES.codes["thinker"])
        return [(int(seq), str(text)) for seq, text in rows]

    def entries(self, seqs: Sequence[int]) -> dict[int, IndexEntry]:
        packed = self.located(TERM_PART, seqs)
        with decoding("an index row"):
            terms = {seq: dict(unpack_terms(row.data)) for seq, row in packed.items()}
        sketches = {seq: row.data for seq, row in self.located(SKETCH_PART, seqs).items()}
        encoded = {row[0]: row[1:] for row in self._over("encoded", seqs)}
        mentions = mentions_by_seq(self._over("mentions_of", seqs))
        return {
            seq: IndexEntry(
                text_key=text_key,
                terms=terms.get(seq, {}),
                sketch=sketches.get(seq),
                group=group,
                wanted=bool(wanted),
                mentions=mentions.get(seq, ()),
                **dict(zip(("vector", "passages", "tokens"), encoded.get(seq, ()), strict=False)),
            )
            for seq, text_key, group, wanted in self._over("index_columns", seqs)
        }

    def located(self, part: int, seqs: Sequence[int]) -> dict[int, EntryRow]:
        """One part of these memories' index entries, by seq."""
        located = {row.seq: row for row in map(EntryRow._make, self._over("unsealed_of", seqs, part=part))}
        missing = set(seqs) - set(located)
        for block in self._around(part, missing):
            located.update((row.seq, row) for row in block.rows() if row.seq in missing)
        return located


def _resting(links: Sources, seqs: Iterable[int]) -> Sources:
    """The links of some rows."""
    return {seq: links[seq] for seq in seqs if seq in links} if links else links


def _joined(batches: Sequence[QuantisedBatch]) -> QuantisedBatch:
    seqs, rows = zip(*batches, strict=True)
    return QuantisedBatch(np.concatenate(seqs), np.concatenate(rows))
