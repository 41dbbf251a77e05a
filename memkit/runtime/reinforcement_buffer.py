"""Reinforcement waits in memory and is written with the next change: it must not slow a recall."""

import threading
from collections.abc import Callable
from datetime import datetime

from memkit.operations import Reinforce


class ReinforcementBuffer:
    """Queues what was used, per bank; written with the next apply, when enough wait, or when it is time.

    Commutative and outside history: a crash loses only these.
    """

    def __init__(self, *, write: Callable[[int, list[Reinforce]], None], after: float, count: int) -> None:
        self._write, self._after, self._count = write, after, count
        self._pending: dict[int, list[Reinforce]] = {}
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def add(self, bank: int, ids: list[str], *, at: datetime, growth: list[float]) -> None:
        """Note that these memories were used at this moment."""
        with self._lock:
            waiting = self._pending.setdefault(bank, [])
            waiting += [Reinforce(id, at, grown) for id, grown in zip(ids, growth, strict=True)]
            full = sum(map(len, self._pending.values())) >= self._count
            if not full and self._timer is None and waiting:
                self._timer = threading.Timer(self._after, self.flush)
                self._timer.daemon = True
                self._timer.start()
        if full:
            self.flush()

    def take(self, bank: int) -> list[Reinforce]:
        """Take the reinforcement that waits for this bank, to be written with a change that is about to happen."""
        with self._lock:
            return self._pending.pop(bank, [])

    def flush(self) -> None:
        """Write everything that waits."""
        with self._lock:
            pending, self._pending = self._pending, {}
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        for bank, operations in pending.items():
            self._write(bank, operations)
