"""Maintenance beside the requests, and the figures that show how a store is doing."""

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from typing import Any
from uuid import uuid4

from memkit.errors import CorruptError
from memkit.flows import fade, items, reencode, reflect, think, transfer
from memkit.flows.context import BankContext, Services
from memkit.flows.thinking import budget
from memkit.identifiers import bank_path
from memkit.models import BankState, Exchange, FrozenModel, IndexRow, Memory
from memkit.observe.small_talk import may_be_small_talk
from memkit.protocols import BankClaim, BankName, BankRest, BankView
from memkit.text.terms.keys import TERM_RULES
from memkit.text.terms.tokens import has_words
from memkit.think import ExtractiveThinker
from memkit.think.extractive.language_id import LanguageCounts, count_languages
from memkit.think.sans_io import drive
from memkit.times import MAX_REST, to_micros

DAY_MICROS = 86_400_000_000
LANGUAGE_SAMPLE_TURNS = 200  # newest turns
CLAIMED_BANKS = 16  # at a time
MAX_BANK_NUMBER = 2**63 - 1
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
MAX_UNENCODED = 10_000  # texts of a bank, that are counted
GROWTH_SPAN_DAYS = {"day": 1, "week": 7, "month": 30}


class MaintenanceReport(FrozenModel):
    """Counts of what a round of maintenance did. `requests`: to forget, that were heard; `bank.requests()` has them."""

    banks: int = 0
    renewed: int = 0  # memories whose terms were made again by today's rules
    exchanges: int = 0
    failed: int = 0
    requests: int = 0
    encoded: int = 0
    reflected: int = 0
    archived: int = 0
    erased: int = 0
    swept: int = 0  # items whose time was over
    finished: bool = True


def maintain(
    services: Services,
    context_of: Callable[[BankName], BankContext],
    budget_s: float,
    *,
    stopped: Callable[[], bool] = lambda: False,
    even_open: bool = False,
) -> MaintenanceReport:
    """Think, prune, reflect, fade and encode for the banks that are due, until the budget is spent."""
    end = time.monotonic() + budget_s

    def may_go_on() -> bool:
        return not stopped() and time.monotonic() < end

    services.storage.purge(locking=False)  # where an erasure's bytes were left because of a reader or a crash
    services.idempotency.sweep()
    owner = f"{os.getpid()}-{threading.get_ident()}-{uuid4().hex[:8]}"
    total = MaintenanceReport()
    with closing(_claimed(services, owner)) as claimed:
        for state in claimed:
            if not may_go_on():
                services.storage.release(state.number, owner)
                total = total.model_copy(update={"finished": False})
                break
            ctx = context_of(state.name)
            total = _sum_reports(total, _maintain_under_lease(services, ctx, owner, may_go_on, even_open=even_open))
    if total.erased:
        services.storage.purge(locking=False)  # once for all banks
    return total


def _claimed(services: Services, owner: str) -> Generator[BankState, None, None]:
    """The banks of a round, which are the owner's: first those behind the one that was cared for last.

    Rounds are bounded in time. If each began with the same banks, the last of many thousands would never be reached.
    """
    start, mark = services.last_maintained, _rest_mark(services)
    for after, last in ((start, MAX_BANK_NUMBER), (-1, start)):
        while after < last and (claimed := deque(_claim(services, owner, mark, after, last))):
            after = claimed[-1].number
            try:
                while claimed:
                    yield claimed.popleft()
            finally:
                for state in claimed:
                    services.storage.release(state.number, owner)


def _claim(services: Services, owner: str, mark: str, after: int, last: int) -> list[BankState]:
    seconds = services.settings.runtime.lease
    return services.storage.claim_banks(BankClaim(owner, mark, after, last, CLAIMED_BANKS, services.clock(), seconds))


def _rest_mark(services: Services) -> str:
    """Digest of what decides whether anything waits in a bank: another worker's rests count where it decides alike."""
    decisive = f"{services.settings.model_dump_json()} {services.thinker.name} {TERM_RULES}"
    return blake2b(decisive.encode(), digest_size=8).hexdigest()


def _maintain_under_lease(
    services: Services, ctx: BankContext, owner: str, may_go_on: Callable[[], bool], *, even_open: bool
) -> MaintenanceReport:
    """Counts of what was done in a bank; none where it is gone, or another worker is at it."""
    state = ctx.state()
    if state is None:
        return MaintenanceReport()

    def leased() -> bool:
        return services.storage.lease(state.number, owner, ctx.now(), services.settings.runtime.lease)

    if not leased():
        return MaintenanceReport()
    rest = None
    try:
        report = _maintain_bank(ctx, lambda: leased() and may_go_on(), even_open=even_open)
        rest = _earned_rest(ctx) if report.finished else None
        return report
    finally:
        services.last_maintained = state.number
        services.storage.release(state.number, owner, rest)


def _earned_rest(ctx: BankContext) -> BankRest | None:
    """The rest of a bank where nothing waits any more."""
    state = ctx.state()
    if state is None:
        return None
    with ctx.storage.view(state.number) as view:
        if view.exchanges() or view.unencoded(1) or view.expiring(END_OF_TIME, 1):
            return None
        return BankRest(_rest_mark(ctx.services), view.state.change, ctx.now() + MAX_REST)


def _maintain_bank(ctx: BankContext, may_go_on: Callable[[], bool], *, even_open: bool) -> MaintenanceReport:
    swept = items.sweep(ctx, may_go_on=may_go_on)
    renewed = reencode.renew_terms(ctx, may_go_on=may_go_on)
    if renewed and not may_go_on():
        return MaintenanceReport(banks=1, swept=swept, renewed=renewed, finished=False)
    steps = think.think_rounds(ctx, only_due=True, even_open=even_open, may_go_on=may_go_on)
    thinking = drive(steps, partial(think.answer, ctx.services.thinker))
    report = MaintenanceReport(
        banks=1,
        swept=swept,
        renewed=renewed,
        exchanges=thinking.exchanges,
        failed=thinking.failed,
        requests=len(thinking.receipt(ctx).requests),
        finished=thinking.finished,
    )
    if not thinking.finished:
        return report
    pruned = fade.prune(ctx, search=False).receipt
    more = MaintenanceReport(
        encoded=reencode.encode_pending(ctx, may_go_on=may_go_on),
        reflected=len(reflect.reflect(ctx, settled=True, may_go_on=may_go_on).outcomes),
        archived=len(fade.decay(ctx).operations),
        erased=0 if pruned is None else sum(pruned.counts.values()),
    )
    return _sum_reports(report, more)


def _sum_reports(total: MaintenanceReport, more: MaintenanceReport) -> MaintenanceReport:
    counts = {name: getattr(total, name) + getattr(more, name) for name in MaintenanceReport.model_fields}
    return MaintenanceReport(**{**counts, "finished": total.finished and more.finished})


def doctor(services: Services, contexts: Iterable[BankContext], *, repair: bool) -> list[str]:
    """Problems of the file, then of what is cached against what is stored; [] is healthy.

    Repaired memories get the index entries that they lack. `contexts` are asked for after the file was.
    """
    problems = services.storage.audit(repair=repair) + transfer.unfinished(services, repair=repair)
    if problems and repair:
        services.indexes.drop()
    with suppress(CorruptError):  # told already
        for ctx in contexts:
            if problems and repair:
                reencode.reindex_bank(ctx)
            problems += _stale_index(services, ctx)
    if repair:
        services.indexes.drop()
    return problems


def _stale_index(services: Services, ctx: BankContext) -> list[str]:
    state = ctx.state()
    if state is None:
        return []
    with services.indexes.opened(state.number) as (loaded, view):
        stored = sum(1 for _ in view.rows())
    if loaded.size == stored:
        return []
    return [f"bank {bank_path(ctx.name)}: its index holds {loaded.size} memories, the file {stored}."]


def stats(services: Services, contexts: Sequence[BankContext], *, measure: bool = False) -> dict[str, Any]:
    """Figures for people and monitoring; never text. `measure`: `search_stats` of each bank, too."""
    encoder = services.encoder.get()
    return {
        "encoder": {"name": encoder.name, "dimension": encoder.dimension},
        "bytes": services.storage.sizes(),
        "index_bytes": services.indexes.nbytes(),
        "banks": {
            bank_path(ctx.name): {**bank_stats(ctx), **(search_stats(ctx) if measure else {})} for ctx in contexts
        },
    }


def count_waiting(contexts: Iterable[BankContext]) -> dict[str, int]:
    """Sums over banks, cheap enough to ask often: exchanges that wait to be thought about, texts for a vector."""
    waiting = {"exchanges": 0, "unencoded": 0}
    for ctx in contexts:
        if (state := ctx.state()) is not None:
            with ctx.storage.view(state.number) as view:
                waiting["exchanges"] += len(view.exchanges())
                waiting["unencoded"] += len(view.unencoded(MAX_UNENCODED))
    return waiting


def bank_stats(ctx: BankContext) -> dict[str, Any]:
    """One bank: memories by kind and state, the queue, what still lacks a vector."""
    state = ctx.state()
    if state is None:
        return {"memories": 0}
    with ctx.storage.view(state.number) as view:
        rows, queue, unencoded = list(view.rows()), view.exchanges(), len(view.unencoded(MAX_UNENCODED))
        newest = _newest_turns(view, rows)
        languages = _languages(ctx, newest.values())
        unread = _unread_share(view, newest)
        budget = _budget_stats(ctx, view)
    return {
        "memories": state.size,
        "change": state.change,
        "zone": state.zone,
        "kinds": dict(Counter(row.kind for row in rows)),
        "states": dict(Counter(row.state for row in rows)),
        "queue": _queue_stats(queue, ctx.now()),
        **budget,
        "unencoded": unencoded,
        "unread": unread,
        **({} if languages is None else {"languages": languages.counts, "without_rules": languages.unruled}),
        "growth": _growth([row.recorded_at for row in rows], to_micros(ctx.now())),
    }


def _newest_turns(view: BankView, rows: Sequence[IndexRow]) -> dict[int, Memory]:
    newest = [row.seq for row in rows if row.kind == "turn" and row.echo_of is None][-LANGUAGE_SAMPLE_TURNS:]
    return view.memories(newest)


def _languages(ctx: BankContext, turns: Iterable[Memory]) -> LanguageCounts | None:
    """The languages of turns, where thoughts form by rules of a language."""
    if not isinstance(ctx.services.thinker, ExtractiveThinker):
        return None
    return count_languages(turn.text for turn in turns)


def _unread_share(view: BankView, turns: Mapping[int, Memory]) -> float:
    """The share of turns with words, no small talk, that the encoder can't read: no vector, and none to wait for."""
    telling = [seq for seq, turn in turns.items() if has_words(turn.text) and not may_be_small_talk(turn.text)]
    entries = view.entries(telling)
    unread = sum(entries[seq].vector is None and not entries[seq].wanted for seq in telling)
    return round(unread / len(telling), 2) if telling else 0.0


def _budget_stats(ctx: BankContext, view: BankView) -> dict[str, Any]:
    """Usage of a model today; once the budget is spent, also how many summaries wait."""
    spent = budget.is_spent(ctx, view.state)
    waiting = {"summaries_waiting": reflect.count_due(view)} if spent else {}
    return {"thinking_today": asdict(budget.spent_today(ctx, view.state)), "budget_spent": spent, **waiting}


def _queue_stats(queue: Sequence[Exchange], now: datetime) -> dict[str, Any]:
    """Exchanges that wait; of them, how many are leased, how many were put off, and why."""
    return {
        "waiting": len(queue),
        "leased": sum(e.leased(now) for e in queue),
        "put_off": sum(e.error is not None and e.due_at is not None and e.due_at > now for e in queue),
        "most_attempts": max((e.attempts for e in queue), default=0),
        "errors": dict(Counter(e.error for e in queue if e.error)),
    }


def search_stats(ctx: BankContext) -> dict[str, Any]:
    """Search of a bank, and the share of exact search's ten best that sketches find; reads every vector once."""
    state = ctx.state()
    if state is None:
        return {"search": "exact", "candidates": None, "sketch_recall": None}
    with ctx.services.indexes.opened(state.number) as (loaded, view):
        index = loaded.searcher.index
        recall, count = index.sketch_recall(view), index.sketch_candidates(view)
    return {"search": "exact" if index.exact else "sketch", "candidates": count, "sketch_recall": recall}


def _growth(recorded: Sequence[int], now: int) -> dict[str, int]:
    """Number of memories recorded in the last day, week and month of 30 days."""
    return {name: sum(now - at <= days * DAY_MICROS for at in recorded) for name, days in GROWTH_SPAN_DAYS.items()}
