"""An endless stream: how fast the surprisal model and the filter read it, and that nothing grows.

Run:  python tests/benchmarks/stream.py [--tokens 2000000] [--json]
Reads made-up talk: sentences of the demos' conversations and of `memkit stream`, drawn at random, every eighth of
them with a name, a number or a word that was never heard before. Each turn is scored, learnt and fed to a filter of
the paper's size. Shows tokens per second of the process and of the clock on the wall, and the memory of the process,
ten times along the way; making up the talk isn't counted. The model is at its full size after 450,000 tokens; what
memory grows by then is two caches of single words, which end at 65,536 and 262,144 of them.
"""

import argparse
import json
import os
import random
import re
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from memkit.evaluation.jsonl import read_turns
from memkit.evaluation.texts import lines_of
from memkit.observe.entropy_filter import EntropyFilter
from memkit.observe.surprisal import NgramSurprisal

DEMOS = Path(__file__).parents[2] / "demos"
PARTS = 10
SYLLABLES = "ba be bi bo ca co da de di do fa fe ga go ka ko la le li lo ma me mi mo na ne ni no pa pe ra re ri".split()


class Part(NamedTuple):
    """A tenth of the stream: its tokens, seconds, and memory in MB at its end."""

    tokens: int
    model_s: float  # of the process
    filter_s: float
    wall_s: float
    rss_mb: float
    held: int


def sentences() -> list[str]:
    files = [DEMOS / "conversation.jsonl", DEMOS / "assistant-conversation.jsonl"]
    texts = [turn.text for file in files for turn in read_turns(file)]
    return [s for text in [*texts, *lines_of("stream/fillers.txt")] for s in re.split(r"(?<=[.?!])\s+", text) if s]


def talk(rng: random.Random) -> Iterator[str]:
    """Turns of one to three sentences without end."""
    every = sentences()
    while True:
        yield " ".join(strange(rng, rng.choice(every)) for _ in range(rng.randint(1, 3)))


def strange(rng: random.Random, sentence: str) -> str:
    """Mostly the sentence; else with one of its words replaced by one that was never heard."""
    if rng.random() > 1 / 8:
        return sentence
    words = sentence.split(" ")
    never = "".join(rng.choices(SYLLABLES, k=rng.randint(2, 5)))
    words[rng.randrange(len(words))] = rng.choice((never, never.title(), str(rng.randint(100, 99_999))))
    return " ".join(words)


def rss_mb() -> float:
    """Resident memory now; where the system doesn't tell, the most there ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def part(turns: Iterator[str], least: int, model: NgramSurprisal, held: EntropyFilter) -> Part:
    """Read at least so many tokens: batches are made up first, and then read by the clocks."""
    tokens, model_s, filter_s, wall_s = 0, 0.0, 0.0, 0.0
    while tokens < least:
        batch = [next(turns) for _ in range(100)]
        wall, start = time.perf_counter(), time.process_time()
        scored = []
        for text in batch:
            scored.append(model.score(text))
            model.learn(text)
        middle = time.process_time()
        for turn in scored:
            held.feed(turn)
        model_s, filter_s = model_s + middle - start, filter_s + time.process_time() - middle
        wall_s += time.perf_counter() - wall
        tokens += sum(map(len, scored))
    return Part(tokens, model_s, filter_s, wall_s, rss_mb(), len(held))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    turns, model, held = talk(random.Random(args.seed)), NgramSurprisal(), EntropyFilter(split=True)
    parts = [part(turns, args.tokens // PARTS, model, held) for _ in range(PARTS)]
    show(parts, as_json=args.json)


def show(parts: list[Part], *, as_json: bool) -> None:
    figures = summary(parts)
    if as_json:
        print(json.dumps(figures, indent=2))
        return
    columns = ("tokens so far", "model", "filter", "both", "both, wall clock", "RSS, MB", "held")
    table = Table(*columns, caption="tokens per second of the process where not said otherwise")
    for number, p in enumerate(parts, start=1):
        speeds = (p.tokens / seconds for seconds in (p.model_s, p.filter_s, p.model_s + p.filter_s, p.wall_s))
        so_far = sum(earlier.tokens for earlier in parts[:number])
        table.add_row(f"{so_far:,}", *(f"{speed:,.0f}" for speed in speeds), f"{p.rss_mb:,.1f}", f"{p.held:,}")
    Console().print(table)
    print(f"the model scores and learns {figures['model_tokens_per_s']:,.0f} tokens/s")
    print(f"speed of the last tenth over the first: {figures['last_tenth_over_first']:.2f}")


def summary(parts: list[Part]) -> dict[str, Any]:
    """The figures of the whole stream."""
    tokens, model, filtering = (sum(p[column] for p in parts) for column in range(3))
    first, last = (p.tokens / (p.model_s + p.filter_s) for p in (parts[0], parts[-1]))
    return {
        "tokens": tokens,
        "model_tokens_per_s": tokens / model,
        "model_and_filter_tokens_per_s": tokens / (model + filtering),
        "wall_tokens_per_s": tokens / sum(p.wall_s for p in parts),
        "last_tenth_over_first": last / first,
        "rss_mb": [round(p.rss_mb, 1) for p in parts],
        "held": [p.held for p in parts],
    }


if __name__ == "__main__":
    main()
