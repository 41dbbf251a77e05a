"""Writing primitive changes with SQL; everything runs inside one write transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

from memkit.models import IndexEntry
from memkit.storage.core.blocks import SKETCH_PART, TERM_PART, VECTOR_PART, pack_terms
from memkit.storage.core.change_set import ChangeSet
from memkit.storage.core.checksums import memory_checksum, text_checksum, vector_checksum
from memkit.storage.core.records import HistoryRow, StoredMemory
from memkit.storage.core.rows import encode_payload, exchange_row, history_columns
from memkit.storage.sql.bank_row import BankRow
from memkit.storage.sql.entry_blocks import UnsealedEntries, entry_block_writer
from memkit.storage.sql.memory_columns import content_columns, entry_columns, fixed_columns, own_id, state_columns
from memkit.storage.sql.queries import change_over, run, run_many, run_over
from memkit.storage.sql.row_blocks import RowBlocks
from memkit.storage.sql.view import SqliteView

ENTRY_PARTS = (SKETCH_PART, TERM_PART)
MAX_REMEMBERED = 1000  # erased memories whose sketches and vectors are looked for in the files afterwards
LINKS_OF_MEMORY = ("drop_sources", "drop_tags", "drop_bands", "drop_history")


class Writer:
    """Writes the changes of one apply, and the bank's counters with them."""

    def __init__(self, view: SqliteView, changes: ChangeSet) -> None:
        self.connection = view.connection
        self.view = view
        self.changes = changes
        self.bank = view.bank
        self.change = view.row.change + 1
        self.erased: list[bytes] = []  # contents that went, as they lay in the file
        self._next_content = view.row.next_content
        self._next_history = view.row.next_history
        self._next_block = view.row.next_block
        self._unsealed = {SKETCH_PART: view.row.unsealed_sketches, TERM_PART: view.row.unsealed_terms}
        self._row_blocks = RowBlocks(self.connection, self.bank, self.change)

    def write(self) -> BankRow:
        """Write everything; returns the bank's row as it is then."""
        self._drop_exchanges(self.changes.settled)
        self._remove(self.changes.removed)
        self._add(self.changes.new)
        self._row_blocks.update("change_memory", map(state_columns, self.changes.changed))
        self._replace(self.changes.replaced)
        self._index(self.changes.entries)
        self._rewrite_histories(self.changes.histories)
        self._add_history(self.changes.history)
        self._queue()
        self._flush()
        return self._save()

    def _flush(self) -> None:
        """Move rows into blocks, many at a time."""
        for part in ENTRY_PARTS:
            entries = UnsealedEntries(self.connection, self.bank, part, self._unsealed[part])
            self._next_block += entry_block_writer(self.connection, self.bank, part).flush(entries, self._next_block)
            self._unsealed[part] = entries.count
        self._next_block += self._row_blocks.flush(self._next_block, self.changes.next_seq)
        if self.changes.changed or self.changes.replaced:
            self._row_blocks.renew(self.view.row.size, self.changes.next_seq)

    def _save(self) -> BankRow:
        changes, old = self.changes, self.view.row
        row = old._replace(
            change=self.change,
            epoch=old.epoch + bool(changes.removed),
            size=old.size + len(changes.new) - len(changes.removed),
            next_seq=changes.next_seq,
            next_history=self._next_history,
            next_exchange=changes.next_exchange,
            next_block=self._next_block,
            next_content=self._next_content,
            unsealed_sketches=self._unsealed[SKETCH_PART],
            unsealed_terms=self._unsealed[TERM_PART],
        )
        run_many(self.connection, "update_bank", [row._asdict()])
        return row

    # -- new memories

    def _add(self, new: Sequence[tuple[StoredMemory, IndexEntry]]) -> None:
        records = [record for record, _ in new]
        contents, vectors = self._add_texts(records), self._add_vectors([entry for _, entry in new])
        hasher, fixed = self.view.hasher, {"bank": self.bank, "change": self.change}
        rows: list[dict[str, Any]] = [
            {
                **fixed,
                **fixed_columns(record, hasher),
                **state_columns(record),
                **content_columns(record, hasher),
                **entry_columns(entry),
                "content": content,
                "vector": vector,
            }
            for (record, entry), content, vector in zip(new, contents, vectors, strict=True)
        ]
        run_many(self.connection, "add_memory", rows)
        self._link(records)
        self._add_bands((record.seq, entry) for record, entry in new)
        self._add_entries([(record.seq, entry) for record, entry in new])

    def _add_texts(self, records: Sequence[StoredMemory]) -> list[int]:
        return self._add_words([self._words(record) for record in records])

    def _words(self, record: StoredMemory) -> dict[str, Any]:
        payload = encode_payload(record.memory, own_id(record.memory))
        return {"text": record.memory.text, "payload": payload, "checksum": memory_checksum(record, payload)}

    def _add_words(self, words: Sequence[dict[str, Any]]) -> list[int]:
        ids = self._content_ids(len(words))
        rows = [{"bank": self.bank, "id": id, **columns} for id, columns in zip(ids, words, strict=True)]
        run_many(self.connection, "add_text", rows)
        return list(ids)

    def _content_ids(self, count: int) -> range:
        self._next_content += count
        return range(self._next_content - count, self._next_content)

    def _add_vectors(self, entries: Sequence[IndexEntry]) -> list[int | None]:
        fresh = iter(self._content_ids(sum(entry.vector is not None for entry in entries)))
        ids = [None if entry.vector is None else next(fresh) for entry in entries]
        pairs = zip(ids, entries, strict=True)
        rows = [{"bank": self.bank, "id": id, **_vector_columns(entry)} for id, entry in pairs if id is not None]
        run_many(self.connection, "add_vector", rows)
        return ids

    def _link(self, records: Sequence[StoredMemory]) -> None:
        """Add sources and tags."""
        sources = [{"bank": self.bank, "seq": r.seq, "source": source} for r in records for source in r.sources]
        run_many(self.connection, "add_source", sources)
        tags = [
            {"bank": self.bank, "tag": tag, "seq": record.seq}
            for record in records
            if record.memory.metadata
            for tag in self.view.hasher.tags(record.memory.metadata)
        ]
        run_many(self.connection, "add_tag", tags)

    # -- existing memories

    def _replace(self, records: Sequence[StoredMemory]) -> None:
        """Put other contents under the same seqs."""
        seqs = [record.seq for record in records]
        old = {content for _, content in run_over(self.connection, "contents_of", seqs, bank=self.bank)}
        hasher, contents = self.view.hasher, self._add_texts(records)
        rows = [
            {**state_columns(record), **content_columns(record, hasher), "content": content}
            for record, content in zip(records, contents, strict=True)
        ]
        self._row_blocks.update("replace_memory", rows)
        self._drop_contents(old, erased=bool(self.changes.erased))
        change_over(self.connection, "drop_sources", seqs, bank=self.bank)
        change_over(self.connection, "drop_tags", seqs, bank=self.bank)
        self._link(records)

    # -- index entries

    def _index(self, entries: dict[int, IndexEntry]) -> None:
        """Put other index entries in the place of existing memories'."""
        seqs = list(entries)
        if not seqs:
            return
        if self.changes.erased:
            self._remember_entries(seqs)
        vectors = self._replace_vectors(entries)
        place = {"bank": self.bank}
        rows = [{**place, "seq": seq, "vector": vectors[seq], **entry_columns(e)} for seq, e in entries.items()]
        run_many(self.connection, "index_memory", rows)
        change_over(self.connection, "drop_bands", seqs, bank=self.bank)
        self._add_bands(entries.items())
        self.forget_entries(seqs)
        self._add_entries(list(entries.items()))

    def _replace_vectors(self, entries: dict[int, IndexEntry]) -> dict[int, int | None]:
        """Content ids of the vectors; one of the same length is overwritten where it lies, as rows never grow."""
        rows = run_over(self.connection, "vector_lengths", list(entries), bank=self.bank)
        old = {seq: (content, lengths) for seq, content, *lengths in rows}
        ids: dict[int, int | None] = {}
        for seq, entry in entries.items():
            content, lengths = old.get(seq, (None, None))
            if entry.vector is not None and lengths == [len(entry.vector), len(entry.passages or b"")]:
                run(self.connection, "overwrite_vector", bank=self.bank, id=content, **_vector_columns(entry))
                ids[seq] = content
                del old[seq]
        fresh = [seq for seq in entries if seq not in ids]
        ids.update(zip(fresh, self._add_vectors([entries[seq] for seq in fresh]), strict=True))
        self._drop_contents({content for content, _ in old.values()})
        return ids

    def _remember_entries(self, seqs: Sequence[int]) -> None:
        for entry in self.view.entries(seqs).values():
            self.erased += [part for part in (entry.vector, entry.passages) if part]
        self._remember_packed(seqs)

    def _add_bands(self, entries: Iterable[tuple[int, IndexEntry]]) -> None:
        rows = [{"bank": self.bank, "band": band, "seq": seq} for seq, entry in entries for band in entry.bands]
        run_many(self.connection, "add_band", rows)

    def _add_entries(self, entries: Sequence[tuple[int, IndexEntry]]) -> None:
        parts = {
            SKETCH_PART: [(seq, entry.sketch) for seq, entry in entries if entry.sketch is not None],
            TERM_PART: [(seq, pack_terms(entry.terms.items())) for seq, entry in entries if entry.terms],
        }
        for part, pairs in parts.items():
            place = {"bank": self.bank, "part": part, "change": self.change}
            run_many(self.connection, "add_index_entry", [{**place, "seq": seq, "data": data} for seq, data in pairs])
            self._unsealed[part] += len(pairs)

    def forget_entries(self, seqs: Sequence[int]) -> None:
        """Take these memories out of the unsealed rows and the blocks."""
        for part in ENTRY_PARTS:
            dropped = change_over(self.connection, "drop_index_entries", seqs, bank=self.bank, part=part)
            self._unsealed[part] -= dropped
        for part in (*ENTRY_PARTS, VECTOR_PART):
            entry_block_writer(self.connection, self.bank, part).remove(seqs)

    # -- history, queue, removal

    def _add_history(self, history_rows: Sequence[HistoryRow]) -> None:
        columns = [history_columns(history_row) for history_row in history_rows]
        words = [{"text": c.reason, "payload": c.image, "checksum": text_checksum(c.reason, c.image)} for c in columns]
        rows = [
            {"bank": self.bank, "number": number, "seq": history_row.seq, "content": content, **c._asdict()}
            for number, (history_row, c, content) in enumerate(
                zip(history_rows, columns, self._add_words(words), strict=True), self._next_history
            )
        ]
        run_many(self.connection, "add_history", rows)
        self._next_history += len(rows)

    def _rewrite_histories(self, histories: dict[int, list[HistoryRow]]) -> None:
        """Put other histories in the place of these memories'."""
        seqs = list(histories)
        notes = {row[0] for row in run_over(self.connection, "history_contents", seqs, bank=self.bank)}
        change_over(self.connection, "drop_history", seqs, bank=self.bank)
        self._drop_contents(notes, erased=True)
        self._add_history([history_row for history_rows in histories.values() for history_row in history_rows])

    def _queue(self) -> None:
        exchanges = self.changes.exchanges
        rows = [{"bank": self.bank, **exchange_row(exchange)._asdict()} for exchange in exchanges]
        run_many(self.connection, "put_exchange", rows)
        turns = [{"bank": self.bank, "number": q.number, "seq": seq} for q in exchanges for seq in q.turns]
        run_many(self.connection, "add_exchange_turn", turns)

    def _drop_exchanges(self, numbers: Sequence[int]) -> None:
        rows = [{"bank": self.bank, "number": number} for number in numbers]
        run_many(self.connection, "drop_exchange_turns", rows)
        run_many(self.connection, "drop_exchange", rows)

    def _remove(self, seqs: Sequence[int]) -> None:
        """Remove everything of these memories, and every link to them."""
        if not seqs:
            return
        contents = self._contents_of(seqs)
        self._remember_packed(seqs[:MAX_REMEMBERED])
        self.forget_entries(seqs)
        self._unlink(seqs)
        for name in LINKS_OF_MEMORY:
            change_over(self.connection, name, seqs, bank=self.bank)
        if change_over(self.connection, "drop_turns", seqs, bank=self.bank):
            run(self.connection, "drop_empty_exchanges", bank=self.bank)
        change_over(self.connection, "drop_memories", seqs, bank=self.bank)
        self._row_blocks.remove(seqs)
        self._drop_contents(contents, erased=True)

    def _remember_packed(self, seqs: Sequence[int]) -> None:
        for part in (SKETCH_PART, VECTOR_PART):
            self.erased += [at.row.data for at in self.view.located(part, seqs).values()]

    def _contents_of(self, seqs: Sequence[int]) -> set[int]:
        rows = run_over(self.connection, "content_of_removed", seqs, bank=self.bank)
        contents = {id for pair in rows for id in pair if id is not None}
        notes = run_over(self.connection, "history_contents", seqs, bank=self.bank)
        return contents | {row[0] for row in notes}

    def _unlink(self, seqs: Sequence[int]) -> None:
        derived = list({row[0] for row in run_over(self.connection, "linked_sources", seqs, bank=self.bank)})
        change_over(self.connection, "mark_changed", derived, bank=self.bank, change=self.change)
        change_over(self.connection, "drop_source_links", seqs, bank=self.bank)
        self._row_blocks.update("clear_superseded", [{"seq": seq} for seq in self.view.superseded_by_any(seqs)])
        self._row_blocks.update("clear_echo", [{"seq": seq} for seq in self.view.echoes(seqs)])

    def _drop_contents(self, ids: Iterable[int], *, erased: bool = False) -> None:
        """Take rows out; what was `erased` must be nowhere in the files afterwards."""
        ordered = sorted(ids)
        if erased:
            rows = run_over(self.connection, "contents", ordered, bank=self.bank)
            self.erased += [part for row in rows for part in as_bytes(row)]
        run_many(self.connection, "drop_content", [{"bank": self.bank, "id": id} for id in ordered])


def _vector_columns(entry: IndexEntry) -> dict[str, Any]:
    checksum = vector_checksum(entry.vector, entry.passages)
    return {"vector": entry.vector, "passages": entry.passages, "checksum": checksum}


def as_bytes(row: Iterable[str | bytes | None]) -> list[bytes]:
    """The contents of a row as they lie in the file."""
    return [part.encode() if isinstance(part, str) else part for part in row if part]
