"""Items: put, read and deleted by key; what has expired is gone at once, and swept by maintenance."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from memkit.errors import BankGoneError
from memkit.flows.context import BankContext, apply, retry_when_gone
from memkit.items import Index, Item, expiry, is_expired, item_id, item_memory
from memkit.models import IndexEntry, Memory, Outcome, Receipt
from memkit.operations import Discard, Extend, Put, Step
from memkit.protocols import BankView
from memkit.text.terms.keys import item_key

SWEPT_AT_ONCE = 500  # items in one transaction
ABSENT_REASON = "no such item"


def put(ctx: BankContext, key: str, value: Any, *, index: Index, ttl: float | None, sources: Sequence[str]) -> Receipt:
    """Store a value, in the place of the one before. Raises InputError."""
    at = ctx.now()
    memory = item_memory(key, value, at=at, index=index, ttl=ttl, sources=sources)
    attempt = _put_indexed if memory.text else _put_plain
    return retry_when_gone(ctx, lambda: attempt(ctx, memory, at))


def _put_plain(ctx: BankContext, memory: Memory, at: datetime) -> Receipt:
    """A value without an index needs nothing of the bank but its key, which is read in the transaction."""

    def decide(view: BankView) -> list[Step]:
        return [Put(memory, IndexEntry(text_key=item_key(view.state.key, memory.id), wanted=False))]

    return ctx.storage.apply(ctx.name, decide, at=at)


def _put_indexed(ctx: BankContext, memory: Memory, at: datetime) -> Receipt:
    with ctx.storage.view(ctx.name) as view:
        state = view.state
    [entry] = ctx.services.indexer.entry(state, [memory])
    return apply(ctx, [Put(memory, entry)], at=at, state=state)


def get(ctx: BankContext, key: str, *, refresh: bool) -> Item | None:
    """The item of a key; with `refresh` its time begins anew. Raises InputError."""
    memory, now = _memory_of(ctx, item_id(key)), ctx.now()
    if memory is None or is_expired(memory, now):
        return None
    ttl = memory.metadata.get("ttl")
    if refresh and ttl is not None and not ctx.services.read_only:
        until = expiry(now, ttl)
        ctx.storage.apply(ctx.name, [Extend(memory.id, until)], at=now)
        memory = memory.model_copy(update={"valid_until": until})
    return Item.of(memory)


def _memory_of(ctx: BankContext, id: str) -> Memory | None:
    with suppress(BankGoneError), ctx.storage.view(ctx.name) as view:
        return next(iter(view.memories(list(view.locate([id]).values())).values()), None)
    return None


def delete(ctx: BankContext, key: str) -> Receipt:
    """Remove an item, if it is there. Raises InputError."""
    id = item_id(key)
    with suppress(BankGoneError):
        return ctx.storage.apply(ctx.name, [Discard((id,))], at=ctx.now())
    return Receipt(bank=ctx.name, change=0, outcomes=(Outcome.skipped(id, ABSENT_REASON),))


def sweep(ctx: BankContext, *, may_go_on: Callable[[], bool] = lambda: True) -> int:
    """Remove what has expired, in batches; gives back how many items that were."""
    state, now, swept = ctx.state(), ctx.now(), 0
    while state is not None:
        with ctx.storage.view(state.number) as view:
            ids = tuple(memory.id for memory in view.memories(view.expiring(now, SWEPT_AT_ONCE)).values())
        if not ids:
            break
        ctx.storage.apply(state.number, [Discard(ids, due_by=now)], at=now)
        swept += len(ids)
        if not may_go_on():
            break
    return swept
