"""Encoders are foreign code: what they give back is checked, and they may not hang a caller."""

import threading

import numpy as np

from memkit.errors import EncoderError, MemkitError
from memkit.protocols import Encoder, FloatArray

TOLERANCE = 1e-2  # how far a norm may be from 1


def encode_guarded(encoder: Encoder, texts: list[str], timeout: float) -> FloatArray:
    """Encode within `timeout` seconds: float32, unit rows, shape (len(texts), dimension).

    Raises EncoderError where the encoder fails, takes longer, or gives anything else. An encoder that
    hangs keeps its own daemon thread, never the caller or the end of the process.
    """
    call = _Call(encoder, texts)
    call.start()
    call.join(timeout)
    if call.is_alive():
        raise EncoderError(
            f"the encoder {encoder.name!r} took longer than {timeout:g} s for {len(texts)} texts. "
            "Raise settings.runtime.encode_timeout, or call store.warm() ahead."
        )
    if call.error is not None:
        if isinstance(call.error, MemkitError):
            raise call.error
        kind = type(call.error).__name__  # its message may hold text
        raise EncoderError(f"the encoder {encoder.name!r} failed with {kind}.") from None
    return checked(encoder, call.result, len(texts))


class _Call(threading.Thread):
    def __init__(self, encoder: Encoder, texts: list[str]) -> None:
        super().__init__(daemon=True, name="memkit-encoder")
        self._encoder, self._texts = encoder, texts
        self.result: object = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.result = self._encoder.encode(self._texts)
        except Exception as error:  # noqa: BLE001  a plug-in may raise anything; the caller reports it
            self.error = error


def checked(encoder: Encoder, result: object, count: int) -> FloatArray:
    """The encoder's answer as unit rows, if it is what an encoder has to give."""
    rows = np.asarray(result, dtype=np.float32)
    if rows.shape != (count, encoder.dimension):
        raise EncoderError(
            f"the encoder {encoder.name!r} gave shape {rows.shape} for {count} texts, not {(count, encoder.dimension)}."
        )
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if count and (not np.isfinite(norms).all() or (norms < 1e-6).any()):
        raise EncoderError(f"the encoder {encoder.name!r} gave vectors that are not finite or are zero.")
    return rows if count == 0 or np.abs(norms - 1).max() < TOLERANCE else rows / norms
