"""One bank as dicts, and primitive changes applied to it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from memkit.exported import ExportedBank
from memkit.items import is_expired
from memkit.models import BankState, IndexEntry
from memkit.protocols import TableRow
from memkit.storage.core.hashing import Hasher
from memkit.storage.core.records import HistoryRow, Queued, StoredMemory, encode_payload
from memkit.storage.core.rows import before_image, pack_terms
from memkit.storage.core.unit_of_work import ChangeSet
from memkit.text.terms.forms import plain_name

Key = tuple[str, object]  # a field's name and value


class BankRecords:
    """A bank's memories, index entries, history and queue; `seqs_by` looks memories up by a field."""

    def __init__(self, state: BankState) -> None:
        self.state = state
        self.hasher = Hasher(state.key)
        self.viewers = 0
        self.next_seq = 1
        self.next_exchange = 1
        self.records: dict[int, StoredMemory] = {}
        self.entries: dict[int, IndexEntry] = {}
        self.changed: dict[int, int] = {}  # seq: change number of the memory
        self.indexed: dict[int, int] = {}  # seq: change number of its index entry
        self.history: dict[int, list[HistoryRow]] = defaultdict(list)
        self.exchanges: dict[int, Queued] = {}
        self.erased: dict[int, list[int]] = {}  # change number of an erasure: seqs
        self.arriving: dict[str, dict[TableRow, None]] = {}  # rows by table, of one that is being moved here
        self._seqs: dict[Key, set[int]] = defaultdict(set)

    def copy(self) -> "BankRecords":
        """The same bank; changing one leaves the other as it is."""
        twin = BankRecords(self.state)
        twin.next_seq, twin.next_exchange = self.next_seq, self.next_exchange
        for name in ("records", "entries", "changed", "indexed", "exchanges", "erased"):
            setattr(twin, name, dict(getattr(self, name)))
        twin.history.update((seq, list(history_rows)) for seq, history_rows in self.history.items())
        twin._seqs.update((key, set(seqs)) for key, seqs in self._seqs.items())
        return twin

    def seqs_by(self, name: str, value: object) -> set[int]:
        """Seqs of the memories whose field has this value."""
        return self._seqs.get((name, value), set())

    def has_items(self, now: datetime) -> bool:
        """Whether it holds any item whose time isn't over."""
        return any(not is_expired(self.records[seq].memory, now) for seq in self.seqs_by("kind", "item"))

    def values(self, name: str) -> Iterator[object]:
        """All values of a field that occur."""
        return (value for kind, value in list(self._seqs) if kind == name)

    def write(self, changes: ChangeSet) -> None:
        """Apply primitive changes; they were checked, so that nothing here can fail halfway."""
        change = changes.change
        self.next_seq, self.next_exchange = changes.next_seq, changes.next_exchange
        for number in changes.settled:
            self.exchanges.pop(number, None)
        self._remove(changes.removed, change)
        for record, entry in changes.new:
            self.add(record, entry, change)
        for record in (*changes.changed, *changes.replaced):
            self._put(record, changes.entries.get(record.seq, self.entries[record.seq]), change)
        self.indexed.update((seq, change) for seq in changes.entries)
        self.history.update((seq, list(history_rows)) for seq, history_rows in changes.histories.items())
        for row in changes.history:
            self.history[row.seq].append(row)
        self.exchanges.update((exchange.number, exchange) for exchange in changes.exchanges)
        update = {
            "change": change,
            "epoch": self.state.epoch + bool(changes.removed or changes.zone),
            "zone": changes.zone or self.state.zone,
            "size": len(self.records),
        }
        self.state = self.state.model_copy(update=update)

    def add(self, record: StoredMemory, entry: IndexEntry, change: int) -> None:
        """Take in a memory as it was stored elsewhere."""
        self._put(record, entry, change)
        self.indexed[record.seq] = change

    def publish(self, exported: ExportedBank) -> None:
        """Take over the name and the counters that a bank has in an export."""
        self.next_seq = max(self.next_seq, exported.next_number)
        self.next_exchange = max(self.next_exchange, exported.next_exchange)
        fields = {"name": exported.name, "zone": exported.zone, "created_at": exported.created_at}
        change = max(self.state.change, exported.change)
        self.state = self.state.model_copy(update={**fields, "change": change})

    def invalidate(self) -> None:
        """Make what readers hold of the bank invalid."""
        update = {"change": self.state.change + 1, "epoch": self.state.epoch + 1}
        self.state = self.state.model_copy(update=update)

    def _put(self, record: StoredMemory, entry: IndexEntry, change: int) -> None:
        self._unindex(record.seq)
        self.records[record.seq] = record
        self.entries[record.seq] = entry
        self.changed[record.seq] = change
        for key in self._keys(record, entry):
            self._seqs[key].add(record.seq)

    def _unindex(self, seq: int) -> None:
        if seq not in self.records:
            return
        for key in self._keys(self.records[seq], self.entries[seq]):
            self._seqs[key].discard(seq)
            if not self._seqs[key]:
                del self._seqs[key]

    def _keys(self, record: StoredMemory, entry: IndexEntry) -> list[Key]:
        memory, place = record.memory, record.placement
        voice = memory.speaker and plain_name(memory.speaker)
        keys: list[Key] = [
            ("id", memory.id),
            ("kind", memory.kind),
            ("text", entry.text_key),
            ("group", entry.group),
            ("unencoded", entry.wanted and entry.vector is None),
            ("echo", record.echo_of),
            ("superseded", record.superseded_by),
            ("speaker", memory.speaker),
            ("thought", memory.kind == "thought" and record.echo_of is None and (entry.text_key, voice)),
            ("head", memory.head and plain_name(memory.head)),
            ("placed", place is not None),
            ("label", memory.session),
            *(("source", source) for source in record.sources),
            *(("tag", tag) for tag in self.hasher.tags(memory.metadata)),
        ]
        if place is not None:
            keys += [("session", place.session), ("episode", tuple(place))]
        return keys

    def _remove(self, seqs: Iterable[int], change: int) -> None:
        gone = set(seqs)
        if not gone:
            return
        self.erased[change] = sorted(gone)
        for seq in gone:
            self._unindex(seq)
            for by_seq in (self.records, self.entries, self.changed, self.indexed, self.history):
                by_seq.pop(seq, None)
        for seq in {s for g in gone for name in ("source", "superseded", "echo") for s in self.seqs_by(name, g)}:
            self._put(self.records[seq].without_links(gone), self.entries[seq], change)
        left = [replace(e, turns=tuple(seq for seq in e.turns if seq not in gone)) for e in self.exchanges.values()]
        self.exchanges = {exchange.number: exchange for exchange in left if exchange.turns}

    def sizes(self) -> dict[str, int]:
        """Bytes by part, as SQLite would hold them."""
        entries = self.entries.values()
        notes = [row for history_rows in self.history.values() for row in history_rows]
        return {
            "text": sum(_size(r.memory.text) + _size(encode_payload(r.memory, None)) for r in self.records.values()),
            "vectors": sum(len(entry.vector or b"") + len(entry.passages or b"") for entry in entries),
            "tokens": sum(len(entry.tokens or b"") for entry in entries),
            "sketches": sum(len(entry.sketch or b"") for entry in entries),
            "terms": sum(len(pack_terms(entry.terms.items())) for entry in entries if entry.terms),
            "rows": 0,  # in blocks, which it has none of
            "history": sum(_size(row.reason or "") + _size(before_image(row) or "") for row in notes),
        }

    def problems(self) -> list[str]:
        """Contradictions in the data: links to nothing, and counts that don't fit."""
        lost = sum(seq not in self.records for record in self.records.values() for seq in record.links())
        waiting = sum(seq not in self.records for exchange in self.exchanges.values() for seq in exchange.turns)
        contradictions = {
            f"{lost} links lead to memories that are not there.": lost,
            "memories, index entries and their count don't fit together.": (
                set(self.entries) != set(self.records) or self.state.size != len(self.records)
            ),
            f"{waiting} queued turns are not there.": waiting,
        }
        return [f"bank {self.state.number}: {words}" for words, holds in contradictions.items() if holds]


def _size(text: str) -> int:
    return len(text.encode())
