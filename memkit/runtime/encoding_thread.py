"""A thread that makes vectors which follow: those that were put off on purpose, and those that failed at first."""

import logging
import time
from collections.abc import Callable

from memkit.errors import MemkitError
from memkit.protocols import BankName
from memkit.runtime.threads import Worker

log = logging.getLogger("memkit")

FIRST_DELAY_S = 10.0  # before an encoder that failed is asked again; a short command is over by then
MAX_DELAY_S = 600.0
MayGoOn = Callable[[], bool]
Encode = Callable[[BankName, MayGoOn], bool]  # makes what a bank lacks; True where nothing is left


class EncodingThread(Worker):
    """Takes banks in which vectors are missing, and makes them, one bank after the other, until none is left.

    What fails is tried again after a while that doubles. The file knows what lacks a vector, so that nothing is lost
    with this thread: the next opening, or the next maintenance, finds it again. Stopping finishes what was to be done
    at once, and leaves the rest. The thread begins with its first bank.
    """

    def __init__(self, encode: Encode) -> None:
        super().__init__("memkit-encoding")
        self._encode = encode
        self._due: dict[BankName, float] = {}  # from when on a bank may be tried, by the monotonic clock
        self._delays: dict[BankName, float] = {}  # seconds, of those that failed
        self._asked: set[BankName] = set()  # by flushes
        self._promised: set[BankName] = set()  # even where the thread is stopped
        self._current: BankName | None = None

    def add(self, bank: BankName, *, at_once: bool) -> None:
        """Make the vectors that this bank lacks; unless `at_once`, after the delay that follows a failure."""
        with self._condition:
            due = time.monotonic() + (0.0 if at_once else self._delays.get(bank, FIRST_DELAY_S))
            self._due[bank] = min(due, self._due.get(bank, due))
            if at_once:
                self._promised.add(bank)
            self.start()
            self._condition.notify_all()

    def flush(self, timeout_s: float | None = None) -> bool:
        """Try everything that waits, and wait for it; False where the time ran out or something still fails."""
        with self._condition:
            self._asked.update(self._due)
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._ended or not (self._asked or self._current), timeout_s)
            return not (self._due or self._current)

    def _work(self) -> None:
        while (bank := self._next()) is not None:
            done = self._tried(bank)
            with self._condition:
                self._current = None
                if done:
                    self._delays.pop(bank, None)
                elif not self._stopping:
                    self._put_off(bank)
                self._condition.notify_all()

    def _put_off(self, bank: BankName) -> None:
        delay = self._delays[bank] = min(2 * self._delays.get(bank, FIRST_DELAY_S / 2), MAX_DELAY_S)
        self._due.setdefault(bank, time.monotonic() + delay)

    def _tried(self, bank: BankName) -> bool:
        promised = bank in self._promised
        self._promised.discard(bank)
        try:
            return self._encode(bank, lambda: promised or not self._stopping)
        except MemkitError as error:
            log.warning("memkit: texts stay without vectors for now: %s", error)
            return False

    def _next(self) -> BankName | None:
        """The bank that waits longest, once it is due; None at the end."""
        with self._condition:
            while (bank := self._ready()) is None and not self._stopping:
                first = min(self._due.values(), default=None)
                self._condition.wait(None if first is None else max(0.0, first - time.monotonic()))
            if bank is not None:
                del self._due[bank]
                self._asked.discard(bank)
                self._current = bank
            return bank

    def _ready(self) -> BankName | None:
        """A bank that may be tried now: when the thread is stopped, only one that was promised."""
        now = time.monotonic()
        if self._stopping:
            return next((bank for bank in self._due if bank in self._promised), None)
        return next((bank for bank, due in self._due.items() if bank in self._asked or due <= now), None)
