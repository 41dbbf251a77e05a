"""Coreference: a clause is about its speaker, somebody of theirs, or who was spoken of before."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from memkit.models import Memory
from memkit.think.extractive.clauses import Clause
from memkit.think.extractive.language import Language

NAME_FIELD = "called"  # in a thought's metadata: the name of whom it is about


class Subject(NamedTuple):
    """The one that a clause is about. `noun`, `name`: of somebody of the speaker's, in "my sister Rita"."""

    head: str
    gender: str  # "self", "female", "male", "pet", "thing" or "any"
    noun: str = ""
    name: str = ""


@dataclass
class Referents:
    """People and things that a speaker spoke of, to which "she" and "Rita" may refer."""

    speaker: str
    language: Language
    by_name: dict[str, Subject] = field(default_factory=dict)
    others: frozenset[str] = frozenset()  # names of those who speak, too, in small letters
    last: Subject | None = None
    last_clause: str = ""  # the clause that was read last, and the tail of what it stated
    last_tail: str = ""
    _current: Subject | None = None
    _elsewhere: bool = False  # a clause of this sentence was about something else

    @property
    def myself(self) -> Subject:
        return Subject(self.speaker, "self")

    def new_turn(self) -> None:
        """Forget who was spoken of last: it is no longer "she"."""
        self.last = None

    def new_sentence(self) -> None:
        """Forget the subject: a sentence's first clause needs one of its own."""
        self._current, self._elsewhere = None, False
        self.last_clause = self.last_tail = ""

    def learn_names(self, thoughts: Iterable[Memory]) -> None:
        """Names of people, from thoughts about them."""
        for thought in thoughts:
            name = str(thought.metadata.get(NAME_FIELD) or "")
            before, _, after = self.language.file.people.whose.format(owner=self.speaker, noun="\0").partition("\0")
            noun = (thought.head or "").removeprefix(before).removesuffix(after).removesuffix(name).strip()
            if name and self._possession(noun, name).head == thought.head:
                self.by_name.setdefault(name, self._possession(noun, name))

    def mended_clause(self, tail: str, *, is_meant: bool) -> str | None:
        """The clause that was read last with another tail; None where that is none.

        A name or a number takes the place of its like; other words only where they say that they do (`is_meant`).
        """
        old = self.last_tail
        if not old or old not in self.last_clause or tail.casefold() in self.others:
            return None
        is_like = any(begins(old) and begins(tail) for begins in (_begins_with_capital, _begins_with_digit))
        return self.last_clause.replace(old, tail, 1) if is_like or is_meant else None

    def resolve(self, clause: Clause) -> tuple[Subject, str] | None:
        """A clause's subject, and the rest of the clause; None where it is about something else."""
        match = self.language.subjects["subject"].match(clause.text)
        if match is not None:
            self._set_current(self._referent(match))
            return (self._current, clause.text[match.end() :]) if self._current else None
        name = self.language.subjects["called"].match(clause.text)
        if name is not None and name["name"] in self.by_name:
            self._set_current(self.by_name[name["name"]])
            return self.by_name[name["name"]], clause.text[name.end() :]
        if self._omits_subject(clause):
            return self._current or self.myself, clause.text
        self._current, self._elsewhere = None, True
        return None

    def mention(self, noun: str) -> None:
        """Something of the speaker's was named: "a dog"."""
        self.last = self._possession(noun, "", "pet")

    def _omits_subject(self, clause: Clause) -> bool:
        """Whether the clause leaves out its subject."""
        if clause.follows and self._current is not None and self.language.is_verb(clause.text):
            return True
        omitted = self.language.subjects["omitted"].match(clause.text) or self.language.tells_past(clause.text)
        if omitted and not self._elsewhere:
            self._current = self.myself
            return True
        return False

    def _set_current(self, subject: Subject | None) -> None:
        self._current = subject
        self._elsewhere = subject is None or subject.gender != "self"
        if subject is not None and subject.gender not in ("self", "thing"):
            self.last = subject
            if subject.name:
                self.by_name[subject.name] = subject

    def _referent(self, match: re.Match[str]) -> Subject | None:
        if match["self"]:
            return self.myself
        if match["noun"]:
            return self._possession(match["noun"], match["name"] or "")
        wanted = self.language.file.subject.pronouns.get(match["pronoun"].casefold(), "any")
        last = self.last
        fits = last is not None and (wanted in ("any", last.gender) or last.gender in ("any", "pet"))
        return last if fits else None

    def _possession(self, noun: str, name: str, gender: str = "any") -> Subject:
        head = self.language.file.people.whose.format(owner=self.speaker, noun=f"{noun} {name}".strip())
        return Subject(head, self._gender(noun) or gender, noun, name)

    def _gender(self, noun: str) -> str | None:
        """The gender of the word that a noun ends in; None where it is nobody."""
        words = noun.casefold().split()
        ends = (" ".join(words[start:]) for start in range(len(words)))
        return next((self.language.genders[end] for end in ends if end in self.language.genders), None)


def _begins_with_capital(text: str) -> bool:
    return text[:1].isupper()


def _begins_with_digit(text: str) -> bool:
    return text[:1].isdigit()
