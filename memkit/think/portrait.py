"""A portrait without a model: who each person is, what they like and plan, how they feel and are best answered."""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce

from memkit.models import Memory
from memkit.text.terms.tokens import words
from memkit.text.times.periods import readable_period
from memkit.think.extractive.language import languages
from memkit.think.mood import Voice, sum_voices

MIN_FELT_TURNS = 5  # turns with any feeling, for a mood to be named
PREFERENCE_PATTERN = re.compile(
    r"\b(?:lik(?:es?|ed)|lov(?:es?|ed)|hat(?:es?|ed)|dislikes?|prefers?|enjoys?|favou?rite|rather|can't stand|allergic"
    r"|afraid|vegetarian|vegan|can't (?:eat|drink|stand)|doesn't (?:eat|drink|like|want)|never (?:eats|drinks))\b",
    re.IGNORECASE,
)
MAX_THOUGHTS_BY_PART = {"traits": 10, "preferences": 8, "plans": 4, "lately": 4}  # by part of the portrait
PART_BY_RULE = {
    "plan": "plans",
    "duty": "plans",
    "wish": "plans",
    "event": "lately",
    "doing": "lately",
}  # generic rules, for what passes
MESSAGE_LENGTHS = (
    (15.0, "short", "briefly"),
    (50.0, "middling", "in a few sentences"),
    (math.inf, "long", "in detail"),
)
LOW_VALENCE = -0.1
MOOD_WORDS = ((0.35, "bright"), (0.1, "rather bright"), (-0.1, "even"), (-0.35, "rather low"), (-1.0, "low"))


@dataclass(frozen=True)
class PortraitSubject:
    """One person: thoughts that hold, the most important first, and voices by period, oldest first."""

    name: str
    thoughts: Sequence[Memory]
    voices: Sequence[tuple[str, Voice]] = ()

    @property
    def voice(self) -> Voice:
        """Over all of the time."""
        return reduce(Voice.plus, (voice for _, voice in self.voices), Voice())


def compose_portrait(people: Sequence[PortraitSubject]) -> str:
    """The portrait: who each is, what they like, plan and lately did, their mood and manner; one line for each.

    The same people always give the same text (for prompt caches).
    """
    lines = [(person.name, name, _part_text(person, name)) for name in MAX_THOUGHTS_BY_PART for person in people]
    lines += [(person.name, "mood", mood_line(person)) for person in people]
    lines += [(person.name, "manner", manner_line(person)) for person in people]
    return "\n".join(f"{person}, {name}: {text}" for person, name, text in lines if text)


def choose_thoughts(thoughts: Sequence[Memory]) -> list[Memory]:
    """Some thoughts of each part, out of one person's, the most important first."""
    whole = _without_subsumed(thoughts)
    chosen = [m for part, most in MAX_THOUGHTS_BY_PART.items() for m in [m for m in whole if part_of(m) == part][:most]]
    return sorted(chosen, key=lambda m: (m.occurred_at, m.recorded_at, m.id))


def part_of(thought: Memory) -> str:
    """The part of a portrait that a thought belongs to: traits, where its relation isn't one of the rules'."""
    if PREFERENCE_PATTERN.search(thought.text):
        return "preferences"
    return _part_by_relation().get(thought.relation or "", "traits")


@cache
def _part_by_relation() -> dict[str, str]:
    """Relation -> part, for relations of what passes."""
    parts: dict[str, str] = {}
    for language in languages().values():
        parts |= {rule.now: "plans" for rule in language.file.relation if rule.future}
        parts |= {rule.name: PART_BY_RULE[name] for name, rule in language.file.generic.items() if name in PART_BY_RULE}
    return parts


def _without_subsumed(thoughts: Sequence[Memory]) -> list[Memory]:
    """Thoughts, except those of which another one of the same relation holds all words."""
    groups: dict[object, list[tuple[frozenset[str], Memory]]] = defaultdict(list)
    for memory in sorted(thoughts, key=lambda m: (m.occurred_at, m.id), reverse=True):
        group = groups[(memory.head, memory.relation) if memory.relation else memory.id]
        said = frozenset(word.term for word in words(memory.text))
        if not any(said <= more for more, _ in group):
            group[:] = [*((less, m) for less, m in group if not less < said), (said, memory)]
    ids = {memory.id for group in groups.values() for _, memory in group}
    return [memory for memory in thoughts if memory.id in ids]


def _part_text(person: PortraitSubject, part: str) -> str:
    return " ".join(" ".join(m.text.split()) for m in choose_thoughts(person.thoughts) if part_of(m) == part)


def mood_line(person: PortraitSubject) -> str:
    """A person's mood on the whole and by month; "" where too little is known."""
    felt = [(month, voice) for month, voice in _voices_by_month(person).items() if voice.felt >= MIN_FELT_TURNS]
    if not felt:
        return ""
    whole = person.voice
    mood = next(word for least, word in MOOD_WORDS if whole.valence >= least)
    line = f"{mood} on the whole ({whole.valence:+.2f} of -1 to 1, over {whole.felt} turns)"
    months = ", ".join(f"{readable_period(month)} {voice.valence:+.2f}" for month, voice in felt)
    return f"{line}; {months}." if len(felt) > 1 else f"{line}."


def _voices_by_month(person: PortraitSubject) -> dict[str, Voice]:
    return sum_voices((period[:7], voice) for period, voice in person.voices)


def manner_line(person: PortraitSubject) -> str:
    """A person's manner of writing, and how best to answer it."""
    voice = person.voice
    if not voice.turns:
        return ""
    length = voice.words / voice.turns
    size, answer = next(names for most, *names in MESSAGE_LENGTHS if length < most)
    asks = f", and asks in {voice.questions / voice.turns:.0%} of them" if voice.questions else ""
    lately = [month for month in _voices_by_month(person).values() if month.felt >= MIN_FELT_TURNS][-1:]
    gently = ", gently of late" if lately and lately[0].valence < LOW_VALENCE else ""
    return f"writes {size} messages (about {length:.0f} words){asks}; best answered {answer}{gently}."
