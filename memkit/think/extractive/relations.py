"""Statements of a turn: the clauses that are facts worth keeping, and the relation that each of them states."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from memkit.text.terms.tokens import words
from memkit.think.extractive.clauses import (
    ON_WEEKDAY_PATTERN,
    Clause,
    StatedTime,
    TimedClause,
    is_statement,
    split_clauses,
    split_demands,
    split_sentences,
    stated_time,
    time_phrase,
    without_opening,
    without_time,
)
from memkit.think.extractive.coreference import Referents, Subject
from memkit.think.extractive.language import Language, Phrase
from memkit.think.extractive.predicates import Predicate, predicate_of
from memkit.think.extractive.rule_file import GenericRule, RelationRule
from memkit.times import as_utc

TAIL_MARK = "…"  # where the tail stands inside a relation's name
MAX_TAIL_CHARS = 110
MAX_MENDED_CHARS = 300  # of a sentence whose last words may put right those before
StatementKind = Literal["holds", "held", "denied", "ended", "happened", "planned"]


class Statement(NamedTuple):
    """A clause's (head, relation, tail), in a sentence of its own, and when it holds.

    Statements of one `key` about one head tell of the same thing; of a `single` one there is one at a time.
    """

    head: str
    relation: str
    tail: str
    text: str
    key: str
    single: bool
    kind: StatementKind
    time: StatedTime | None
    called: str = ""  # the name of somebody of the speaker's whom it is about
    ends: str | None = None  # the relation under which what it ends, without saying of what, is closed


class TurnReader(NamedTuple):
    """Reads a turn, clause by clause."""

    people: Referents
    at: datetime
    zone: str

    @property
    def language(self) -> Language:
        return self.people.language

    def statements(self, text: str) -> Iterator[Statement]:
        """Statements of the turn's speaker, in order."""
        self.people.new_turn()
        last: list[Statement] = []
        for part in self._parts(text):
            mended = self._mended(part)
            if mended:
                last[-1:] = mended
            else:
                yield from last
                last = self._read(part)
        yield from last

    def _parts(self, text: str) -> Iterator[str]:
        """The sentences, and by themselves the words at their ends that put right those before."""
        mended, within = (self.language.patterns[name] for name in ("mended", "mended_within"))
        for sentence in split_sentences(text, self.language):
            is_plain = len(sentence) > MAX_MENDED_CHARS or mended.fullmatch(sentence)
            both = None if is_plain else within.fullmatch(sentence)
            yield from (both["said"], both["mended"]) if both else (sentence,)

    def _mended(self, part: str) -> list[Statement]:
        """Statements in place of the last one: "Sorry, Porto." """
        match = self.language.patterns["mended"].fullmatch(part)
        clause = match and self.people.mended_clause(match["tail"], is_meant=bool(match["meant"]))
        return list(self._clause(Clause(clause, follows=False))) if clause else []

    def _read(self, sentence: str) -> list[Statement]:
        self.people.new_sentence()
        request = self._request(sentence)
        return [request] if request is not None else list(self._sentence(sentence))

    def _sentence(self, sentence: str) -> Iterator[Statement]:
        """Statements of a sentence; what it demands last, since "I'm Robert, but call me Bob" means Bob."""
        if is_statement(sentence, self.language):
            whole, rest = self._self_told(self.language.whole, without_opening(sentence, self.language))
            yield from [whole] if whole else ()
            yield from (s for c in split_clauses(rest if whole else sentence, self.language) for s in self._clause(c))
        for piece in split_demands(sentence, self.language):
            demand, _ = self._self_told(self.language.asked, piece)
            yield from [demand] if demand else ()

    def _self_told(
        self, forms: Iterable[tuple[re.Pattern[str], RelationRule]], text: str
    ) -> tuple[Statement | None, str]:
        """Statement of the first form that tells something of the speaker ("call me ..."), and the rest of the text."""
        for form, rule in forms:
            match = form.match(text)
            statement = self._matched(match, rule, rule.now, "holds", self.people.myself, None) if match else None
            if match and statement:
                return statement, text[match.end() :]
        return None, text

    # the subject

    def _clause(self, clause: Clause) -> Iterator[Statement]:
        self.people.last_clause, self.people.last_tail = clause.text, ""
        naming = self.language.subjects["naming"].match(clause.text)
        whole, _ = self._self_told(self.language.whole, clause.text)
        statement = self._named(naming) if naming is not None else whole or self._owned(clause.text)
        if statement is not None:
            yield statement
        elif naming is None:
            yield from self._about_subject(clause)

    def _named(self, naming: re.Match[str]) -> Statement | None:
        file = self.language.file
        rule = next((rule for rule in file.relation if rule.key == file.naming_relation), None)
        if self.people.last is None or rule is None:
            return None
        return self._relation(rule, rule.now, "holds", naming["name"], self.people.last, None)

    def _owned(self, text: str) -> Statement | None:
        """ "My favourite colour is ..." """
        own = self.language.subjects["own"].match(text)
        for form, rule in self.language.owned if own else ():
            match = form.match(text, own.end() if own else 0)
            if match is not None:
                return self._matched(match, rule, rule.now, "holds", self.people.myself, None)
        return None

    def _about_subject(self, clause: Clause) -> Iterator[Statement]:
        timed = without_time(clause.text, self.language)
        text = self.language.uninverted(
            without_opening(self.language.patterns["trailing"].sub("", timed.text), self.language)
        )
        resolved = self.people.resolve(clause._replace(text=text)) if text else None
        if resolved is None:
            return
        subject, rest = resolved
        naming = self.language.subjects["possessed"].match(rest)
        named = self._named(naming) if naming is not None else None
        predicate = predicate_of(rest, self.language) if named is None else None
        said = [named] if named is not None else self._stated(predicate, timed, subject) if predicate else []
        yield from (statement._replace(called=subject.name) for statement in said)

    # its predicate

    def _stated(self, p: Predicate, timed: TimedClause, subject: Subject) -> list[Statement]:
        """Relations that a predicate states, one of a key; where there is none, a general statement."""
        by_key: dict[str, Statement] = {}
        stative = "is" in p.means and self.language.fully(self.language.file.verbs.stative, p.lemma)
        if p.time in ("now", "past", "used") and not stative:
            for phrase in self.language.phrases.get(p.lemma, ()):
                stated = self._phrase(phrase, p, timed, subject) if phrase.rule.key not in by_key else None
                if stated is not None:
                    by_key[phrase.rule.key] = stated
        general = self._generic(p, timed, subject) if not by_key else None
        return list(by_key.values()) if general is None else [general]

    def _phrase(self, phrase: Phrase, p: Predicate, timed: TimedClause, subject: Subject) -> Statement | None:
        named = relation_name(phrase, p)
        match = phrase.form.match(p.rest) if named is not None else None
        if named is None or match is None:
            return None
        name, kind = named
        if phrase.rule.future:
            kind = "planned"
        time = self._stated_time(timed, future=phrase.rule.future or (kind == "holds" and timed.is_end))
        if phrase.effect == "ceased_any":
            event = self._event(p, timed, subject) if not p.rest[match.end() :] else None
            return event and event._replace(key=phrase.rule.key, single=True, kind=kind, ends=name)
        return self._matched(match, phrase.rule, name, kind, subject, time)

    def _matched(
        self,
        match: re.Match[str],
        rule: RelationRule,
        name: str,
        kind: StatementKind,
        subject: Subject,
        time: StatedTime | None,
    ) -> Statement | None:
        groups = match.groupdict()
        statement = self._relation(rule, name, kind, match["tail"], subject, time, groups.get("what") or "")
        self.people.last_tail = match["tail"] if statement is not None else self.people.last_tail
        if statement is not None and groups.get("entity"):
            self.people.mention(groups["entity"])
        return statement

    def _relation(
        self,
        rule: RelationRule,
        name: str,
        kind: StatementKind,
        tail: str,
        subject: Subject,
        time: StatedTime | None,
        what: str = "",
    ) -> Statement | None:
        shifted = self._tail(tail, subject)
        if shifted is None or (not shifted and tail):
            return None
        name, key = name.replace("{what}", what.casefold()), rule.key.replace("{what}", what.casefold())
        text = self._written(rule, subject, name, shifted, what)
        when = self._when(time, holds=kind == "holds")
        return Statement(subject.head, name, shifted, with_time(text, when), key, rule.single, kind, time)

    def _when(self, time: StatedTime | None, *, holds: bool) -> str:
        """Words for a statement's time; none for one from which on something that holds would be in time to come."""
        is_sound = time is not None and (time.is_end or not holds or as_utc(time.interval.start) <= self.at)
        return time_phrase(time, self.language, holds=holds) if time is not None and is_sound else ""

    def _generic(self, p: Predicate, timed: TimedClause, subject: Subject) -> Statement | None:
        if p.denied or "cannot" in p.means:
            return None
        if p.time == "past":
            return self._event(p, timed, subject)
        if p.time == "now":
            return self._planned(p, timed, subject) or self._doing(p, timed, subject) or self._habit(p, subject)
        return self._intended(p, timed, subject)

    def _intended(self, p: Predicate, timed: TimedClause, subject: Subject) -> Statement | None:
        """ "We want to ...", "we used to ..." """
        rule = self.language.file.generic.get(p.time)
        time = None if p.time == "used" else self._stated_time(timed, future=True)
        if rule is None or not self._worth(rule, p, time) or not p.rest:
            return None
        return self._free(rule, p.phrase, "happened" if p.time == "used" else "planned", subject, time)

    def _planned(self, p: Predicate, timed: TimedClause, subject: Subject) -> Statement | None:
        """ "I'm moving in May", "my sister visits on Thursday", "I'm planning a trip"."""
        rule = self.language.file.generic.get("plan")
        if rule is None or timed.leading.casefold().startswith(self.language.file.since):
            return None
        time = self._stated_time(timed, future=True)
        for noun in rule.nouns:
            match = self.language.pattern(noun).match(p.phrase)
            if match is not None:
                return self._free(rule, match["tail"], "planned", subject, time, rule.loose)
        verbs = rule.progressive if "is" in p.means else rule.present
        if (
            time is None
            or self._weak(time)
            or as_utc(time.interval.end) <= self.at
            or not self.language.begins(verbs, p.phrase)
        ):
            return None
        return self._free(rule, p.phrase, "planned", subject, time)

    def _event(self, p: Predicate, timed: TimedClause, subject: Subject) -> Statement | None:
        rule = self.language.file.generic.get("event")
        arranged = rule is not None and self.language.begins(rule.arranged, p.phrase)
        time = self._stated_time(timed, future=arranged and not ON_WEEKDAY_PATTERN.match(timed.words))
        if rule is None or "was" in p.means or not self._worth(rule, p, time):
            return None
        if not p.rest and not self.language.fully(rule.alone, p.phrase):
            return None
        as_said = p.lemma == self.language.file.be and "perfect" not in p.means
        verb = p.word if as_said else self.language.verb_forms.pasts.get(p.lemma, p.word)
        return self._free(rule, f"{verb.casefold()} {p.rest}".strip(), "happened", subject, time)

    def _doing(self, p: Predicate, timed: TimedClause, subject: Subject) -> Statement | None:
        rule = self.language.file.generic.get("doing")
        if rule is None or "is" not in p.means or not self.language.begins(rule.verbs, p.phrase) or not p.rest:
            return None
        time = self._stated_time(timed, future=True)
        coming = time if time and as_utc(time.interval.start) > self.at else None
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
        """The rest of a clause, where a second verb in it ("practise and train") has to agree."""
        joint = self.language.patterns["carrying"].match(rest)
        if joint is None:
            return rest
        verb, _, more = rest[joint.end() :].strip().partition(" ")
        return f"{joint[0]} {self.language.third(verb)} {more}".strip()

    def _worth(self, rule: GenericRule, p: Predicate, time: StatedTime | None) -> bool:
        if self.language.fully(rule.alone, p.phrase):
            return True
        is_dated = time is not None and not self._weak(time) and self.language.begins(rule.dated, p.phrase)
        return not self.language.trivial(p.rest) and (is_dated or self.language.begins(rule.verbs, p.phrase))

    def _weak(self, time: StatedTime) -> bool:
        return bool(self.language.fully(self.language.file.weak_dates, time.words))

    def _free(
        self,
        rule: GenericRule,
        tail: str,
        kind: StatementKind,
        subject: Subject,
        time: StatedTime | None,
        form: str | None = None,
    ) -> Statement | None:
        shifted = self._tail(tail, subject)
        if not shifted or not words(shifted, self.language.file.stemmer):
            return None
        text = (form or rule.text).format(head=subject.head, name=rule.name, tail=shifted)
        when = self._when(time, holds=False)
        return Statement(
            subject.head, rule.name, shifted, with_time(text, when), f"{rule.name} {shifted}", False, kind, time
        )

    def _request(self, sentence: str) -> Statement | None:
        """ "Remind me to ..." """
        match = self.language.requests.match(sentence)
        if match is None:
            return None
        timed = without_time(sentence[match.end() :].rstrip(".!? "), self.language)
        rule = self.language.file.generic["duty"]
        return self._free(rule, timed.text, "planned", self.people.myself, self._stated_time(timed, future=True))

    # its sentence

    def _written(self, rule: RelationRule, subject: Subject, name: str, tail: str, what: str) -> str:
        name = self._agreeing(name, subject)
        if TAIL_MARK in name:
            return f"{subject.head} {name.replace(TAIL_MARK, tail)}."
        return rule.text.format(head=subject.head, name=name, tail=tail, what=what.casefold())

    def _agreeing(self, name: str, subject: Subject) -> str:
        first, _, rest = name.partition(" ")
        if not self.language.subjects["several"].search(subject.head):
            return name
        return f"{self.language.file.people.plural.get(first, first)} {rest}".strip()

    def _tail(self, tail: str, subject: Subject) -> str | None:
        """A tail in words about the speaker ("my" to "Ana's"); None where it speaks to somebody."""
        is_unfinished = self.language.fully(self.language.file.unfinished, tail.strip(" ,.;:-"))
        if is_unfinished or len(tail) > MAX_TAIL_CHARS or self.language.patterns["refused"].search(tail):
            return None
        people, speaker = self.language.file.people, self.people.speaker
        names, shifted = people.self if subject.gender == "self" else people.other, self.language.patterns["shifted"]
        return shifted.sub(lambda m: names.get(m[0].casefold(), m[0]).format(speaker=speaker), tail).strip(" ,.;:-")

    def _stated_time(self, timed: TimedClause, *, future: bool) -> StatedTime | None:
        return stated_time(timed, self.at, self.zone, future=future)


def relation_name(phrase: Phrase, p: Predicate) -> tuple[str, StatementKind] | None:
    """The name under which a phrase's relation is stated by a predicate; None where it isn't."""
    rule, effect = phrase.rule, phrase.effect
    if (effect == "cannot") != ("cannot" in p.means):
        return None
    name: str | None = None
    kind: StatementKind = "holds"
    if effect == "cannot":
        name = rule.now if p.time == "now" else None
    elif effect == "state":
        name, kind = _state(rule, p)
    elif p.time == "past" and not p.denied and "was" not in p.means:
        name, kind = (rule.now, "holds") if effect == "became" else (rule.ended, "ended")
    return None if name is None else (name, kind)


def _state(rule: RelationRule, p: Predicate) -> tuple[str | None, StatementKind]:
    if p.time == "used" or not p.holds:
        return (None if p.denied else rule.past), "held"
    if p.ended:
        return rule.ended, "ended"
    if p.denied:
        return rule.negated, "denied"
    return rule.now, "holds"


def with_time(text: str, when: str) -> str:
    """A sentence with a time put before its full stop."""
    return f"{text.removesuffix('.')}{when}." if when else text
