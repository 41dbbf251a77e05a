"""The default encoder: all-MiniLM-L6-v2, light for a few texts, with PyTorch for many where that pays."""

import logging
import shutil
import threading
from pathlib import Path

from memkit.encoders.light import LightEncoder
from memkit.encoders.sentence_transformer import (
    DEFAULT_DIMENSION,
    DEFAULT_MODEL,
    SentenceTransformerEncoder,
    model_location,
    processor_has_bfloat16,
)
from memkit.errors import EncoderError
from memkit.protocols import Encoder, FloatArray
from memkit.text.reading import Piece
from memkit.text.token_vectors import TokenVectors

log = logging.getLogger("memkit")

BULK_TEXTS = 32  # in one call, from which on they count as bulk
PAYING_CHARS = 150_000  # of bulk, for which loading PyTorch pays where it is faster
MAX_READ_CHARS = 1_000  # of a text: about where the model stops


class MiniLMEncoder:
    """Encodes in NumPy; bulk with PyTorch where it is installed and faster on this machine.

    That is after `PAYING_CHARS` of bulk, or at once where more is announced (`expect`).
    Both bear the same name: their vectors go together. Without the package that brings the weights along, all is
    encoded with PyTorch, by the model's name on the hub. Safe to use from several threads.
    """

    name = DEFAULT_MODEL
    dimension = DEFAULT_DIMENSION

    def __init__(self) -> None:
        location = model_location()
        self._full = SentenceTransformerEncoder()
        self._light = LightEncoder(location) if Path(location).is_dir() else self._full
        self._bulk_chars = 0
        self._may_load_full = is_full_faster()
        self._loading = threading.Lock()

    def load(self) -> None:
        """Load what encodes a few texts. Raises EncoderError."""
        self._light.load()

    def expect(self, characters: int) -> None:
        """Prepare for so many characters that come in the next calls."""
        self._bulk_chars += characters if characters > PAYING_CHARS else 0

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension). Raises EncoderError."""
        return self._chosen(texts).encode(texts)

    def encode_tokens(self, texts: list[str]) -> list[TokenVectors]:
        """Vectors of each text and of its tokens. Raises EncoderError."""
        return self._light.encode_tokens(texts)

    def pieces(self, texts: list[str]) -> list[list[Piece]]:
        """The pieces of each text as the tokenizer cuts it. Raises EncoderError."""
        return self._light.pieces(texts)

    def _chosen(self, texts: list[str]) -> Encoder:
        """The encoder for a call with these texts."""
        if len(texts) < BULK_TEXTS:
            return self._light
        self._bulk_chars += sum(min(len(text), MAX_READ_CHARS) for text in texts)
        return self._full if self._bulk_chars > PAYING_CHARS and self._full_loads() else self._light

    def _full_loads(self) -> bool:
        """Whether the full encoder is there; loaded on the first call, which alone waits for it."""
        with self._loading:
            try:
                if self._may_load_full:
                    self._full.load()
            except (EncoderError, ImportError) as error:
                log.info("memkit: PyTorch can't be used (%s); NumPy encodes everything", type(error).__name__)
                self._may_load_full = False
            return self._may_load_full


def is_full_faster() -> bool:
    """Whether PyTorch is faster on this machine: where the processor has bfloat16, or there is a graphics card."""
    return processor_has_bfloat16() or shutil.which("nvidia-smi") is not None
