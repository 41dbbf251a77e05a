"""Places for turns, decided inside the transaction that stores them: sessions, episodes, exchanges."""

from datetime import datetime

from memkit.models import Memory, Placement
from memkit.observe.episodes import Open, completes, joins, placed
from memkit.operations import CloseExchange, Enqueue, Operation
from memkit.protocols import BankView
from memkit.settings import ObserveSettings

UNNAMED = "@"  # starts the label of a session that the caller did not name


class Placer:
    """Places turns in the order in which they come. New numbers are those that a new seq would have:

    they are free, whatever else the bank holds.
    """

    def __init__(self, view: BankView, settings: ObserveSettings) -> None:
        self._view, self._settings = view, settings
        last = view.position(None)
        self._number = 0 if last is None else last.seq
        self._sessions: dict[str | None, Open] = {}
        self._queue: list[Operation] = []
        if last is not None and (last.label or "").startswith(UNNAMED):
            self._sessions[None] = Open.of(last)

    def place(self, memory: Memory) -> Placement:
        """The place of the next turn."""
        self._number += 1
        open = self._session(memory)
        return placed(open, len(memory.text), memory.occurred_at, self._number, self._settings)

    def label(self, memory: Memory) -> str:
        """The label of the session that the last placed turn is in."""
        return self._sessions[memory.session].label or ""

    def enqueue(self, memory: Memory) -> None:
        """Have the last placed turn thought about, together with those around it."""
        open = self._sessions[memory.session]
        open.exchange_ids += (memory.id,)
        open.exchange_turns += 1
        if completes(open, memory.role, self._settings):
            self._send(open, closed=True)

    def queue(self) -> list[Operation]:
        """What this batch adds to the thinking queue."""
        for open in self._sessions.values():
            if open.exchange_ids:
                self._send(open, closed=False)
        return self._queue

    def _send(self, open: Open, *, closed: bool) -> None:
        self._queue.append(Enqueue(open.session, open.exchange_ids, closed, open.at, open.exchange))
        open.exchange, open.exchange_ids, open.exchange_turns = None, (), 0

    def _session(self, memory: Memory) -> Open:
        label, at = memory.session, memory.occurred_at
        if label is not None and label not in self._sessions:
            position = self._view.position(label)
            if position is not None:
                self._sessions[label] = Open.of(position)
        open = self._sessions.get(label)
        if open is None or (label is None and not joins(open, at, self._settings)):
            open = self._opened(label, at)
        return open

    def _opened(self, label: str | None, at: datetime) -> Open:
        self._finish(self._sessions.get(label))
        named = label or f"{UNNAMED}{at.isoformat(timespec='minutes')}"
        self._sessions[label] = Open(self._number, self._number, named, at)
        return self._sessions[label]

    def _finish(self, open: Open | None) -> None:
        if open is not None and open.exchange_ids:
            self._send(open, closed=True)
        elif open is not None and open.exchange is not None:
            self._queue.append(CloseExchange(open.exchange))
