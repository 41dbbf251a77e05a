"""A bank in dicts as the rows that a database would keep of it, and back: for banks that move.

A database numbers contents as they came and keeps index entries in blocks; here contents are numbered anew, in order of
their memories, and no entry lies in a block.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from memkit.models import BankState, ErasureReceipt, IndexEntry
from memkit.protocols import TableRow, TableRows
from memkit.storage.core.blocks import SKETCH_PART, TERM_PART, Block
from memkit.storage.core.checksums import decoding
from memkit.storage.core.receipts import BytesState, receipt_columns
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory
from memkit.storage.core.rows import (
    Columns,
    HistoryColumns,
    MemoryRow,
    content_columns,
    decode_exchanges,
    decode_history,
    decode_records,
    entry_columns,
    exchange_columns,
    history_columns,
    memory_columns,
    mention_columns,
    mentions_by_seq,
    pack_terms,
    unpack_terms,
    vector_columns,
)
from memkit.storage.core.tables import TABLE_COLUMNS, table_values
from memkit.storage.inmemory.bank import BankRecords
from memkit.times import from_micros, to_micros

Values = list[dict[str, Any]]


class NameTables:
    """Tables of what is left of a bank of a name: its receipts, and digests of erased texts."""

    def __init__(self, receipts: Sequence[ErasureReceipt], macs: Iterable[bytes]) -> None:
        self.receipts, self.macs = receipts, macs

    def rows(self, table: str) -> list[TableRow]:
        """Rows of a table in order of their keys."""
        columns, values = TABLE_COLUMNS[table], self._makers().get(table, list)()
        return [tuple(map(_stored, map(row.get, columns))) for row in values]

    def _makers(self) -> dict[str, Callable[[], Iterable[Columns]]]:
        """The function that makes a table's rows; other tables have none."""
        return {"fingerprint": self._fingerprint, "erasure": self._erasure}

    def _fingerprint(self) -> list[Columns]:
        return [{"mac": mac} for mac in sorted(self.macs)]

    def _erasure(self) -> list[Columns]:
        return [
            {**receipt_columns(each, 0, b"", None), "named": each is self.receipts[-1], "pending": _bytes_state(each)}
            for each in self.receipts
        ]


class BankTables(NameTables):
    """Tables of a bank, each made when it is asked for; `meta`: the store's notes on it."""

    def __init__(self, bank: BankRecords, rest: NameTables, meta: Mapping[str, str]) -> None:
        super().__init__(rest.receipts, rest.macs)
        self.bank, self.meta = bank, meta
        self.seqs = sorted(bank.records)

    def _makers(self) -> dict[str, Callable[[], Iterable[Columns]]]:
        return super()._makers() | {
            "content": self._content,
            "memory": self._memory,
            "link": self._link,
            "source": self._source,
            "tag": self._tag,
            "mention": self._mention,
            "history": self._history,
            "exchange": self._exchange,
            "exchange_turn": self._exchange_turn,
            "index_entry": self._index_entry,
            "removal": self._removal,
            "meta": self._meta,
            "bank": self._bank,
        }

    @cached_property
    def _numbers(self) -> dict[tuple[int, str], int]:
        """Numbers of the contents of memories, by seq, and by what they are: words or a vector."""
        keys = [
            (seq, part) for seq in self.seqs for part in ("words", "vector") if part == "words" or self._vector(seq)
        ]
        return {key: number for number, key in enumerate(keys, 1)}

    def _vector(self, seq: int) -> bytes | None:
        return self.bank.entries[seq].vector

    @cached_property
    def _lines(self) -> list[HistoryRow]:
        every = (line for seq in self.seqs for line in self.bank.history.get(seq, ()))
        return sorted(every, key=lambda line: line.change)

    def _content(self) -> Iterator[Columns]:
        for (seq, part), number in self._numbers.items():
            words = part == "words"
            columns = content_columns(self.bank.records[seq]) if words else vector_columns(self.bank.entries[seq])
            yield {"id": number, **columns}
        for number, line in enumerate(self._lines, len(self._numbers) + 1):
            yield {"id": number, **history_columns(line).content()}

    def _memory(self) -> Iterator[Columns]:
        for seq in self.seqs:
            record, entry = self.bank.records[seq], self.bank.entries[seq]
            columns = {**memory_columns(record, self.bank.hasher), **entry_columns(entry)}
            ahead = {name: None for name in ("superseded_by", "echo_of") if (columns[name] or 0) > seq}
            numbers = {"content": self._numbers[seq, "words"], "vector": self._numbers.get((seq, "vector"))}
            yield {**columns, **ahead, **numbers, "change": self.bank.changed[seq]}

    def _link(self) -> Iterator[Columns]:
        for seq in self.seqs:
            record = self.bank.records[seq]
            if max(record.superseded_by or 0, record.echo_of or 0) > seq:
                yield {"superseded_by": record.superseded_by, "echo_of": record.echo_of, "seq": seq}

    def _source(self) -> Iterator[Columns]:
        return ({"seq": s, "source": source} for s in self.seqs for source in sorted(self.bank.records[s].sources))

    def _tag(self) -> list[Columns]:
        tags = (
            (tag, seq) for seq in self.seqs for tag in self.bank.hasher.tags(self.bank.records[seq].memory.metadata)
        )
        return [{"tag": tag, "seq": seq} for tag, seq in sorted(tags)]

    def _mention(self) -> list[Columns]:
        entries = ((seq, mention_columns(each)) for seq in self.seqs for each in set(self.bank.entries[seq].mentions))
        return sorted(
            ({"seq": seq, **columns} for seq, columns in entries), key=_by_key("seq", "kind", "since", "until")
        )

    def _history(self) -> Iterator[Columns]:
        for number, line in enumerate(self._lines, 1):
            content = len(self._numbers) + number
            yield {"number": number, "seq": line.seq, "content": content, **history_columns(line)._asdict()}

    def _exchange(self) -> list[Columns]:
        return [exchange_columns(exchange) for _, exchange in sorted(self.bank.exchanges.items())]

    def _exchange_turn(self) -> list[Columns]:
        exchanges = sorted(self.bank.exchanges.items())
        return [{"number": number, "seq": seq} for number, queued in exchanges for seq in sorted(set(queued.turns))]

    def _index_entry(self) -> list[Columns]:
        entries = [(seq, self.bank.indexed[seq], self.bank.entries[seq]) for seq in self.seqs]
        parts = [(SKETCH_PART, change, seq, entry.sketch) for seq, change, entry in entries if entry.sketch]
        parts += [(TERM_PART, change, seq, pack_terms(e.terms.items())) for seq, change, e in entries if e.terms]
        return [dict(zip(TABLE_COLUMNS["index_entry"], row, strict=True)) for row in sorted(parts)]

    def _removal(self) -> list[Columns]:
        received = {receipt.change for receipt in self._own_receipts()}
        return [
            {"change": n, "seqs": _packed(n_seqs)}
            for n, n_seqs in sorted(self.bank.erased.items())
            if n not in received
        ]

    def _own_receipts(self) -> list[ErasureReceipt]:
        """Those of this bank, not of an earlier one of its name."""
        last_whole = max((receipt.number for receipt in self.receipts if receipt.whole), default=0)
        return list(self.receipts[last_whole:])

    def _erasure(self) -> list[Columns]:
        """Change numbers of an earlier bank of the name mean nothing in this one."""
        own = {
            r.number: {"change": r.change, "seqs": _packed(self.bank.erased.get(r.change, ()))}
            for r in self._own_receipts()
        }
        return [{**row, **own.get(row["number"], {"change": 0}), "named": False} for row in super()._erasure()]

    def _meta(self) -> list[Columns]:
        return [{"key": key, "value": value} for key, value in sorted(self.meta.items())]

    def _bank(self) -> list[Columns]:
        state, entries = self.bank.state, self.bank.entries.values()
        return [
            {
                "zone": state.zone, "key": state.key, "created_at": to_micros(state.created_at), "change": state.change,
                "epoch": state.epoch, "size": state.size, "next_seq": self.bank.next_seq,
                "next_history": len(self._lines) + 1, "next_exchange": self.bank.next_exchange, "next_block": 1,
                "next_content": len(self._numbers) + len(self._lines) + 1,
                "unsealed_sketches": sum(bool(entry.sketch) for entry in entries),
                "unsealed_terms": sum(bool(entry.terms) for entry in entries),
            }
        ]  # fmt: skip


def _stored(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _bytes_state(receipt: ErasureReceipt) -> BytesState:
    return BytesState.OUT_OF_SIGHT if receipt.bytes_pending else BytesState.ALL_GONE


def _packed(seqs: Sequence[int]) -> bytes:
    return np.array(seqs, dtype="<i8").tobytes()


def _by_key(*names: str) -> Callable[[Columns], tuple[Any, ...]]:
    return lambda columns: tuple(columns[name] for name in names)


def fill_bank(state: BankState, batches: Iterable[TableRows]) -> BankRecords:
    """The bank of these rows; `state`: its name and its number. Raises CorruptError."""
    tables: dict[str, Values] = defaultdict(list)
    for batch in batches:
        tables[batch.table] += table_values(batch)
    with decoding("a bank that moves"):
        return _filled(state, tables)


def _filled(state: BankState, tables: Mapping[str, Values]) -> BankRecords:
    [row] = tables["bank"]
    fields = {name: row[name] for name in ("zone", "key", "change", "epoch", "size")}
    bank = BankRecords(state.model_copy(update={**fields, "created_at": from_micros(row["created_at"])}))
    records, entries = _records(tables), _entries(tables)
    for memory in tables["memory"]:
        bank.add(records[memory["seq"]], entries[memory["seq"]], memory["change"])
    for part, change, seq, _ in _parts(tables):
        bank.indexed[seq] = max(change, bank.indexed[seq] if part == TERM_PART else change)
    bank.history.update(_histories(tables, records))
    bank.exchanges.update((queued.number, queued) for queued in _exchanges(tables))
    bank.erased.update(
        (row["change"], np.frombuffer(row["seqs"], "<i8").tolist())
        for row in sorted([*tables["erasure"], *tables["removal"]], key=_by_key("change"))
        if row["seqs"]
    )
    bank.next_seq, bank.next_exchange = row["next_seq"], row["next_exchange"]
    return bank


def _records(tables: Mapping[str, Values]) -> dict[int, StoredMemory]:
    contents = {row["id"]: row for row in tables["content"]}
    links = {row["seq"]: row for row in tables["link"]}
    sources = groupby(tables["source"], key=itemgetter("seq"))
    words = ("text", "payload", "checksum")
    rows = [
        {**row, **links.get(row["seq"], {}), **{name: contents[row["content"]][name] for name in words}}
        for row in tables["memory"]
    ]
    return decode_records(
        [MemoryRow(*map(row.get, MemoryRow._fields)) for row in rows],
        {seq: tuple(row["source"] for row in own) for seq, own in sources},
    )


def _parts(tables: Mapping[str, Values]) -> Iterator[tuple[int, int, int, bytes]]:
    """Parts of index entries: which it is, the change number, the memory's seq, and the part itself."""
    for row in tables["block"]:
        if row["part"] in (SKETCH_PART, TERM_PART):
            yield from ((row["part"], each.change, each.seq, each.data) for each in Block.parse(row["data"]).rows())
    for row in tables["index_entry"]:
        yield row["part"], row["change"], row["seq"], row["data"]


def _entries(tables: Mapping[str, Values]) -> dict[int, IndexEntry]:
    contents = {row["id"]: row for row in tables["content"]}
    parts = {(part, seq): data for part, _, seq, data in _parts(tables)}
    mentions = mentions_by_seq([(r["seq"], r["kind"], r["since"], r["until"]) for r in tables["mention"]])
    vectors = ("vector", "passages", "tokens")
    return {
        row["seq"]: IndexEntry(
            text_key=row["text_key"],
            terms=dict(unpack_terms(parts[TERM_PART, row["seq"]])) if (TERM_PART, row["seq"]) in parts else {},
            sketch=parts.get((SKETCH_PART, row["seq"])),
            group=row["hash_group"],
            wanted=bool(row["wanted"]),
            mentions=mentions.get(row["seq"], ()),
            **{name: contents[row["vector"]][name] for name in vectors if row["vector"] is not None},
        )
        for row in tables["memory"]
    }


def _histories(
    tables: Mapping[str, Values], records: Mapping[int, StoredMemory]
) -> Iterator[tuple[int, list[HistoryRow]]]:
    contents = {row["id"]: row for row in tables["content"]}
    lines = sorted(tables["history"], key=_by_key("seq", "number"))
    for seq, own in groupby(lines, key=itemgetter("seq")):
        columns = [
            HistoryColumns(
                line["change"], line["event"], line["at"], line["author"],
                contents[line["content"]]["text"], contents[line["content"]]["payload"],
            )
            for line in own
        ]  # fmt: skip
        yield seq, decode_history(columns, records[seq])


def _exchanges(tables: Mapping[str, Values]) -> Iterable[Queued]:
    turns: dict[int, list[int | None]] = defaultdict(list)
    for row in tables["exchange_turn"]:
        turns[row["number"]].append(row["seq"])
    columns = TABLE_COLUMNS["exchange"]
    rows = [(*map(row.get, columns), seq) for row in tables["exchange"] for seq in turns[row["number"]] or [None]]
    return decode_exchanges(rows)
