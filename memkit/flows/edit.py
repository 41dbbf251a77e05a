"""Changes by hand: insert, merge, supersede, correct, pin, forget, restore, rename, undo, another zone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from memkit.errors import InputError, UndoError, UnknownMemoryError
from memkit.flows.context import BankContext, apply, by_id, retry_when_gone
from memkit.flows.erasure.fingerprints import ERASED_REASON, erased_before
from memkit.flows.reencode import outdate_terms, renew_terms
from memkit.flows.thinking.copies import stored_copies, voice_key
from memkit.identifiers import bank_path
from memkit.items import ITEM_PREFIX
from memkit.models import MEMORY_STATES, BankState, IndexEntry, Memory, Outcome, Receipt, checked_name, checked_text
from memkit.operations import (
    Forget,
    Insert,
    Merge,
    Operation,
    Pin,
    Rename,
    Restore,
    Revert,
    SetZone,
    Step,
    Supersede,
)
from memkit.protocols import BankView, Bookmark, PageOptions
from memkit.runtime.indexer import IndexableText
from memkit.storage.core.banks import checked_zone
from memkit.text.near_copies import is_copy
from memkit.text.terms.forms import is_same_name
from memkit.think.renaming import renamed
from memkit.times import as_utc

ADDING_ACTIONS = ("added", "echoed", "merged", "superseded", "corrected")  # actions whose id is new
REPLACING_ACTIONS = ("merged", "superseded", "corrected")
NAME_FIELDS = ("speaker", "session", "superseded_by", "echo_of")
MOMENT_FIELDS = ("occurred_at", "recorded_at", "valid_from", "valid_until", "recalled_at")
MAX_NUMBER = 1e30  # that indexes hold
MAX_RECALLS = 2**31 - 1
RENAMED_AT_ONCE = 500  # memories in one transaction
COPY_REASON = "says the same as this memory, which was kept"


def drafted(ctx: BankContext, text: str, *, at: datetime, **fields: Any) -> Memory:
    """A memory of a text that a caller gave: an imported thought, unless the fields say otherwise."""
    values = {"kind": "thought", "author": "import", "occurred_at": at, "recorded_at": at, **fields}
    checked_text(text, where="text")
    if not text.strip():
        raise InputError("text: is empty. Give the sentence that is to be remembered.")
    return Memory(id=ctx.services.new_id(at), text=text, **values)


def insert(ctx: BankContext, items: str | Memory | Iterable[str | Memory]) -> Receipt:
    """Store texts or memories as they are; copies of thoughts that are there are skipped."""
    given: list[str | Memory] = [items] if isinstance(items, str | Memory) else list(items)
    at = ctx.now()
    memories = [_checked(m) if isinstance(m, Memory) else drafted(ctx, m, at=at) for m in given]
    return retry_when_gone(ctx, lambda: _insert(ctx, memories, at))


def _checked(memory: Memory) -> Memory:
    """A memory that can be stored as it is, its moments in UTC. Raises InputError."""
    _refuse_items("insert", [memory])
    checked_text(memory.text, where="insert: text")
    checked_name(memory.id, where="insert: id")
    for field in NAME_FIELDS:
        if getattr(memory, field) is not None:
            checked_name(getattr(memory, field), where=f"insert: {field}")
    for part in (memory.head, memory.relation, memory.tail, *memory.key_phrases):
        checked_text(part or "", where="insert: head, relation, tail and key phrases")
    if not (0 < memory.strength <= MAX_NUMBER and abs(memory.salience or 0) <= MAX_NUMBER):
        raise InputError(f"insert: strength must lie above 0, and it and salience at most at {MAX_NUMBER:g}.")
    if not 0 <= memory.recall_count <= MAX_RECALLS:
        raise InputError(f"insert: recall_count must lie between 0 and {MAX_RECALLS}.")
    moments = {field: getattr(memory, field) for field in MOMENT_FIELDS}
    return memory.model_copy(
        update={field: as_utc(at, field=f"insert: {field}") for field, at in moments.items() if at is not None}
    )


def _refuse_items(verb: str, memories: Iterable[Memory]) -> None:
    if any(memory.kind == "item" or memory.id.startswith(ITEM_PREFIX) for memory in memories):
        raise InputError(f"{verb}: items, and ids that begin with {ITEM_PREFIX!r}, are put: bank.put(key, value).")


def _insert(ctx: BankContext, memories: Sequence[Memory], at: datetime) -> Receipt:
    state = ctx.ensure()
    entries = ctx.services.indexer.entry(state, memories)
    erased_ids = erased_before(ctx, ((m.id, IndexableText.of(m)) for m in memories))

    return apply(ctx, lambda view: list(_insertions(view, memories, entries, erased_ids)), at=at, state=state)


def _insertions(
    view: BankView, memories: Sequence[Memory], entries: Sequence[IndexEntry], erased_ids: set[str]
) -> Iterator[Step]:
    pairs = list(zip(memories, entries, strict=True))
    thoughts = [(m, entry) for m, entry in pairs if m.kind == "thought" and m.id not in erased_ids]
    originals = stored_copies(view, thoughts)
    for memory, entry in pairs:
        if memory.id in erased_ids:
            yield Outcome.skipped(None, ERASED_REASON)
        elif memory.kind != "thought":
            yield Insert(memory, entry)
        else:
            original = originals.setdefault(voice_key(memory, entry), memory)
            is_first = original is memory or not is_copy(original.text, memory.text)
            yield Insert(memory, entry) if is_first else Outcome.skipped(original.id, COPY_REASON)


def merge(ctx: BankContext, ids: Sequence[str], text: str) -> Receipt:
    """Put one text in the place of several memories; their sources are united, their history stays."""
    at = ctx.now()
    parts = get_all(ctx, ids)
    if not parts:
        raise InputError("merge: give the ids of the memories in whose place the text comes.")
    _refuse_items("merge", parts)
    memory = drafted(ctx, text, at=at, kind=parts[0].kind, author="user", **_common(parts))
    [entry] = ctx.services.indexer.entry(ctx.ensure(), [memory])
    return apply(ctx, [Merge(tuple(m.id for m in parts), memory, entry)], at=at)


def _common(parts: Sequence[Memory]) -> dict[str, Any]:
    same = {name: {getattr(m, name) for m in parts} for name in ("speaker", "head", "relation", "tail")}
    return {name: values.pop() for name, values in same.items() if len(values) == 1}


def supersede(ctx: BankContext, id: str, text: str, *, author: str = "import") -> Receipt:
    """Store what holds now, then close what held before; both stay, the old one with its end.

    The user's own word outranks anything that is extracted later.
    """
    at = ctx.now()
    [old] = get_all(ctx, [id])
    _refuse_items("supersede", [old])
    kind = "thought" if old.kind == "turn" else old.kind
    inherited_fields = {name: getattr(old, name) for name in ("speaker", "head", "relation", "metadata")}
    memory = drafted(ctx, text, at=at, kind=kind, author=author, valid_from=at, **inherited_fields)
    [entry] = ctx.services.indexer.entry(ctx.ensure(), [memory])
    return apply(ctx, [Supersede(old.id, memory, entry)], at=at)


def pin(ctx: BankContext, id: str, *, pinned: bool = True) -> Receipt:
    """Keep a memory from fading, or let it fade again."""
    return apply(ctx, [Pin(id, pinned)])


def forget(ctx: BankContext, ids: str | Sequence[str], *, reason: str) -> Receipt:
    """Take memories out of recall; their history stays, and `restore` brings them back."""
    return apply(ctx, [Forget(id, reason) for id in ([ids] if isinstance(ids, str) else ids)])


def restore(ctx: BankContext, ids: str | Sequence[str]) -> Receipt:
    """Bring forgotten or faded memories back into recall."""
    return apply(ctx, [Restore(id) for id in ([ids] if isinstance(ids, str) else ids)])


def rename_speaker(ctx: BankContext, old: str, new: str) -> Receipt:
    """Rename in batches; what was renamed before a crash stays so, and the next call goes on."""
    name, state = checked_name(new, where="rename_speaker"), ctx.state()
    receipts: list[Receipt] = []
    if state is not None and not is_same_name(old, name) and _is_there(ctx, state, old):
        last = 0
        while (seqs := _batch(ctx, state, last)) != []:
            receipts.append(apply(ctx, partial(_renamings, ctx, seqs, old, name), state=state))
            last = seqs[-1]
    return Receipt.joined(ctx.name, receipts)


def _is_there(ctx: BankContext, state: BankState, name: str) -> bool:
    return any(is_same_name(speaker, name) for speaker in ctx.services.indexes.speakers(state))


def _batch(ctx: BankContext, state: BankState, last: int) -> list[int]:
    with ctx.storage.view(state.number) as view:
        page = view.page(PageOptions(states=MEMORY_STATES, after=Bookmark(0, last), limit=RENAMED_AT_ONCE))
        return sorted(view.locate([memory.id for memory in page]).values())


def _renamings(ctx: BankContext, seqs: list[int], old: str, new: str, view: BankView) -> list[Step]:
    entries = view.entries(seqs)
    pairs = ((seq, memory, renamed(memory, old, new)) for seq, memory in view.memories(seqs).items())
    return [
        Rename(named, _entry(ctx, view.state, named, entries[seq])) for seq, memory, named in pairs if named != memory
    ]


def _entry(ctx: BankContext, state: BankState, memory: Memory, old: IndexEntry) -> IndexEntry:
    """Words under the new name, the vector as it was; an echo has neither."""
    entry = ctx.services.indexer.renewed(state, memory, old)
    return entry if old.terms or not entry.terms else replace(entry.as_echo(), wanted=old.wanted)


def undo(ctx: BankContext, receipt: Receipt) -> Receipt:
    """Bring back what a receipt's operations changed, all or nothing. Raises UndoError."""
    if receipt.bank != ctx.name:
        raise InputError(f"undo: this receipt is of another bank, not of {bank_path(ctx.name)}.")
    if receipt.count("erased"):
        raise UndoError("undo: an erasure can't be undone: what was erased is nowhere.")
    if any((outcome.id or "").startswith(ITEM_PREFIX) for outcome in receipt.outcomes):
        raise UndoError("undo: of an item no earlier value is kept, so nothing was done. Put the value again.")
    done = [o for o in receipt.outcomes if o.change is not None and o.id is not None]
    changes = frozenset(o.change for o in done if o.change is not None)
    return apply(ctx, lambda view: _undo_operations(view, done, changes))


def _undo_operations(view: BankView, done: Sequence[Outcome], changes: frozenset[int]) -> list[Operation]:
    """Operations that bring back what was changed, and forget what was added."""
    named = list(dict.fromkeys(o.id for o in done if o.id is not None))
    seqs = view.locate(named)
    added_by_id = {
        o.id: o for o in done if o.id in seqs and o.action in ADDING_ACTIONS and _is_added(view, seqs[o.id], o)
    }
    closed = {id: view.memories(view.superseded_by_any([seqs[id]])).values() for id in added_by_id}
    olds = [memory.id for memories in closed.values() for memory in memories]
    lost = len(seqs) < len(named) or any(
        o.action in REPLACING_ACTIONS and not closed[id] for id, o in added_by_id.items()
    )
    if lost or any(changes.isdisjoint(_changes(view, id)) for id in olds):
        raise UndoError("undo: something was erased or built on it since, so nothing was done.")
    others = dict.fromkeys(id for id in [*named, *olds] if id not in added_by_id)
    return [*(Revert(id, changes, added=True) for id in added_by_id), *(Revert(id, changes) for id in others)]


def _is_added(view: BankView, seq: int, outcome: Outcome) -> bool:
    """Whether the memory came with this outcome's change, in which it may have been replaced already."""
    if outcome.action == "added" or outcome.change not in _changes(view, outcome.id or ""):
        return True
    olds = view.memories(view.superseded_by_any([seq])).values()
    return any(outcome.change in _changes(view, old.id) for old in olds)


def _changes(view: BankView, id: str) -> set[int]:
    """The change numbers of a memory's history."""
    return {history_row.change for history_row in view.history(id)}


def get_all(ctx: BankContext, ids: Sequence[str]) -> list[Memory]:
    """Memories by id, in the order given. Raises UnknownMemoryError for ids that aren't here."""
    memories_by_id = by_id(ctx, ids)
    missing = [id for id in ids if id not in memories_by_id]
    if missing:
        raise UnknownMemoryError(
            f"{len(missing)} of {len(ids)} ids are not in bank {bank_path(ctx.name)}: {', '.join(missing[:5])}. "
            "Ids hold within one bank; list them with bank.list()."
        )
    return [memories_by_id[id] for id in ids]


def ask_for_zone(ctx: BankContext, zone: str) -> None:
    """Remember the zone that a bank is to be made with. Raises InputError where it has another."""
    zone, state = checked_zone(zone), ctx.state()
    there = ctx.zone if state is None else state.zone
    if there not in (None, zone):
        name = bank_path(ctx.name)
        raise InputError(
            f"zone: bank {name} has the zone {there}, not {zone}, and keeps it. Leave zone= out, or change it on "
            f"purpose: bank.change_zone({zone!r})."
        )
    ctx.services.zones[ctx.name] = zone


def change_zone(ctx: BankContext, zone: str) -> Receipt:
    """Give a bank another zone, and make anew what hangs on its days; harmless to repeat, and to go on with.

    What was read as a day (a thought's `valid_from` and `valid_until`) is that day in the new zone, the terms of dates
    are made again, and summaries are due again: the next reflection writes them.
    """
    zone = checked_zone(zone)
    ctx.services.zones[ctx.name] = zone
    state = ctx.ensure()
    receipt = Receipt(bank=ctx.name, change=state.change, outcomes=())
    if state.zone != zone:
        outdate_terms(ctx)  # before and after: whatever is cut off, maintenance makes them again
        receipt = apply(ctx, [SetZone(zone)], state=state)
        outdate_terms(ctx)
        renew_terms(ctx)
    return receipt
