"""Encoder: the local model in a form that runs without PyTorch."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.options import AsJson
from memkit.cli.output import answer, err, line

SAMPLE_FILES = ("unrelated.txt", "stream/fillers.txt")


def export_encoder(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write it; new or empty.")],
    int8: Annotated[bool, typer.Option("--int8", help="Weights as bytes: a quarter of the size, and faster.")] = False,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="A sentence-transformers model or folder. Default: minilm.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Export the model for ONNX Runtime, and say how far its vectors agree with the original's.

    Then --encoder FOLDER, or memkit.open(..., encoder=OnnxEncoder("FOLDER")). Needs the extra onnx.
    """
    from memkit.encoders.onnx import OnnxEncoder
    from memkit.encoders.onnx_export import export as write_export
    from memkit.encoders.sentence_transformer import DEFAULT_MODEL, SentenceTransformerEncoder
    from memkit.evaluation.encoder_agreement import agreement
    from memkit.evaluation.texts import lines_of

    model = model or DEFAULT_MODEL
    with err.status("Exporting …"):
        card = write_export(folder, model, format="int8" if int8 else "fp32")
    with err.status("Comparing …"):
        comparison = agreement(
            SentenceTransformerEncoder(model),
            OnnxEncoder(folder),
            [text for name in SAMPLE_FILES for text in lines_of(name)],
        )
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    lines = [
        line(f"{folder}: {card.name}", f", {card.format}, {size:,.0f} MB"),
        line(
            f"Beside the original, over {comparison.texts} texts:",
            f" cosines {comparison.mean_cosine:.4f} on average, {comparison.least_cosine:.4f} at least; "
            f"{comparison.nearest:.3f} of the ten nearest are the same.",
        ),
    ]
    answer(json, {**card.model_dump(), **comparison.model_dump()}, lines)
