"""The zone of a bank: asked for when it is made, and changed on purpose."""

from memkit.errors import InputError
from memkit.flows.context import BankContext, apply
from memkit.flows.reencode import outdate_terms, renew_terms
from memkit.models import Receipt
from memkit.operations import SetZone
from memkit.storage.core.banks import checked_zone


def ask_for_zone(ctx: BankContext, zone: str) -> None:
    """Remember the zone that a bank is to be made with. Raises InputError where it has another."""
    zone, state = checked_zone(zone), ctx.state()
    there = ctx.zone if state is None else state.zone
    if there not in (None, zone):
        name = "/".join(ctx.name)
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
