"""The default encoder beside its exports for ONNX Runtime, fp32 and int8, alternated in one run.

Run:  python tests/benchmarks/encoders.py FILE     (a LoCoMo-format file; needs the extras minilm and onnx)
Shows ratios first: turns a second that are only encoded, and that are observed end to end.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from rich.console import Console
from rich.progress import track
from rich.table import Table

import memkit
from memkit.encoders import OnnxEncoder, default_encoder
from memkit.encoders.onnx_export import export
from memkit.evaluation.formats.files import read_conversations
from memkit.protocols import Encoder

ROUND_COUNT = 3


def encoders(folder: Path) -> dict[str, Encoder]:
    """All three, warm."""
    export(folder / "fp32")
    export(folder / "int8", format="int8")
    by_name = {
        "default": default_encoder(),
        "onnx fp32": OnnxEncoder(folder / "fp32"),
        "onnx int8": OnnxEncoder(folder / "int8"),
    }
    for encoder in by_name.values():
        encoder.encode(["warm"] * 64)
    return by_name


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def observed(encoder: Encoder, turns: list[memkit.Turn]) -> None:
    with memkit.open(":memory:", encoder=encoder) as store:
        store.bank("ana").observe(turns)


def measure(turns: list[memkit.Turn]) -> dict[str, dict[str, float]]:
    """Turns per second, the best of some rounds."""
    texts = [f"{turn.speaker}: {turn.text}" for turn in turns]
    with tempfile.TemporaryDirectory() as folder:
        by_name = encoders(Path(folder))
        best = {name: {"encoding": 0.0, "observing": 0.0} for name in by_name}
        for _ in track(range(ROUND_COUNT), console=Console(stderr=True)):
            for name, encoder in by_name.items():
                times = {"encoding": seconds(partial(encoder.encode, texts))}
                times["observing"] = seconds(partial(observed, encoder, turns))
                best[name] = {part: max(best[name][part], len(turns) / spent) for part, spent in times.items()}
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="a LoCoMo-format file; its first conversation is taken")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rates = measure(list(read_conversations(args.file)[1][0].turns))
    if args.json:
        print(json.dumps(rates, indent=2))
        return
    shown = Table("", "encoding / default", "observing / default", "encoded/s", "observed/s")
    for name, own in rates.items():
        ratios = [f"{own[part] / rates['default'][part]:.2f}" for part in ("encoding", "observing")]
        shown.add_row(name, *ratios, f"{own['encoding']:,.0f}", f"{own['observing']:,.0f}")
    Console().print(shown)


if __name__ == "__main__":
    main()
