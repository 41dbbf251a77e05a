"""Import: what another memory or chat exported comes into banks; again and again, without doubles."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path

from memkit.errors import InputError
from memkit.flows import edit, items, observe
from memkit.flows.context import BankContext, Services, by_id
from memkit.flows.erasure.fingerprints import ERASED_REASON, erased_ids
from memkit.identifiers import bank_path
from memkit.importers import SPLIT_FORMATS, read_records
from memkit.importers.records import (
    ImportedContent,
    ImportedItem,
    ImportedThought,
    Incoming,
    SkippedRecord,
    Source,
    SourceRecord,
    is_content_id,
)
from memkit.items import ItemFields, item_id
from memkit.models import FrozenModel, Memory, Outcome, Receipt, Turn, checked_bank_name
from memkit.protocols import BankName
from memkit.storage.sqlite.foreign_tables import read_table

IMPORT_BATCH = 500  # records in one call: large enough for the encoder, small enough for memory and the bar
MAX_OWNERS_NAMED = 5  # in an error
KIND_NAMES: dict[type, str] = {Turn: "turn", ImportedThought: "thought", ImportedItem: "item"}
CONFLICT_REASON = "other content under an id that is already stored"

ImportProgress = Callable[[int, int], object]


class ImportReport(FrozenModel):
    """Report of an import; of a dry run, what it would do.

    `new`: how many came in, by kind. `present`: those that were there already. `skipped` and `refused`: how many were
    left out, by the reason: not what is imported, or not what can be stored. `banks`: where something came in.
    `perhaps_erased`: how many of the new ones nobody can know for erased ones, since their ids are made of their words
    and the store has no `erasure_key`; 0 where nothing was ever erased.
    """

    format: str
    dry_run: bool
    banks: tuple[BankName, ...]
    new: dict[str, int]
    present: int
    skipped: dict[str, int]
    refused: dict[str, int]
    unencoded: int = 0
    perhaps_erased: int = 0

    @property
    def passed_over(self) -> int:
        """Number of pieces that are there already, or were erased since."""
        return self.present + self.skipped.get(ERASED_REASON, 0)

    @property
    def read(self) -> int:
        """Number of pieces that were read."""
        return sum(self.new.values()) + self.present + sum(self.skipped.values()) + sum(self.refused.values())


@dataclass
class _Tally:
    """Counts of an import on its way."""

    banks: dict[BankName, None] = field(default_factory=dict)
    new: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    present: int = 0
    unencoded: int = 0
    perhaps_erased: int = 0

    def add(self, kind: str, receipt: Receipt) -> None:
        """Count the outcomes of records of one kind."""
        self.unencoded += receipt.unencoded
        for outcome in receipt.outcomes:
            self._add(kind, outcome)

    def _add(self, kind: str, outcome: Outcome) -> None:
        if outcome.action == "rejected":
            self.refused[outcome.reason or ""] += 1
        elif outcome.action == "skipped":
            self.skipped[outcome.reason or ""] += 1
        else:
            self.new[kind] += 1

    def report(self, format: str, *, dry_run: bool) -> ImportReport:
        """The counts as they are shown, the commonest first."""
        new, skipped, refused = (dict((+counts).most_common()) for counts in (self.new, self.skipped, self.refused))
        return ImportReport(
            format=format, dry_run=dry_run, banks=tuple(self.banks), new=new, present=self.present, skipped=skipped,
            refused=refused, unencoded=self.unencoded, perhaps_erased=self.perhaps_erased,
        )  # fmt: skip


def import_from(
    services: Services,
    format: str,
    path: Path,
    bank: BankName,
    *,
    speakers: Mapping[str, str],
    split: bool,
    dry_run: bool,
    progress: ImportProgress,
) -> ImportReport:
    """Read a file twice: first all of it, so that nothing is stored of one that can't be read, then into banks.

    Raises InputError.
    """
    source, split = Source(path, _zone(services, bank), speakers, read_table), split or format in SPLIT_FORMATS
    total, tally, done = _survey(read_records(format, source), bank, split=split), _Tally(), 0
    records = read_records(format, source)
    while batch := list(islice(records, IMPORT_BATCH)):
        for name, part in groupby(batch, key=lambda record: _bank_of(record, bank, split=split)):
            _bring(BankContext(services, name), list(part), tally, dry_run=dry_run)
        done += len(batch)
        progress(done, total)
    return tally.report(format, dry_run=dry_run)


def _zone(services: Services, bank: BankName) -> str:
    state = services.storage.find_bank(bank) if bank else None
    return (services.zones.get(bank) or "UTC") if state is None else state.zone


def _survey(records: Iterable[Incoming], bank: BankName, *, split: bool) -> int:
    """Number of pieces. Raises InputError where they are several people's and would end in one bank."""
    owners, total = dict[BankName, None](), 0
    for record in records:
        total += 1
        if isinstance(record, SourceRecord):
            checked_bank_name(_bank_of(record, bank, split=split))
            owners[record.owner] = None
    if len(owners) > 1 and not split:
        names = [bank_path(owner) or "nobody" for owner in islice(owners, MAX_OWNERS_NAMED)]
        raise InputError(
            f"import: the file holds what belongs to {len(owners):,} owners, among them {', '.join(names)}. "
            "Give each a bank of its own: split=True, or --split."
        )
    return total


def _bank_of(record: Incoming, bank: BankName, *, split: bool) -> BankName:
    return (*bank, *record.owner) if split and isinstance(record, SourceRecord) else bank


def _bring(ctx: BankContext, records: Sequence[Incoming], tally: _Tally, *, dry_run: bool) -> None:
    """Store what isn't there yet, in order, and count what became of each."""
    tally.skipped.update(record.reason for record in records if isinstance(record, SkippedRecord))
    coming = [record.content for record in records if isinstance(record, SourceRecord)]
    stored = _stored(ctx, coming)
    fresh = _without_erased(ctx, list(_fresh(coming, stored, tally)), stored, tally)
    if fresh:
        tally.banks[ctx.name] = None
    for kind, part in groupby(fresh, key=type):
        contents = list(part)
        if dry_run:
            tally.new[KIND_NAMES[kind]] += len(contents)
        else:
            tally.add(KIND_NAMES[kind], _store(ctx, contents, stored))


def _without_erased(
    ctx: BankContext, fresh: Sequence[ImportedContent], stored: Mapping[str, Memory], tally: _Tally
) -> list[ImportedContent]:
    """The new contents without those that were erased from the bank since they came in, as far as that is known."""
    ids = [_id(content) for content in fresh if not isinstance(content, ImportedItem) and _id(content) not in stored]
    erased, content_ids = erased_ids(ctx, ids), sum(map(is_content_id, ids))
    tally.skipped[ERASED_REASON] += len(erased)
    if content_ids and ctx.services.erasure_key is None and any(r.bank == ctx.name for r in ctx.storage.receipts()):
        tally.perhaps_erased += content_ids
    return [content for content in fresh if _id(content) not in erased]


def _id(content: ImportedContent) -> str:
    return item_id(content.key) if isinstance(content, ImportedItem) else content.id or ""


def _stored(ctx: BankContext, coming: Sequence[ImportedContent]) -> dict[str, Memory]:
    """Memories that are stored under the ids of what comes; of a thought, that which took its place since."""
    stored = by_id(ctx, [_id(content) for content in coming]) if coming else {}
    thoughts = {_id(content) for content in coming if isinstance(content, ImportedThought)}
    following = {id: memory for id, memory in stored.items() if id in thoughts and memory.superseded_by}
    while following:
        newer = by_id(ctx, [memory.superseded_by for memory in following.values() if memory.superseded_by])
        following = {id: newer[m.superseded_by] for id, m in following.items() if m.superseded_by in newer}
        stored |= following
        following = {id: memory for id, memory in following.items() if memory.superseded_by}
    return stored


def _fresh(coming: Sequence[ImportedContent], stored: Mapping[str, Memory], tally: _Tally) -> Iterator[ImportedContent]:
    """Contents that are new, or take the place of what is stored; the others are counted."""
    fresh: dict[str, ImportedContent] = {}
    for content in coming:
        id = _id(content)
        if content == fresh.get(id) or (id in stored and _is_same(content, stored[id])):
            tally.present += 1
        elif isinstance(content, Turn) and (id in fresh or id in stored):
            tally.refused[CONFLICT_REASON] += 1
        else:
            fresh[id] = content
    return iter(fresh.values())


def _is_same(content: ImportedContent, memory: Memory) -> bool:
    if isinstance(content, ImportedItem):
        return bool(memory.metadata["value"] == content.value)
    is_withdrawn = isinstance(content, ImportedThought) and memory.state != "active"
    return is_withdrawn or memory.text == content.text


def _store(ctx: BankContext, contents: Sequence[ImportedContent], stored: Mapping[str, Memory]) -> Receipt:
    """Store contents of one type."""
    first = contents[0]
    if isinstance(first, Turn):
        return _observed(ctx, contents)
    if isinstance(first, ImportedItem):
        puts = [ItemFields(key=c.key, value=c.value, ttl=c.ttl) for c in contents if isinstance(c, ImportedItem)]
        return _put(ctx, puts)
    thoughts = [content for content in contents if isinstance(content, ImportedThought)]
    new = [_thought(thought, ctx.now()) for thought in thoughts if thought.id not in stored]
    changed = [edit.supersede(ctx, stored[t.id].id, t.text) for t in thoughts if t.id in stored]
    return Receipt.joined(ctx.name, [*([edit.insert(ctx, new)] if new else []), *changed])


def _put(ctx: BankContext, puts: Sequence[ItemFields]) -> Receipt:
    """Receipt of items that are put together; where some can't be stored, one by one."""
    try:
        return items.put_many(ctx, puts, (), encoded=False)
    except InputError as error:
        if len(puts) > 1:
            return Receipt.joined(ctx.name, [_put(ctx, [put]) for put in puts])
        return Receipt(bank=ctx.name, change=0, outcomes=(Outcome.rejected(error),))


def _observed(ctx: BankContext, turns: Sequence[ImportedContent]) -> Receipt:
    """Receipt of turns; where all of them were refused, of each with the first one's reason."""
    try:
        return observe.observe(ctx, turns)
    except InputError as error:
        return Receipt(bank=ctx.name, change=0, outcomes=(Outcome.rejected(error),) * len(turns))


def _thought(thought: ImportedThought, now: datetime) -> Memory:
    return Memory(
        id=thought.id, kind="thought", text=thought.text, occurred_at=thought.at or now, recorded_at=now,
        author="import", metadata=dict(thought.metadata),
    )  # fmt: skip
