"""Summaries and portraits without a model: representative, diverse sentences; what is held true, by theme."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from memkit.models import Memory
from memkit.text.tokens import words

MOST = 5  # turns in a day's summary
OVERLAP = 0.7  # how much likeness to what is chosen costs
LINES = 40  # of a portrait
LONGEST = 400  # characters of a turn in a summary


def summarise(turns: Sequence[Memory], most: int = MOST) -> list[Memory]:
    """The turns that tell most of a day, each something new, in the order in which they came.

    Maximal marginal relevance (Carbonell & Goldstein 1998) over words, weighed by how surprising a turn is.
    """
    terms = {turn.id: {word.term for word in words(turn.text)} for turn in turns}
    themes = Counter(term for found in terms.values() for term in found)
    left = [turn for turn in turns if terms[turn.id] and not turn.text.rstrip().endswith("?")]
    chosen: list[Memory] = []
    while left and len(chosen) < most:
        best = max(left, key=lambda turn: _worth(turn, terms, themes, chosen))
        chosen.append(best)
        left.remove(best)
    kept = sorted(chosen, key=lambda turn: turn.occurred_at)
    return [turn.model_copy(update={"text": turn.text[:LONGEST]}) for turn in kept]


def _worth(turn: Memory, terms: dict[str, set[str]], themes: Counter[str], chosen: Sequence[Memory]) -> float:
    own = terms[turn.id]
    central = sum(themes[term] - 1 for term in own) / (len(own) + 5)
    told = sum(len(own & terms[other.id]) for other in chosen) / (len(own) + 1)
    return (turn.salience or 1.0) * (1 + central) - OVERLAP * told


def _told(thought: Memory) -> tuple[datetime, datetime]:
    return thought.occurred_at, thought.recorded_at


def compose_portrait(thoughts: Sequence[Memory]) -> str:
    """What is held true now, by head; the same thoughts always give the same text (for prompt caches)."""
    by_head: dict[str, list[Memory]] = defaultdict(list)
    for thought in thoughts:
        by_head[thought.head or ""].append(thought)
    ranked = sorted(by_head, key=lambda head: (-len(by_head[head]), head))
    lines = [thought.text for head in ranked for thought in sorted(by_head[head], key=_told)]
    return "\n".join(dict.fromkeys(lines[:LINES]))
