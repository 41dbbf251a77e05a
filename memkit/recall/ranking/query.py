"""A query: the options of a recall, what the bank adds to them, and the filters that follow from both. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict

import numpy as np

from memkit.batches import NO_VALUE
from memkit.errors import InputError, UnknownOptionError
from memkit.models import MEMORY_KINDS, MEMORY_STATES, Kind, PastState, checked_text
from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools, Columns, among
from memkit.recall.index.seq_array import Ints
from memkit.recall.ranking.late_interaction import QuestionWords
from memkit.recall.ranking.newer_values import AskedValue
from memkit.recall.ranking.whole_bank import WholeBankQuestion
from memkit.text.terms.forms import is_same_name
from memkit.text.terms.language import language_of
from memkit.text.terms.tokens import words
from memkit.times import Moment, to_micros

MAX_RESULTS = 10_000  # of one recall
RECALLED_KINDS: tuple[Kind, ...] = ("turn", "thought")  # unless kinds are named
REFLECTED_KINDS: tuple[Kind, ...] = ("summary", "portrait")  # what reflection writes
ITEM_KINDS: tuple[Kind, ...] = ("item",)
OTHER_RANKINGS = ("cosine",)  # other than memkit's own


class RecallKeywords(TypedDict, total=False):
    """Options of `MemoryBank.recall` but for k, for those who pass them on."""

    kinds: Sequence[Kind] | None
    where: Mapping[str, Any] | None
    speaker: str | None
    since: Moment | None
    until: Moment | None
    context: Sequence[Any]
    without: Sequence[Any]
    around: int
    min_score: float | None
    now: Moment | None
    valid_at: Moment | None
    as_of: Moment | None
    reinforce: bool
    rerank: bool | None
    by: Literal["cosine"] | None


def refuse_unknown_options(names: Iterable[str]) -> None:
    """Raise UnknownOptionError for the name of what is no option of a recall."""
    for name in names:
        if name not in RecallKeywords.__annotations__:
            there_are = ", ".join(["k", *RecallKeywords.__annotations__])
            raise UnknownOptionError(f"recall: no option {name!r}; there are {there_are}.")


@dataclass(frozen=True)
class RecallOptions:
    """A recall as it was asked for; `MemoryBank.recall` says what each option means. Raises InputError."""

    query: str
    k: int = 10
    kinds: Sequence[Kind] | None = None
    where: Mapping[str, Any] | None = None
    speaker: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    context: Sequence[Any] = ()
    without: Sequence[Any] = ()
    around: int = 0
    min_score: float | None = None
    now: datetime | None = None
    valid_at: datetime | None = None
    as_of: datetime | None = None
    reinforce: bool = True
    rerank: bool | None = None
    by: Literal["cosine"] | None = None

    def __post_init__(self) -> None:
        checked_text(self.query, where="recall.query")
        if any(isinstance(value, str) for value in (self.kinds, self.context, self.without)):
            raise InputError("recall: kinds, context and without are sequences, for example kinds=['turn'].")
        for kind in self.kinds or ():
            if kind not in MEMORY_KINDS:
                raise UnknownOptionError(f"kinds: unknown kind {kind!r}; known are {', '.join(MEMORY_KINDS)}.")
        if not 1 <= self.k <= MAX_RESULTS:
            raise InputError(f"recall: k must lie between 1 and {MAX_RESULTS}.")
        if not 0 <= self.around <= MAX_RESULTS:
            raise InputError(f"recall: around must lie between 0 and {MAX_RESULTS}.")
        if self.by not in (None, *OTHER_RANKINGS):
            raise UnknownOptionError(f"by: unknown {self.by!r}; known are 'cosine' and None: memkit's own ranking.")
        if self.min_score is not None and not (-1 if self.by else 0) <= self.min_score <= 1:
            raise InputError("recall: min_score must lie between 0 and 1, or between -1 and 1 by cosine.")


@dataclass(frozen=True)
class Query:
    """A recall's options and what the bank adds to them.

    `whole`: what it asks about the whole bank; None for other questions. `vector` is None where there is none: then
    words decide. `context`: the texts of the turns before the question.
    `allowed`: seqs, None for all; `left_out`: seqs. `speakers`: the bank's speakers with their hashes. `past`: by seq,
    the states at `as_of` of those that have changed since. `value`: the present value that it asks for.
    `least_results`: so many are looked for, however few are asked for. `reading`: how far the encoder reads the
    question, `meaning`: how far its vectors are of what texts mean, both 0..1. `probes`: vectors of questions about
    nothing, (any number, dimension), by which chance is measured.
    `words`: its words with their vectors, where the file has those of its texts. `reranked`: a reranker's evidence by
    seq, in standard deviations, from 0.
    """

    options: RecallOptions
    now: datetime
    vector: FloatArray | None = None
    whole: WholeBankQuestion | None = None
    context: Sequence[str] = ()
    allowed: frozenset[int] | None = None
    left_out: frozenset[int] = frozenset()
    speakers: Mapping[str, int] = field(default_factory=dict)
    past: Mapping[int, PastState] = field(default_factory=dict)
    value: AskedValue | None = None
    least_results: int = 0
    reading: float = 1.0
    meaning: float = 1.0
    probes: FloatArray | None = None
    words: QuestionWords | None = None
    reranked: Mapping[int, float] = field(default_factory=dict)

    def called(self, name: str) -> list[int]:
        """Hashes of the bank's speakers of this name."""
        return [number for speaker, number in self.speakers.items() if is_same_name(speaker, name)]

    @property
    def question(self) -> str:
        """The question, or its topic alone where it is about the whole bank."""
        return (self.whole and self.whole.topic) or self.options.query

    @property
    def is_filtered(self) -> bool:
        """Whether a span or a part of the bank was asked for."""
        in_time = self.options.since is not None or self.options.until is not None
        return in_time or self.allowed is not None or bool(self.left_out)

    @property
    def context_terms(self) -> list[str]:
        """Terms of the turns before the question."""
        return [word.term for text in self.context for word in words(text, language_of(text))]

    @property
    def result_count(self) -> int:
        """Results that the search gives: those asked for, or more where they are compared afterwards."""
        return max(self.options.k, self.least_results)


def is_visible(columns: Columns, rows: Ints, query: Query) -> Bools:
    """Mask of rows that are neither forgotten nor merged away, and were recorded in time; echoes too.

    With `as_of`, as it was then.
    """
    if not columns.statistics.hidden_count and query.options.as_of is None:
        return np.ones(len(rows), dtype=bool)
    state = column_as_of(columns, query, "state")[rows]
    visible = (state == MEMORY_STATES.index("active")) | (state == MEMORY_STATES.index("superseded"))
    if query.options.as_of is not None:
        visible &= columns.column("recorded_at")[rows] <= to_micros(query.options.as_of)
    return np.asarray(visible, dtype=bool)


def column_as_of(columns: Columns, query: Query, name: str) -> Ints:
    """The column "state", "valid_until" or "superseded_by", as it was at the moment that is asked about."""
    values = columns.column(name)
    if not query.past:
        return values
    rows, inside = columns.rows_of(np.fromiter(query.past, dtype=np.int64))
    past = [getattr(before, name) for before in query.past.values()]
    if name == "state":
        past = [MEMORY_STATES.index(state) for state in past]
    changed = values.copy()
    changed[rows] = np.array([NO_VALUE if value is None else value for value in past], dtype=np.int64)[inside]
    return changed


def is_eligible(columns: Columns, rows: Ints, query: Query) -> Bools:
    """Mask of rows of the kinds, the speaker and the time that were asked for."""
    options, kinds = query.options, columns.at("kind", rows)
    fits = among(kinds, [MEMORY_KINDS.index(kind) for kind in options.kinds or RECALLED_KINDS])
    if options.as_of is None and options.kinds is not None:
        fits &= _is_newest(kinds, columns.at("state", rows))
    if options.kinds is not None and "item" in options.kinds:
        fits &= _is_standing(columns, rows, kinds, query)
    if options.speaker is not None:
        fits &= among(columns.at("speaker", rows), query.called(options.speaker))
    if options.valid_at is not None:
        fits &= _is_valid(columns, rows, query, to_micros(options.valid_at))
    return np.asarray(fits & matches_filters(columns, rows, query), dtype=bool) if query.is_filtered else fits


def _is_newest(kinds: Ints, states: Ints) -> Bools:
    """Mask: of summaries and portraits only those that nothing replaced, since the older ones say the same."""
    written = among(kinds, [MEMORY_KINDS.index(kind) for kind in REFLECTED_KINDS])
    return np.asarray(~written | (states == MEMORY_STATES.index("active")), dtype=bool)


def _is_standing(columns: Columns, rows: Ints, kinds: Ints, query: Query) -> Bools:
    """Mask: of items only those with an index whose time isn't over."""
    items = kinds == MEMORY_KINDS.index("item")
    ends = columns.column("valid_until")[rows]
    current = (ends == NO_VALUE) | (ends > to_micros(query.now))
    return np.asarray(~items | (current & (columns.at("length", rows) > 0)), dtype=bool)


def matches_filters(columns: Columns, rows: Ints, query: Query) -> Bools:
    """Mask of rows in the span and the part of the bank that were asked for."""
    fits = np.ones(len(rows), dtype=bool)
    if query.options.since is not None or query.options.until is not None:
        fits &= said_between(columns, rows, query)
    if query.allowed is not None:
        fits &= np.isin(columns.column("seq")[rows], list(query.allowed))
    if query.left_out:
        fits &= ~np.isin(columns.column("seq")[rows], list(query.left_out))
    return fits


def said_between(columns: Columns, rows: Ints, query: Query) -> Bools:
    """Mask of rows that were said in the span that was asked for, for the first time or again."""
    repeated = columns.statistics.repetitions
    again = repeated.originals[_in_span(columns, repeated.rows, query) & is_visible(columns, repeated.rows, query)]
    return np.asarray(_in_span(columns, rows, query) | np.isin(columns.column("seq")[rows], again), dtype=bool)


def _in_span(columns: Columns, rows: Ints, query: Query) -> Bools:
    said, fits = columns.column("occurred_at")[rows], np.ones(len(rows), dtype=bool)
    if query.options.since is not None:
        fits &= said >= to_micros(query.options.since)
    if query.options.until is not None:
        fits &= said < to_micros(query.options.until)
    return fits


def last_said(columns: Columns, seqs: Iterable[int], query: Query) -> dict[int, int]:
    """Moments at which people last said again what these memories say, in microseconds by seq; as far as they fit."""
    last: dict[int, int] = {}
    for seq, rows in columns.statistics.repetitions.by_original(seqs).items():
        fits = rows[_in_span(columns, rows, query) & is_visible(columns, rows, query)]
        if len(fits):
            last[seq] = int(columns.column("occurred_at")[fits].max())
    return last


def _is_valid(columns: Columns, rows: Ints, query: Query, micros: int) -> Bools:
    start, end = columns.column("valid_from")[rows], column_as_of(columns, query, "valid_until")[rows]
    begun = (start == NO_VALUE) | (start <= micros)
    return np.asarray(begun & ((end == NO_VALUE) | (end > micros)), dtype=bool)
