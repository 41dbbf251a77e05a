"""Threads beside users' requests, and the one that maintains the store now and then."""

import logging
import threading
from collections.abc import Callable
from typing import Self

from memkit.errors import MemkitError

log = logging.getLogger("memkit")

Stopped = Callable[[], bool]
Maintain = Callable[[Stopped, bool], bool]  # one round, even of open exchanges; True where it came to its end


class Worker:
    """A daemon thread that works from `start` until it is asked to stop."""

    def __init__(self, name: str) -> None:
        self._condition = threading.Condition()
        self._stopping = self._ended = self._started = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work; harmless to repeat."""
        with self._condition:
            if not (self._started or self._stopping):
                self._started = True
                self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand, then end; harmless to repeat."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        if self._started and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._work()
        finally:
            with self._condition:
                self._ended = True
                self._condition.notify_all()

    def _work(self) -> None:
        raise NotImplementedError


class BackgroundThread(Worker):
    """Maintains a store beside its users' requests. A context manager: leaving it stops the thread.

    Stopping finishes the exchange in hand; what waits stays queued.
    """

    def __init__(self, maintain: Maintain, every_s: float) -> None:
        self._maintain, self._every_s = maintain, every_s
        self._asked = self._answered = 0  # flushes
        super().__init__("memkit-background")
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
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

    def _work(self) -> None:
        while not self._stopping:
            self._wait_and_maintain()

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
            return self._maintain(lambda: self._stopping, even_open)
        except MemkitError as error:
            log.warning("memkit: a round of maintenance broke off: %s", error)
            with self._condition:
                self._condition.wait_for(lambda: self._stopping, min(self._every_s, 1.0))
            return False
