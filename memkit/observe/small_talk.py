"""Small talk, told from the rest by a threshold that follows the stream: no constant fits every bank."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable

from memkit.text.terms.keys import names_time

REMEMBERED = 128  # turns whose saliences make the threshold
FEWEST = 32  # before that many were heard, nothing counts as small talk
SHORT = 200  # characters


class SmallTalk:
    """Judges turns by their salience: about `share` of a stream counts as small talk.

    A turn does where it tells less than nearly all of the last 128 turns did: at most `share` of them told as
    little. So the threshold is their quantile and moves with them. A long turn never does, nor one that names a
    time or a number: "Last Friday!" may be all that there is of an answer. Not thread-safe.
    """

    def __init__(self, share: float, heard: Iterable[float] = ()) -> None:
        self._share = share
        self._heard: deque[float] = deque()
        self._sorted: list[float] = []
        for salience in heard:
            self.remember(salience)

    def copy(self) -> "SmallTalk":
        """The same; what one hears the other doesn't."""
        twin = SmallTalk(self._share)
        twin._heard, twin._sorted = self._heard.copy(), self._sorted.copy()
        return twin

    def hears(self, salience: float, text: str) -> bool:
        """Whether a turn of this salience (nats) is small talk; remembers its salience."""
        as_little = bisect_right(self._sorted, salience)
        quiet = len(self._sorted) >= FEWEST and as_little < self._share * len(self._sorted)
        self.remember(salience)
        return quiet and len(text) <= SHORT and not names_time(text)

    def remember(self, salience: float) -> None:
        """Let a turn that was judged before move the threshold."""
        if len(self._heard) == REMEMBERED:
            del self._sorted[bisect_left(self._sorted, self._heard.popleft())]
        self._heard.append(salience)
        insort(self._sorted, salience)
