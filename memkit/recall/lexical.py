"""BM25 over a bank's own terms and statistics; postings in blocks that are built once, and a short tail."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memkit.protocols import FloatArray, TermRow

K1, B = 0.1, 0.5  # BM25 (Robertson & Zaragoza 2009) for talk: a word is said once, and turns are short
BLOCK = 4096  # rows
IMAGINED = 20  # documents without any of the terms: a bank of two turns has no statistics yet


@dataclass(frozen=True)
class PostingBlock:
    """The postings of up to 4,096 rows: for each term, in order of its hash, rows and counts."""

    terms: npt.NDArray[np.int64]  # sorted, unique
    starts: npt.NDArray[np.int64]  # (len(terms) + 1,)
    rows: npt.NDArray[np.int64]
    counts: npt.NDArray[np.float32]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, Sequence[tuple[int, int]]]]) -> "PostingBlock":
        """Turn (row, terms with counts) around."""
        flat = [(term, row, count) for row, terms in rows for term, count in terms]
        array = np.array(flat, dtype=np.int64).reshape(-1, 3)
        array = array[np.argsort(array[:, 0], kind="stable")]
        terms, starts = np.unique(array[:, 0], return_index=True)
        ends = np.append(starts, len(array)).astype(np.int64)
        return cls(terms, ends, array[:, 1].copy(), array[:, 2].astype(np.float32))

    def postings(self, term: int) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Rows that hold a term, and how often."""
        at = int(np.searchsorted(self.terms, term))
        if at == len(self.terms) or self.terms[at] != term:
            return self.rows[:0], self.counts[:0]
        part = slice(self.starts[at], self.starts[at + 1])
        return self.rows[part], self.counts[part]

    def without(self, rows: npt.NDArray[np.int64]) -> "PostingBlock":
        """The postings of all other rows."""
        gone = np.isin(self.rows, rows)
        if not gone.any():
            return self
        per_term = np.repeat(self.terms, np.diff(self.starts))[~gone]
        terms, starts = np.unique(per_term, return_index=True)
        ends = np.append(starts, len(per_term)).astype(np.int64)
        return PostingBlock(terms, ends, self.rows[~gone], self.counts[~gone])

    @property
    def nbytes(self) -> int:
        return self.terms.nbytes + self.starts.nbytes + self.rows.nbytes + self.counts.nbytes


class LexicalIndex:
    """Rows are numbered by their seq; a row that is added again replaces what it held."""

    def __init__(self) -> None:
        self._blocks: list[PostingBlock] = []
        self._tail: dict[int, list[tuple[int, int]]] = {}
        self._tail_rows: dict[int, Sequence[tuple[int, int]]] = {}
        self._lengths = np.zeros(64, dtype=np.int32)  # by seq
        self._seen: set[int] = set()
        self._total = 0

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def nbytes(self) -> int:
        return sum(block.nbytes for block in self._blocks) + 150 * len(self._tail) + self._lengths.nbytes

    def add(self, row: TermRow) -> None:
        """Index a memory's terms; those that it had before go."""
        if row.seq in self._seen:
            self.remove(np.array([row.seq]))
        self._seen.add(row.seq)
        if row.seq >= len(self._lengths):
            self._lengths = np.pad(self._lengths, (0, 2 * row.seq - len(self._lengths)))
        length = sum(count for _, count in row.terms)
        self._lengths[row.seq] = length
        self._total += length
        self._tail_rows[row.seq] = row.terms
        self._put(row.seq, row.terms)
        if len(self._tail_rows) >= BLOCK:
            self._blocks.append(PostingBlock.of(list(self._tail_rows.items())))
            self._tail, self._tail_rows = {}, {}

    def remove(self, seqs: npt.NDArray[np.int64]) -> None:
        """Take memories out; postings, lengths and counts are as if they had never been here."""
        gone = self._seen.intersection(seqs.tolist())
        self._seen -= gone
        for seq in gone:
            self._total -= int(self._lengths[seq])
            self._lengths[seq] = 0
        if gone - self._tail_rows.keys():
            self._blocks = [block.without(seqs) for block in self._blocks]
        if gone & self._tail_rows.keys():
            kept = [(seq, terms) for seq, terms in self._tail_rows.items() if seq not in gone]
            self._tail, self._tail_rows = {}, dict(kept)
            for seq, terms in kept:
                self._put(seq, terms)

    def _put(self, seq: int, terms: Sequence[tuple[int, int]]) -> None:
        for term, count in terms:
            self._tail.setdefault(term, []).append((seq, count))

    def postings(self, term: int) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Seqs that hold a term, and how often."""
        parts = [block.postings(term) for block in self._blocks]
        tail = np.array(self._tail.get(term, ()), dtype=np.int64).reshape(-1, 2)
        seqs = np.concatenate([*(seqs for seqs, _ in parts), tail[:, 0]])
        counts = np.concatenate([*(counts for _, counts in parts), tail[:, 1].astype(np.float32)])
        return seqs, counts.astype(np.float32)

    def idf(self, frequency: int) -> float:
        """Inverse document frequency, with some imagined documents while the bank is small."""
        documents = len(self) + IMAGINED
        return float(np.log(1 + (documents - frequency + 0.5) / (frequency + 0.5)))

    def impact(self, term: int) -> tuple[npt.NDArray[np.int64], FloatArray, float]:
        """Seqs that hold a term, its BM25 saturation in each (0..1), and its idf."""
        seqs, counts = self.postings(term)
        average = self._total / max(len(self), 1)
        lengths = self._lengths[seqs].astype(np.float32)
        norm = K1 * (1 - B + B * lengths / max(average, 1.0))
        return seqs, np.asarray(counts / (counts + norm), dtype=np.float32), self.idf(len(seqs))
