"""Whom a clause is about: the speaker, somebody of theirs, or who was spoken of before."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from memkit.models import Memory
from memkit.think.extractive.clauses import Clause
from memkit.think.extractive.language import Language

CALLED = "called"  # in a thought's metadata: the name of whom it is about


class Subject(NamedTuple):
    """Whom a clause is about. `noun` and `name` are set where it is somebody of the speaker's, called by name."""

    head: str
    gender: str  # "self", "female", "male", "pet", "thing" or "any"
    noun: str = ""
    name: str = ""

    @property
    def is_self(self) -> bool:
        return self.gender == "self"


@dataclass
class People:
    """Whom a speaker spoke of, so that "she" and "Rita" can be told."""

    speaker: str
    language: Language
    known: dict[str, Subject] = field(default_factory=dict)  # by name
    last: Subject | None = None
    _current: Subject | None = None
    _elsewhere: bool = False  # a clause of this sentence was about something else

    @property
    def myself(self) -> Subject:
        return Subject(self.speaker, "self")

    def new_turn(self) -> None:
        """Who was spoken of in another turn is no longer "she"."""
        self.last = None

    def new_sentence(self) -> None:
        """A sentence's first clause needs a subject of its own."""
        self._current, self._elsewhere = None, False

    def learn(self, thoughts: Iterable[Memory]) -> None:
        """Who is called by which name, from thoughts about them."""
        for thought in thoughts:
            name = str(thought.metadata.get(CALLED) or "")
            before, _, after = self.language.file.people.whose.format(owner=self.speaker, noun="\0").partition("\0")
            noun = (thought.head or "").removeprefix(before).removesuffix(after).removesuffix(name).strip()
            if name and self._somebody(noun, name).head == thought.head:
                self.known.setdefault(name, self._somebody(noun, name))

    def of(self, clause: Clause) -> tuple[Subject, str] | None:
        """The subject of a clause, and what is said of it; None where it is about something else."""
        match = self.language.subject.match(clause.text)
        if match is not None:
            self._meet(self._meant(match))
            return (self._current, clause.text[match.end() :]) if self._current else None
        name = self.language.called.match(clause.text)
        if name is not None and name["name"] in self.known:
            self._meet(self.known[name["name"]])
            return self.known[name["name"]], clause.text[name.end() :]
        if self._goes_on(clause):
            return self._current or self.myself, clause.text
        self._current, self._elsewhere = None, True
        return None

    def mention(self, noun: str) -> None:
        """Something of the speaker's was named: "a dog"."""
        self.last = self._somebody(noun, "", "pet")

    def _goes_on(self, clause: Clause) -> bool:
        """Whether the clause leaves out its subject."""
        if clause.follows and self._current is not None and self.language.is_verb(clause.text):
            return True
        omitted = self.language.omitted.match(clause.text) or self.language.tells_past(clause.text)
        if omitted and not self._elsewhere:
            self._current = self.myself
            return True
        return False

    def _meet(self, subject: Subject | None) -> None:
        self._current = subject
        self._elsewhere = subject is None or not subject.is_self
        if subject is not None and subject.gender not in ("self", "thing"):
            self.last = subject
            if subject.name:
                self.known[subject.name] = subject

    def _meant(self, match: re.Match[str]) -> Subject | None:
        if match["self"]:
            return self.myself
        if match["noun"]:
            return self._somebody(match["noun"], match["name"] or "")
        wanted = self.language.file.subject.pronouns.get(match["pronoun"].casefold(), "any")
        last = self.last
        fits = last is not None and (wanted in ("any", last.gender) or last.gender in ("any", "pet"))
        return last if fits else None

    def _somebody(self, noun: str, name: str, gender: str = "any") -> Subject:
        called = f"{noun} {name}".strip()
        head = self.language.file.people.whose.format(owner=self.speaker, noun=called)
        return Subject(head, self._kind(noun) or gender, noun, name)

    def _kind(self, noun: str) -> str | None:
        """The gender of the word that a noun ends in; None where it is nobody."""
        words = noun.casefold().split()
        ends = (" ".join(words[start:]) for start in range(len(words)))
        return next((self.language.genders[end] for end in ends if end in self.language.genders), None)
