"""What a clause says of its subject: the verb, its tense, whether it is denied, and what follows it."""

import re
from dataclasses import dataclass, field
from typing import Literal

from memkit.think.extractive.language import Language
from memkit.think.extractive.rule_file import Means

WORD = re.compile(r"'?[^\W\d_][\w'-]*")
MOST = 8  # words that may stand before a verb and be read

Time = Literal["now", "past", "used", "plan", "duty", "wish"]


@dataclass(frozen=True)
class Predicate:
    """`lemma` and `rest` in the verb's plain form, `word` as it was said; `means` what stood around it."""

    lemma: str
    word: str
    rest: str
    time: Time
    means: frozenset[Means] = field(default_factory=frozenset)

    @property
    def phrase(self) -> str:
        """The verb's plain form and what follows it."""
        return f"{self.lemma} {self.rest}".rstrip()

    @property
    def holds(self) -> bool:
        """What a state of this verb says is so at the time of speaking."""
        return self.time == "now" or (self.time == "past" and "perfect" in self.means)

    @property
    def denied(self) -> bool:
        return bool(self.means & {"negated", "ended"})

    @property
    def ended(self) -> bool:
        return "ended" in self.means or {"anymore", "negated"} <= self.means


def predicate_of(text: str, language: Language) -> Predicate | None:
    """The predicate that a clause without its subject makes; None where it states nothing that is so."""
    found = _before(language.contracted(text), language)
    if found is None:
        return None
    means, rest = found
    for meaning, form in language.inside:
        rest, count = form.subn(" ", rest)
        means |= {meaning} if count else set()
    match = WORD.match(rest.strip())
    if match is None or "drop" in means:
        return None
    after = rest.strip()[match.end() :].lstrip()
    return _predicate(match[0], "" if after.startswith(",") else " ".join(after.split()), means, language)


def _before(text: str, language: Language) -> tuple[set[Means], str] | None:
    """What stands before the verb means, and the rest; None where it makes the clause say nothing."""
    means: set[Means] = set()
    for _ in range(MOST):
        found = next(((meaning, m) for meaning, form in language.before if (m := form.match(text))), None)
        if found is None:
            break
        if found[0] == "drop":
            return None
        means.add(found[0])
        text = text[found[1].end() :]
    return means, text


def _predicate(word: str, rest: str, means: set[Means], language: Language) -> Predicate:
    verb = language.verb(word)
    means = means | {"is"} if verb.tense == "progressive" and "was" not in means else means
    wanted: list[Time] = [time for time in ("plan", "duty", "wish", "used") if time in means]
    if wanted:
        time: Time = wanted[0]
    elif "was" in means or (verb.tense == "past" and "is" not in means):
        time = "past"
    else:
        time = "now"
    if verb.tense == "progressive" and "perfect" in means and "is" in means:
        means = means - {"perfect"}
    return Predicate(verb.lemma, word, rest.strip(" ,"), time, frozenset(means))
