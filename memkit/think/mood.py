"""Figures of how people speak and feel over time: counted, and by VADER's lexicon where it is installed.

VADER (Hutto & Gilbert 2014) gives a text's valence in -1..1 from a list of some 7,500 English words, negation,
degree and emoticons. It knows no irony, no context and no other language: a turn without any of its words
counts as unfelt rather than as neutral. A mean over many turns means something, a single value doesn't.
"""

import importlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from memkit.models import FrozenModel, Memory

Key = TypeVar("Key")


class Voice(NamedTuple):
    """One person over some time. `valence` is the mean over the `felt` turns, those that hold any feeling."""

    turns: int = 0
    words: int = 0
    questions: int = 0
    felt: int = 0
    valence: float = 0.0

    def plus(self, other: "Voice") -> "Voice":
        """Both together."""
        felt = self.felt + other.felt
        valence = (self.valence * self.felt + other.valence * other.felt) / felt if felt else 0.0
        counts = (self.turns + other.turns, self.words + other.words, self.questions + other.questions)
        return Voice(*counts, felt, round(valence, 4))


class Mood(FrozenModel):
    """A person's mood in one week: `valence` in -1..1, the mean over `felt` of `turns` turns; None where none felt."""

    speaker: str
    week: str
    valence: float | None
    felt: int
    turns: int


def voices_by_speaker(turns: Iterable[Memory]) -> dict[str, Voice]:
    """Each person's voice in these turns, in the order of first words; an assistant has none."""
    people = (turn for turn in turns if turn.role in (None, "user"))
    return sum_voices((turn.speaker, _voice(turn.text)) for turn in people if turn.speaker is not None)


def _voice(text: str) -> Voice:
    valence = valence_of(text)
    felt = valence is not None and valence != 0
    return Voice(
        1, len(text.split()), int(text.rstrip().endswith("?")), int(felt), valence if felt and valence else 0.0
    )


def sum_voices(voices: Iterable[tuple[Key, Voice]]) -> dict[Key, Voice]:
    """Voices under the same key (a person, a month) together, in the order of the keys' first ones."""
    total: dict[Key, Voice] = {}
    for key, voice in voices:
        total[key] = total.get(key, Voice()).plus(voice)
    return total


def valence_of(text: str) -> float | None:
    """VADER's compound valence of a text, -1..1; None where the extra "mood" isn't installed."""
    analyzer = _analyzer()
    return None if analyzer is None else float(analyzer.polarity_scores(text)["compound"])


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    try:
        return importlib.import_module("vaderSentiment.vaderSentiment").SentimentIntensityAnalyzer()
    except ImportError:
        return None
