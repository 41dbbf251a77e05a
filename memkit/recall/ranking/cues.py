"""Cues of a question besides its words: who is meant, when, and whether it asks for a time.

A time may be named by an event that the bank knows: "the day before her birthday" lies before the day of the
birthday's turns.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from memkit.models import Mention
from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools, among
from memkit.recall.index.seq_array import Ints
from memkit.recall.ranking.assistant_questions import asks_assistant
from memkit.recall.ranking.candidates import DAY_MICROS, RowFeatures
from memkit.recall.ranking.evidence import FULL_MATCH_SD, SearchTerm
from memkit.recall.ranking.names import Holds, named_speakers, nearly_named, without_names
from memkit.recall.ranking.open_words import asks_for_anything
from memkit.settings import RankingSettings
from memkit.surprisal.background import surprisal
from memkit.text.parts import SENTENCE_END_PATTERN
from memkit.text.terms.language import language_of
from memkit.text.terms.tokens import asks, is_name, names_only, question_words
from memkit.text.times.dates import MentionedTime, first_mentioned_time
from memkit.text.times.event_times import EventTime, first_event_time
from memkit.times import from_micros, to_micros

WHEN_PATTERN = re.compile(
    r"\b(?:when (?:did|do|does|was|were|is|are|will|has|have|had)|how (?:long|old|many|much|often)"
    r"|what (?:date|day|month|year|time))\b",
    re.IGNORECASE,
)

SINCE_PATTERN = re.compile(r"\bsince (?:\w+ ){0,2}[^ ]+$", re.IGNORECASE)
MAX_EVENT_ROWS = 5
CAPITAL_NOUNS = ("german",)  # languages whose nouns have capitals as names have
NEAR_BEST_SHARE = 0.8  # of the best row's evidence

Windows = tuple[tuple[int, int], ...]  # from, until: microseconds


class Cues(NamedTuple):
    """A question taken apart: search terms without the speakers' names, who is named, which time."""

    terms: tuple[SearchTerm, ...]
    named: frozenset[int]  # hashes of the bank's speakers that the question names
    span: MentionedTime | None
    asks_when: bool
    asks_assistant: bool = False  # what an assistant said
    relative: EventTime | None = None  # a time named by an event: "the day before her birthday"
    event: tuple[SearchTerm, ...] = ()  # the event's search terms
    is_open: bool = False  # nothing is asked but what was said: in the time that is named, if one is
    likened: Mapping[int, str] = {}  # those named by a name like theirs, each with the question's word
    mentioning: Mapping[int, float] = {}  # by seq, the share of its mentioned time inside, where nothing was said then

    @property
    def windows(self) -> Windows:
        """The time that is named, as a span of microseconds; none where none is."""
        return () if self.span is None else ((to_micros(self.span.start), to_micros(self.span.end)),)


def read_cues(
    question: str, speakers: Mapping[str, int], now: datetime, zone: str, holds: Holds, *, day_first: bool = False
) -> Cues:
    """Take a question apart. A speaker's name is a cue, not a search word.

    `holds`: whether the bank holds a word, which is then no name misspelt. `day_first`: 3/4 is the third of April.
    """
    exact = named_speakers(question, speakers)
    likened = nearly_named(question, speakers, holds)
    named = likened | exact
    span, relative = _asked_time(question, now, zone, day_first), first_event_time(question)
    language = (span and span.language) or language_of(question)
    terms = _terms(without_names(question, named), language)
    event = _terms(without_names(relative.event, named), language) if relative else ()
    return Cues(
        terms=terms,
        named=frozenset(speakers[name] for name in named),
        span=span,
        asks_when=bool(WHEN_PATTERN.search(question)),
        asks_assistant=asks_assistant(question),
        relative=relative if event else None,
        event=event,
        is_open=_is_open(question, span, named, language),
        likened={speakers[name]: word for name, word in likened.items()},
    )


def _asked_time(question: str, now: datetime, zone: str, day_first: bool) -> MentionedTime | None:
    """The time that a question names, not one of a statement beside it; one that it is asked "since" ends now."""
    span = first_mentioned_time(question, now, zone, day_first=day_first)
    if span is None or not _is_asked_about(question, span.at[1] - 1):
        return None
    if not SINCE_PATTERN.search(question[: span.at[0]] + span.words):
        return span
    return span._replace(interval=span.interval._replace(end=max(span.end, now)))


def _is_asked_about(question: str, place: int) -> bool:
    """Whether a place lies in a sentence that asks, or no sentence asks."""
    ends = [match.end() for match in SENTENCE_END_PATTERN.finditer(question)]
    sentences = [question[start:end] for start, end in pairwise([0, *ends, len(question)])]
    own = sentences[bisect_right(ends, place)]
    return asks(own) or not any(map(asks, sentences))


def _is_open(question: str, span: MentionedTime | None, named: Mapping[str, str], language: str) -> bool:
    """Whether a question has no content besides a time and who spoke: "What happened yesterday?"."""
    rest = question if span is None else question[: span.at[0]] + question[span.at[1] :]
    return asks_for_anything(without_names(rest, named), language)


def _terms(text: str, language: str) -> tuple[SearchTerm, ...]:
    """Search terms of a text, each once."""
    every = {word.term: word for word in question_words(text, language) or names_only(text)}
    return tuple(
        SearchTerm(
            ((word.term,), *word.others),
            surprisal(text[word.start : word.end]),
            word.spellings,
            is_name=language not in CAPITAL_NOUNS and _is_name(text[word.start : word.end], text, word.start),
        )
        for word in every.values()
    )


def _is_name(word: str, text: str, start: int) -> bool:
    return word[:1].isupper() and is_name(word, text, start)


def cue_parts(cues: Cues, features: RowFeatures, windows: Windows, weights: RankingSettings) -> dict[str, FloatArray]:
    """The parts of each row's score that follow from who and when the question names; but for times only where it does.

    `windows`: the times that the question names by an event.
    """
    parts = {"time": (weights.time + weights.when * cues.asks_when) * features.timed}
    if len(cues.named) == 1:
        parts["speaker"] = weights.speaker * among(features.speaker, cues.named).astype(np.float32)
    if cues.span or windows:
        said = inside(features.occurred_at, (*windows, *cues.windows)).astype(np.float32)
        parts["date"] = weights.date * np.maximum(said, values_of(features.seqs, cues.mentioning))
    return parts


def values_of(seqs: Ints, values: Mapping[int, float]) -> FloatArray:
    """Values by seq for each of these, which are in order, 0 where there is none."""
    row_values, every = np.zeros(len(seqs), np.float32), np.fromiter(values, dtype=np.int64)
    if len(every) and len(seqs):
        places = np.minimum(seqs.searchsorted(every), len(seqs) - 1)
        here = seqs[places] == every
        row_values[places[here]] = np.fromiter(values.values(), dtype=np.float32)[here]
    return row_values


def mentioned_shares(mentions: Iterable[tuple[int, Mention]], windows: Windows) -> dict[int, float]:
    """The greatest share of a mentioned time of each seq that lies inside of these times."""
    shares: dict[int, float] = {}
    for seq, mention in mentions:
        within = sum(max(0, min(mention.end, end) - max(mention.start, start)) for start, end in windows)
        shares[seq] = max(shares.get(seq, 0.0), within / (mention.end - mention.start))
    return shares


def inside(occurred_at: Ints, spans: Windows) -> Bools:
    """Mask of the rows that happened in any of these times."""
    mask = np.zeros(len(occurred_at), dtype=bool)
    for start, end in spans:
        mask |= (occurred_at >= start) & (occurred_at < end)
    return mask


def event_windows(evidence: FloatArray, occurred_at: Ints, relative: EventTime, zone: str) -> Windows:
    """The days that a time named by an event may mean, one span for each day of the turns that hold the event best.

    `evidence`: of the event's words alone. A row's own day stands for the event's: the index holds no text,
    so a turn about an event to come ("my birthday is next Friday") counts on the day it was said.
    """
    best = np.argsort(-evidence, kind="stable")[:MAX_EVENT_ROWS]
    best = best[evidence[best] >= max(NEAR_BEST_SHARE * float(evidence.max(initial=0.0)), FULL_MATCH_SD / 2)]
    days = {_midnight(int(micros), zone) for micros in occurred_at[best]}
    return tuple((day + relative.first * DAY_MICROS, day + (relative.last + 1) * DAY_MICROS) for day in sorted(days))


def _midnight(micros: int, zone: str) -> int:
    local = from_micros(micros).astimezone(ZoneInfo(zone))
    return to_micros(local.replace(hour=0, minute=0, second=0, microsecond=0))
