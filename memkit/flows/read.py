"""Looking into a bank without changing it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from memkit.errors import InputError, UnknownMemoryError, UnknownOptionError
from memkit.flows.context import BankContext, by_id, zone_of
from memkit.identifiers import bank_path
from memkit.items import is_expired
from memkit.models import (
    MEMORY_KINDS,
    MEMORY_STATES,
    PAGE_ORDERS,
    HistoryEntry,
    Kind,
    Memory,
    MemoryPage,
    State,
)
from memkit.protocols import BankView, Bookmark, PageOptions
from memkit.recall.present.streaming import chosen_turns, filter_budget, kept_tokens
from memkit.recall.present.token_bound import token_bound
from memkit.recall.present.window import Window, compose
from memkit.times import to_micros

CURSOR_PATTERN = re.compile(r"after:(-?\d{1,18}):(\d{1,18})")
MAX_PAGE = 10_000
MIN_BUDGET, MAX_BUDGET = 16, 10**9  # tokens; no session has more


def get(ctx: BankContext, id: str) -> Memory | None:
    """The memory of this id, whatever its state; None where there is none, or an item whose time is over."""
    memory = by_id(ctx, [id]).get(id)
    return None if memory is None or is_expired(memory, ctx.now()) else memory


def page(ctx: BankContext, options: PageOptions, where: Mapping[str, Any] | None, after: str | None) -> MemoryPage:
    """A page behind the memory of the id `after`, or where `MemoryPage.next` says. Raises InputError."""
    state = ctx.state()
    if state is None:
        return MemoryPage()
    check_page(options)
    with ctx.storage.view(state.number) as view:
        start = None if after is None else _bookmark(ctx, view, after)
        among = None if where is None else view.matching(where)
        memories = view.page(replace(options, after=start, among=among))
        end = _bookmark_of(view, memories[-1]) if len(memories) == options.limit else None
    now = ctx.now()
    current = MemoryPage(memory for memory in memories if not is_expired(memory, now))
    if end is not None:
        ctx.services.page_ends.note(state.number, memories[-1].id, end)
        current.next = _as_text(end)
    return current


def check_page(options: PageOptions) -> None:
    """Raise InputError for a page that can't be."""
    checked_kinds(options.kinds)
    if not 1 <= options.limit <= MAX_PAGE:
        raise InputError(f"limit: must lie between 1 and {MAX_PAGE}. Ask for further pages with after=.")
    for name, values, choices in (("order", [options.order], PAGE_ORDERS), ("states", options.states, MEMORY_STATES)):
        unknown = [value for value in values if value not in choices]
        if unknown:
            raise UnknownOptionError(f"{name}: unknown {unknown[0]!r}; known are {', '.join(choices)}.")


def _bookmark(ctx: BankContext, view: BankView, after: str) -> Bookmark:
    """Place of an id, of an erased one with which a page ended, or what a page said is next."""
    memories = view.memories(list(view.locate([after]).values()))
    if memories:
        return _bookmark_of(view, *memories.values())
    cursor = CURSOR_PATTERN.fullmatch(after)
    if cursor is not None:
        return Bookmark(int(cursor[1]), int(cursor[2]))
    end = ctx.services.page_ends.find(view.state.number, after)
    if end is None:
        raise UnknownMemoryError(
            "after=: no memory has this id in this bank (any more). Go on with `next` of the page before, which "
            "outlives an erasure, or start the pages again without it."
        )
    return end


def _bookmark_of(view: BankView, memory: Memory) -> Bookmark:
    return Bookmark(to_micros(memory.occurred_at), view.locate([memory.id])[memory.id])


def _as_text(bookmark: Bookmark) -> str:
    return f"after:{bookmark.occurred_at}:{bookmark.seq}"


def history(ctx: BankContext, id: str) -> list[HistoryEntry]:
    """Every change of a memory, oldest first. Raises UnknownMemoryError."""
    state = ctx.state()
    if state is not None:
        with ctx.storage.view(state.number) as view:
            if view.locate([id]):
                return view.history(id)
    raise UnknownMemoryError(f"history: no memory has this id in bank {bank_path(ctx.name)}. Ids hold within one bank.")


def beliefs(ctx: BankContext) -> dict[str, dict[str, list[Memory]]]:
    """Thoughts that are held true now, by head and relation."""
    held: dict[str, dict[str, list[Memory]]] = {}
    now = ctx.now()
    for thought in everything(ctx, ("thought",)):
        if thought.valid_until is None or thought.valid_until > now:
            held.setdefault(thought.head or "", {}).setdefault(thought.relation or "", []).append(thought)
    return held


def everything(ctx: BankContext, kinds: Sequence[Kind] | None, states: Sequence[State] = ("active",)) -> list[Memory]:
    """All memories of these kinds, read page by page."""
    memories: list[Memory] = []
    options, after = PageOptions(kinds, states, limit=MAX_PAGE), None
    while True:
        batch = page(ctx, options, None, after)
        memories += batch
        after = batch.next
        if after is None:
            return memories


def checked_kinds(kinds: Sequence[str] | None) -> None:
    """Raises UnknownOptionError where a kind doesn't exist."""
    unknown = [kind for kind in kinds or () if kind not in MEMORY_KINDS]
    if unknown:
        raise UnknownOptionError(f"kinds: unknown kind {unknown[0]!r}; known are {', '.join(MEMORY_KINDS)}.")


def window(ctx: BankContext, budget: int, *, session: str | None, count_tokens: Callable[[str], int] | None) -> Window:
    """Working memory: a session streamed through the entropy filter, within the budget. Raises InputError."""
    check_budget(budget)
    state, count, budget = ctx.state(), count_tokens or token_bound, min(budget, MAX_BUDGET)
    if state is None:
        return Window("", 0, 0, 0)
    with ctx.storage.view(state.number) as view:
        position = view.position(session)
        if position is None:
            return Window("", 0, 0, 0)
        turns = view.visible_turns(position.session)
        numbers = chosen_turns(turns, filter_budget(budget))
        memories = view.memories(turns.seqs[numbers].tolist())
    chosen = dict(zip(numbers.tolist(), memories.values(), strict=True))
    tokens = kept_tokens(chosen, filter_budget(budget))
    return compose(tokens, chosen, len(turns.seqs), zone=zone_of(state), budget=budget, count=count)


def check_budget(budget: int) -> None:
    """Raise InputError for what is no budget of a window."""
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < MIN_BUDGET:
        raise InputError(f"window: budget must be a whole number of tokens, at least {MIN_BUDGET}.")
