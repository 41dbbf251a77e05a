"""The store's encoder: opened when first needed, guarded, its failures kept from losing anything."""

import logging
from collections.abc import Sequence

import numpy as np

from memkit.encoders import default_encoder
from memkit.encoders.guard import encode_guarded
from memkit.errors import EncoderError
from memkit.protocols import Encoder, FloatArray

log = logging.getLogger("memkit")


class EncoderSlot:
    """Holds the encoder of a store; encodes under a time limit."""

    def __init__(self, encoder: Encoder | None, *, timeout: float) -> None:
        self._encoder = encoder
        self._timeout = timeout

    def get(self) -> Encoder:
        """The encoder itself; the default one is made (not loaded) on the first call."""
        if self._encoder is None:
            self._encoder = default_encoder()
        return self._encoder

    def replace(self, encoder: Encoder) -> None:
        """Encode with another encoder from now on."""
        self._encoder = encoder

    @property
    def name(self) -> str:
        return self.get().name

    @property
    def dimension(self) -> int:
        return self.get().dimension

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Unit rows, float32, shape (len(texts), dimension). Raises EncoderError."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return encode_guarded(self.get(), list(texts), self._timeout)

    def try_encode(self, texts: Sequence[str]) -> FloatArray | None:
        """Encode, or give None where the encoder fails: words still find what was stored."""
        try:
            return self.encode(texts)
        except EncoderError as error:
            log.warning("memkit: %d texts stay without vectors for now: %s", len(texts), error)
            return None
