"""A portrait without a model: what is held true of each person, what they like, how they feel and write."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memkit.models import Memory
from memkit.text.periods import shown
from memkit.think.mood import Voice

FEWEST_FELT = 5  # turns with any feeling, for a mood to be told
LIKES = re.compile(
    r"\b(?:lik(?:es?|ed)|lov(?:es?|ed)|hat(?:es?|ed)|dislikes?|prefers?|enjoys?|favou?rite|rather|can't stand|allergic"
    r"|afraid|vegetarian|vegan|can't (?:eat|drink|stand)|doesn't (?:eat|drink|like|want)|never (?:eats|drinks))\b",
    re.IGNORECASE,
)
MOODS = ((0.35, "bright"), (0.1, "rather bright"), (-0.1, "even"), (-0.35, "rather low"), (-1.0, "low"))


@dataclass(frozen=True)
class Person:
    """One person: thoughts that hold, the most important first, and voices by period, oldest first."""

    name: str
    thoughts: Sequence[Memory]
    voices: Sequence[tuple[str, Voice]] = ()

    @property
    def voice(self) -> Voice:
        """Over all of the time."""
        total = Voice()
        for _, voice in self.voices:
            total = total.plus(voice)
        return total


def compose_portrait(people: Sequence[Person]) -> str:
    """Facts, preferences, mood and manner of each; the same people always give the same text (for prompt caches)."""
    parts = {"facts": _facts, "preferences": _preferences, "mood": mood_line, "manner": manner_line}
    lines = ((person.name, name, tell(person)) for name, tell in parts.items() for person in people)
    return "\n".join(f"{person}, {name}: {text}" for person, name, text in lines if text)


def _facts(person: Person) -> str:
    return " ".join(text for text in _texts(person) if not LIKES.search(text))


def _preferences(person: Person) -> str:
    return " ".join(text for text in _texts(person) if LIKES.search(text))


def _texts(person: Person) -> list[str]:
    ordered = sorted(person.thoughts, key=lambda m: (m.occurred_at, m.recorded_at, m.id))
    return list(dict.fromkeys(" ".join(m.text.split()) for m in ordered))


def mood_line(person: Person) -> str:
    """How a person felt over the time, at worst and lately; "" where too little is known."""
    felt = [(period, voice) for period, voice in person.voices if voice.felt >= FEWEST_FELT]
    if not felt:
        return ""
    whole = person.voice
    lowest = min(felt, key=lambda item: item[1].valence)
    parts = [f"{_mood(whole)} on the whole ({whole.valence:+.2f} of -1 to 1, over {whole.felt} turns)"]
    if len(felt) > 1:
        parts += [f"lowest in {shown(lowest[0])} ({lowest[1].valence:+.2f})"]
        parts += [f"lately, in {shown(felt[-1][0])}, {felt[-1][1].valence:+.2f}"]
    return f"{'; '.join(parts)}."


def _mood(voice: Voice) -> str:
    return next(word for least, word in MOODS if voice.valence >= least)


def manner_line(person: Person) -> str:
    """How a person writes, which an answer may follow."""
    voice = person.voice
    if not voice.turns:
        return ""
    length = voice.words / voice.turns
    size = "short" if length < 15 else "middling" if length < 50 else "long"
    asks = f", and asks in {voice.questions / voice.turns:.0%} of them" if voice.questions else ""
    return f"writes {size} messages (about {length:.0f} words){asks}."
