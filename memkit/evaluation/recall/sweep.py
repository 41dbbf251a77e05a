"""What filtering costs and saves: the same conversations heard with ever more turns counting as small talk."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import memkit
from memkit.evaluation.formats.cases import Conversation
from memkit.evaluation.metrics import fraction, interval
from memkit.evaluation.recall.figures import mean_of, rounded
from memkit.evaluation.recall.run import Progress
from memkit.evaluation.recall.variant_banks import Rankings, bank_of
from memkit.models import FrozenModel
from memkit.protocols import Encoder, FloatArray
from memkit.settings import ObserveSettings, Settings

SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
KS = (5, 10, 25)


class Swept(FrozenModel):
    """One share of small talk, as set. `filtered`: turns that were not encoded, as a share of those that are without.

    `fractions` at each of KS; `difference` and `interval`: of the fraction at 10 to that without the filter.
    `faster`: how many times as fast observing is, by processor time, encoding included.
    """

    share: float
    filtered: float
    fractions: list[float]
    difference: float
    interval: tuple[float, float] | None
    faster: float


class Sweep(FrozenModel):
    """A row per share; the first is without the filter."""

    format: str
    ks: tuple[int, ...]
    turns: int
    questions: int
    rows: list[Swept]

    def dump(self) -> dict[str, object]:
        """Plain values, rounded to what they can mean."""
        return {key: rounded(value) for key, value in self.model_dump(mode="json").items()}


class CountingEncoder:
    """Wraps an encoder under its own name, and counts the texts."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self.count = encoder, 0
        self.name, self.dimension = encoder.name, encoder.dimension

    def encode(self, texts: list[str]) -> FloatArray:
        """As the encoder does."""
        self.count += len(texts)
        return self._encoder.encode(texts)


@dataclass
class _Heard:
    """What one share came to, over all conversations."""

    seconds: float = 0.0
    encoded: int = 0
    found: dict[str, list[list[float]]] = field(default_factory=lambda: defaultdict(list))  # by conversation


def sweep(kind: str, conversations: Sequence[Conversation], encoder: Encoder, progress: Progress) -> Sweep:
    """The curve. Shares are tried by turns within each conversation, so that a busy machine slows all alike."""
    heard = {share: _Heard() for share in SHARES}
    for conversation in conversations:
        for share in SHARES:
            progress(f"{conversation.name}: {share:.0%} small talk", len(conversation.turns))
            _hear(conversation, share, encoder, heard[share])
    return Sweep(
        format=kind,
        ks=KS,
        turns=sum(len(c.turns) for c in conversations),
        questions=sum(len(c.questions) for c in conversations),
        rows=[_swept(share, heard[share], heard[0.0]) for share in SHARES],
    )


def sweep_work(conversations: Sequence[Conversation]) -> int:
    """The steps that `sweep` reports: turns heard."""
    return len(SHARES) * sum(len(c.turns) for c in conversations)


def _hear(conversation: Conversation, share: float, encoder: Encoder, heard: _Heard) -> None:
    counting, rankings, known = CountingEncoder(encoder), Rankings(conversation, ("turn",)), 0
    settings = Settings(observe=ObserveSettings(small_talk=share))
    end = conversation.end
    with memkit.open(":memory:", encoder=counting, clock=lambda: end, settings=settings) as store:
        bank = bank_of(store, conversation)
        for so_far, question in conversation.unfolding():
            if so_far > known:
                start, before = time.process_time(), counting.count
                bank.observe(conversation.turns[known:so_far])
                heard.seconds += time.process_time() - start
                heard.encoded += counting.count - before
                known = so_far
            memories = rankings.memories(bank, question.text, question.asked_at or end, known)
            ranks = rankings.ranks(memories, question.evidence)
            heard.found[conversation.name].append([fraction(ranks, k) for k in KS])


def _swept(share: float, heard: _Heard, without: _Heard) -> Swept:
    at = KS.index(10)
    gained = [
        [mine[at] - theirs[at] for mine, theirs in zip(found, without.found[name], strict=True)]
        for name, found in heard.found.items()
    ]
    every = [found for one in heard.found.values() for found in one]
    return Swept(
        share=share,
        filtered=1 - heard.encoded / max(without.encoded, 1),
        fractions=[mean_of(values) for values in zip(*every, strict=True)],
        difference=mean_of(value for one in gained for value in one),
        interval=interval(gained),
        faster=without.seconds / max(heard.seconds, 1e-9),
    )
