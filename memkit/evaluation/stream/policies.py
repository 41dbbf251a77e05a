"""Three ways to spend one budget of tokens, all through the same filter: on surprise, on the newest, by chance."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np

from memkit.protocols import Token
from memkit.surprisal.entropy_filter import Budget, EntropyFilter
from memkit.surprisal.ngram import NgramSurprisal

Policy = Literal["sirllm", "random", "recent"]
Pair = tuple[float, float]
Step = Callable[[], None]  # called after each part of a measurement

ALL_POLICIES: tuple[Policy, ...] = ("sirllm", "random", "recent")
POLICY_NAMES: dict[str, str] = {"sirllm": "surprisal (SirLLM)", "random": "random", "recent": "sink + recent"}
START_TOKENS = 4  # tokens at the start of the stream that every policy keeps, as in SirLLM and StreamingLLM


def window(policy: Policy, tokens: int, decay: float = 1.0) -> EntropyFilter:
    """An empty filter for a budget of `tokens`, the start's among them."""
    rest = tokens - START_TOKENS
    return EntropyFilter(
        (Budget(START_TOKENS, 0, rest) if policy == "recent" else Budget(START_TOKENS, rest, 0, decay)), split=True
    )


def policy_scores(policy: Policy, tokens: Sequence[Token], rng: np.random.Generator) -> Sequence[Token]:
    """A turn as a policy sees it. "random" draws a number for each token instead of its surprisal.

    The highest numbers are kept, so that whenever room is made each token after the start has the same chance,
    however old it is (reservoir sampling); drawing anew each turn would favour the newest. Room for a whole
    turn costs what is old as much as it does under surprisal.
    """
    if policy != "random":
        return tokens
    drawn = rng.random(len(tokens)).tolist()
    return [Token(token.start, token.end, number) for token, number in zip(tokens, drawn, strict=True)]


def scored_turns(texts: Iterable[str]) -> list[list[Token]]:
    """The tokens of turns, scored by a fresh n-gram model that learns each turn after reading it."""
    model, turns = NgramSurprisal(), []
    for text in texts:
        turns.append(model.score(text))
        model.learn(text)
    return turns
