"""Items: put, read and deleted by key; what has expired is gone at once, and swept by maintenance."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from memkit.errors import BankGoneError, EncoderError, InputError
from memkit.flows.context import BankContext, apply, retry_when_gone
from memkit.items import Item, ItemFields, LastPut, expiry, is_expired, item_id, item_memory
from memkit.models import IndexEntry, Memory, Outcome, Receipt
from memkit.operations import Discard, Expect, Extend, Put
from memkit.protocols import BankView
from memkit.text.terms.keys import item_key

SWEPT_AT_ONCE = 500  # items in one transaction
ABSENT_REASON = "no such item"


def put_many(
    ctx: BankContext,
    puts: Iterable[ItemFields],
    delete: Iterable[str],
    *,
    encoded: bool,
    expected: LastPut = None,
) -> Receipt:
    """Store values in the place of those before, and remove others, all or none.

    Raises InputError, EncoderError, and ConflictError where an item isn't as it was `expected`.
    """
    at = ctx.now()
    memories = [item_memory(at=at, **checked_fields(fields)) for fields in puts]
    discards = [Discard((item_id(key),)) for key in delete]
    expects = [Expect(item_id(key), moment) for key, moment in (expected or {}).items()]
    return retry_when_gone(ctx, lambda: _put(ctx, memories, expects, discards, at, encoded=encoded))


def checked_fields(fields: ItemFields) -> ItemFields:
    """The fields of an item that is put. Raises InputError for others."""
    unknown = fields.keys() - ItemFields.__annotations__.keys()
    if unknown or not {"key", "value"} <= fields.keys():
        raise InputError("put_many: each item is a dict with key and value, and perhaps index, ttl and sources.")
    return fields


def _put(
    ctx: BankContext, memories: Sequence[Memory], expects: Sequence[Expect], discards: Sequence[Discard],
    at: datetime, *, encoded: bool,
) -> Receipt:  # fmt: skip
    """Expectations, puts and discards in one transaction; where nothing is indexed, the bank is read in it alone."""
    indexed = [memory for memory in memories if memory.text]
    if not indexed:
        return ctx.storage.apply(ctx.name, lambda view: [*expects, *_plain_puts(view, memories), *discards], at=at)
    with ctx.storage.view(ctx.name) as view:
        state, plain = view.state, {put.memory.id: put for put in _plain_puts(view, memories)}
    entries = ctx.services.indexer.entry(state, indexed)
    if encoded and any(entry.wanted and entry.vector is None for entry in entries):
        raise EncoderError("put: the encoder failed, so nothing was stored. Without encoded=True vectors follow.")
    whole = {id(memory): Put(memory, entry) for memory, entry in zip(indexed, entries, strict=True)}
    steps = [whole.get(id(memory)) or plain[memory.id] for memory in memories]
    return apply(ctx, [*expects, *steps, *discards], at=at, state=state)


def _plain_puts(view: BankView, memories: Sequence[Memory]) -> list[Put]:
    key = view.state.key
    return [Put(memory, IndexEntry(text_key=item_key(key, memory.id), wanted=False)) for memory in memories]


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
