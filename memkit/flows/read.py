"""Looking into a bank without changing it."""

from collections.abc import Mapping, Sequence
from typing import Any

from memkit.errors import InputError, UnknownMemoryError, UnknownOptionError
from memkit.flows.context import BankContext
from memkit.models import MEMORY_KINDS, HistoryEntry, Kind, Memory, State

MAX_PAGE = 10_000


def get(ctx: BankContext, id: str) -> Memory | None:
    """The memory of this id, whatever its state; None where there is none."""
    state = ctx.state()
    if state is None:
        return None
    with ctx.storage.view(state.number) as view:
        seqs = list(view.locate([id]).values())
        return view.memories(seqs)[seqs[0]] if seqs else None


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
            relations = held.setdefault(thought.head or "", {})
            relations.setdefault(thought.relation or "", []).append(thought)
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
