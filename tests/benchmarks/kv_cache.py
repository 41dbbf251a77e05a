"""SirLLM inside a model, in figures: exactness, rounding, memory and speed of the evicting cache.

Run:  python tests/benchmarks/kv_cache.py            (tiny random models, built here; about two minutes; --json)
Shows, for 20 and 1,000 evictions, the largest difference of logits from a cache that rotates un-rotated keys anew;
how far cached keys are from exactly rotated ones, beside keys that are rotated again and again where they lie; the
bytes of the cache and of the process while 20,000 tokens stream; what a token costs when each one evicts another.
"""

import argparse
import json
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import torch
from kv_models import SIZES, SUPPORTED, VOCABULARY, SlowCache, build
from rich.console import Console
from rich.table import Table
from transformers import LlamaConfig

from memkit.kv_cache import EntropyCache, sampling
from memkit.kv_cache.rotary import Rotary, rotated
from memkit.kv_cache.slots import SlottedCache
from memkit.surprisal.entropy_filter import Budget

Row = dict[str, Any]
WIDER = {**SIZES, "hidden_size": 256, "intermediate_size": 512, "max_position_embeddings": 2048}  # keys of 64
STREAM, CHECKS = 20_000, (1_000, 2_000, 5_000, 10_000, 20_000)


def exactness(kind: str, evictions: tuple[int, ...], capacity: int = 40) -> Row:
    """Largest difference of any logit, after the first evictions; every read is compared."""
    model, rng, worst = build(SUPPORTED[kind]), random.Random(kind), 0.0
    fast, slow = SlottedCache(model, capacity), SlowCache(model)
    ids = [rng.randrange(VOCABULARY) for _ in range(capacity)]
    fast.read(ids)
    slow.read(ids)
    row: Row = {"model": kind}
    for done in range(1, max(evictions) + 1):
        ids = [rng.randrange(VOCABULARY) for _ in range(rng.randint(1, 8))]
        kept = sorted(rng.sample(range(len(fast)), min(len(fast), capacity - len(ids))))
        fast.keep(kept)
        slow.keep(kept)
        worst = max(worst, float((fast.read(ids) - slow.read(ids)).abs().max()))
        if done in evictions:
            row[f"{done} evictions"] = worst
    return row


def rounding(dtype: torch.dtype, evictions: int = 1_000, capacity: int = 256) -> Row:
    """How far keys are from exactly rotated ones, as a share of their norm, mean over tokens; one leaves each time."""
    model = build(LlamaConfig(**WIDER), dtype)
    rng = random.Random(7)
    cache, slow = SlottedCache(model, capacity), SlowCache(model)
    for i, layer in enumerate(slow.layers):
        slow.watch(i, layer)
    rotary = Rotary(model.model.rotary_emb.inv_freq, capacity, dtype)
    cache.read([rng.randrange(VOCABULARY) for _ in range(capacity)])
    again = cache.cache.layers[-1].keys
    for _ in range(evictions):
        gone = rng.randrange(4, capacity)
        kept = [i for i in range(capacity) if i != gone]
        cache.keep(kept)
        slow.keep(kept)
        cache.read([rng.randrange(VOCABULARY)])
        moved = rotated(again[..., kept, :], rotary.back(torch.tensor(kept) - torch.arange(capacity - 1)))
        again = torch.cat([moved, cache.cache.layers[-1].keys[..., -1:, :]], dim=-2)
    exact = exactly_rotated(slow.keys[-1], model.model.rotary_emb.inv_freq)
    found = {"the model's own rotation": slow.rotated(2), "memkit": cache.cache.layers[-1].keys, "rotated again": again}
    return {"type": str(dtype).removeprefix("torch."), **{name: share(keys, exact) for name, keys in found.items()}}


def exactly_rotated(keys: torch.Tensor, frequencies: torch.Tensor) -> torch.Tensor:
    """Un-rotated keys (1, h, n, d) at slots 0..n-1, in float64."""
    angles = torch.outer(torch.arange(keys.shape[-2]).double(), frequencies.double())
    first, second = keys.double().chunk(2, dim=-1)
    return torch.cat([first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()], -1)


def share(keys: torch.Tensor, exact: torch.Tensor) -> float:
    return float(((keys - exact).norm(dim=-1) / exact.norm(dim=-1)).mean())


def memory(budget: Budget, turn: int = 20) -> list[Row]:
    """Bytes of the cache and of the process (now, and the most so far) while a stream is read in turns."""
    cache, rng, rows = EntropyCache(build(LlamaConfig(**WIDER)), budget), random.Random(5), []
    while cache.seen < STREAM:
        cache.feed([rng.randrange(VOCABULARY) for _ in range(turn)])
        if cache.seen in CHECKS:
            row: Row = {"tokens read": cache.seen, "tokens held": len(cache), "cache bytes": cache.nbytes}
            rows.append({**row, "process MB": resident(), "at most": peak()})
    return rows


def resident() -> float:
    """MB of the process now; 0 where the system doesn't say."""
    file = Path("/proc/self/status")
    lines = file.read_text().splitlines() if file.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def peak() -> float:
    """MB of the process at its largest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def speed(budget: Budget, tokens: int = 1_000) -> list[Row]:
    """Milliseconds per written token: into a cache with room, and into a full one, which evicts for each."""
    cache = EntropyCache(build(LlamaConfig(**WIDER)), budget)
    rng, rows = random.Random(5), []
    for name, filled in (("with room", budget.capacity - 200), ("full", budget.capacity)):
        while len(cache) < filled:
            cache.feed([rng.randrange(VOCABULARY) for _ in range(min(50, filled - len(cache)))])
        count = min(tokens, 200 if name == "with room" else tokens)
        start = time.perf_counter()
        written = sum(1 for _ in cache.generate([], max_new_tokens=count, choose=sampling(1), eos_token_id=()))
        rows.append({"cache": name, "ms per token": (time.perf_counter() - start) * 1000 / written})
    return rows


def show(title: str, rows: list[Row]) -> None:
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*(written(value) for value in row.values()))
    Console().print(table)


def written(value: Any) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:.1e}" if value < 0.01 else f"{value:,.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    figures = {
        "memory, float32, a budget of 4/188/64": memory(Budget(4, 188, 64)),
        "largest difference of logits, float32": [exactness(kind, (20, 1_000)) for kind in SUPPORTED],
        "keys off by, after 1,000 evictions": [rounding(t) for t in (torch.float32, torch.float16, torch.bfloat16)],
        "writing, a budget of 4/764/256": speed(Budget(4, 764, 256)),
    }
    if args.json:
        print(json.dumps(figures, indent=2))
        return
    for title, rows in figures.items():
        show(title, rows)


if __name__ == "__main__":
    main()
