"""Making an ONNX graph of a sentence-transformers model: once, with PyTorch; running it takes ONNX Runtime alone."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memkit.encoders.onnx import CARD_FILE, GRAPH_FILE, TOKENIZER_FILE, ExportCard, NumberFormat, missing_extra
from memkit.encoders.sentence_transformer import DEFAULT_MODEL, dimension_of, load_plain
from memkit.errors import EncoderError, InputError

INPUT_NAMES = ("input_ids", "attention_mask", "token_type_ids")
NOISY_LOGGERS = (None, "torch.onnx", "onnxscript", "onnx_ir")  # loggers; None is the root
SAMPLE_TEXTS = ["a sentence", "a longer sentence than that"]  # tensors of two lengths to follow through the model


def export(folder: str | Path, model: str = DEFAULT_MODEL, *, format: NumberFormat = "fp32") -> ExportCard:
    """Write a model's graph, pooling and normalising included, with its tokenizer into a new or empty folder.

    `model`: a name on the hub or a folder; `format`: int8 stores weights as bytes and multiplies with them, the numbers
    in between scaled as they come. Raises InputError for a folder with something in it, EncoderError for a model
    that can't be exported, MissingExtraError.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: an export needs a new or an empty folder.")
    original = load_plain(model, attention="eager")  # of other kinds steps are left that guard against empty rows
    fast = getattr(original.tokenizer, "backend_tokenizer", None)
    if fast is None:
        raise EncoderError(f"the tokenizer of {model!r} has no fast form, which is what an export is run with.")
    target.mkdir(parents=True, exist_ok=True)
    fast.save(str(target / TOKENIZER_FILE))
    _write_graph(original, target / GRAPH_FILE)
    if format == "int8":
        _quantise(target / GRAPH_FILE)
    name = model if format == "fp32" else f"{model}#{format}"
    card = ExportCard(name=name, dimension=dimension_of(original), longest=int(original.max_seq_length), format=format)
    (target / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return card


def _write_graph(model: Any, path: Path) -> None:
    import torch

    class Sentences(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: Any) -> Any:
            return self.model(dict(zip(names, tensors, strict=True)))["sentence_embedding"]

    features = model.tokenizer(SAMPLE_TEXTS, padding=True, return_tensors="pt")
    names = [name for name in INPUT_NAMES if name in features]
    axes = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens", max=int(model.max_seq_length))}
    try:
        with _quiet():
            torch.onnx.export(
                Sentences().eval(),
                tuple(features[name] for name in names),
                path,
                input_names=names,
                output_names=["vectors"],
                dynamic_shapes=(tuple(axes for _ in names),),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except ImportError as error:
        raise missing_extra("encoder export", str(error.name)) from None


def _quantise(path: Path) -> None:
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError:
        raise missing_extra("encoder export", "onnxruntime") from None
    whole = path.with_suffix(".fp32.onnx")
    path.rename(whole)
    with _quiet():
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)
    whole.unlink()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporters tell of every step, on stdout, by warnings and in the log."""
    levels = {log: log.level for log in map(logging.getLogger, NOISY_LOGGERS)}
    for log in levels:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in levels.items():
            log.setLevel(level)
