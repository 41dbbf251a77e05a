"""Batches: the arrays that indexes are loaded from, many memories at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from memkit.models import MEMORY_KINDS, MEMORY_STATES, TURN_ROLES, IndexRow

NO_VALUE = np.iinfo(np.int64).min  # stands for "no value" in arrays of integers
BATCH_ROWS = 4_096  # in a batch, about
ROW_FIELDS: dict[str, Any] = {
    "seq": np.int64,
    "kind": np.int8,
    "state": np.int8,
    "speaker": np.int64,
    "role": np.int8,
    "session": np.int64,
    "episode": np.int64,
    "occurred_at": np.int64,
    "recorded_at": np.int64,
    "valid_from": np.int64,
    "valid_until": np.int64,
    "strength": np.float32,
    "recalled_at": np.int64,
    "pinned": np.bool_,
    "length": np.int32,
    "asks": np.bool_,
    "superseded_by": np.int64,
    "echo_of": np.int64,
}
FIELD_CODES: dict[str, dict[Any, int]] = {
    "kind": {kind: number for number, kind in enumerate(MEMORY_KINDS)},
    "state": {state: number for number, state in enumerate(MEMORY_STATES)},
    "role": {None: -1, **{role: number for number, role in enumerate(TURN_ROLES)}},
}
Column = npt.NDArray[Any]


class RowBatch(NamedTuple):
    """The numbers of memories, as `IndexRow` has them: `fields` by name, each (n,), in order of seq, each seq once.

    Kinds, states and roles are their places in MEMORY_KINDS, MEMORY_STATES and TURN_ROLES, -1 for no role; NO_VALUE
    stands for no value.
    `sources`: of those that rest on any, by seq.
    """

    fields: Mapping[str, Column]
    sources: Mapping[int, tuple[int, ...]]

    @classmethod
    def of(cls, rows: Iterable[IndexRow]) -> "RowBatch":
        """Batch of rows in any order; the last of several for one seq holds."""
        by_seq = {row.seq: row for row in rows}
        columns = zip(*(by_seq[seq] for seq in sorted(by_seq)), strict=True)
        fields = dict(zip(IndexRow._fields, columns, strict=True)) if by_seq else {}
        sources = {row.seq: row.sources for row in by_seq.values() if row.sources}
        return cls({name: _array(fields.get(name, ()), name, kind) for name, kind in ROW_FIELDS.items()}, sources)

    @property
    def seqs(self) -> npt.NDArray[np.int64]:
        """Seqs of the rows, (n,)."""
        return self.fields["seq"]

    def only(self, chosen: npt.NDArray[np.bool_]) -> "RowBatch":
        """Batch of some of the rows; `chosen`: (n,)."""
        fields = {name: column[chosen] for name, column in self.fields.items()}
        chosen_seqs = set(fields["seq"].tolist()) if self.sources else set()
        return RowBatch(fields, {seq: own for seq, own in self.sources.items() if seq in chosen_seqs})

    def and_then(self, other: "RowBatch") -> "RowBatch":
        """Rows of this batch, then those of another."""
        fields = {name: np.concatenate([column, other.fields[name]]) for name, column in self.fields.items()}
        return RowBatch(fields, {**self.sources, **other.sources})


def row_batches(rows: Iterable[IndexRow]) -> Iterator[RowBatch]:
    """Batches of rows in any order, BATCH_ROWS at a time."""
    rest = iter(rows)
    while some := list(islice(rest, BATCH_ROWS)):
        yield RowBatch.of(some)


def _array(values: Sequence[Any], name: str, kind: Any) -> Column:
    if name in FIELD_CODES:
        values = [FIELD_CODES[name][value] for value in values]
    return integers(values) if kind is np.int64 else np.array(values, dtype=kind)


def integers(values: Sequence[int | None]) -> npt.NDArray[np.int64]:
    """Whole numbers as an array, NO_VALUE for None."""
    if None in values:
        values = [NO_VALUE if value is None else value for value in values]
    return np.array(values, dtype=np.int64)


class SketchBatch(NamedTuple):
    """Sketches in order of seq: `seqs` int64 (n,), `sketches` uint8 (n, bytes)."""

    seqs: npt.NDArray[np.int64]
    sketches: npt.NDArray[np.uint8]

    def only(self, chosen: npt.NDArray[np.bool_]) -> "SketchBatch":
        """Some of them, by a mask (n,)."""
        return SketchBatch(self.seqs[chosen], self.sketches[chosen])


class PassageBatch(NamedTuple):
    """Vectors of passages: `seqs` int64 (n,) of the memories that they are parts of, in order; `vectors` (n, d)."""

    seqs: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]


class QuantisedBatch(NamedTuple):
    """Vectors at a byte a number (`memkit.quantisation`): `seqs` int64 (n,) of their memories, `rows` (n, 4 + d)."""

    seqs: npt.NDArray[np.int64]
    rows: npt.NDArray[np.uint8]


class TurnBatch(NamedTuple):
    """Turns of a session, in order: int64 seqs, characters of their texts, saliences (0 where unknown), (n,) each."""

    seqs: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    saliences: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, float | None]]) -> "TurnBatch":
        """Batch of (seq, length, salience) in any order."""
        table = np.array(sorted(rows), np.float64).reshape(-1, 3)
        return cls(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), np.nan_to_num(table[:, 2]))


class TermBatch(NamedTuple):
    """Lexical terms: keyed hashes and counts, those of `seqs[i]` from `starts[i]` to `starts[i + 1]`."""

    seqs: npt.NDArray[np.int64]  # (n,)
    starts: npt.NDArray[np.int64]  # (n + 1,)
    terms: npt.NDArray[np.int64]  # (number of terms,)
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, Sequence[tuple[int, int]]]]) -> "TermBatch":
        """Batch of (seq, pairs of hash and count)."""
        flat = np.array([pair for _, pairs in rows for pair in pairs], dtype=np.int64).reshape(-1, 2)
        starts = np.cumsum([0, *(len(pairs) for _, pairs in rows)])
        return cls(np.array([seq for seq, _ in rows], dtype=np.int64), starts, flat[:, 0], flat[:, 1])

    def only(self, chosen: npt.NDArray[np.bool_]) -> "TermBatch":
        """Terms of some of the memories; `chosen`: (n,)."""
        held = np.diff(self.starts)
        inside = np.repeat(chosen, held)
        starts = np.concatenate([[0], held[chosen].cumsum()])
        return TermBatch(self.seqs[chosen], starts, self.terms[inside], self.counts[inside])
