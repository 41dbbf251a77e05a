"""An endless stream: how fast the surprisal model and the filter read it, and that nothing grows.

Run:  python tests/benchmarks/stream.py [--tokens 2000000] [--json]
Reads made-up talk: sentences of the demos' conversations and of `memkit stream`, drawn at random, every eighth of
them with a name, a number or a word that was never heard before. Each turn is scored, learnt and fed to a filter of
the paper's size. Shows tokens per second of the process and of the clock on the wall, and the memory of the process,
ten times along the way; making up the talk isn't counted. The model is at its full size after 400,000 tokens, when
its counts are halved for the first time; what memory grows by then is caches of single words, which end at 16,384 of
them. In the end the model as it was after the first tenth and as it is now read the same talk by turns: is it still
as fast?
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
from copy import deepcopy
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from memkit.evaluation.formats.jsonl import read_turns
from memkit.evaluation.texts import CONVERSATIONS_FOLDER, lines_of
from memkit.surprisal.entropy_filter import EntropyFilter
from memkit.surprisal.ngram import NgramSurprisal

PARTS = 10
ALTERNATIONS = 40
SYLLABLES = "ba be bi bo ca co da de di do fa fe ga go ka ko la le li lo ma me mi mo na ne ni no pa pe ra re ri".split()


class Times(NamedTuple):
    """Tokens read, and the seconds that the model and the filter took of the process."""

    tokens: int = 0
    model_s: float = 0.0
    filter_s: float = 0.0
    wall_s: float = 0.0

    @property
    def both_s(self) -> float:
        return self.model_s + self.filter_s

    def plus(self, other: "Times") -> "Times":
        tokens, *seconds = (a + b for a, b in zip(self, other, strict=True))
        return Times(int(tokens), *seconds)


class Reader:
    """A model and a filter, somewhere in the stream."""

    def __init__(self, model: NgramSurprisal, held: EntropyFilter) -> None:
        self.model, self.held = model, held

    def copy(self) -> "Reader":
        return deepcopy(self)

    def read(self, turns: list[str]) -> Times:
        wall, start = time.perf_counter(), time.process_time()
        scored = []
        for text in turns:
            scored.append(self.model.score(text))
            self.model.learn(text)
        middle = time.process_time()
        for turn in scored:
            self.held.feed(turn)
        end = time.process_time()
        return Times(sum(map(len, scored)), middle - start, end - middle, time.perf_counter() - wall)


class Part(NamedTuple):
    """A tenth of the stream: what it took, the memory in MB at its end, and the tokens held then."""

    times: Times
    rss_mb: float
    held: int


def sentences() -> list[str]:
    files = [CONVERSATIONS_FOLDER / "conversation.jsonl", CONVERSATIONS_FOLDER / "assistant-conversation.jsonl"]
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


def part(reader: Reader, turns: Iterator[str], least: int) -> Part:
    """Read at least so many tokens: batches are made up first, and then read by the clocks."""
    times = Times()
    while times.tokens < least:
        times = times.plus(reader.read(batch(turns)))
    return Part(times, rss_mb(), len(reader.held))


def batch(turns: Iterator[str]) -> list[str]:
    return [next(turns) for _ in range(100)]


def late_over_early(turns: Iterator[str], early: Reader, late: Reader) -> float:
    """How fast the late reader is, compared with the early one: by turns, so that a busy machine meets both."""
    readers, times = [early, late], [Times(), Times()]
    for number in range(ALTERNATIONS):
        read = batch(turns)
        for one in (0, 1) if number % 2 else (1, 0):  # who reads first also fills the caches of words
            times[one] = times[one].plus(readers[one].read(read))
    return times[0].both_s / times[1].both_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    turns, reader = talk(random.Random(args.seed)), Reader(NgramSurprisal(), EntropyFilter(split=True))
    parts = [part(reader, turns, args.tokens // PARTS)]
    early = reader.copy()
    parts += [part(reader, turns, args.tokens // PARTS) for _ in range(PARTS - 1)]
    show(parts, late_over_early(turns, early, reader), as_json=args.json)


def show(parts: list[Part], ratio: float, *, as_json: bool) -> None:
    whole = reduce(Times.plus, (p.times for p in parts))
    figures = {
        "tokens": whole.tokens,
        "model_tokens_per_s": whole.tokens / whole.model_s,
        "model_and_filter_tokens_per_s": whole.tokens / whole.both_s,
        "wall_tokens_per_s": whole.tokens / whole.wall_s,
        "late_over_early": ratio,
        "rss_mb": [round(p.rss_mb, 1) for p in parts],
        "held": [p.held for p in parts],
    }
    if as_json:
        print(json.dumps(figures, indent=2))
        return
    Console().print(table(parts))
    model, both, wall = (figures[f"{name}tokens_per_s"] for name in ("model_", "model_and_filter_", "wall_"))
    print(f"the model scores and learns {model:,.0f} tokens/s")
    print(f"with the filter {both:,.0f} tokens/s, {wall:,.0f} by the clock on the wall")
    print(f"after the whole stream it is {ratio:.2f} times as fast as after its first tenth")


def table(parts: list[Part]) -> Table:
    columns = ("tokens so far", "model", "filter", "both", "both, wall clock", "RSS, MB", "held")
    made = Table(*columns, caption="tokens per second of the process where not said otherwise")
    for number, (times, rss, held) in enumerate(parts, start=1):
        speeds = (times.tokens / s for s in (times.model_s, times.filter_s, times.both_s, times.wall_s))
        so_far = sum(p.times.tokens for p in parts[:number])
        made.add_row(f"{so_far:,}", *(f"{speed:,.0f}" for speed in speeds), f"{rss:,.1f}", f"{held:,}")
    return made


if __name__ == "__main__":
    main()
