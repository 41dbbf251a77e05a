"""Settings under which the same questions are asked, and banks as they are seen through them.

A conversation is heard once into a file, and asked by one more store per variant: parts of recall switched off, and
weights moved. All share one encoder with a cache.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import memkit
from memkit import MemoryBank, MemoryStore
from memkit.evaluation.formats.conversation import Conversation
from memkit.evaluation.metrics import Ranks, ranks_of
from memkit.models import Kind
from memkit.protocols import Encoder, FloatArray
from memkit.settings import DecaySettings, RankingSettings, Settings

TURN_DEPTH = 50  # results that are asked for where turns are scored
MAX_DEPTH = 10_000  # turns that are asked for where sessions are scored: a session ranks as its best turn
FIRST_DEPTH = 400  # ... and at first, where only the best NEEDED_SESSIONS matter
NEEDED_SESSIONS = 25
ENCODE_TIMEOUT_S = 3600.0

Overrides = Mapping[str, float | bool]


@dataclass(frozen=True)
class Variant:
    """The default settings with some of their numbers changed."""

    name: str
    ranking: Overrides = field(default_factory=dict)
    decay: Overrides = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The whole settings; ValueError where a number is out of its bounds."""
        return Settings(
            ranking=RankingSettings.model_validate(dict(self.ranking)),
            decay=DecaySettings.model_validate(dict(self.decay)),
        )


SKETCH_SEARCH = Variant("sketches instead of exact search", {"exact_up_to": 0})

ABLATION_VARIANTS = (
    SKETCH_SEARCH,
    Variant("no lexical", {"lexical": 0}),
    Variant("no dense", {"dense": 0}),
    Variant("no passages", {"passages": 0}),
    Variant("no neighbours", {"neighbour": 0, "second_neighbour": 0, "answered": 0}),
    Variant("no completion", {"beside": 0}),
    Variant("no episodes", {"episode": 0}),
    Variant("no sessions", {"session": 0, "cohesive_session": 0}),
    Variant("no retention", decay={"ranking_weight": 0}),
    Variant("no freshness", {"superseded": False}),
    Variant("no speaker cue", {"speaker": 0}),
    Variant("no role", {"assistant": 0}),
    Variant("no time cues", {"date": 0, "time": 0, "when": 0}),
    Variant("no question cues", {"asks": 0, "answers": 0}),
    Variant("no length", {"length": 0}),
    Variant("names kept", {"nameless": 0}),
    Variant(
        "no cohesion", {"cohesive_own": 0, "cohesive_session": 0, "cohesive_context": 0, "cohesive_recency": 0}
    ),
)  # fmt: skip

MOVED_WEIGHTS = (
    "dense",
    "lexical",
    "nameless",
    "passages",
    "neighbour",
    "episode",
    "session",
    "whole_context",
    "speaker",
    "assistant",
    "asks",
    "answers",
    "length",
    "date",
    "time",
    "when",
    "cohesive_own",
    "cohesive_session",
    "cohesive_recency",
)
WEIGHT_FACTORS = (0.7, 1.4)


def _moved(weight: str, factor: float) -> Variant:
    """One weight times a factor, as far as its bounds let it."""
    wanted = float(getattr(RankingSettings(), weight)) * factor
    bounds = RankingSettings.model_fields[weight].metadata
    least = max((bound.ge for bound in bounds if hasattr(bound, "ge")), default=-inf)
    most = min((bound.le for bound in bounds if hasattr(bound, "le")), default=inf)
    return Variant(f"{weight} × {factor}", {weight: min(max(wanted, least), most)})


CANDIDATE_VARIANTS = tuple(_moved(weight, factor) for weight in MOVED_WEIGHTS for factor in WEIGHT_FACTORS)


class CachingEncoder:
    """Wraps an encoder under its own name; a text is encoded once. What else the encoder can, this can as well."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self.name, self.dimension = encoder, encoder.name, encoder.dimension
        self._vectors: dict[str, FloatArray] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, texts: list[str]) -> FloatArray:
        """Rows of unit norm, float32, shape (len(texts), dimension)."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if fresh:
            self._vectors.update(zip(fresh, self._encoder.encode(fresh), strict=True))
        return np.stack([self._vectors[text] for text in texts])


@contextmanager
def open_variants(
    conversation: Conversation, encoder: CachingEncoder, variants: Sequence[Variant]
) -> Iterator[tuple[MemoryStore, Mapping[str, MemoryBank]]]:
    """A store to hear a conversation in, and for each variant the bank as it is seen through its settings."""
    with ExitStack() as stack:
        path = Path(stack.enter_context(TemporaryDirectory())) / "evaluation.db"

        opening = partial(memkit.open, path, encoder=encoder, clock=lambda: conversation.end)
        main = stack.enter_context(opening(settings=with_patience(Settings())))
        stores = {
            v.name: stack.enter_context(opening(settings=with_patience(v.settings), read_only=True)) for v in variants
        }
        yield main, {name: conversation_bank(store, conversation) for name, store in stores.items()}


def with_patience(settings: Settings) -> Settings:
    """Settings under which a busy machine leaves no turn without a vector, which would change the figures."""
    return settings.model_copy(
        update={"runtime": settings.runtime.model_copy(update={"encode_timeout": ENCODE_TIMEOUT_S})}
    )


def conversation_bank(store: MemoryStore, conversation: Conversation) -> MemoryBank:
    """The bank that a conversation is heard into."""
    return store.bank("evaluation", conversation.name)


class Rankings:
    """Rankings of one conversation: memories without the floor, and the turns or sessions that evidence names."""

    def __init__(self, conversation: Conversation, kinds: tuple[Kind, ...] | None) -> None:
        self._kinds = kinds
        self._sessions = conversation.unit == "session"
        self._units = dict(zip((str(turn.id) for turn in conversation.turns), conversation.units, strict=True))

    def units(self, memories: Sequence[str]) -> list[str]:
        """Turns or sessions, best first, each as often as it is hit."""
        return [self._units.get(memory, memory) for memory in memories]

    def memories(self, bank: MemoryBank, text: str, now: datetime, turn_count: int) -> list[str]:
        """Ids, best first, as deep as any figure needs."""
        return self._asked(bank, text, now, min(MAX_DEPTH, turn_count) if self._sessions else TURN_DEPTH)

    def briefly(self, bank: MemoryBank, text: str, now: datetime, turn_count: int) -> list[str]:
        """The same at its beginning: as deep as the best NEEDED_SESSIONS turns or sessions."""
        if not self._sessions:
            return self.memories(bank, text, now, turn_count)
        ids = self._asked(bank, text, now, min(FIRST_DEPTH, turn_count))
        enough = len(ids) < FIRST_DEPTH or len(set(self.units(ids))) >= NEEDED_SESSIONS
        return ids if enough else self.memories(bank, text, now, turn_count)

    def ranks(self, memories: Sequence[str], evidence: frozenset[str]) -> Ranks:
        """Ranks of the evidence."""
        return ranks_of(dict.fromkeys(self.units(memories)), evidence)

    def _asked(self, bank: MemoryBank, text: str, now: datetime, k: int) -> list[str]:
        return [
            hit.memory.id for hit in bank.recall(text, k=k, kinds=self._kinds, min_score=0, now=now, reinforce=False)
        ]
