"""Carrying out primitive changes in SQLite; everything runs inside one write transaction."""

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

from memkit.identifiers import uuid7_bytes
from memkit.models import IndexEntry, Memory
from memkit.storage.core.blocks import SKETCH_PART, TERM_PART, VECTOR_PART, pack_terms
from memkit.storage.core.change_set import ChangeSet
from memkit.storage.core.checksums import memory_checksum, text_checksum, vector_checksum
from memkit.storage.core.enum_codes import AUTHOR_CODES, KIND_CODES, ROLE_CODES, STATE_CODES
from memkit.storage.core.records import HistoryRow, StoredMemory, micros
from memkit.storage.core.rows import encode_payload, exchange_row, history_columns
from memkit.storage.sql.connection import Connection
from memkit.storage.sql.entry_blocks import EntryBlocks
from memkit.storage.sql.queries import change_over, run, run_many, run_over
from memkit.storage.sql.row_blocks import RowBlocks
from memkit.storage.sql.view import BankRow, SqliteView
from memkit.text.terms.tokens import asks

Row = tuple[Any, ...]
MOST_PACKED = 1000  # of what is erased at once: whose sketches and vectors are looked for in the files afterwards


class Writer:
    """Writes the changes of one apply, and the bank's counters with them."""

    def __init__(self, view: SqliteView, changes: ChangeSet) -> None:
        self.connection: Connection = view.connection
        self.view = view
        self.changes = changes
        self.bank = view.bank
        self.change = view.row.change + 1
        self.erased: list[bytes] = []  # contents that went, as they lay in the file
        self._content = count(run(self.connection, "last_content").fetchone()[0] + 1)
        self._history = view.row.next_history
        self._blocks = view.row.next_block
        self._tails = {SKETCH_PART: view.row.unsealed_sketches, TERM_PART: view.row.unsealed_terms}
        self._rows = RowBlocks(self.connection, self.bank, self.change)
        self._entry_blocks = EntryBlocks(self.connection, self.bank)

    def write(self) -> BankRow:
        """Do everything; the bank's row as it is then."""
        self._drop_exchanges(self.changes.settled)
        self._remove(self.changes.removed)
        self._add(self.changes.new)
        self._change(self.changes.changed)
        self._replace(self.changes.replaced)
        self._index(self.changes.entries)
        self._rewrite_histories(self.changes.histories)
        self._note(self.changes.history)
        self._queue()
        self._seal(SKETCH_PART)
        self._seal(TERM_PART)
        if made := self._rows.seal(self._blocks, self.changes.next_seq):
            self._blocks += made
        if self.changes.changed or self.changes.replaced:
            self._rows.renew(self.view.row.size, self.changes.next_seq)
        return self._save()

    def _save(self) -> BankRow:
        changes, old = self.changes, self.view.row
        row = old._replace(
            change=self.change,
            epoch=old.epoch + bool(changes.removed),
            size=old.size + len(changes.new) - len(changes.removed),
            next_seq=changes.next_seq,
            next_history=self._history,
            next_exchange=changes.next_exchange,
            next_block=self._blocks,
            unsealed_sketches=self._tails[SKETCH_PART],
            unsealed_terms=self._tails[TERM_PART],
        )
        run(self.connection, "update_bank", row.change, row.epoch, row.size, *row[8:], self.bank)
        return row

    # -- new records

    def _add(self, new: Sequence[tuple[StoredMemory, IndexEntry]]) -> None:
        contents = self._texts([record for record, _ in new])
        vectors = self._vectors([entry for _, entry in new])
        rows = [
            self._memory_row(record, entry, content, vector)
            for (record, entry), content, vector in zip(new, contents, vectors, strict=True)
        ]
        run_many(self.connection, "add_memory", rows)
        self._link([record for record, _ in new])
        self._bands((record.seq, entry) for record, entry in new)
        self._entries([(record.seq, entry) for record, entry in new])

    def _texts(self, records: Sequence[StoredMemory]) -> list[int]:
        ids = [next(self._content) for _ in records]
        run_many(self.connection, "add_text", [self._text(id, r) for id, r in zip(ids, records, strict=True)])
        return ids

    def _text(self, id: int, record: StoredMemory) -> Row:
        payload = encode_payload(record.memory, _own_id(record.memory))
        return (id, self.bank, record.memory.text, payload, memory_checksum(record, payload))

    def _vectors(self, entries: Sequence[IndexEntry]) -> list[int | None]:
        ids = [None if entry.vector is None else next(self._content) for entry in entries]
        pairs = zip(ids, entries, strict=True)
        rows = [
            (
                id,
                self.bank,
                entry.vector,
                entry.passages,
                vector_checksum(entry.vector, entry.passages),
            )
            for id, entry in pairs
            if id is not None
        ]
        run_many(self.connection, "add_vector", rows)
        return ids

    def _memory_row(self, record: StoredMemory, entry: IndexEntry, content: int, vector: int | None) -> Row:
        memory, place, hasher = record.memory, record.placement, self.view.hasher
        own = _own_id(memory)
        return (
            self.bank,
            record.seq,
            record.uid,
            None if own is None else hasher.ref(own),
            content,
            vector,
            entry.wanted,
            KIND_CODES.codes[memory.kind],
            STATE_CODES.codes[memory.state],
            AUTHOR_CODES.codes[memory.author],
            ROLE_CODES.code(memory.role),
            self._hash(hasher.speaker, memory.speaker),
            self._hash(hasher.head, memory.head),
            None if place is None else self._hash(hasher.label, memory.session),
            None if place is None else place.session,
            None if place is None else place.episode,
            micros(memory.occurred_at),
            micros(memory.recorded_at),
            micros(memory.valid_from),
            micros(memory.valid_until),
            record.superseded_by,
            record.echo_of,
            memory.strength,
            micros(memory.recalled_at),
            memory.recall_count,
            memory.salience,
            memory.pinned,
            len(memory.text),
            asks(memory.text),
            entry.group,
            entry.text_key,
            self.change,
        )

    def _hash(self, hash: Callable[[str], int], word: str | None) -> int | None:
        return None if word is None else hash(word)

    def _link(self, records: Sequence[StoredMemory]) -> None:
        """Sources and tags."""
        sources = [(self.bank, r.seq, source) for r in records for source in r.sources]
        run_many(self.connection, "add_source", sources)
        having = [r for r in records if r.memory.metadata]
        hasher = self.view.hasher
        tags = [(self.bank, tag, r.seq) for r in having for tag in hasher.tags(r.memory.metadata)]
        run_many(self.connection, "add_tag", tags)

    # -- existing records

    def _change(self, records: Sequence[StoredMemory]) -> None:
        run_many(self.connection, "change_memory", [self._changed_row(record) for record in records])

    def _changed_row(self, record: StoredMemory) -> Row:
        memory = record.memory
        return (
            STATE_CODES.codes[memory.state],
            micros(memory.valid_until),
            record.superseded_by,
            record.echo_of,
            memory.strength,
            micros(memory.recalled_at),
            memory.recall_count,
            memory.pinned,
            *(record.placement or (None, None)),
            memory.salience,
            self.change,
            self.bank,
            record.seq,
        )

    def _replace(self, records: Sequence[StoredMemory]) -> None:
        """Other contents under the same seqs."""
        seqs = [record.seq for record in records]
        old = list(run_over(self.connection, "contents_of", (self.bank,), seqs))
        contents = self._texts(records)
        rows = [self._replaced_row(r, content) for r, content in zip(records, contents, strict=True)]
        run_many(self.connection, "replace_memory", rows)
        self._drop_content({content for _, content in old}, erased=bool(self.changes.erased))
        change_over(self.connection, "drop_sources", (self.bank,), seqs)
        change_over(self.connection, "drop_tags", (self.bank,), seqs)
        self._link(records)

    def _replaced_row(self, record: StoredMemory, content: int) -> Row:
        memory, hasher = record.memory, self.view.hasher
        return (
            content,
            STATE_CODES.codes[memory.state],
            AUTHOR_CODES.codes[memory.author],
            ROLE_CODES.code(memory.role),
            self._hash(hasher.speaker, memory.speaker),
            self._hash(hasher.head, memory.head),
            micros(memory.occurred_at),
            micros(memory.valid_from),
            micros(memory.valid_until),
            record.superseded_by,
            record.echo_of,
            memory.strength,
            micros(memory.recalled_at),
            memory.recall_count,
            memory.salience,
            memory.pinned,
            None if record.placement is None else self._hash(hasher.label, memory.session),
            *(record.placement or (None, None)),
            len(memory.text),
            asks(memory.text),
            self.change,
            self.bank,
            record.seq,
        )

    # -- traces

    def _index(self, entries: dict[int, IndexEntry]) -> None:
        """Other traces for existing records."""
        seqs = list(entries)
        if not seqs:
            return
        if self.changes.erased:
            self._remember_entries(seqs)
        vectors = self._moved_vectors(entries)
        rows = [(vectors[seq], t.wanted, t.group, t.text_key, self.bank, seq) for seq, t in entries.items()]
        run_many(self.connection, "index_memory", rows)
        change_over(self.connection, "drop_bands", (self.bank,), seqs)
        self._bands(entries.items())
        self.forget_entries(seqs)
        self._entries(list(entries.items()))

    def _moved_vectors(self, entries: dict[int, IndexEntry]) -> dict[int, int | None]:
        """Vectors of the same length are overwritten where they lie: rows never grow."""
        found = run_over(self.connection, "vectors_of", (self.bank,), list(entries))
        old = {seq: (content, lengths) for seq, content, *lengths in found}
        placed: dict[int, int | None] = {}
        for seq, entry in entries.items():
            content, lengths = old.get(seq, (None, None))
            if entry.vector is not None and lengths == [
                len(entry.vector),
                len(entry.passages or b""),
            ]:
                checksum = vector_checksum(entry.vector, entry.passages)
                run(self.connection, "overwrite_vector", entry.vector, entry.passages, checksum, content)
                placed[seq] = content
                del old[seq]
        fresh = [seq for seq in entries if seq not in placed]
        placed.update(zip(fresh, self._vectors([entries[seq] for seq in fresh]), strict=True))
        self._drop_content({content for content, _ in old.values()})
        return placed

    def _remember_entries(self, seqs: Sequence[int]) -> None:
        for entry in self.view.entries(seqs).values():
            self.erased += [part for part in (entry.vector, entry.passages) if part]
        self._remember_packed(seqs)

    def _bands(self, entries: Iterable[tuple[int, IndexEntry]]) -> None:
        rows = [(self.bank, band, seq) for seq, entry in entries for band in entry.bands]
        run_many(self.connection, "add_band", rows)

    def _entries(self, entries: Sequence[tuple[int, IndexEntry]]) -> None:
        sketches = [self._entry(SKETCH_PART, seq, t.sketch) for seq, t in entries if t.sketch is not None]
        terms = [self._entry(TERM_PART, seq, pack_terms(t.terms.items())) for seq, t in entries if t.terms]
        run_many(self.connection, "add_trace", sketches + terms)
        self._tails[SKETCH_PART] += len(sketches)
        self._tails[TERM_PART] += len(terms)

    def _entry(self, part: int, seq: int, data: bytes) -> Row:
        return (self.bank, part, self.change, seq, data)

    def forget_entries(self, seqs: Sequence[int]) -> None:
        """Take these memories out of the tail and the blocks."""
        for part in (SKETCH_PART, TERM_PART, VECTOR_PART):
            located = self.view.located(part, seqs)
            in_tail = [seq for seq, at in located.items() if at.block is None]
            if in_tail:
                self._tails[part] -= change_over(self.connection, "drop_traces", (self.bank, part), in_tail)
            for number in {at.block for at in located.values() if at.block is not None}:
                self._take_out(part, number, seqs)

    def _take_out(self, part: int, number: int, seqs: Sequence[int]) -> None:
        around = run(self.connection, "blocks_around", self.bank, part, max(seqs), min(seqs))
        data = next(data for found, data in around.fetchall() if found == number)
        self._entry_blocks.take_out(part, number, data, seqs)

    def _seal(self, part: int) -> None:
        """Move the tail's rows into blocks, many at a time."""
        sealed = self._entry_blocks.seal(part, self._tails[part], self._blocks)
        self._tails[part] -= sealed.rows
        self._blocks += sealed.blocks

    # -- history, queue, removal

    def _note(self, history_rows: Sequence[HistoryRow]) -> None:
        rows: list[tuple[Any, ...]] = []
        texts: list[tuple[Any, ...]] = []
        for number, history_row in enumerate(history_rows, self._history):
            *numbers, reason, image = history_columns(history_row)
            id = next(self._content)
            texts.append((id, self.bank, reason, image, text_checksum(reason, image)))
            rows.append((self.bank, number, history_row.seq, *numbers, id))
        run_many(self.connection, "add_text", texts)
        run_many(self.connection, "add_history", rows)
        self._history += len(rows)

    def _rewrite_histories(self, histories: dict[int, list[HistoryRow]]) -> None:
        """Other histories in the place of these memories'."""
        seqs = list(histories)
        notes = {row[0] for row in run_over(self.connection, "history_contents", (self.bank,), seqs)}
        change_over(self.connection, "drop_history", (self.bank,), seqs)
        self._drop_content(notes, erased=True)
        self._note([history_row for history_rows in histories.values() for history_row in history_rows])

    def _queue(self) -> None:
        exchanges = self.changes.exchanges
        run_many(self.connection, "put_exchange", [exchange_row(self.bank, q) for q in exchanges])
        turns = [(self.bank, q.number, seq) for q in exchanges for seq in q.turns]
        run_many(self.connection, "add_exchange_turn", turns)

    def _drop_exchanges(self, numbers: Sequence[int]) -> None:
        rows = [(self.bank, number) for number in numbers]
        run_many(self.connection, "drop_exchange_turns", rows)
        run_many(self.connection, "drop_exchange", rows)

    def _remove(self, seqs: Sequence[int]) -> None:
        """Everything of these memories, and every link to them."""
        if not seqs:
            return
        head = (self.bank,)
        contents = self._contents_of(seqs)
        self._remember_packed(seqs[:MOST_PACKED])
        self.forget_entries(seqs)
        self._unlink(seqs)
        for name in ("drop_sources", "drop_tags", "drop_bands", "drop_history"):
            change_over(self.connection, name, head, seqs)
        if change_over(self.connection, "drop_turns", head, seqs):
            run(self.connection, "drop_empty_exchanges", self.bank)
        change_over(self.connection, "drop_memories", head, seqs)
        self._rows.remove(seqs)
        self._drop_content(contents, erased=True)

    def _remember_packed(self, seqs: Sequence[int]) -> None:
        for part in (SKETCH_PART, VECTOR_PART):
            self.erased += [at.row.data for at in self.view.located(part, seqs).values()]

    def _contents_of(self, seqs: Sequence[int]) -> set[int]:
        found = run_over(self.connection, "content_of_removed", (self.bank,), seqs)
        contents = {id for pair in found for id in pair if id is not None}
        notes = run_over(self.connection, "history_contents", (self.bank,), seqs)
        return contents | {row[0] for row in notes}

    def _unlink(self, seqs: Sequence[int]) -> None:
        derived = list({row[0] for row in run_over(self.connection, "linked_sources", (self.bank,), seqs)})
        change_over(self.connection, "touch", (self.change, self.bank), derived)
        change_over(self.connection, "drop_source_links", (self.bank,), seqs)
        for name in ("clear_superseded", "clear_echoes"):
            change_over(self.connection, name, (self.change, self.bank), seqs)

    def _drop_content(self, ids: Iterable[int], *, erased: bool = False) -> None:
        """Take rows out; what was `erased` must be nowhere in the files afterwards."""
        if erased:
            rows = run_over(self.connection, "contents", (), sorted(ids))
            self.erased += [part for row in rows for part in as_bytes(row)]
        run_many(self.connection, "drop_content", [(id,) for id in sorted(ids)])


def as_bytes(row: Iterable[str | bytes | None]) -> list[bytes]:
    """The contents of a row as they lie in the file."""
    return [part.encode() if isinstance(part, str) else part for part in row if part]


def _own_id(memory: Memory) -> str | None:
    return None if uuid7_bytes(memory.id) is not None else memory.id
