"""The store's encoder: opened when first needed, its failures kept from losing anything.

Encoders are foreign code: what they give back is checked, and they may not hang a caller.
"""

import logging
import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

import numpy as np

from memkit.encoders import default_encoder
from memkit.errors import EncoderError, MemkitError
from memkit.protocols import Encoder, FloatArray

log = logging.getLogger("memkit")

NORM_TOLERANCE = 1e-3  # distance of a norm from 1 before the row is normalised again
MAX_IDLE_WORKERS = 4

Job = tuple[Callable[[], object], "Future[object]"]


class EncoderSlot:
    """Holds the encoder of a store; encodes under a time limit."""

    def __init__(self, encoder: Encoder | None, *, timeout: float) -> None:
        self._encoder, self._timeout = encoder, timeout

    def get(self) -> Encoder:
        """The encoder itself; the default one is made (not loaded) on the first call."""
        if self._encoder is None:
            self._encoder = default_encoder()
        return self._encoder

    def replace(self, encoder: Encoder) -> None:
        """Encode with another encoder from now on."""
        self._encoder = encoder

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Unit rows, float32, shape (len(texts), dimension). Raises EncoderError."""
        if not texts:
            return np.zeros((0, self.get().dimension), dtype=np.float32)
        return encode_guarded(self.get(), list(texts), self._timeout)

    def try_encode(self, texts: Sequence[str]) -> FloatArray | None:
        """Encode, or give None where the encoder fails: words still find what was stored."""
        try:
            return self.encode(texts)
        except EncoderError as error:
            log.warning("memkit: %d texts stay without vectors for now: %s", len(texts), error)
            return None


def encode_guarded(encoder: Encoder, texts: list[str], timeout: float) -> FloatArray:
    """Encode within `timeout` seconds: float32, unit rows, shape (len(texts), dimension).

    Raises EncoderError where the encoder fails, takes longer, or gives anything else; its own message,
    which may hold text, is left out. An encoder that hangs keeps a daemon thread of its own, never the
    caller or the end of the process.
    """
    outcome: Future[object] = Future()
    _worker().put((lambda: encoder.encode(texts), outcome))
    try:
        error = outcome.exception(timeout)
    except TimeoutError:
        raise EncoderError(
            f"the encoder {encoder.name!r} took longer than {timeout:g} s for {len(texts)} texts. "
            "Raise settings.runtime.encode_timeout, or call store.warm() ahead."
        ) from None
    if error is not None:
        raise _reported(encoder, error) from None
    return checked_rows(encoder, outcome.result(), len(texts))


def checked_rows(encoder: Encoder, result: object, count: int) -> FloatArray:
    """The encoder's answer as unit rows, if it is what an encoder has to give. Raises EncoderError."""
    try:
        rows = np.asarray(result, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise _reported(encoder, error) from None
    if rows.shape != (count, encoder.dimension):
        raise EncoderError(
            f"the encoder {encoder.name!r} gave shape {rows.shape} for {count} texts, not {(count, encoder.dimension)}."
        )
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise EncoderError(f"the encoder {encoder.name!r} gave vectors that are not finite or are zero.")
    return rows if (np.abs(norms - 1) < NORM_TOLERANCE).all() else rows / norms


def _reported(encoder: Encoder, error: BaseException) -> MemkitError:
    if isinstance(error, MemkitError):
        return error
    return EncoderError(f"the encoder {encoder.name!r} failed with {type(error).__name__}.")


# Workers are kept, because torch builds its threads anew for every thread that calls it; the one that was
# used last comes first, so that a single caller always has the same. One that hangs is never waited for.
_idle: list["queue.SimpleQueue[Job]"] = []
_lock = threading.Lock()


def _worker() -> "queue.SimpleQueue[Job]":
    with _lock:
        if _idle:
            return _idle.pop()
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_work, args=(jobs,), name="memkit-encoder", daemon=True).start()
    return jobs


def _work(jobs: "queue.SimpleQueue[Job]") -> None:
    is_idle = True
    while is_idle:
        call, outcome = jobs.get()
        report = _run_job(call, outcome)
        is_idle = _wait_idle(jobs)  # before the report: the caller's next call is to find this worker
        report()


def _run_job(call: Callable[[], object], outcome: "Future[object]") -> Callable[[], None]:
    """Do a job; the returned callable reports its outcome."""
    try:
        return partial(outcome.set_result, call())
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything; the caller reports its class
        return partial(outcome.set_exception, error)


def _wait_idle(jobs: "queue.SimpleQueue[Job]") -> bool:
    """Wait among the idle for the next call; False where enough do."""
    with _lock:
        if len(_idle) < MAX_IDLE_WORKERS:
            _idle.append(jobs)
            return True
    return False


def _forget_workers() -> None:
    """A forked process has the list of workers, but not their threads."""
    global _lock
    _lock = threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)
