"""What a window of fixed size still holds after 50,000 tokens: SirLLM's filter, the newest, and chance, side by side.

What it is: ten facts told early, then hours of other talk, made from memkit's own conversations and the questions of
`memkit stream`. Three windows read all of it, and each may hold 1,024 tokens: one keeps what surprised
the n-gram model (SirLLM), one the newest beside the first four (StreamingLLM), one a random choice. No language
model, no network.
How to run: python demos/stream.py [stream.png]        (--tokens 50000, --budget 1024, --seed 1; the plot needs the
extra "plot")
What you will see: a table of what is left of each fact in each window; in the plot, how it was lost over the stream,
and from where in it the tokens come that are held in the end. The newest hold nothing that old, chance a word here
and there; surprisal keeps rare names, and loses what is said in everyday words, a door's code, or an allergy: those
belong in a memory that is searched, not in a window.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from memkit.evaluation.formats.jsonl import read_turns
from memkit.evaluation.plot import figure
from memkit.evaluation.stream.policies import ALL_POLICIES, POLICY_NAMES, policy_scores, window
from memkit.evaluation.texts import CONVERSATIONS_FOLDER, lines_of
from memkit.surprisal.ngram import NgramSurprisal
from memkit.text.terms.language import STOP_WORDS

FACTS = Path(__file__).with_name("facts.txt").read_text(encoding="utf-8").splitlines()
FILES = ("conversation.jsonl", "assistant-conversation.jsonl")
COLOURS = {"sirllm": "#d1495b", "random": "#66873b", "recent": "#3d8fc4"}


def talk(rng: random.Random) -> Iterator[str]:
    """The facts, each after a turn of other talk; then only other talk, in an order of its own each time around."""
    every = [turn.text for file in FILES for turn in read_turns(CONVERSATIONS_FOLDER / file)] + list(
        lines_of("stream/fillers.txt")
    )
    facts = list(FACTS)
    while True:
        for text in rng.sample(every, len(every)):
            yield text
            if facts:
                yield facts.pop(0)


def tells(word: str) -> bool:
    """Whether a token is a word that isn't in every second sentence."""
    return word.isalnum() and word.casefold() not in STOP_WORDS


class Windows:
    """The three windows over one stream, and how the facts' telling words are lost on the way."""

    def __init__(self, budget: int, seed: int) -> None:
        self.model, self.chance = NgramSurprisal(), np.random.default_rng(seed)
        self.held = {policy: window(policy, budget) for policy in ALL_POLICIES}
        self.turns: list[str] = []
        self.telling: list[int] = []  # places in the stream of the facts' telling words
        self.seen: list[int] = []  # tokens after each turn
        self.left: dict[str, list[int]] = {policy: [] for policy in ALL_POLICIES}  # telling words held after each turn

    def read(self, text: str) -> None:
        """Score and learn a turn, and feed it to all windows."""
        tokens, seen = self.model.score(text), self.seen[-1] if self.seen else 0
        self.model.learn(text)
        if text in FACTS:
            self.telling += [seen + i for i, token in enumerate(tokens) if tells(text[token.start : token.end])]
        for policy, held in self.held.items():
            held.feed(policy_scores(policy, tokens, self.chance))
            self.left[policy].append(int(np.isin(self.telling, held.positions).sum()))
        self.turns.append(text)
        self.seen.append(seen + len(tokens))

    def words_of(self, fact: str) -> list[str]:
        """What each window still holds of a fact."""
        turn = self.turns.index(fact)
        runs = [[span for span in held.spans() if span.turn == turn] for held in self.held.values()]
        return [" … ".join(fact[span.start : span.end] for span in spans) or "–" for spans in runs]


def survivors(windows: Windows) -> Table:
    """What is left of each fact, and of all of them together."""
    table = Table("fact", *(POLICY_NAMES[policy] for policy in windows.held), title="What is left of each fact")
    told = [fact for fact in FACTS if fact in windows.turns]
    for fact in told:
        table.add_row(fact, *windows.words_of(fact), end_section=fact == told[-1])
    table.add_row("telling words", *(f"{left[-1]} of {len(windows.telling)}" for left in windows.left.values()))
    return table


def draw(windows: Windows, path: Path) -> None:
    """Two panels: the facts' telling words that are left over time, and where the held tokens come from."""
    made = figure(9, 6.6)
    upper, lower = made.subplots(2, 1, height_ratios=(3, 2))
    draw_survival(upper, windows)
    draw_origins(lower, windows)
    for axes in (upper, lower):
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.spines[["top", "right"]].set_visible(False)
    made.savefig(path, format="png")


def draw_survival(axes: Any, windows: Windows) -> None:
    """Telling words that are held, against the tokens so far."""
    most, told = len(windows.telling), windows.telling[-1]
    axes.axvspan(1, told, color="#222222", alpha=0.06, linewidth=0)
    axes.text(told / 1.06, 0.03 * most, "the facts are told", ha="right", fontsize=8, color="#555555")
    for policy, left in windows.left.items():
        axes.step(windows.seen, left, where="post", color=COLOURS[policy], linewidth=2, label=POLICY_NAMES[policy])
    axes.set(xscale="log", xlim=(100, windows.seen[-1]), ylim=(0, most * 1.04))
    axes.set(xlabel="tokens so far (logarithmic)", ylabel=f"telling words held, of {most}")
    axes.set_title("What is left of ten facts that were told early", loc="left", fontsize=13, fontweight="bold")
    axes.legend(loc="upper right", frameon=False)


def draw_origins(axes: Any, windows: Windows) -> None:
    """A row for each window: a line for each token that it holds in the end, at its place in the stream."""
    for row, (policy, held) in enumerate(reversed(windows.held.items())):
        axes.eventplot(held.positions, lineoffsets=row, linelengths=0.75, linewidths=0.4, color=COLOURS[policy])
    axes.set_yticks(range(len(windows.held)), [POLICY_NAMES[policy] for policy in reversed(windows.held)])
    axes.tick_params(axis="y", length=0)
    axes.set(
        xlim=(0, windows.seen[-1]),
        xlabel="place in the stream, in tokens (dense after a long turn, which takes the room of old ones)",
    )
    axes.set_title("Where the tokens come from that are held in the end", loc="left", fontsize=11, fontweight="bold")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plot", nargs="?", type=Path, help="where the plot is saved (PNG)")
    parser.add_argument("--tokens", type=int, default=50_000, help="length of the stream")
    parser.add_argument("--budget", type=int, default=1024, help="tokens that a window holds")
    parser.add_argument("--seed", type=int, default=1, help="another one: another order, another choice by chance")
    args = parser.parse_args()
    if args.tokens < 100 or args.budget < 10:
        parser.error("--tokens: at least 100; --budget: at least 10")
    windows = Windows(args.budget, args.seed)
    for text in talk(random.Random(args.seed)):
        windows.read(text)
        if windows.seen[-1] >= args.tokens:
            break
    print(f"{windows.seen[-1]:,} tokens in {len(windows.turns):,} turns; a window holds {args.budget:,} tokens.\n")
    Console().print(survivors(windows))
    if args.plot is not None:
        draw(windows, args.plot)
        print(f"\nThe plot is in {args.plot}.")


if __name__ == "__main__":
    main()
