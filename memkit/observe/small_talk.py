"""Small talk, told from the rest by a threshold that follows the stream: no constant fits every bank."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Sequence

from memkit.text.terms.keys import names_time
from memkit.text.terms.tokens import asks

WINDOW_TURNS = 128  # turns whose saliences make the threshold
MIN_TURNS = 32  # with fewer before it, no turn counts as small talk
MAX_CHARS = 200  # of a turn that may count as small talk


class SmallTalk:
    """Judges turns by their salience: about `share` of a stream counts as small talk.

    A turn does where it tells less than nearly all of the last 128 turns did: at most `share` of them told as
    little. So the threshold is their quantile and moves with them. A long turn never does, nor one that names a
    time or a number: "Last Friday!" may be all that there is of an answer. Nor does a question: what answers it is
    found through it. Not thread-safe.
    """

    def __init__(self, share: float, earlier: Iterable[float] = ()) -> None:
        self._share = share
        self._window = deque(earlier, WINDOW_TURNS)
        self._sorted = sorted(self._window)

    def is_small_talk(self, salience: float, text: str) -> bool:
        """Whether a turn of this salience (nats) is small talk; the threshold follows it."""
        as_little = bisect_right(self._sorted, salience)
        quiet = len(self._sorted) >= MIN_TURNS and as_little < self._share * len(self._sorted)
        if len(self._window) == WINDOW_TURNS:
            del self._sorted[bisect_left(self._sorted, self._window.popleft())]
        self._window.append(salience)
        insort(self._sorted, salience)
        return quiet and may_be_small_talk(text)


def may_be_small_talk(text: str) -> bool:
    """Whether a text is short, no question, and names neither a time nor a number."""
    return len(text) <= MAX_CHARS and not asks(text) and not names_time(text)


def small_talk(
    share: float, earlier: Iterable[float], saliences: Sequence[float | None], texts: Sequence[str]
) -> list[bool]:
    """For each turn whether it is small talk, after turns with the `earlier` saliences; None counts as telling."""
    judge = SmallTalk(share, earlier)
    pairs = zip(saliences, texts, strict=True)
    return [salience is not None and judge.is_small_talk(salience, text) for salience, text in pairs]
