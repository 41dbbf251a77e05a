"""Plans: clauses of a turn that put something at a time to come, and sentences that call one off or move it.

Told by English words. Questions, habits and conditions are no plans; a question that asks to be reminded is one.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from memkit.text.hints import hint_words
from memkit.text.parts import SENTENCE_END_PATTERN, without_recalled
from memkit.text.pasted.spans import own_words
from memkit.text.terms.tokens import asks, stem, words
from memkit.text.times.intervals import Interval
from memkit.text.times.mentioned import DatedClause, timed_clauses, without_times

CALLED_OFF_PATTERN = re.compile(
    r"(?<!not )(?<!n['’]t )(?<!not been )\b(?:cancel(?:l?ed|l?ing|s)?|call(?:ed|ing)? (?:\w+ )?off|f[ea]ll(?:s"
    r"|en)? through"
    r"|scrapped|ditched|dropped out)\b"
    r"|(?:\bno longer|\bnot|n['’]t)\b(?: \w+)? (?:go(?:ing)?|com(?:e|ing)|happen(?:ing)?|meet(?:ing)?|fly(?:ing)?"
    r"|attend(?:ing)?|travel(?:l?ing)?|mak(?:e|ing) it|tak(?:e|ing) place|need(?:ed)?)\b"
    r"|\b(?:is|are|['’]s) (?:off|out of the question)(?=[.!,]|$)|\bskip(?:ping)?\b"
    r"|^\W*no (?:[\w'’]+ ){1,3}?(?:on|this|next|today|tomorrow|tonight)\b",
    re.IGNORECASE,
)
MOVED_PATTERN = re.compile(
    r"\b(?:(?:re-?)?scheduled (?:\w+ )?(?:to|for)|re-?schedul(?:ed|ing)?|postpon(?:ed?|ing)|mov(?:ed?"
    r"|ing) (?:[\w'’]+ ){0,4}?"
    r"(?:to|until|back|forward)|push(?:ed|ing)? (?:[\w'’]+ ){0,4}?(?:to|until|back)|put (?:[\w'’]+ ){0,4}?off|delayed"
    r"|br(?:ing|ought) (?:[\w'’]+ ){0,4}?forward|chang(?:ed?|ing) (?:[\w'’]+ ){0,4}?to|instead)\b",
    re.IGNORECASE,
)
NEW_TIME_PATTERN = re.compile(r"\b(?:to|until|till|for)(?: the)? $", re.IGNORECASE)
INSTEAD_PATTERN = re.compile(r"\b(?:instead|now on|now at)\b", re.IGNORECASE)
NO_PLAN_PATTERN = re.compile(
    r"\b(?:if|unless|whether|wish|would have|used to|usually|always|never|every|each|normally|often|might|maybe|perhaps"
    r"|remember when|as if|than|since|ago)\b",
    re.IGNORECASE,
)
REMINDER_PATTERN = re.compile(r"\bremind me\b|\bdon['’]t let me forget\b", re.IGNORECASE)
CONDITION_PATTERN = re.compile(r"\b(?:if|unless|whether|might|may|could|would)\b", re.IGNORECASE)
DEFINITE_PATTERN = re.compile(
    r"^\W*(?:(?:so|and|ok|okay|actually|sorry|no|oh),? )*(?:my|our|the|\w+['’]s)\b", re.IGNORECASE
)
CALLED_OFF_WORDS = frozenset(  # one of them is part of all that calls off, but for what isn't done
    """
    cancel cancels canceled cancelled canceling cancelling off through scrapped ditched dropped skip skipping question
    no
    """.split()
)
MOVED_WORDS = frozenset(  # one of them is part of all that moves
    """
    scheduled rescheduled scheduling rescheduling postpone postponed postponing move moved moving push
    pushed pushing put delayed bring brought change changed changing instead
    """.split()
)
NEGATION_WORDS = frozenset(["not", "t", "longer"])  # "n't" is cut at its apostrophe
NEGATED_WORDS = frozenset(
    """
    go going come coming happen happening meet meeting fly flying attend attending travel traveling travelling make
    making take taking need needed
    """.split()
)
LIGHT_TERMS = frozenset(
    stem(word)
    for word in """
    able anymore appear back book booked bring brought call called cancel cancelled canceled change changed come
    coming delay
    delayed due exciting excited fell finally forget forward get go going good gone great happen happening have
    hope instead let
    like longer look looking make making maybe meant move moved need new nice now off ok okay place plan planned
    planning please
    postpone postponed push pushed put really remind reschedule rescheduled schedule scheduled see set soon sorry
    start starts
    sure take takes taking tell think through time today tomorrow tonight wait want yes
    """.split()
)


class Plan(NamedTuple):
    """A plan as a turn tells it: its time, its sentence, and the terms that say what it is."""

    interval: Interval
    sentence: str
    topic: frozenset[str]

    @property
    def is_definite(self) -> bool:
        """Whether it says when the one thing of its kind is: "My interview is on Friday"."""
        return DEFINITE_PATTERN.match(self.sentence) is not None


class PlanChange(NamedTuple):
    """A sentence by which a plan is called off or moved; `topic` is empty where it only points at one ("it")."""

    topic: frozenset[str]
    intervals: tuple[Interval, ...]


def plans(text: str, at: datetime, zone: str, *, day_first: bool = False) -> list[Plan]:
    """Plans that a turn tells in its own words, in order. `at`: when it was said."""
    clauses = timed_clauses(text, at, zone, day_first=day_first)
    ahead = (clause for clause in clauses if clause.interval.end > at and _is_plan(clause))
    every = (Plan(clause.interval, clause.sentence, _topic(clause)) for clause in ahead)
    return [plan for plan in every if plan.topic]


def _topic(dated: DatedClause) -> frozenset[str]:
    return topic_of(dated.clause) or topic_of(dated.sentence)


def _is_plan(timed: DatedClause) -> bool:
    if timed.tense == "past" or NO_PLAN_PATTERN.search(timed.clause):
        return False
    if asks(timed.sentence) and not REMINDER_PATTERN.search(timed.sentence):
        return False
    if CALLED_OFF_PATTERN.search(timed.sentence) and not INSTEAD_PATTERN.search(timed.clause):
        return False
    is_new = NEW_TIME_PATTERN.search(timed.clause[: timed.place]) or INSTEAD_PATTERN.search(timed.clause)
    return is_new is not None or not MOVED_PATTERN.search(timed.clause)


def changes_plans(text: str) -> bool:
    """Whether a turn may call something off or move it, by its own words."""
    return any(_changing_sentences(text))


def plan_changes(text: str, at: datetime, zone: str, *, day_first: bool = False) -> list[PlanChange]:
    """Changes of plans that a turn tells, in order."""
    timed = timed_clauses(text, at, zone, day_first=day_first)
    return [
        PlanChange(topic_of(sentence), tuple(t.interval for t in timed if t.sentence == sentence.strip()))
        for sentence in _changing_sentences(text)
    ]


def _changing_sentences(text: str) -> Iterator[str]:
    if _change_in(text) is None:
        return
    for sentence in SENTENCE_END_PATTERN.split(own_words(without_recalled(text))):
        match = _change_in(sentence)
        if match and not asks(sentence) and not CONDITION_PATTERN.search(sentence[: match.start()]):
            yield sentence


def _change_in(text: str) -> re.Match[str] | None:
    """Words that call off or move; where no hint of them is there, as in most texts, the text is read no further."""
    hints = hint_words(text)
    is_negated = not (NEGATION_WORDS.isdisjoint(hints) or NEGATED_WORDS.isdisjoint(hints))
    may_call_off = is_negated or not CALLED_OFF_WORDS.isdisjoint(hints)
    called_off = CALLED_OFF_PATTERN.search(text) if may_call_off else None
    return called_off or (None if MOVED_WORDS.isdisjoint(hints) else MOVED_PATTERN.search(text))


def topic_of(sentence: str) -> frozenset[str]:
    """Terms that say what a sentence is about: without times, numbers, and words that any plan may hold."""
    terms = {word.term for word in words(without_times(sentence))}
    return frozenset(term for term in terms - LIGHT_TERMS if not any(map(str.isdigit, term)))


def is_same_topic(topic: frozenset[str], other: frozenset[str]) -> bool:
    """Whether one of two topics says no more than the other."""
    return bool(topic and other) and (topic <= other or other <= topic)


def concerns(change: PlanChange, plan: Plan) -> bool:
    """Whether a change is of this plan: it names what it is, or something of it and the same time, or only the time."""
    same_time = any(overlap(interval, plan.interval) for interval in change.intervals)
    if not change.topic:
        return same_time
    return is_same_topic(change.topic, plan.topic) or (same_time and bool(change.topic & plan.topic))


def overlap(interval: Interval, other: Interval) -> bool:
    """Whether two intervals have a moment in common."""
    return interval.start < other.end and other.start < interval.end


def is_spoken_of(topic: frozenset[str], texts: Iterable[str]) -> bool:
    """Whether any of these texts holds at least half of a topic's terms."""
    return any(2 * len(topic & {word.term for word in words(text)}) >= len(topic) for text in texts)
