"""Writing primitive changes with SQL; everything runs inside one write transaction."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from memkit.models import IndexEntry
from memkit.protocols import BankView
from memkit.storage.core.banks import BankRow
from memkit.storage.core.blocks import FLUSH_ROWS, ROW_PART, SKETCH_PART, TERM_PART, VECTOR_PART
from memkit.storage.core.records import HistoryRow, StoredMemory
from memkit.storage.core.rows import (
    Columns,
    content_columns,
    entry_columns,
    exchange_columns,
    history_columns,
    memory_columns,
    mention_columns,
    pack_terms,
    state_columns,
    vector_columns,
)
from memkit.storage.core.unit_of_work import ChangeSet
from memkit.storage.core.vectors import vector_parts
from memkit.storage.sql.block_writer import EntryBlocks
from memkit.storage.sql.queries import Cursor, change_over, run, run_many, run_over
from memkit.storage.sql.row_blocks import RowBlocks
from memkit.storage.sql.view import SqlView

ENTRY_PARTS = (SKETCH_PART, TERM_PART)
BLOCK_PARTS = (*ENTRY_PARTS, VECTOR_PART, ROW_PART)
MAX_REMEMBERED = 1000  # erased memories whose sketches and vectors are looked for in the files afterwards
KEPT_CHANGES = 1000  # of a bank, whose removals are kept
LINKS_OF_MEMORY = ("drop_sources", "drop_tags", "drop_history", "drop_mentions")


class Writer:
    """Writes the changes of one apply, and the bank's counters with them."""

    def __init__(self, view: SqlView, changes: ChangeSet) -> None:
        self.connection = view.connection
        self.view = view
        self.changes = changes
        self.bank = view.bank
        self.change = changes.change
        self.erased: list[bytes] = []  # contents that went, as they lay in the file
        self._next_content = view.row.next_content
        self._next_history = view.row.next_history
        self._next_block = view.row.next_block
        self._unsealed = {SKETCH_PART: view.row.unsealed_sketches, TERM_PART: view.row.unsealed_terms}
        self._dropped: dict[int, list[Cursor]] = {part: [] for part in ENTRY_PARTS}  # statements that dropped such rows
        self._row_blocks = RowBlocks(self.connection, self.bank, self.change, changes.next_seq)

    def write(self) -> BankRow:
        """Write everything; returns the bank's row as it is then."""
        self._drop_exchanges(self.changes.settled)
        self._remove(self.changes.removed)
        self._note_removal()
        self._add(self.changes.new)
        if self.changes.changed:
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
        for part, cursors in self._dropped.items():
            self._unsealed[part] -= sum(cursor.rowcount for cursor in cursors)
        for part, count in self._unsealed.items():
            if count >= FLUSH_ROWS:
                blocks = EntryBlocks(self.connection, self.bank, part, count)
                self._next_block += blocks.flush(self._next_block)
                self._unsealed[part] = blocks.count
        if self.changes.next_seq > FLUSH_ROWS:
            self._next_block += self._row_blocks.flush(self._next_block)
            if self.changes.changed or self.changes.replaced:
                self._row_blocks.renew(self.view.row.size)

    def _save(self) -> BankRow:
        changes, old = self.changes, self.view.row
        row = old._replace(
            change=self.change,
            epoch=old.epoch + bool(changes.removed or changes.zone),
            zone=changes.zone or old.zone,
            size=old.size + len(changes.new) - len(changes.removed),
            next_seq=changes.next_seq,
            next_history=self._next_history,
            next_exchange=changes.next_exchange,
            next_block=self._next_block,
            next_content=self._next_content,
            unsealed_sketches=self._unsealed[SKETCH_PART],
            unsealed_terms=self._unsealed[TERM_PART],
        )
        run(self.connection, "update_bank", **row._asdict())
        return row

    # -- new memories

    def _add(self, new: Sequence[tuple[StoredMemory, IndexEntry]]) -> None:
        if not new:
            return
        records, entries = zip(*new, strict=True)
        contents, vectors = self._add_contents(map(content_columns, records)), self._add_vectors(entries)
        hasher, place = self.view.hasher, {"bank": self.bank, "change": self.change}
        rows = [
            {**place, **memory_columns(record, hasher), **entry_columns(entry), "content": content, "vector": vector}
            for (record, entry), content, vector in zip(new, contents, vectors, strict=True)
        ]
        indexed = [(record.seq, entry) for record, entry in new]
        run_many(self.connection, add_memory=rows, **self._links(records), **self._entries(indexed))

    def _add_contents(self, contents: Iterable[Columns]) -> range:
        """Ids of new rows with words."""
        start = self._next_content
        rows = [{"bank": self.bank, "id": id, **columns} for id, columns in enumerate(contents, start)]
        run_many(self.connection, add_text=rows)
        self._next_content += len(rows)
        return range(start, self._next_content)

    def _add_vectors(self, entries: Iterable[IndexEntry]) -> list[int | None]:
        """Ids of new rows with vectors; None where there is none."""
        ids: list[int | None] = []
        rows: list[Columns] = []
        for entry in entries:
            ids.append(None if entry.vector is None else self._next_content)
            if entry.vector is not None:
                rows.append({"bank": self.bank, "id": self._next_content, **vector_columns(entry)})
                self._next_content += 1
        run_many(self.connection, add_vector=rows)
        return ids

    def _links(self, records: Sequence[StoredMemory]) -> dict[str, list[Columns]]:
        """Statements that add sources and tags."""
        return {
            "add_source": [{"bank": self.bank, "seq": r.seq, "source": other} for r in records for other in r.sources],
            "add_tag": [
                {"bank": self.bank, "tag": tag, "seq": record.seq}
                for record in records
                if record.memory.metadata
                for tag in self.view.hasher.tags(record.memory.metadata)
            ],
        }

    def _entries(self, entries: Iterable[tuple[int, IndexEntry]]) -> dict[str, list[Columns]]:
        """Statements that add mentions, and sketches and terms, which are unsealed rows from now on."""
        rows: list[Columns] = []
        mentions: list[Columns] = []
        for seq, entry in entries:
            mentions += [{"bank": self.bank, "seq": seq, **mention_columns(each)} for each in set(entry.mentions)]
            parts = {SKETCH_PART: entry.sketch, TERM_PART: pack_terms(entry.terms.items()) if entry.terms else None}
            for part, data in parts.items():
                if data is not None:
                    rows.append({"bank": self.bank, "part": part, "change": self.change, "seq": seq, "data": data})
                    self._unsealed[part] += 1
        return {"add_index_entry": rows, "add_mention": mentions}

    # -- existing memories

    def _replace(self, records: Sequence[StoredMemory]) -> None:
        """Put other contents under the same seqs."""
        if not records:
            return
        seqs = [record.seq for record in records]
        old = {content for _, content in run_over(self.connection, "contents_of", seqs, bank=self.bank)}
        contents = self._add_contents(map(content_columns, records))
        rows = [
            {**memory_columns(record, self.view.hasher), "content": content}
            for record, content in zip(records, contents, strict=True)
        ]
        self._row_blocks.update("replace_memory", rows)
        self._drop_contents(old, erased=bool(self.changes.erased))
        change_over(self.connection, "drop_sources", seqs, bank=self.bank)
        change_over(self.connection, "drop_tags", seqs, bank=self.bank)
        run_many(self.connection, **self._links(records))

    # -- index entries

    def _index(self, entries: Mapping[int, IndexEntry]) -> None:
        """Put other index entries in the place of existing memories'."""
        seqs = list(entries)
        if not seqs:
            return
        if self.changes.erased:
            self._remember_entries(seqs)
        vectors = self._replace_vectors(entries)
        rows = [{"bank": self.bank, "seq": s, "vector": vectors[s], **entry_columns(e)} for s, e in entries.items()]
        run_many(self.connection, index_memory=rows)
        change_over(self.connection, "drop_mentions", seqs, bank=self.bank)
        self.forget_entries(seqs)
        run_many(self.connection, **self._entries(entries.items()))

    def _replace_vectors(self, entries: Mapping[int, IndexEntry]) -> dict[int, int | None]:
        """Content ids of the vectors; one of the same length is overwritten where it lies, as rows never grow."""
        rows = run_over(self.connection, "vector_lengths", list(entries), bank=self.bank)
        old = {seq: (content, lengths) for seq, content, *lengths in rows}
        ids: dict[int, int | None] = {}
        for seq, entry in entries.items():
            content, lengths = old.get(seq, (None, None))
            if entry.vector is not None and lengths == list(map(len, vector_parts(entry))):
                run(self.connection, "overwrite_vector", bank=self.bank, id=content, **vector_columns(entry))
                ids[seq] = content
                del old[seq]
        fresh = [seq for seq in entries if seq not in ids]
        ids.update(zip(fresh, self._add_vectors(entries[seq] for seq in fresh), strict=True))
        self._drop_contents({content for content, _ in old.values()})
        return ids

    def _remember_entries(self, seqs: Sequence[int]) -> None:
        for entry in self.view.entries(seqs).values():
            self.erased += filter(None, vector_parts(entry))
        self._remember_packed(seqs)

    def forget_entries(self, seqs: Sequence[int]) -> None:
        """Take these memories out of the unsealed rows and the blocks."""
        for part in ENTRY_PARTS:
            self._dropped[part] += change_over(self.connection, "drop_index_entries", seqs, bank=self.bank, part=part)
        for part in (*ENTRY_PARTS, VECTOR_PART):
            EntryBlocks(self.connection, self.bank, part).remove(seqs)

    # -- history, queue, removal

    def _add_history(self, history_rows: Sequence[HistoryRow]) -> None:
        if not history_rows:
            return
        lines = list(map(history_columns, history_rows))
        contents = self._add_contents(line.content() for line in lines)
        rows = [
            {"bank": self.bank, "number": number, "seq": history_row.seq, "content": content, **line._asdict()}
            for number, (history_row, line, content) in enumerate(
                zip(history_rows, lines, contents, strict=True), self._next_history
            )
        ]
        run_many(self.connection, add_history=rows)
        self._next_history += len(rows)

    def _rewrite_histories(self, histories: Mapping[int, Sequence[HistoryRow]]) -> None:
        """Put other histories in the place of these memories'."""
        seqs = list(histories)
        if not seqs:
            return
        notes = {row[0] for row in run_over(self.connection, "history_contents", seqs, bank=self.bank)}
        change_over(self.connection, "drop_history", seqs, bank=self.bank)
        self._drop_contents(notes, erased=True)
        self._add_history([history_row for history_rows in histories.values() for history_row in history_rows])

    def _queue(self) -> None:
        exchanges, place = self.changes.exchanges, {"bank": self.bank}
        if exchanges:
            run_many(
                self.connection,
                put_exchange=[{**place, **exchange_columns(exchange)} for exchange in exchanges],
                add_exchange_turn=[{**place, "number": q.number, "seq": seq} for q in exchanges for seq in q.turns],
            )

    def _drop_exchanges(self, numbers: Sequence[int]) -> None:
        if numbers:
            rows = [{"bank": self.bank, "number": number} for number in numbers]
            run_many(self.connection, drop_exchange_turns=rows, drop_exchange=rows)

    def _remove(self, seqs: Sequence[int]) -> None:
        """Remove everything of these memories, and every link to them."""
        if not seqs:
            return
        self._read_removed_ahead(seqs)
        contents = {row[0] for row in run_over(self.connection, "contents_of_removed", seqs, bank=self.bank)}
        self._remember_packed(seqs[:MAX_REMEMBERED])
        self.forget_entries(seqs)
        self._unlink(seqs)
        for name in LINKS_OF_MEMORY:
            change_over(self.connection, name, seqs, bank=self.bank)
        dropped = change_over(self.connection, "drop_turns", seqs, bank=self.bank)
        change_over(self.connection, "drop_memories", seqs, bank=self.bank)
        self._row_blocks.remove(seqs)
        self._drop_contents(contents, erased=True)
        if any(cursor.rowcount for cursor in dropped):
            run(self.connection, "drop_empty_exchanges", bank=self.bank)

    def _read_removed_ahead(self, seqs: Sequence[int]) -> None:
        """Read together what the removal of memories looks at."""
        remembered, bounds = seqs[:MAX_REMEMBERED], {"first": min(seqs), "last": max(seqs)}
        self.view.read_ahead(
            lambda view: run_over(self.connection, "contents_of_removed", seqs, bank=self.bank),
            *(partial(SqlView.located, part=part, seqs=remembered) for part in (SKETCH_PART, VECTOR_PART)),
            *(partial(self._blocks_around, part, bounds) for part in BLOCK_PARTS),
            lambda view: view.superseded_by_any(seqs),
            lambda view: view.echoes(seqs),
        )

    def _blocks_around(self, part: int, bounds: Mapping[str, int], view: BankView) -> None:
        run(self.connection, "blocks_around", bank=self.bank, part=part, **bounds)

    def _note_removal(self) -> None:
        """Tell caches what went without a receipt; those that are far behind are built anew."""
        erased = {seq for erased in self.changes.erased for seq in erased.seqs}
        seqs = [seq for seq in self.changes.removed if seq not in erased]
        if not seqs:
            return
        data = np.array(seqs, dtype="<i8").tobytes()
        run(self.connection, "add_removal", bank=self.bank, change=self.change, seqs=data)
        run(self.connection, "drop_removals", bank=self.bank, before=self.change - KEPT_CHANGES)

    def _remember_packed(self, seqs: Sequence[int]) -> None:
        for part in (SKETCH_PART, VECTOR_PART):
            self.erased += [row.data for row in self.view.located(part, seqs).values()]

    def _unlink(self, seqs: Sequence[int]) -> None:
        change_over(self.connection, "mark_derived", seqs, bank=self.bank, change=self.change)
        change_over(self.connection, "drop_source_links", seqs, bank=self.bank)
        self._row_blocks.update("clear_superseded", [{"seq": seq} for seq in self.view.superseded_by_any(seqs)])
        self._row_blocks.update("clear_echo", [{"seq": seq} for seq in self.view.echoes(seqs)])

    def _drop_contents(self, ids: Iterable[int], *, erased: bool = False) -> None:
        """Take rows out; what was `erased` must be nowhere in the files afterwards."""
        ordered = sorted(ids)
        if erased:
            rows = run_over(self.connection, "contents", ordered, bank=self.bank)
            self.erased += [part for row in rows for part in as_bytes(row)]
        run_many(self.connection, drop_content=[{"bank": self.bank, "id": id} for id in ordered])


def as_bytes(row: Iterable[str | bytes | None]) -> list[bytes]:
    """The contents of a row as they lie in the file."""
    return [part.encode() if isinstance(part, str) else part for part in row if part]
