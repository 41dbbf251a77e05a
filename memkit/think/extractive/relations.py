"""Which clauses of a turn are facts worth keeping, and the relation that each of them states."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from memkit.text.terms.tokens import words
from memkit.text.times.dates import MentionedTime
from memkit.think.extractive.clauses import (
    ON,
    Clause,
    Timed,
    bare,
    clauses,
    is_statement,
    sentences,
    shown,
    span_of,
    utc,
    without_time,
)
from memkit.think.extractive.coreference import People, Subject
from memkit.think.extractive.language import Language, Phrase
from memkit.think.extractive.predicates import Predicate, predicate_of
from memkit.think.extractive.rule_file import GenericRule, RelationRule

GAP = "…"  # where the tail stands inside a relation's name
LONGEST = 110  # characters of a tail
Kind = Literal["holds", "held", "denied", "ended", "happened", "planned"]


class Statement(NamedTuple):
    """What a clause says: (head, relation, tail), in a sentence of its own, and when.

    Statements of one `key` about one head tell of the same thing; of a `single` one there is one at a time.
    """

    head: str
    relation: str
    tail: str
    text: str
    key: str
    single: bool
    kind: Kind
    span: MentionedTime | None
    called: str = ""  # the name of somebody of the speaker's whom it is about
    ends: str | None = None  # the relation under which what it ends, without saying of what, is closed


@dataclass
class Reading:
    """A turn as it is read, clause by clause."""

    people: People
    at: datetime
    zone: str

    @property
    def language(self) -> Language:
        return self.people.language

    def statements(self, text: str) -> Iterator[Statement]:
        """What the speaker of the turn states, in order."""
        self.people.new_turn()
        for sentence in sentences(text, self.language):
            self.people.new_sentence()
            request = self._request(sentence)
            if request is not None:
                yield request
            elif is_statement(sentence, self.language):
                whole = self._whole(bare(sentence, self.language))
                yield from whole or (s for c in clauses(sentence, self.language) for s in self._clause(c))

    def _whole(self, text: str) -> list[Statement]:
        """ "Call me ...", "Rita and I are engaged"."""
        matches = ((form.match(text), rule) for form, rule in self.language.whole)
        myself = self.people.myself
        found = (self._matched(m, rule, rule.now, "holds", myself, None) for m, rule in matches if m)
        return [statement for statement in found if statement is not None]

    # whom it is about

    def _clause(self, clause: Clause) -> Iterator[Statement]:
        text = clause.text
        naming = self.language.naming.match(text)
        found = self._named(naming) if naming is not None else self._owned(text)
        if found is not None:
            yield found
        elif naming is None:
            yield from self._told(clause)

    def _named(self, naming: re.Match[str]) -> Statement | None:
        rule = self.language.names_people
        if self.people.last is None or rule is None:
            return None
        return self._relation(rule, rule.now, "holds", naming["name"], self.people.last, None)

    def _owned(self, text: str) -> Statement | None:
        """ "My favourite colour is ..." """
        own = self.language.own.match(text)
        for form, rule in self.language.owned if own else ():
            match = form.match(text, own.end() if own else 0)
            if match is not None:
                return self._matched(match, rule, rule.now, "holds", self.people.myself, None)
        return None

    def _told(self, clause: Clause) -> Iterator[Statement]:
        timed = without_time(clause.text, self.language)
        text = self.language.upright(bare(self.language.trailing.sub("", timed.text), self.language))
        found = self.people.of(clause._replace(text=text)) if text else None
        if found is None:
            return
        subject, rest = found
        naming = self.language.possessed.match(rest)
        named = self._named(naming) if naming is not None else None
        predicate = predicate_of(rest, self.language) if named is None else None
        said = [named] if named is not None else [*self._stated(predicate, timed, subject)] if predicate else []
        yield from (one._replace(called=subject.name) for one in said)

    # what is said of them

    def _stated(self, p: Predicate, timed: Timed, subject: Subject) -> Iterator[Statement]:
        """The relations that a predicate states, one of a key; where there is none, what it says in general."""
        found: dict[str, Statement] = {}
        stative = "is" in p.means and self.language.fully(self.language.file.verbs.stative, p.lemma)
        if p.time in ("now", "past", "used") and not stative:
            for phrase in self.language.phrases.get(p.lemma, ()):
                stated = self._phrase(phrase, p, timed, subject) if phrase.rule.key not in found else None
                if stated is not None:
                    found[phrase.rule.key] = stated
        general = self._generic(p, timed, subject) if not found else None
        yield from found.values()
        if general is not None:
            yield general

    def _phrase(self, phrase: Phrase, p: Predicate, timed: Timed, subject: Subject) -> Statement | None:
        named = name_of(phrase, p)
        if named is None:
            return None
        match = phrase.form.match(p.rest)
        if match is None:
            return None
        name, kind = named
        if phrase.rule.future:
            kind = "planned"
        span = self._span(timed, future=phrase.rule.future)
        if phrase.effect == "ceased_any":
            event = self._event(p, timed, subject) if not p.rest[match.end() :] else None
            return event and event._replace(key=phrase.rule.key, single=True, kind=kind, ends=name)
        return self._matched(match, phrase.rule, name, kind, subject, span)

    def _matched(
        self,
        match: re.Match[str],
        rule: RelationRule,
        name: str,
        kind: Kind,
        subject: Subject,
        span: MentionedTime | None,
    ) -> Statement | None:
        found = match.groupdict()
        made = self._relation(rule, name, kind, match["tail"], subject, span, found.get("what") or "")
        if made is not None and found.get("entity"):
            self.people.mention(found["entity"])
        return made

    def _relation(
        self,
        rule: RelationRule,
        name: str,
        kind: Kind,
        tail: str,
        subject: Subject,
        span: MentionedTime | None,
        what: str = "",
    ) -> Statement | None:
        told = self._tail(tail, subject)
        if told is None or (not told and tail):
            return None
        name, key = name.replace("{what}", what.casefold()), rule.key.replace("{what}", what.casefold())
        text = self._sentence(rule, subject, name, told, what)
        since = kind == "holds"
        when = shown(span, self.language, since=since) if span and (not since or utc(span.start) <= self.at) else ""
        return Statement(subject.head, name, told, dated(text, when), key, rule.single, kind, span)

    def _generic(self, p: Predicate, timed: Timed, subject: Subject) -> Statement | None:
        if p.denied or "cannot" in p.means:
            return None
        if p.time in ("plan", "duty", "wish"):
            return self._intended(p.time, p, timed, subject)
        if p.time == "used":
            return self._past(p, subject)
        if p.time == "past":
            return self._event(p, timed, subject)
        if p.time == "now":
            return self._planned(p, timed, subject) or self._doing(p, timed, subject) or self._habit(p, subject)
        return None

    def _intended(self, name: str, p: Predicate, timed: Timed, subject: Subject) -> Statement | None:
        rule = self.language.file.generic.get(name)
        span = self._span(timed, future=True)
        if rule is None or not self._worth(rule, p, span) or not p.rest:
            return None
        return self._free(rule, p.phrase, "planned", subject, span)

    def _planned(self, p: Predicate, timed: Timed, subject: Subject) -> Statement | None:
        """ "I'm moving in May", "my sister visits on Thursday", "I'm planning a trip"."""
        rule = self.language.file.generic.get("plan")
        if rule is None or timed.leading.casefold().startswith(self.language.file.since):
            return None
        span = self._span(timed, future=True)
        for noun in self.language.plan_nouns:
            match = noun.match(p.phrase)
            if match is not None:
                return self._free(rule, match["tail"], "planned", subject, span, rule.loose)
        verbs = rule.progressive if "is" in p.means else rule.present
        if span is None or self._weak(span) or utc(span.end) <= self.at or not self.language.begins(verbs, p.phrase):
            return None
        return self._free(rule, p.phrase, "planned", subject, span)

    def _event(self, p: Predicate, timed: Timed, subject: Subject) -> Statement | None:
        rule = self.language.file.generic.get("event")
        arranged = rule is not None and self.language.begins(rule.arranged, p.phrase)
        span = self._span(timed, future=arranged and not ON.match(timed.words))
        if rule is None or "was" in p.means or not self._worth(rule, p, span):
            return None
        if not p.rest and not self.language.fully(rule.alone, p.phrase):
            return None
        verb = self.language.past(p.lemma) or p.word
        if p.lemma == self.language.file.be:
            verb = p.word if "perfect" not in p.means else verb
        return self._free(rule, f"{verb.casefold()} {p.rest}".strip(), "happened", subject, span)

    def _past(self, p: Predicate, subject: Subject) -> Statement | None:
        """ "We used to ..." """
        rule = self.language.file.generic.get("used")
        if rule is None or not p.rest or not self._worth(rule, p, None):
            return None
        return self._free(rule, p.phrase, "happened", subject, None)

    def _doing(self, p: Predicate, timed: Timed, subject: Subject) -> Statement | None:
        rule = self.language.file.generic.get("doing")
        if rule is None or "is" not in p.means or not self.language.begins(rule.verbs, p.phrase) or not p.rest:
            return None
        span = self._span(timed, future=True)
        coming = span if span and utc(span.start) > self.at else None
        return self._free(rule, f"{p.word.casefold()} {p.rest}", "planned" if coming else "happened", subject, coming)

    def _habit(self, p: Predicate, subject: Subject) -> Statement | None:
        rule = self.language.file.generic.get("habit")
        if rule is None or p.means - {"skip"} or self.language.begins(rule.idle, p.phrase):
            return None
        when = self.language.word(rule.when)
        if not when.search(p.rest) or self.language.trivial(p.rest) or not words(when.sub("", p.rest)):
            return None
        return self._free(rule, f"{self.language.third(p.lemma)} {self._agreed(p.rest)}", "happened", subject, None)

    def _agreed(self, rest: str) -> str:
        """What follows a verb, where that is a second one ("practise and train")."""
        joint = self.language.carrying.match(rest)
        if joint is None:
            return rest
        verb, _, more = rest[joint.end() :].strip().partition(" ")
        return f"{joint[0]} {self.language.third(verb)} {more}".strip()

    def _worth(self, rule: GenericRule, p: Predicate, span: MentionedTime | None) -> bool:
        if self.language.fully(rule.alone, p.phrase):
            return True
        if self.language.trivial(p.rest):
            return False
        if self.language.begins(rule.verbs, p.phrase):
            return True
        return span is not None and not self._weak(span) and self.language.begins(rule.dated, p.phrase)

    def _weak(self, span: MentionedTime) -> bool:
        return bool(self.language.fully(self.language.file.weak_dates, span.words))

    def _free(
        self,
        rule: GenericRule,
        tail: str,
        kind: Kind,
        subject: Subject,
        span: MentionedTime | None,
        form: str | None = None,
    ) -> Statement | None:
        told = self._tail(tail, subject)
        if not told or not words(told, self.language.file.stemmer):
            return None
        text = (form or rule.text).format(head=subject.head, name=rule.name, tail=told)
        when = shown(span, self.language) if span else ""
        return Statement(subject.head, rule.name, told, dated(text, when), f"{rule.name} {told}", False, kind, span)

    def _request(self, sentence: str) -> Statement | None:
        """ "Remind me to ..." """
        match = self.language.requests.match(sentence)
        if match is None:
            return None
        timed = without_time(sentence[match.end() :].rstrip(".!? "), self.language)
        rule = self.language.file.generic["duty"]
        return self._free(rule, timed.text, "planned", self.people.myself, self._span(timed, future=True))

    # in words that stand alone

    def _sentence(self, rule: RelationRule, subject: Subject, name: str, tail: str, what: str) -> str:
        name = self._agreeing(name, subject)
        if GAP in name:
            return f"{subject.head} {name.replace(GAP, tail)}."
        return rule.text.format(head=subject.head, name=name, tail=tail, what=what.casefold())

    def _agreeing(self, name: str, subject: Subject) -> str:
        first, _, rest = name.partition(" ")
        if not self.language.several.search(subject.head):
            return name
        return f"{self.language.file.people.plural.get(first, first)} {rest}".strip()

    def _tail(self, tail: str, subject: Subject) -> str | None:
        """What is said, told of the speaker; None where it speaks to somebody."""
        if self.language.refused.search(tail) or len(tail) > LONGEST:
            return None
        if self.language.fully(self.language.file.unfinished, tail.strip(" ,.;:-")):
            return None
        people = self.language.file.people
        names = people.self if subject.is_self else people.other

        def told(match: re.Match[str]) -> str:
            return names.get(match[0].casefold(), match[0]).format(speaker=self.people.speaker)

        return self.language.told.sub(told, tail).strip(" ,.;:-")

    def _span(self, timed: Timed, *, future: bool) -> MentionedTime | None:
        return span_of(timed, self.at, self.zone, future=future)


def name_of(phrase: Phrase, p: Predicate) -> tuple[str, Kind] | None:
    """The name under which a phrase's relation is stated by a predicate; None where it isn't."""
    rule, effect = phrase.rule, phrase.effect
    if (effect == "cannot") != ("cannot" in p.means):
        return None
    name: str | None = None
    kind: Kind = "holds"
    if effect == "cannot":
        name = rule.now if p.time == "now" else None
    elif effect == "state":
        name, kind = _state(rule, p)
    elif p.time == "past" and not p.denied and "was" not in p.means:
        name, kind = (rule.now, "holds") if effect == "became" else (rule.ended, "ended")
    return None if name is None else (name, kind)


def _state(rule: RelationRule, p: Predicate) -> tuple[str | None, Kind]:
    if p.time == "used" or not p.holds:
        return (None if p.denied else rule.past), "held"
    if p.ended:
        return rule.ended, "ended"
    if p.denied:
        return rule.negated, "denied"
    return rule.now, "holds"


def dated(text: str, when: str) -> str:
    """A sentence with a time put before its full stop."""
    return f"{text.removesuffix('.')}{when}." if when else text
