"""Round robin of maintenance: every bank's turn comes, but not where nothing can be due."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from memkit.models import BankState

MAX_REST = timedelta(hours=1)  # days begin and end in a bank: longer it is never left alone


class RoundRobin:
    """End of the last round, and banks that rest; kept while a store is open.

    Rounds are bounded in time. If each began with the same banks, the last of many thousands would never be reached.
    """

    def __init__(self) -> None:
        self._last = 0
        self._rested: dict[int, tuple[bytes, int, datetime]] = {}  # by bank: its key, its change, since when it rests

    def due(self, states: Iterable[BankState], now: datetime) -> list[BankState]:
        """The banks of the next round: first those after the one that was cared for last."""
        waiting = [state for state in states if not self._is_resting(state, now)]
        return sorted(waiting, key=lambda state: (state.number <= self._last, state.number))

    def _is_resting(self, state: BankState, now: datetime) -> bool:
        key, change, since = self._rested.get(state.number, (b"", 0, now))
        return (key, change) == (state.key, state.change) and since <= now < since + MAX_REST

    def note_visit(self, state: BankState, now: datetime, *, idle: bool) -> None:
        """Note a bank as it was left; `idle`: nothing waits in it."""
        self._last = state.number
        if idle:
            self._rested[state.number] = state.key, state.change, now
        else:
            self._rested.pop(state.number, None)
