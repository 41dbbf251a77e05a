"""Maintenance: what runs beside the requests, and what tells how the store is doing."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from memkit.flows import fading, reflecting, reweighing, thinking, upkeep
from memkit.flows.context import BankContext, Services
from memkit.models import BankState, Record
from memkit.times import to_micros

DAY_MICROS = 86_400_000_000
SPANS = {"day": 1, "week": 7, "month": 30}


class Report(Record):
    """What a round of maintenance did."""

    banks: int = 0
    exchanges: int = 0
    failed: int = 0
    encoded: int = 0
    reflected: int = 0
    archived: int = 0
    finished: bool = True


def maintain(services: Services, contexts: Sequence[BankContext], budget_s: float) -> Report:
    """Think, reflect, fade and encode for the banks that are due, until the budget is spent."""
    end = time.monotonic() + budget_s
    services.storage.purge()  # where an erasure's bytes were left because of a reader or a crash
    owner = f"{os.getpid()}-{threading.get_ident()}-{uuid4().hex[:8]}"
    total = Report()
    for ctx in contexts:
        if time.monotonic() >= end:
            return total.model_copy(update={"finished": False})
        done = _under_lease(services, ctx, owner, end)
        if done is not None:
            total = _added(total, done)
    return total


def _under_lease(services: Services, ctx: BankContext, owner: str, end: float) -> Report | None:
    state = ctx.state()
    seconds = services.settings.runtime.lease
    if state is None or not services.storage.lease(state.number, owner, ctx.now(), seconds):
        return None
    try:
        return _care(ctx, lambda: _renewed(services, state, owner, ctx, end))
    finally:
        services.storage.release(state.number, owner)


def _renewed(services: Services, state: BankState, owner: str, ctx: BankContext, end: float) -> bool:
    held = services.storage.lease(state.number, owner, ctx.now(), services.settings.runtime.lease)
    return held and time.monotonic() < end


def _care(ctx: BankContext, may_go_on: Callable[[], bool]) -> Report:
    thought = failed = 0
    for exchange in thinking.waiting(ctx, ctx.state(), only_due=True):
        if not may_go_on():
            return Report(banks=1, exchanges=thought, failed=failed, finished=False)
        outcome = thinking.think_about(ctx, exchange)
        failed += outcome.failed
        thought += not outcome.failed
    reweighing.reweigh(ctx)
    encoded = upkeep.encode_pending(ctx)
    reflected = len(reflecting.reflect(ctx).outcomes) if thought else 0
    archived = len(fading.decay(ctx).operations)
    return Report(banks=1, exchanges=thought, failed=failed, encoded=encoded, reflected=reflected, archived=archived)


def _added(total: Report, more: Report) -> Report:
    counts = {name: getattr(total, name) + getattr(more, name) for name in Report.model_fields}
    return Report(**{**counts, "finished": total.finished and more.finished})


def doctor(services: Services, contexts: Sequence[BankContext], *, repair: bool) -> list[str]:
    """Problems of the file, then of what is cached against what is stored; [] is healthy."""
    problems = services.storage.audit(repair=repair)
    for ctx in contexts:
        problems += _stale_index(services, ctx)
    if repair:
        services.indexes.drop()
    return problems


def _stale_index(services: Services, ctx: BankContext) -> list[str]:
    state = ctx.state()
    if state is None:
        return []
    with services.indexes.lock(state.number):
        cached = services.indexes.fresh(state.number).index.size
        with services.storage.view(state.number) as view:
            stored = sum(1 for _ in view.rows())
    if cached == stored:
        return []
    return [f"bank {'/'.join(ctx.name)}: its index holds {cached} memories, the file {stored}."]


def stats(services: Services, contexts: Sequence[BankContext], *, measure: bool = False) -> dict[str, Any]:
    """Figures for people and monitoring; never text. `measure`: `search_stats` of each bank, too."""
    return {
        "encoder": {"name": services.encoder.name, "dimension": services.encoder.dimension},
        "bytes": services.storage.sizes(),
        "index_bytes": services.indexes.nbytes(),
        "banks": {
            "/".join(ctx.name): {**bank_stats(ctx), **(search_stats(ctx) if measure else {})} for ctx in contexts
        },
    }


def bank_stats(ctx: BankContext) -> dict[str, Any]:
    """One bank: memories by kind and state, the queue, what still lacks a vector."""
    state = ctx.state()
    if state is None:
        return {"memories": 0}
    with ctx.storage.view(state.number) as view:
        rows, queue = list(view.rows()), view.exchanges()
        unencoded = len(view.unencoded(10_000))
    return {
        "memories": state.size,
        "change": state.change,
        "zone": state.zone,
        "kinds": _counted(row.kind for row in rows),
        "states": _counted(row.state for row in rows),
        "queue": {"waiting": len(queue), "errors": _counted(e.error for e in queue if e.error)},
        "unencoded": unencoded,
        "growth": _growth([row.recorded_at for row in rows], to_micros(ctx.now())),
    }


def search_stats(ctx: BankContext) -> dict[str, Any]:
    """How a bank is searched, and what sketches find of exact search's ten best; reads every vector once."""
    state = ctx.state()
    if state is None:
        return {"search": "exact", "candidates": None, "sketch_recall": None}
    indexes = ctx.services.indexes
    with indexes.lock(state.number):
        index = indexes.fresh(state.number).index
        with ctx.storage.view(state.number) as view:
            recall = index.sketch_recall(view)
            count = index.candidates(view)
    return {"search": "exact" if index.exact else "sketch", "candidates": count, "sketch_recall": recall}


def _growth(recorded: Sequence[int], now: int) -> dict[str, int]:
    """How many memories were recorded in the last day, week and month of 30 days."""
    return {name: sum(now - at <= days * DAY_MICROS for at in recorded) for name, days in SPANS.items()}


def _counted(values: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts
