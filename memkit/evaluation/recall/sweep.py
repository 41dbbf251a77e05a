"""Costs and savings of filtering: the same conversations, with ever more turns counting as small talk."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import memkit
from memkit.evaluation.formats.conversation import Conversation
from memkit.evaluation.metrics import MeasuredFigures, bootstrap_interval, fraction, mean
from memkit.evaluation.recall.run import Progress
from memkit.evaluation.recall.variants import Rankings, conversation_bank, with_patience
from memkit.models import FrozenModel
from memkit.protocols import Encoder, FloatArray
from memkit.settings import ObserveSettings, Settings

SMALL_TALK_SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
SWEEP_CUTOFFS = (5, 10, 25)


class SweepRow(FrozenModel):
    """One share of small talk, as set. `filtered`: turns that were not encoded, as a share of those that are without.

    `fractions` at each of SWEEP_CUTOFFS; `difference` and `interval`: of the fraction at 10 to that without the filter.
    `faster`: how many times as fast observing is, by processor time, encoding included.
    """

    share: float
    filtered: float
    fractions: list[float]
    difference: float
    interval: tuple[float, float] | None
    faster: float


class Sweep(MeasuredFigures):
    """A row per share; the first is without the filter."""

    format: str
    ks: tuple[int, ...]
    turns: int
    questions: int
    rows: list[SweepRow]


class CountingEncoder:
    """Wraps an encoder under its own name, and counts the texts."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self.count = encoder, 0
        self.name, self.dimension = encoder.name, encoder.dimension

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension)."""
        self.count += len(texts)
        return self._encoder.encode(texts)


@dataclass
class _ShareTotals:
    """Totals of one share over all conversations."""

    seconds: float = 0.0
    encoded: int = 0
    fractions: dict[str, list[list[float]]] = field(default_factory=lambda: defaultdict(list))  # by conversation


def sweep(kind: str, conversations: Sequence[Conversation], encoder: Encoder, progress: Progress) -> Sweep:
    """The curve. Shares are tried by turns within each conversation, so that a busy machine slows all alike."""
    totals = {share: _ShareTotals() for share in SMALL_TALK_SHARES}
    for conversation in conversations:
        for share in SMALL_TALK_SHARES:
            progress(f"{conversation.name}: {share:.0%} small talk", len(conversation.turns))
            _observe_with(conversation, share, encoder, totals[share])
    return Sweep(
        format=kind,
        ks=SWEEP_CUTOFFS,
        turns=sum(len(c.turns) for c in conversations),
        questions=sum(len(c.questions) for c in conversations),
        rows=[_swept(share, totals[share], totals[0.0]) for share in SMALL_TALK_SHARES],
    )


def count_sweep_steps(conversations: Sequence[Conversation]) -> int:
    """The steps that `sweep` reports: turns heard."""
    return len(SMALL_TALK_SHARES) * sum(len(c.turns) for c in conversations)


def _observe_with(conversation: Conversation, share: float, encoder: Encoder, totals: _ShareTotals) -> None:
    counting, rankings, turn_count = CountingEncoder(encoder), Rankings(conversation, ("turn",)), 0
    settings = with_patience(Settings(observe=ObserveSettings(small_talk=share, small_talk_from=0)))
    end = conversation.end
    with memkit.open(":memory:", encoder=counting, clock=lambda: end, settings=settings) as store:
        bank = conversation_bank(store, conversation)
        for so_far, question in conversation.unfolding():
            if so_far > turn_count:
                start, before = time.process_time(), counting.count
                bank.observe(conversation.turns[turn_count:so_far])
                totals.seconds += time.process_time() - start
                totals.encoded += counting.count - before
                turn_count = so_far
            ranks = rankings.ranks(
                rankings.memories(bank, question.text, question.asked_at or end, turn_count), question.evidence
            )
            totals.fractions[conversation.name].append([fraction(ranks, k) for k in SWEEP_CUTOFFS])


def _swept(share: float, totals: _ShareTotals, without: _ShareTotals) -> SweepRow:
    at = SWEEP_CUTOFFS.index(10)
    gained = [
        [mine[at] - theirs[at] for mine, theirs in zip(values, without.fractions[name], strict=True)]
        for name, values in totals.fractions.items()
    ]
    every = [question for conversation in totals.fractions.values() for question in conversation]
    return SweepRow(
        share=share,
        filtered=1 - totals.encoded / max(without.encoded, 1),
        fractions=[mean(values) for values in zip(*every, strict=True)],
        difference=mean(value for conversation in gained for value in conversation),
        interval=bootstrap_interval(gained),
        faster=without.seconds / max(totals.seconds, 1e-9),
    )
