"""A sentence-transformers model without PyTorch: run by ONNX Runtime from a folder that `export` made."""

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memkit.encoders.loading import logged_loading
from memkit.encoders.sentence_transformer import BATCH_TOKENS, TOKENISED_TEXTS, batches
from memkit.errors import EncoderError, InputError, MissingExtraError
from memkit.protocols import FloatArray
from memkit.text.reading import Piece

GRAPH_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
CARD_FILE = "memkit.json"
UNKNOWN_PIECES = ("[UNK]", "<unk>")
SLOW_FUSIONS = ["SkipLayerNormFusion"]  # on processors its kernel takes five times as long as the two that it replaces
NumberFormat = Literal["fp32", "int8"]
Ints = npt.NDArray[np.int64]


class ExportCard(BaseModel):
    """Description of an export, in its folder. `name` identifies its vectors in a bank's file."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1)
    dimension: int = Field(ge=1)
    longest: int = Field(ge=2)  # tokens; what is longer is cut off
    format: NumberFormat


class OnnxEncoder:
    """Encodes with an exported model; needs the extra `onnx`, and neither PyTorch nor transformers.

    `folder`: made by `memkit encoder export` or `encoders.onnx_export.export`; `threads`: of one call, None for all
    cores. Vectors of an fp32 export go with those of its original and bear their name, int8's have one of their own.
    The graph is loaded with the first text. Raises InputError for a folder that is no export.
    """

    def __init__(self, folder: str | Path, *, threads: int | None = None) -> None:
        self._folder, self._threads = Path(folder), threads
        self._card = read_card(self._folder)
        self.name, self.dimension = self._card.name, self._card.dimension
        self._loaded: tuple[Any, Any] | None = None
        self._loading = threading.Lock()

    def load(self) -> None:
        """Load tokenizer and graph ahead. Raises EncoderError, MissingExtraError."""
        self._ready()

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension). Raises EncoderError, MissingExtraError."""
        tokenizer, session = self._ready()
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), TOKENISED_TEXTS):
            encodings = tokenizer.encode_batch(texts[start : start + TOKENISED_TEXTS])
            for chosen, part in _batches([encoding.ids for encoding in encodings]):
                rows[start + chosen] = session.run(None, _features(part, session))[0]
        return rows

    def pieces(self, texts: list[str]) -> list[list[Piece]]:
        """The pieces of each text as the tokenizer cuts it. Raises EncoderError, MissingExtraError."""
        tokenizer, _ = self._ready()
        unknown = {tokenizer.token_to_id(piece) for piece in UNKNOWN_PIECES}
        return [
            [Piece(start, end, id not in unknown) for id, (start, end) in zip(cut.ids, cut.offsets, strict=True)]
            for cut in tokenizer.encode_batch(texts, add_special_tokens=False)
        ]

    def _ready(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                with logged_loading(self.name):
                    self._loaded = _tokenizer(self._folder, self._card.longest), _session(self._folder, self._threads)
            return self._loaded


def read_card(folder: Path) -> ExportCard:
    """Description of an export. Raises InputError where the folder holds none."""
    try:
        return ExportCard.model_validate(json.loads((folder / CARD_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(
            f"{folder}: this folder holds no encoder that memkit exported ({type(error).__name__} in {CARD_FILE}). "
            "Make one: memkit encoder export FOLDER"
        ) from None


def _tokenizer(folder: Path, longest: int) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise missing_extra("OnnxEncoder", "tokenizers") from None
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    except Exception as error:  # noqa: BLE001  its errors have no class of their own
        raise EncoderError(
            f"{folder / TOKENIZER_FILE} can't be read ({type(error).__name__}). Export it again."
        ) from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    return tokenizer


def _session(folder: Path, threads: int | None) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise missing_extra("OnnxEncoder", "onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3
    try:
        providers = onnxruntime.get_available_providers()
        return onnxruntime.InferenceSession(
            str(folder / GRAPH_FILE), options, providers=providers, disabled_optimizers=SLOW_FUSIONS
        )
    except Exception as error:  # noqa: BLE001  its errors have no class in common
        raise EncoderError(
            f"{folder / GRAPH_FILE} can't be loaded ({type(error).__name__}). Export it again."
        ) from None


def missing_extra(user: str, package: str) -> MissingExtraError:
    """The error for a package of the extra that isn't there."""
    return MissingExtraError(f'{user}: {package} is not installed. Install it: pip install "memkit-agents[onnx]"')


def _batches(tokens: Sequence[Sequence[int]]) -> Iterator[tuple[Ints, list[Sequence[int]]]]:
    """Texts of similar length together, the longest first: which they are, and their tokens."""
    order = sorted(range(len(tokens)), key=lambda i: -len(tokens[i]))
    for batch, _ in batches([len(tokens[i]) for i in order], BATCH_TOKENS["cpu"]):
        yield np.array(order[batch], dtype=np.int64), [tokens[i] for i in order[batch]]


def _features(part: Sequence[Sequence[int]], session: Any) -> dict[str, Ints]:
    """Token ids, the longest text first, padded to its length; what is padding; the kinds of tokens, all the same."""
    ids, mask = (np.zeros((len(part), len(part[0])), dtype=np.int64) for _ in range(2))
    for row, own in enumerate(part):
        ids[row, : len(own)], mask[row, : len(own)] = own, 1
    features = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    return {given.name: features[given.name] for given in session.get_inputs()}
