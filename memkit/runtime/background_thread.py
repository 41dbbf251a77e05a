"""Maintenance in the background: one thread that wakes up now and then, or when it is asked to."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from memkit.errors import MemkitError

log = logging.getLogger("memkit")

Stopped = Callable[[], bool]


class MaintenanceRound(Protocol):
    """Result of a round of maintenance."""

    @property
    def finished(self) -> bool: ...


class Maintain(Protocol):
    """One round of maintenance."""

    def __call__(self, *, stopped: Stopped, even_open: bool) -> MaintenanceRound: ...


class BackgroundThread:
    """Maintains a store beside its users' requests. A context manager: leaving it stops the thread."""

    def __init__(self, maintain: Maintain, every_s: float) -> None:
        self._maintain, self._every_s = maintain, every_s
        self._condition = threading.Condition()
        self._asked = self._answered = 0  # flushes
        self._stopping = self._ended = False
        self._thread = threading.Thread(target=self._run, name="memkit-background", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the thread goes on."""
        return not self._ended

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until all that waited was thought about, open exchanges too; False where the time ran out.

        What failed and was put off stays queued, as does what another process is at.
        """
        with self._condition:
            self._asked += 1
            mine = self._asked
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._answered >= mine or self._ended, timeout_s)
            return self._answered >= mine

    def stop(self) -> None:
        """Finish the exchange in hand, then end; harmless to repeat. What waits stays queued."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._wait_and_maintain()
        finally:
            with self._condition:
                self._ended = True
                self._condition.notify_all()

    def _wait_and_maintain(self) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._stopping or self._asked > self._answered, self._every_s)
            asked = self._asked
        if not self._stopping and self._maintained(even_open=asked > self._answered):
            with self._condition:
                self._answered = max(self._answered, asked)
                self._condition.notify_all()

    def _maintained(self, *, even_open: bool) -> bool:
        """One round; True where it came to its end."""
        try:
            return self._maintain(stopped=lambda: self._stopping, even_open=even_open).finished
        except MemkitError as error:
            log.warning("memkit: a round of maintenance broke off: %s", error)
            self._pause()
            return False

    def _pause(self) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._stopping, min(self._every_s, 1.0))
