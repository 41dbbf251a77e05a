"""Predicates: the verb of a clause, its tense, whether it is denied, and what follows it."""

import re
from typing import Literal, NamedTuple

from memkit.think.extractive.language import Language
from memkit.think.extractive.rule_file import ContextMeaning

WORD_PATTERN = re.compile(r"'?[^\W\d_][\w'-]*")
MAX_WORDS_BEFORE_VERB = 8

PredicateTime = Literal["now", "past", "used", "plan", "duty", "wish"]
MEANT_TIMES: tuple[PredicateTime, ...] = ("plan", "duty", "wish", "used")  # times that words before the verb tell


class Predicate(NamedTuple):
    """A verb as it was said (`word`), its `lemma`, what follows (`rest`), and what stands around it `means`."""

    lemma: str
    word: str
    rest: str
    time: PredicateTime
    means: frozenset[ContextMeaning] = frozenset()

    @property
    def phrase(self) -> str:
        """The verb's plain form and what follows it."""
        return f"{self.lemma} {self.rest}".rstrip()

    @property
    def holds(self) -> bool:
        """Whether a state that this verb names is so at the time of speaking."""
        return self.time == "now" or (self.time == "past" and "perfect" in self.means)

    @property
    def denied(self) -> bool:
        return bool(self.means & {"negated", "ended"})

    @property
    def ended(self) -> bool:
        return "ended" in self.means or {"anymore", "negated"} <= self.means


def predicate_of(text: str, language: Language) -> Predicate | None:
    """The predicate that a clause without its subject makes; None where it states nothing that is so."""
    context = _read_context(language.contracted(text), language)
    if context is None:
        return None
    means, rest = context
    for meaning, form in language.inside:
        rest, count = form.subn(" ", rest)
        means |= {meaning} if count else set()
    match = WORD_PATTERN.match(rest.strip())
    if match is None or "drop" in means:
        return None
    after = rest.strip()[match.end() :].lstrip()
    return _predicate(match[0], "" if after.startswith(",") else " ".join(after.split()), means, language)


def _read_context(text: str, language: Language) -> tuple[set[ContextMeaning], str] | None:
    """Meanings of what stands before the verb, and the rest; None where the clause then says nothing."""
    means: set[ContextMeaning] = set()
    for _ in range(MAX_WORDS_BEFORE_VERB):
        matches = ((meaning, form.match(text)) for meaning, form in language.before)
        meaning, match = next(((meaning, match) for meaning, match in matches if match), (None, None))
        if meaning is None or match is None:
            break
        if meaning == "drop":
            return None
        means.add(meaning)
        text = text[match.end() :]
    return means, text


def _predicate(word: str, rest: str, means: set[ContextMeaning], language: Language) -> Predicate:
    verb = language.verb_forms.verb(word)
    means = means | {"is"} if verb.tense == "progressive" and "was" not in means else means
    plain: PredicateTime = "past" if "was" in means or (verb.tense == "past" and "is" not in means) else "now"
    time = next((time for time in MEANT_TIMES if time in means), plain)
    if verb.tense == "progressive" and "perfect" in means and "is" in means:
        means = means - {"perfect"}
    return Predicate(verb.lemma, word, rest.strip(" ,"), time, frozenset(means))
