"""Rows of the table `memory` as indexes want them, one or thousands at a time; nothing impossible is believed."""

from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from memkit.batches import FIELD_CODES, NO_VALUE, ROW_FIELDS, Column, RowBatch
from memkit.models import IndexRow
from memkit.storage.core.checksums import corrupt_error
from memkit.storage.core.enum_codes import KIND_CODES, ROLE_CODES, STATE_CODES

WHOLE_NUMBERS, REAL_NUMBERS, NO_VALUES = set[type]({int}), set[type]({float}), set[type]({type(None)})
COLUMN_TYPES = {  # that the columns of the query `rows` may have
    **dict.fromkeys(IndexRow._fields[:-1], WHOLE_NUMBERS),
    **dict.fromkeys(("speaker", "role", "session", "episode", "valid_from", "valid_until"), WHOLE_NUMBERS | NO_VALUES),
    **dict.fromkeys(("recalled_at", "superseded_by", "echo_of"), WHOLE_NUMBERS | NO_VALUES),
    "strength": REAL_NUMBERS,
    "salience": REAL_NUMBERS | NO_VALUES,
}
WORD_PLACES = {
    name: np.array([FIELD_CODES[name][word] for word in codes.words], dtype=np.int8)
    for name, codes in (("kind", KIND_CODES), ("state", STATE_CODES), ("role", ROLE_CODES))
}
Row = tuple[Any, ...]
MAX_TEXT_CHARS = 2**31  # characters, above all texts


def index_row(row: Row, sources: tuple[int, ...], end: int) -> IndexRow:
    """One row; `end` lies above all seqs. Raises CorruptError for numbers that can't be."""
    if not _may_be(tuple(map(type, row))):
        raise corrupt_error("a memory")
    seq, kind, state, speaker, role, *numbers = row
    *middle, pinned, length, asks, superseded_by, echo_of = numbers
    session, episode = middle[0] or 0, middle[1] or 0
    low = (
        -1 < kind < len(KIND_CODES.words)
        and -1 < state < len(STATE_CODES.words)
        and -1 < session < end
        and -1 < episode < end
    )
    low = low and -1 < (role or 0) < len(ROLE_CODES.words) and 0 <= length < MAX_TEXT_CHARS
    if not (low and 0 < seq < end and -1 < (superseded_by or 0) < end and -1 < (echo_of or 0) < end):
        raise corrupt_error("a memory")
    role_word = None if role is None else ROLE_CODES.words[role]
    flags = (bool(pinned), length, bool(asks), superseded_by, echo_of, sources)
    return IndexRow._make((seq, KIND_CODES.words[kind], STATE_CODES.words[state], speaker, role_word, *middle, *flags))


@lru_cache(1024)
def _may_be(types: tuple[type, ...]) -> bool:
    return all(kind in allowed for kind, allowed in zip(types, COLUMN_TYPES.values(), strict=True))


def row_batch(rows: Sequence[Row], sources: Mapping[int, tuple[int, ...]], end: int) -> RowBatch:
    """The same for many, in order of seq; `sources` by seq."""
    named = zip(IndexRow._fields[:-1], zip(*rows, strict=True), strict=True)
    try:
        read = {name: _column(name, values) for name, values in named if name in ROW_FIELDS}
    except (TypeError, OverflowError) as error:  # what `array` says of anything but numbers
        raise corrupt_error("a memory") from error
    if not _possible(read, end):
        raise corrupt_error("a memory")
    return RowBatch({name: _placed(name, column) for name, column in read.items()}, sources)


def _column(name: str, values: tuple[Any, ...]) -> Column:
    if name == "strength":
        return np.array(array("d", values))
    if COLUMN_TYPES[name] >= NO_VALUES and None in values:
        if values.count(None) == len(values):
            return np.full(len(values), NO_VALUE, dtype=np.int64)
        values = tuple(NO_VALUE if value is None else value for value in values)
    return np.array(array("q", values))


def _possible(read: Mapping[str, Column], end: int) -> bool:
    seqs = read["seq"]
    links = (read[name] for name in ("session", "episode", "superseded_by", "echo_of"))
    return bool(
        all(_within(read[name], len(places), COLUMN_TYPES[name] >= NO_VALUES) for name, places in WORD_PLACES.items())
        and all(_within(link, end, True) for link in links)
        and seqs[0] > 0
        and seqs[-1] < end
        and np.all(np.diff(seqs) > 0)
        and _within(read["length"], MAX_TEXT_CHARS, False)
    )


def _within(column: npt.NDArray[np.int64], end: int, optional: bool) -> bool:
    inside = (column >= 0) & (column < end)
    return bool(np.all(inside | (column == NO_VALUE) if optional else inside))


def _placed(name: str, column: Column) -> Column:
    if name in WORD_PLACES:
        some = column != NO_VALUE
        return np.where(some, WORD_PLACES[name][np.where(some, column, 0)], np.int8(-1))
    return column.astype(ROW_FIELDS[name], copy=False)
