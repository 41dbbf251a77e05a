"""A portrait without a model: who each person is, what they like and plan, how they feel and are best answered."""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from memkit.models import Memory
from memkit.text.terms.tokens import words
from memkit.text.times.periods import readable_period
from memkit.think.extractive.language import languages
from memkit.think.mood import Voice

FEWEST_FELT = 5  # turns with any feeling, for a mood to be told
LIKES = re.compile(
    r"\b(?:lik(?:es?|ed)|lov(?:es?|ed)|hat(?:es?|ed)|dislikes?|prefers?|enjoys?|favou?rite|rather|can't stand|allergic"
    r"|afraid|vegetarian|vegan|can't (?:eat|drink|stand)|doesn't (?:eat|drink|like|want)|never (?:eats|drinks))\b",
    re.IGNORECASE,
)
MOST = {"traits": 10, "preferences": 8, "plans": 4, "lately": 4}  # thoughts in each part
PASSING = {"plan": "plans", "duty": "plans", "wish": "plans", "event": "lately", "doing": "lately"}  # by generic rule
SIZES = ((15.0, "short", "briefly"), (50.0, "middling", "in a few sentences"), (math.inf, "long", "in detail"))
LOW = -0.1  # a valence
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
    """Who each is, what they like, plan and lately did, how they felt and how to answer them; one line for each.

    The same people always give the same text (for prompt caches).
    """
    lines = [(person.name, name, _told(person, name)) for name in MOST for person in people]
    lines += [(person.name, "mood", mood_line(person)) for person in people]
    lines += [(person.name, "manner", manner_line(person)) for person in people]
    return "\n".join(f"{person}, {name}: {text}" for person, name, text in lines if text)


def telling(thoughts: Sequence[Memory]) -> list[Memory]:
    """Of one person's thoughts, the most important first, those that a portrait tells: some of each part."""
    whole = _whole(thoughts)
    kept = [m for part, most in MOST.items() for m in [m for m in whole if part_of(m) == part][:most]]
    return sorted(kept, key=lambda m: (m.occurred_at, m.recorded_at, m.id))


def part_of(thought: Memory) -> str:
    """The part of a portrait that a thought belongs to, by its relation; a user's or a model's own tell a trait."""
    return "preferences" if LIKES.search(thought.text) else _parts().get(thought.relation or "", "traits")


@cache
def _parts() -> dict[str, str]:
    """Relation -> part, of those that tell of what passes."""
    found: dict[str, str] = {}
    for language in languages().values():
        found |= {rule.now: "plans" for rule in language.file.relation if rule.future}
        found |= {rule.name: PASSING[name] for name, rule in language.file.generic.items() if name in PASSING}
    return found


def _whole(thoughts: Sequence[Memory]) -> list[Memory]:
    """Without those of which another one, of the same relation, says all: the same words, or the same and more."""
    same: dict[object, list[tuple[frozenset[str], Memory]]] = defaultdict(list)
    for memory in sorted(thoughts, key=lambda m: (m.occurred_at, m.id), reverse=True):
        group = same[(memory.head, memory.relation) if memory.relation else memory.id]
        said = frozenset(word.term for word in words(memory.text))
        if not any(said <= more for more, _ in group):
            group[:] = [*((less, m) for less, m in group if not less < said), (said, memory)]
    kept = {memory.id for group in same.values() for _, memory in group}
    return [memory for memory in thoughts if memory.id in kept]


def _told(person: Person, part: str) -> str:
    return " ".join(" ".join(m.text.split()) for m in telling(person.thoughts) if part_of(m) == part)


def mood_line(person: Person) -> str:
    """How a person felt on the whole and by month; "" where too little is known."""
    felt = [(month, voice) for month, voice in _months(person).items() if voice.felt >= FEWEST_FELT]
    if not felt:
        return ""
    whole = person.voice
    line = f"{_mood(whole)} on the whole ({whole.valence:+.2f} of -1 to 1, over {whole.felt} turns)"
    months = ", ".join(f"{readable_period(month)} {voice.valence:+.2f}" for month, voice in felt)
    return f"{line}; {months}." if len(felt) > 1 else f"{line}."


def _months(person: Person) -> dict[str, Voice]:
    found: dict[str, Voice] = {}
    for period, voice in person.voices:
        found[period[:7]] = found.get(period[:7], Voice()).plus(voice)
    return found


def _mood(voice: Voice) -> str:
    return next(word for least, word in MOODS if voice.valence >= least)


def manner_line(person: Person) -> str:
    """How a person writes, and so how best to answer."""
    voice = person.voice
    if not voice.turns:
        return ""
    length = voice.words / voice.turns
    size, answer = next(names for most, *names in SIZES if length < most)
    asks = f", and asks in {voice.questions / voice.turns:.0%} of them" if voice.questions else ""
    lately = [month for month in _months(person).values() if month.felt >= FEWEST_FELT][-1:]
    gently = ", gently of late" if lately and lately[0].valence < LOW else ""
    return f"writes {size} messages (about {length:.0f} words){asks}; best answered {answer}{gently}."
