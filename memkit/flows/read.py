"""Looking into a bank without changing it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from memkit.errors import InputError, UnknownMemoryError, UnknownOptionError
from memkit.flows.context import BankContext, zone_of
from memkit.models import MEMORY_KINDS, HistoryEntry, Kind, Memory, State
from memkit.recall.present.token_bound import token_bound
from memkit.recall.present.window import Window, compose

MAX_PAGE = 10_000
MIN_BUDGET = 16  # tokens


def by_id(ctx: BankContext, ids: Sequence[str]) -> dict[str, Memory]:
    """Memories of these ids, whatever their state; those that aren't here are missing."""
    state = ctx.state()
    if state is None:
        return {}
    with ctx.storage.view(state.number) as view:
        seqs = view.locate(ids)
        memories = view.memories(list(seqs.values()))
        return {id: memories[seq] for id, seq in seqs.items()}


def get(ctx: BankContext, id: str) -> Memory | None:
    """The memory of this id, whatever its state; None where there is none."""
    return by_id(ctx, [id]).get(id)


def page(
    ctx: BankContext,
    kinds: Sequence[Kind] | None,
    where: Mapping[str, Any] | None,
    after: str | None,
    limit: int,
    states: Sequence[State],
) -> list[Memory]:
    """Memories in the order of recording, after the id `after`."""
    state = ctx.state()
    if state is None:
        return []
    checked_kinds(kinds)
    if not 1 <= limit <= MAX_PAGE:
        raise InputError(f"limit: must lie between 1 and {MAX_PAGE}. Ask for further pages with after=.")
    with ctx.storage.view(state.number) as view:
        if where is None:
            return view.page(kinds, after, limit, states)
        seqs = sorted(view.matching(where))
        start = view.locate([after]).get(after, 0) if after is not None else 0
        memories = view.memories([seq for seq in seqs if seq > start]).values()
        return [m for m in memories if m.state in states and (kinds is None or m.kind in kinds)][:limit]


def history(ctx: BankContext, id: str) -> list[HistoryEntry]:
    """Every change of a memory, oldest first. Raises UnknownMemoryError."""
    state = ctx.state()
    if state is not None:
        with ctx.storage.view(state.number) as view:
            if view.locate([id]):
                return view.history(id)
    raise UnknownMemoryError(f"history: no memory has this id in bank {'/'.join(ctx.name)}. Ids hold within one bank.")


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
    after: str | None = None
    while batch := page(ctx, kinds, None, after, MAX_PAGE, states):
        memories += batch
        after = batch[-1].id
        if len(batch) < MAX_PAGE:
            break
    return memories


def checked_kinds(kinds: Sequence[str] | None) -> None:
    """Raises UnknownOptionError where a kind doesn't exist."""
    unknown = [kind for kind in kinds or () if kind not in MEMORY_KINDS]
    if unknown:
        raise UnknownOptionError(f"kinds: unknown kind {unknown[0]!r}; known are {', '.join(MEMORY_KINDS)}.")


def window(ctx: BankContext, budget: int, *, session: str | None, count_tokens: Callable[[str], int] | None) -> Window:
    """Working memory: a session streamed through the entropy filter, within the budget. Raises InputError."""
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < MIN_BUDGET:
        raise InputError(f"window: budget must be a whole number of tokens, at least {MIN_BUDGET}.")
    state, count = ctx.state(), count_tokens or token_bound
    if state is None:
        return Window("", 0, 0, 0)
    with ctx.services.windows.lock, ctx.storage.view(state.number) as view:
        position = view.position(session)
        if position is None:
            return Window("", 0, 0, 0)
        streamed = ctx.services.windows.streamed(view, position.session, budget)
        memories = view.memories(list(streamed.seqs.values()))
        turns = {number: memories[seq] for number, seq in sorted(streamed.seqs.items())}
        return compose(
            streamed.filter.tokens, turns, streamed.filter.turns, zone=zone_of(state), budget=budget, count=count
        )
