"""Sessions in use, streamed through the entropy filter; any may vanish and is then streamed again."""

import threading
from dataclasses import dataclass, field

from memkit.protocols import BankView
from memkit.recall.present.window import RECENT_SHARE, START_SHARE
from memkit.surprisal.entropy_filter import Budget, EntropyFilter
from memkit.surprisal.ngram import NgramSurprisal

LOADED_SESSIONS = 64
READ_BATCH = 500  # turns


def filter_budget(tokens: int) -> Budget:
    """The paper's three parts within so many tokens."""
    start, recent = int(tokens * START_SHARE), int(tokens * RECENT_SHARE)
    return Budget(start=start, entropy=tokens - start - recent, recent=recent)


@dataclass
class StreamedSession:
    """A session through the seq `through`, as of the bank's `epoch`; it holds no text."""

    filter: EntropyFilter
    model: NgramSurprisal
    epoch: int
    through: int = 0
    seqs: dict[int, int] = field(default_factory=dict)  # number of a turn of which something is kept -> seq

    def catch_up(self, view: BankView, session: int) -> None:
        """Stream the turns that came since."""
        coming = view.turns_of(session, self.through)
        for start in range(0, len(coming), READ_BATCH):
            for seq, turn in sorted(view.memories(coming[start : start + READ_BATCH]).items()):
                self.seqs[self.filter.turns] = seq
                self.filter.feed(self.model.score(turn.text))
                self.model.learn(turn.text)
                self.through = seq
            held = {token.turn for token in self.filter.tokens}
            self.seqs = {number: seq for number, seq in self.seqs.items() if number in held}


class WindowCache:
    """Streamed sessions by bank, session and budget.

    Surprisal is that of the embedded model, which learns a session as it is streamed, in order and from its first
    turn: the same in every process. No server is asked.
    """

    def __init__(self) -> None:
        self._sessions: dict[tuple[int, int, int], StreamedSession] = {}
        self.lock = threading.Lock()

    def streamed(self, view: BankView, session: int, tokens: int) -> StreamedSession:
        """The session as of now; call with `lock` held."""
        key = (view.state.number, session, tokens)
        streamed = self._sessions.pop(key, None)
        if streamed is None or streamed.epoch != view.state.epoch:
            entropy_filter = EntropyFilter(filter_budget(tokens), split=True)
            streamed = StreamedSession(entropy_filter, NgramSurprisal(), view.state.epoch)
        self._sessions[key] = streamed  # as the last used
        while len(self._sessions) > LOADED_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        streamed.catch_up(view, session)
        return streamed
