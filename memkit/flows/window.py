"""Working memory: a session streamed through the entropy filter, and the block of it that fits a budget."""

from collections.abc import Callable

from memkit.errors import InputError
from memkit.flows.context import BankContext, zone_of
from memkit.recall.present.token_bound import token_bound
from memkit.recall.present.window import Window, compose

MIN_BUDGET = 16  # tokens


def window(ctx: BankContext, budget: int, *, session: str | None, count_tokens: Callable[[str], int] | None) -> Window:
    """The session within the budget. Raises InputError."""
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
