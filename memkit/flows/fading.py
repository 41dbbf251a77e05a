"""Decay: what the forgetting curve has let go is archived: out of recall, still in history."""

from memkit.flows.context import BankContext
from memkit.flows.editing import apply
from memkit.flows.reading import everything
from memkit.forget.decay import FadeReport, fade
from memkit.times import Moment, as_utc


def decay(ctx: BankContext, now: Moment | None = None, *, dry_run: bool = False) -> FadeReport:
    """Archive memories below the threshold; with `dry_run`, only report them."""
    moment = ctx.now() if now is None else as_utc(now, field="now")
    if not dry_run:
        ctx.services.reinforcements.flush()
    report = fade(everything(ctx, None), moment, ctx.settings.decay)
    if report.operations and not dry_run:
        apply(ctx, report.operations, at=moment)
    return report
