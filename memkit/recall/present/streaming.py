"""A session streamed through the entropy filter (SirLLM, arXiv 2405.12528), of a long one as much as may be kept.

What the filter can keep of an endless session are its beginning, its newest turns, and what surprised most between
them. How much a turn surprised was noted when it came, so those that said nothing new needn't be read.
"""

from collections.abc import Mapping

import numpy as np

from memkit.batches import TurnBatch
from memkit.models import Memory
from memkit.recall.index.seq_array import Ints
from memkit.surprisal.entropy_filter import Budget, EntropyFilter, KeptToken
from memkit.surprisal.ngram import NgramSurprisal

START_SHARE, RECENT_SHARE = 1 / 16, 1 / 2  # of the budget, filled first
CHARS_PER_TOKEN = 8  # at most, of what is read of both ends
TOKENS_PER_TURN = 4  # at least, that a turn between them gives


def filter_budget(tokens: int) -> Budget:
    """The paper's three parts within so many tokens."""
    start, recent = int(tokens * START_SHARE), int(tokens * RECENT_SHARE)
    return Budget(start=start, entropy=tokens - start - recent, recent=recent)


def chosen_turns(turns: TurnBatch, budget: Budget) -> Ints:
    """Places of the turns of which the filter may keep something, in order."""
    ends = turns.lengths.cumsum()
    first = int(np.searchsorted(ends, CHARS_PER_TOKEN * budget.start)) + 1
    last = int(np.searchsorted(ends, ends[-1] - CHARS_PER_TOKEN * budget.recent)) if len(ends) else 0
    middle = (
        first + np.argsort(turns.saliences[first:last], kind="stable")[-max(budget.entropy // TOKENS_PER_TURN, 1) :]
    )
    places = np.arange(len(turns.seqs))
    return np.concatenate([places[:first], np.sort(middle), places[max(first, last) :]])


def kept_tokens(turns: Mapping[int, Memory], budget: Budget) -> list[KeptToken]:
    """The tokens that the filter keeps of these turns, by number and in order.

    Surprisal is that of the embedded model, which learns the turns as they are streamed: the same in every process.
    """
    entropy_filter, model, numbers = EntropyFilter(budget, split=True), NgramSurprisal(), list(turns)
    for turn in turns.values():
        entropy_filter.feed(model.score(turn.text))
        model.learn(turn.text)
    return [token._replace(turn=numbers[token.turn]) for token in entropy_filter.tokens]
