"""BM25 over a bank's own terms and statistics; postings in a few large blocks and, for what came last, small ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from math import log
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from memkit.batches import TermBatch
from memkit.protocols import FloatArray
from memkit.recall.index.seq_array import Ints, grown

BM25_K1, BM25_B = 0.1, 0.5  # BM25 (Robertson & Zaragoza 2009) for talk: a word is said once, and turns are short
FULL_BLOCK_ROWS = 65_536  # a block of so many is left as it is
PRIOR_DOCUMENTS = 20  # documents without any of the terms: a bank of two turns has no statistics yet
MAX_TERM_COUNT = 255  # in one text
Number = TypeVar("Number", bound=np.number[Any])
Postings = tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]  # seqs, and how often each holds a term
NO_POSTINGS: Postings = (np.empty(0, np.int32), np.empty(0, np.uint8))


@dataclass(frozen=True)
class PostingBlock:
    """The postings of some rows: for each term, in order of its hash, the seqs that hold it and how often."""

    size: int  # rows
    terms: npt.NDArray[np.int64]  # sorted, unique
    starts: npt.NDArray[np.int32]  # (len(terms) + 1,)
    seqs: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, batch: TermBatch) -> "PostingBlock":
        """Postings of a batch: from terms by memory to memories by term."""
        seqs = np.repeat(batch.seqs, np.diff(batch.starts)).astype(np.int32)
        counts = np.minimum(batch.counts, MAX_TERM_COUNT).astype(np.uint8)
        order = by_hash(batch.terms) if rising([batch.seqs]) else np.lexsort((seqs, batch.terms))
        return cls._ordered(len(batch.seqs), batch.terms, seqs, counts, order)

    @classmethod
    def _ordered(
        cls, size: int, terms: Ints, seqs: npt.NDArray[np.int32], counts: npt.NDArray[np.uint8], order: Ints
    ) -> "PostingBlock":
        terms = terms[order]
        firsts = np.flatnonzero(np.diff(terms, prepend=terms[:1] - 1))
        starts = np.append(firsts, len(terms)).astype(np.int32)
        return cls(size, terms[firsts], starts, seqs[order], counts[order])

    @classmethod
    def merged(cls, blocks: Sequence["PostingBlock"]) -> "PostingBlock":
        """The postings of several blocks as one."""
        terms = np.concatenate([np.repeat(block.terms, np.diff(block.starts)) for block in blocks])
        seqs = np.concatenate([block.seqs for block in blocks])
        counts = np.concatenate([block.counts for block in blocks])
        in_order = rising([block.bounds for block in blocks])
        order = np.argsort(terms, kind="stable") if in_order else np.lexsort((seqs, terms))
        return cls._ordered(sum(block.size for block in blocks), terms, seqs, counts, order)

    @property
    def bounds(self) -> Ints:
        """The lowest and the highest seq."""
        return np.array([self.seqs.min(), self.seqs.max()], dtype=np.int64)

    def postings(self, term: int) -> Postings:
        """Seqs that hold a term, in order, and how often."""
        [part] = self.spans(np.array([term]))
        return self.seqs[part], self.counts[part]

    def spans(self, terms: Ints) -> list[slice]:
        """Slices of the postings of each of these terms, empty where nothing holds one."""
        at = np.minimum(self.terms.searchsorted(terms), len(self.terms) - 1)
        ends = self.starts[1:].take(at)
        starts = np.where(self.terms.take(at) == terms, self.starts.take(at), ends)
        return list(map(slice, starts.tolist(), ends.tolist()))

    def without(self, seqs: Ints) -> "PostingBlock":
        """The postings of all other memories."""
        gone = np.isin(self.seqs, seqs)
        if not gone.any():
            return self
        size = self.size - len(np.unique(self.seqs[gone]))
        terms = np.repeat(self.terms, np.diff(self.starts))[~gone]
        return self._ordered(size, terms, self.seqs[~gone], self.counts[~gone], np.arange(len(terms)))

    @property
    def nbytes(self) -> int:
        return self.terms.nbytes + self.starts.nbytes + self.seqs.nbytes + self.counts.nbytes


@dataclass(frozen=True)
class Impacts:
    """The postings of some terms, one term's after the other's, each with its BM25 saturation."""

    sizes: list[int]  # postings of each term
    idfs: list[float]  # of each term
    seqs: npt.NDArray[np.int32]  # (sum(sizes),)
    saturated: FloatArray  # 0..1, (sum(sizes),)

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Impacts":
        """Some of the postings."""
        sizes = np.bincount(np.repeat(np.arange(len(self.sizes)), self.sizes)[chosen], minlength=len(self.sizes))
        return Impacts(sizes.tolist(), self.idfs, self.seqs[chosen], self.saturated[chosen])

    def spans(self) -> list[slice]:
        """Slices of each term's postings."""
        return [slice(end - size, end) for size, end in zip(self.sizes, accumulate(self.sizes), strict=True)]


class LexicalIndex:
    """Rows are numbered by their seq. Their terms may not change later (a text never does)."""

    def __init__(self, room: int = 0) -> None:
        self._blocks: list[PostingBlock] = []
        self._lengths = np.zeros(room + 1, dtype=np.int32)  # by seq; 0 where nothing is indexed
        self._size = 0
        self._total = 0
        self._last = -1  # seq
        self._in_order = True  # so far, each batch came after all before it

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        return sum(block.nbytes for block in self._blocks) + self._lengths.nbytes

    def add(self, batches: Iterable[TermBatch]) -> None:
        """Index memories' terms, each memory's once; those that they had before go."""
        new: list[PostingBlock] = []
        for batch in batches:
            if len(batch.terms):
                self._count(batch)
                new.append(PostingBlock.of(batch))
            if sum(block.size for block in new) >= FULL_BLOCK_ROWS:
                self._append(new)
                new = []
        if new:
            self._append(new)

    def _count(self, batch: TermBatch) -> None:
        """Take in their lengths."""
        self._make_room(int(batch.seqs.max()) + 1)
        self.remove(batch.seqs)
        owners = np.repeat(np.arange(len(batch.seqs)), np.diff(batch.starts))
        lengths = np.bincount(owners, weights=batch.counts, minlength=len(batch.seqs)).astype(np.int32)
        self._lengths[batch.seqs] = lengths
        self._total += int(lengths.sum())
        self._size += len(batch.seqs)

    def remove(self, seqs: Ints) -> None:
        """Take memories out; postings, lengths and counts are as if they had never been here."""
        gone = seqs[seqs < len(self._lengths)]
        gone = gone[self._lengths[gone] > 0]
        if not len(gone):
            return
        self._total -= int(self._lengths[gone].sum())
        self._size -= len(gone)
        self._lengths[gone] = 0
        self._blocks = [block for block in (block.without(gone) for block in self._blocks) if block.size]

    def _append(self, new: Sequence[PostingBlock]) -> None:
        """Merge blocks with those before them that are no larger; so there are few, and each row is merged seldom."""
        for block in new:
            self._in_order &= int(block.bounds[0]) > self._last
            self._last = max(self._last, int(block.bounds[1]))
        together = list(new)
        while self._blocks and self._blocks[-1].size <= sum(b.size for b in together) and not self._full(together):
            together.insert(0, self._blocks.pop())
        self._blocks.append(PostingBlock.merged(together) if len(together) > 1 else together[0])

    def _full(self, together: Sequence[PostingBlock]) -> bool:
        return self._blocks[-1].size + sum(block.size for block in together) > FULL_BLOCK_ROWS

    def _make_room(self, end: int) -> None:
        if end > len(self._lengths):
            used = len(self._lengths)
            self._lengths = grown(self._lengths, used, end)
            self._lengths[used:] = 0

    def postings(self, term: int) -> Postings:
        """Seqs that hold a term, in order, and how often."""
        return self._every([term])[0]

    def _every(self, terms: Sequence[int]) -> list[Postings]:
        """The postings of each of these terms."""
        hashes = np.array(terms, dtype=np.int64)
        by_block = [[(block.seqs[span], block.counts[span]) for span in block.spans(hashes)] for block in self._blocks]
        if len(by_block) == 1:
            return by_block[0]
        return list(map(self._of_blocks, zip(*by_block, strict=True))) if by_block else [NO_POSTINGS] * len(terms)

    def _of_blocks(self, parts: Sequence[Postings]) -> Postings:
        """The postings of a term from those of each block."""
        held = [part for part in parts if len(part[0])]
        if len(held) <= 1:
            return held[0] if held else NO_POSTINGS
        seqs, counts = np.concatenate([seqs for seqs, _ in held]), np.concatenate([counts for _, counts in held])
        if self._in_order:
            return seqs, counts
        order = np.argsort(seqs)
        return seqs[order], counts[order]

    def _spelt(self, spellings: Sequence[Postings]) -> Postings:
        """Seqs that hold any of these terms, in order, and how often that which each holds most."""
        if len(spellings) == 1:
            return spellings[0]
        parts = [part for part in spellings if len(part[0])]
        if len(parts) <= 1:
            return parts[0] if parts else NO_POSTINGS
        seqs, counts = np.concatenate([seqs for seqs, _ in parts]), np.concatenate([counts for _, counts in parts])
        order = np.lexsort((-counts.astype(np.int16), seqs))
        firsts = np.flatnonzero(np.diff(seqs[order], prepend=-1))
        return seqs[order][firsts], counts[order][firsts]

    def holds(self, term: int) -> bool:
        """Whether any memory holds a term."""
        return len(self.postings(term)[0]) > 0

    def idf(self, frequency: int) -> float:
        """Inverse document frequency, with some imagined documents while the bank is small."""
        documents = len(self) + PRIOR_DOCUMENTS
        return log(1 + (documents - frequency + 0.5) / (frequency + 0.5))

    def impacts(self, terms: Sequence[Sequence[int]]) -> "Impacts":
        """Postings of these terms, in their order, with what each adds to a memory's score; a term in its spellings."""
        every = iter(self._every(list(chain.from_iterable(terms))))
        postings = [self._spelt(list(islice(every, len(spellings)))) for spellings in terms]
        seqs = _joined([seqs for seqs, _ in postings], np.int32)
        times = _joined([counts for _, counts in postings], np.float32)
        average = self._total / max(len(self), 1)
        lengths = self._lengths.take(seqs).astype(np.float32)
        norm = BM25_K1 * (1 - BM25_B) + np.float32(BM25_K1 * BM25_B / max(average, 1.0)) * lengths
        sizes = [len(seqs) for seqs, _ in postings]
        saturated = np.asarray(times / (times + norm), dtype=np.float32)
        return Impacts(sizes, [self.idf(size) for size in sizes], seqs, saturated)


def _joined(parts: Sequence[npt.NDArray[Any]], kind: type[Number]) -> npt.NDArray[Number]:
    return np.concatenate(parts, dtype=kind) if parts else np.empty(0, kind)


def by_hash(terms: Ints) -> Ints:
    """Order of a stable argsort, in a third of the time: a radix sort by the bits that nearly always differ."""
    order = np.argsort((terms >> 16).astype(np.uint16), kind="stable")
    order = order[np.argsort((terms >> 32).astype(np.uint16)[order], kind="stable")]
    order = order[np.argsort((terms >> 48).astype(np.int16)[order], kind="stable")]
    return order if rising([terms[order]]) else np.argsort(terms, kind="stable")


def rising(parts: Sequence[Ints]) -> bool:
    """Whether these seqs rise, one part after the other."""
    return bool(np.all(np.diff(np.concatenate(parts)) >= 0))
