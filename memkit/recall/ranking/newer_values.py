"""Values that change: of two turns that tell one, about the same thing, a question about the present wants the later.

"How many pages does my thesis have?" is answered by "it is at 31 pages by now", not by the 24 of three weeks before,
though both hold the question's words. Word patterns of English decide whether a question asks for a present value and
of which kind, and whether a text tells one; that two texts are about the same thing is told by the question's words
that both hold. A step of its own after the search, over texts: whatever the weights are, its rule stays.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from typing import NamedTuple

from memkit.models import Memory
from memkit.surprisal.background import surprisal
from memkit.text.hints import hint_words
from memkit.text.terms.language import ENGLISH_STEMMER, STOP_WORDS
from memkit.text.terms.tokens import NUMBER_WORDS, question_words, stem, words

COMPARED_RESULTS = 10
SAME_SHARE = 0.5  # of what one turn holds of a question, by the words' weights, that another about the same holds
USUAL_NATS = 6.0  # surprisal of words that say nothing about what is meant
PAST_PATTERN = re.compile(
    r"\b(?:did|was|were|had|used to|first|originally?|initial(?:ly)?|before|previous(?:ly)?|earlier|formerly|once|old"
    r"|started|at the start|beginning|began|back then|change[ds]?|changing|history|so far back|each|all the)\b",
    re.IGNORECASE,
)
PAST_WORDS = frozenset(  # one of them is part of all of these
    """
    did was were had used first original originally initial initially before previous previously earlier formerly once
    old started start beginning began back change changed changes changing history each all
    """.split()
)
PRESENT_PATTERN = re.compile(
    r"(?:\b(?:is|are|am|do|does|has|have|can|may|will|should)|['’](?:s|re|m))\b", re.IGNORECASE
)
PAST_VERB_PATTERN = re.compile(
    r"\b(?:\w+ed|came|went|got|made|took|gave|said|told|bought|sold|met|saw|found|won|lost|became|began|broke|brought"
    r"|built|chose|drove|ate|fell|felt|flew|forgot|grew|heard|kept|knew|left|lent|meant|paid|ran|sent|sang|sat|slept"
    r"|spoke|spent|stood|taught|thought|threw|wore|wrote)\b",
    re.IGNORECASE,
)
OPENING_PATTERN = re.compile(r"^\W*(?:(?:so|and|but|by the way|remind me|tell me|do you know)[,:]? +)*", re.IGNORECASE)
MAX_QUESTION_WORDS = 25  # a longer query tells a story
QUANTITY_PATTERN = re.compile(
    r"\bhow (?P<how>many|much|long|old|often|far|big|large|tall|high|heavy|fast|deep|wide|warm|hot|cold|expensive)\b"
    r"(?: of)?(?: the| my| our)?(?: (?P<unit>\w+))?",
    re.IGNORECASE,
)
MEASURE_PATTERN = re.compile(
    r"\b(?:what|which)(?:'s| is| are)?(?: \w+){0,3}? (?:percentage|percent|price|cost|rent|fee|rate|number|size|weight"
    r"|height|length|version|score|rating|salary|wage|budget|balance|total|count|temperature|speed|page|chapter|level"
    r"|mileage|dose|dosage|share|age|distance|duration|limit|amount|quota|target)\b",
    re.IGNORECASE,
)
TIME_QUESTION_PATTERN = re.compile(r"\b(?:when|(?:what|which) (?:time|date|day|month|week|year))\b", re.IGNORECASE)
INTERROGATIVE_PATTERN = re.compile(
    r"(?:(?:at|on|in|for|to|with|by|from|of) )?(?:who|whose|where|which|what|when|how)\b", re.IGNORECASE
)
NAME_QUESTION_PATTERN = re.compile(r"\b(?:who|whose|where|which|what)\b", re.IGNORECASE)
NUMBER_PATTERN = re.compile(
    rf"\b(?P<number>\d+(?:[.,:]\d+)*|{'|'.join(sorted(NUMBER_WORDS, key=len, reverse=True))}|once|twice)\b"
    r"(?:[ -]?(?P<unit>[^\W\d_]+|%))?",
    re.IGNORECASE,
)
MOMENT_PATTERN = re.compile(
    r"\b\d{1,2}(?::\d{2}| ?[ap]\.?m\b)|\bnoon\b|\bmidnight\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b|\b(?:19|20)\d{2}\b"
    r"|\btomorrow\b|\bnext (?:week|month|year)\b",
    re.IGNORECASE,
)
DURATION_UNITS = frozenset(map(stem, "second minute hour day week month year night fortnight".split()))
CHANGE_PATTERN = re.compile(
    r"\b(?:now|by now|nowadays|currently|these days|meanwhile|since|anymore|any more|no longer|instead|switched|moved"
    r"|changed|changes|replaced|renamed|took over|takes over|went (?:up|down)|(?:up|down) to|dropped|rose|raised|cut"
    r"|lowered|extended|shifted|postponed|new|another|from now on|for now|just (?:got|became|turned)|turned|passed"
    r"|reached|left|lives?|became|becomes)\b",
    re.IGNORECASE,
)
FREQUENCY_WORDS = frozenset(["once", "twice"])


class AskedValue(NamedTuple):
    """A value that a question asks for: a quantity, a moment or a name; of a quantity, stems of its units if named."""

    kind: str
    units: frozenset[str] = frozenset()


def asked_value(question: str) -> AskedValue | None:
    """The kind of present value that a question asks for; None for questions about the past, or about none."""
    asked = OPENING_PATTERN.sub("", question)
    if len(asked.split()) > MAX_QUESTION_WORDS or not INTERROGATIVE_PATTERN.match(asked):
        return None
    if not PAST_WORDS.isdisjoint(hint_words(asked)) and PAST_PATTERN.search(asked):
        return None
    if PRESENT_PATTERN.search(asked) is None and PAST_VERB_PATTERN.search(asked):
        return None
    return _kind_of(asked)


def _kind_of(question: str) -> AskedValue | None:
    if (match := QUANTITY_PATTERN.search(question)) is not None:
        return AskedValue("quantity", _asked_units(match["how"].casefold(), match["unit"] or ""))
    if TIME_QUESTION_PATTERN.search(question):
        return AskedValue("moment")
    if MEASURE_PATTERN.search(question):
        return AskedValue("quantity")
    return AskedValue("name") if NAME_QUESTION_PATTERN.search(question) else None


def _asked_units(how: str, unit: str) -> frozenset[str]:
    if how in ("long", "often"):
        return DURATION_UNITS
    return frozenset([stem(unit.casefold())]) if how == "many" and words(unit) else frozenset()


def tells_value(text: str, asked: AskedValue) -> bool:
    """Whether a text holds a value of the kind that is asked for."""
    if asked.kind == "moment":
        return MOMENT_PATTERN.search(text) is not None
    if asked.kind == "name":
        return True
    return any(_fits(match, asked.units) for match in NUMBER_PATTERN.finditer(text))


def _fits(match: re.Match[str], units: frozenset[str]) -> bool:
    """Whether a number has a unit that is asked for, or none at all."""
    unit = (match["unit"] or "").casefold()
    return not units or unit in STOP_WORDS or stem(unit) in units or match["number"].casefold() in FREQUENCY_WORDS


def newer_value(
    question: str, asked: AskedValue, words_by_seq: Mapping[int, Sequence[str]], memories: Mapping[int, Memory]
) -> tuple[int, int] | None:
    """The latest of the turns that tell the value that a question asks, and the best before it about the same; by seq.

    `words_by_seq`: the results, best first, with the question's words that each holds. None where nothing changed.
    """
    first, weights = list(words_by_seq)[:COMPARED_RESULTS], _weights(question, asked)
    held = {seq: {word for word in words_by_seq[seq] if word in weights} for seq in first if seq in memories}
    same = _about_same(held, weights, lambda seq: _tells(memories[seq], asked))
    if len(same) < 2:
        return None
    newest = max(same, key=lambda seq: _moment(memories[seq]))
    if same[0] == newest or (asked.kind == "name" and not _tells_change(memories[newest], memories[same[0]])):
        return None
    return newest, same[0]


def _tells_change(newer: Memory, older: Memory) -> bool:
    """Whether a turn speaks of a change, or both tell a number with the same unit."""
    if CHANGE_PATTERN.search(newer.text) is not None:
        return True
    units = [{match["unit"] for match in NUMBER_PATTERN.finditer(m.text) if match["unit"]} for m in (newer, older)]
    return not units[0].isdisjoint(units[1])


def _weights(question: str, asked: AskedValue) -> dict[str, float]:
    """Weights of a question's words, by how much each says what it is about: the rarer in the language, the more."""
    every = {
        word.term: surprisal(question[word.start : word.end]) - USUAL_NATS
        for word in question_words(question, ENGLISH_STEMMER)
    }
    return {term: weight for term, weight in every.items() if weight > 0 and term not in asked.units}


def _about_same(held: Mapping[int, Set[str]], weights: Mapping[str, float], tells: Callable[[int], bool]) -> list[int]:
    """Seqs, best first, of the turn that holds most of the question, and of those that hold most of what it holds.

    Of those alone that tell a value (`tells`), which is looked for last.
    """
    totals = {seq: sum([weights[word] for word in own]) for seq, own in held.items() if own}
    best = next(filter(tells, sorted(totals, key=totals.__getitem__, reverse=True)), None)
    if best is None:
        return []
    least = SAME_SHARE * totals[best]
    shared = (seq for seq in totals if sum([weights[word] for word in held[seq] & held[best]]) >= least)
    return [seq for seq in shared if seq == best or tells(seq)]


def _tells(memory: Memory, asked: AskedValue) -> bool:
    """Whether a memory is a person's turn with a value of the asked kind."""
    return memory.kind == "turn" and memory.role in (None, "user") and tells_value(memory.text, asked)


def _moment(memory: Memory) -> tuple[datetime, datetime]:
    return memory.occurred_at, memory.recorded_at
