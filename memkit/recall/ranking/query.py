"""What is asked of a bank, and which of its rows may answer it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from memkit.batches import NONE
from memkit.models import MEMORY_KINDS, MEMORY_STATES, Kind, PastState
from memkit.protocols import FloatArray
from memkit.recall.index.columns import Bools, Columns, Ints, among
from memkit.times import to_micros

RECALLED: tuple[Kind, ...] = ("turn", "thought")
REFLECTED: tuple[Kind, ...] = ("summary", "portrait")  # what reflection writes


@dataclass(frozen=True)
class Query:
    """A question with everything that bears on its answer; `MemoryBank.recall` says what the parts mean.

    `vector` is None where there is none: then words decide. `allowed`: seqs, None for all. `speakers`:
    the bank's speakers with their hashes.
    """

    text: str
    now: datetime
    vector: FloatArray | None = None
    k: int = 10
    kinds: tuple[Kind, ...] | None = None
    speaker: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    valid_at: datetime | None = None
    as_of: datetime | None = None
    context: tuple[str, ...] = ()
    min_score: float | None = None
    allowed: frozenset[int] | None = None
    speakers: Mapping[str, int] = field(default_factory=dict)
    past: Mapping[int, PastState] = field(default_factory=dict)  # by seq: what the state was at `as_of`
    around: int = 0  # turns on each side that are given with each result


def is_visible(columns: Columns, rows: Ints, query: Query) -> Bools:
    """Which rows are neither forgotten nor merged away, and were recorded in time; echoes too.

    With `as_of`, as it was then.
    """
    state = column_as_of(columns, query, "state")[rows]
    is_visible = (state == MEMORY_STATES.index("active")) | (state == MEMORY_STATES.index("superseded"))
    if query.as_of is not None:
        is_visible &= columns.column("recorded_at")[rows] <= to_micros(query.as_of)
    return np.asarray(is_visible, dtype=bool)


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
    changed[rows] = np.array([NONE if value is None else value for value in past], dtype=np.int64)[inside]
    return changed


def eligible(columns: Columns, rows: Ints, query: Query) -> Bools:
    """Which rows are of the kinds, the speaker and the time that were asked for."""

    def column(name: str) -> Ints:
        return columns.at(name, rows)

    fits = among(column("kind"), [MEMORY_KINDS.index(kind) for kind in query.kinds or RECALLED])
    if query.as_of is None:
        fits &= _newest(column("kind"), column("state"))
    if query.speaker is not None:
        fits &= column("speaker") == query.speakers.get(query.speaker, NONE)
    if query.valid_at is not None:
        fits &= _valid(columns, rows, query, to_micros(query.valid_at))
    return np.asarray(fits & matches_filters(columns, rows, query), dtype=bool)


def _newest(kinds: Ints, states: Ints) -> Bools:
    """Of summaries and portraits only those that nothing replaced: the older ones say the same."""
    written = among(kinds, [MEMORY_KINDS.index(kind) for kind in REFLECTED])
    return np.asarray(~written | (states == MEMORY_STATES.index("active")), dtype=bool)


def matches_filters(columns: Columns, rows: Ints, query: Query) -> Bools:
    """Which rows lie in the span and the part of the bank that were asked for."""
    fits, moments = np.ones(len(rows), dtype=bool), columns.column("occurred_at")
    if query.since is not None:
        fits &= moments[rows] >= to_micros(query.since)
    if query.until is not None:
        fits &= moments[rows] < to_micros(query.until)
    if query.allowed is not None:
        fits &= np.isin(columns.column("seq")[rows], list(query.allowed))
    return fits


def _valid(columns: Columns, rows: Ints, query: Query, moment: int) -> Bools:
    start, end = columns.column("valid_from")[rows], column_as_of(columns, query, "valid_until")[rows]
    begun = (start == NONE) | (start <= moment)
    return np.asarray(begun & ((end == NONE) | (end > moment)), dtype=bool)
