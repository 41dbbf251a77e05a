"""Vectors that follow: one thread that encodes what was just observed, beside its users' requests."""

import logging
import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from memkit.errors import MemkitError
from memkit.protocols import BankName


class Named(Protocol):
    """A bank's context."""

    @property
    def name(self) -> BankName: ...


Bank = TypeVar("Bank", bound=Named)
log = logging.getLogger("memkit")


class EncodingThread(Generic[Bank]):
    """Takes banks whose newest turns have no vectors yet, and makes them, at once and one bank after the other.

    The file knows what lacks a vector, so that nothing is lost with this thread: the next one, or the next
    maintenance, finds it again.
    """

    def __init__(self, encode: Callable[[Bank], object]) -> None:
        self._encode_bank = encode
        self._condition = threading.Condition()
        self._waiting: dict[BankName, Bank] = {}
        self._busy = self._stopping = self._ended = False
        self._thread = threading.Thread(target=self._run, name="memkit-late-encoding", daemon=True)
        self._thread.start()

    def add(self, ctx: Bank) -> None:
        """Make the vectors that this bank lacks."""
        with self._condition:
            self._waiting[ctx.name] = ctx
            self._condition.notify_all()

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing waits; False where the time ran out."""
        with self._condition:
            self._condition.wait_for(lambda: self._ended or not (self._waiting or self._busy), timeout_s)
            return not (self._waiting or self._busy)

    def stop(self) -> None:
        """Finish what waits, then end; harmless to repeat."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        self._thread.join()

    def _run(self) -> None:
        try:
            while (ctx := self._next()) is not None:
                self._encode(ctx)
        finally:
            with self._condition:
                self._ended = True
                self._condition.notify_all()

    def _next(self) -> Bank | None:
        """The bank that waits longest; None at the end."""
        with self._condition:
            self._busy = False
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._waiting or self._stopping)
            if not self._waiting:
                return None
            self._busy = True
            return self._waiting.pop(next(iter(self._waiting)))

    def _encode(self, ctx: Bank) -> None:
        try:
            self._encode_bank(ctx)
        except MemkitError as error:
            log.warning("memkit: turns stay without vectors until the next maintenance: %s", error)
