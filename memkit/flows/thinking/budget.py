"""Daily budgets of thinking and reflecting: calls and tokens by bank and day, counted in the file."""

import json
from dataclasses import asdict
from typing import Any

from memkit.flows.context import BankContext, zone_of
from memkit.models import BankState
from memkit.operations import Usage

META_KEY = "thinking.{}"
SPENT_REASON = "today's budget is spent; the rest waits"


def spent_today(ctx: BankContext, state: BankState) -> Usage:
    """Usage since midnight in the bank's zone."""
    day = stored_day(ctx, state) or {}
    return Usage(**day["usage"]) if day.get("day") == _today(ctx, state) else Usage()


def stored_day(ctx: BankContext, state: BankState) -> dict[str, Any] | None:
    """The last day with its usage, as the file keeps it; None where there was none."""
    text = ctx.storage.get_meta(META_KEY.format(state.number))
    return None if text is None else dict(json.loads(text))


def spend(ctx: BankContext, state: BankState, usage: Usage) -> None:
    """Add to today's count."""
    if usage == Usage():
        return
    total = spent_today(ctx, state)
    total.add(usage)
    day = {"day": _today(ctx, state), "usage": asdict(total)}
    ctx.storage.set_meta({META_KEY.format(state.number): json.dumps(day)})


def is_spent(ctx: BankContext, state: BankState) -> bool:
    """Whether one of the day's budgets is used up."""
    think = ctx.settings.think
    if think.calls_per_day is None and think.tokens_per_day is None:
        return False
    usage = spent_today(ctx, state)
    pairs = ((usage.total_calls, think.calls_per_day), (usage.tokens, think.tokens_per_day))
    return any(most is not None and count >= most for count, most in pairs)


def _today(ctx: BankContext, state: BankState) -> str:
    return ctx.now().astimezone(zone_of(state)).date().isoformat()
