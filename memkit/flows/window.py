"""Working memory: a session streamed through the entropy filter, and what is left of it within a budget."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from memkit.errors import InputError
from memkit.flows.context import BankContext, zone_of
from memkit.protocols import BankView
from memkit.recall.present.token_bound import token_bound
from memkit.recall.present.window import RECENT_SHARE, START_SHARE, Left, Window, compose
from memkit.surprisal.entropy_filter import Budget, EntropyFilter
from memkit.surprisal.ngram import NgramSurprisal

LOADED = 64  # windows that are kept
READ = 500  # turns at a time

Counter = Callable[[str], int]


def budget_of(tokens: int) -> Budget:
    """The paper's three parts within so many tokens."""
    start, recent = int(tokens * START_SHARE), int(tokens * RECENT_SHARE)
    return Budget(start=start, entropy=tokens - start - recent, recent=recent)


@dataclass
class Streamed:
    """A session as far as it was streamed: through the seq `through`, as of `epoch`; it holds no text."""

    filter: EntropyFilter
    model: NgramSurprisal
    epoch: int
    through: int = 0
    seqs: dict[int, int] = field(default_factory=dict)  # number of a turn that has something left -> seq

    def catch_up(self, view: BankView, session: int) -> None:
        """Stream the turns that came since."""
        coming = view.turns_of(session, self.through)
        for start in range(0, len(coming), READ):
            for seq, turn in sorted(view.memories(coming[start : start + READ]).items()):
                self.seqs[self.filter.turns] = seq
                self.filter.feed(self.model.score(turn.text))
                self.model.learn(turn.text)
                self.through = seq
            left = {kept.turn for kept in self.filter.kept}
            self.seqs = {number: seq for number, seq in self.seqs.items() if number in left}


class WindowCache:
    """Sessions in use, streamed; any of them may vanish and is then streamed again.

    Surprisal is that of the embedded model, which learns the session as it goes: looking asks no server.
    """

    def __init__(self) -> None:
        self._streamed: OrderedDict[tuple[int, int, int], Streamed] = OrderedDict()
        self.lock = threading.Lock()

    def streamed(self, view: BankView, session: int, tokens: int) -> Streamed:
        """The session as of now; call with `lock` held."""
        key = (view.state.number, session, tokens)
        found = self._streamed.get(key)
        if found is None or found.epoch != view.state.epoch:
            filter = EntropyFilter(budget_of(tokens), split=True)
            found = self._streamed[key] = Streamed(filter, NgramSurprisal(), view.state.epoch)
        self._streamed.move_to_end(key)
        while len(self._streamed) > LOADED:
            self._streamed.popitem(last=False)
        found.catch_up(view, session)
        return found


def window(ctx: BankContext, budget: int, *, session: str | None, count_tokens: Counter | None) -> Window:
    """What is left of the session within the budget. Raises InputError."""
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 16:
        raise InputError("window: budget must be a whole number of tokens, at least 16.")
    state, count = ctx.state(), count_tokens or token_bound
    if state is None:
        return Window("", 0, 0, 0)
    with ctx.services.windows.lock, ctx.storage.view(state.number) as view:
        place = view.position(session)
        if place is None:
            return Window("", 0, 0, 0)
        streamed = ctx.services.windows.streamed(view, place.session, budget)
        memories = view.memories(list(streamed.seqs.values()))
        left = [Left(kept.turn, kept.start, kept.end, kept.score) for kept in streamed.filter.kept]
        told = {number: memories[seq] for number, seq in sorted(streamed.seqs.items())}
        return compose(left, told, streamed.filter.turns, zone=zone_of(state), budget=budget, count=count)
