"""The caches of recall: one index per loaded bank, brought up to date by the bank's change number."""

import ctypes
import heapq
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TypeVar
from weakref import WeakValueDictionary

import numpy as np

from memkit.batches import RowBatch, SketchBatch, TermBatch
from memkit.models import MEMORY_KINDS, BankState, Kind, Memory
from memkit.protocols import BankView, Storage, VectorSource
from memkit.recall.index.bank_index import BankIndex
from memkit.recall.ranking.query import REFLECTED_KINDS, Query
from memkit.recall.search import ScoredRow, Searcher
from memkit.runtime.indexer import Indexer
from memkit.settings import DecaySettings, RankingSettings
from memkit.storage.core.checksums import corrupt_error
from memkit.text.curve import Curve

MAX_INSTRUCTING = 200  # turns, the newest that hold any standing instruction
LARGE_BANK_SIZE = 100_000  # memories: loading fewer frees too little to be worth a millisecond
REFLECTED_NUMBERS = [MEMORY_KINDS.index(kind) for kind in REFLECTED_KINDS]

Batch = TypeVar("Batch", RowBatch, SketchBatch, TermBatch)


@dataclass
class LoadedBank:
    """A bank's search, and the state of the bank that it shows.

    Summaries and portraits have an index of their own, so that no statistic and no rank of the turns depends on what
    was written about them.
    """

    state: BankState
    searcher: Searcher
    reflected: Searcher | None = None
    reflected_seqs: set[int] = field(default_factory=set)
    speakers: dict[str, int] = field(default_factory=dict)
    instructing: list[int] = field(default_factory=list)  # seqs of the newest turns that hold standing instructions
    instructions: Mapping[int, Memory] | None = None  # those turns, read when they were first asked for

    @property
    def size(self) -> int:
        """Number of memories."""
        return self.searcher.index.size + (0 if self.reflected is None else self.reflected.index.size)

    @property
    def nbytes(self) -> int:
        """Bytes in RAM, about."""
        return self.searcher.nbytes + (0 if self.reflected is None else self.reflected.nbytes)

    def instructing_turns(self, view: BankView) -> Mapping[int, Memory]:
        """The newest turns that hold standing instructions, read once for each state of the bank."""
        if self.instructions is None:
            self.instructions = view.lazy_memories(self.instructing)
        return self.instructions

    def remove(self, gone: set[int]) -> bool:
        """Take out what was erased; False where the indexes must be built anew."""
        done = self.searcher.index.remove(gone - self.reflected_seqs)
        if self.reflected is not None and gone & self.reflected_seqs:
            done = self.reflected.index.remove(gone & self.reflected_seqs) and done
            self.reflected_seqs -= gone
        return done

    def search(self, query: Query, source: VectorSource) -> list[ScoredRow]:
        """The best rows of the kinds that are asked for; each index's own order stays."""
        kinds = query.options.kinds
        if kinds is None:
            return self.searcher.search(query, source)
        parts = []
        if others := [kind for kind in kinds if kind not in REFLECTED_KINDS]:
            parts.append(self.searcher.search(_of_kinds(query, others), source))
        if self.reflected is not None and (reflected := [kind for kind in kinds if kind in REFLECTED_KINDS]):
            parts.append(self.reflected.search(_of_kinds(query, reflected), source))
        if len(parts) == 1:
            return parts[0]
        return list(islice(heapq.merge(*parts, key=lambda scored: -scored.score), query.options.k))


def _of_kinds(query: Query, kinds: Sequence[Kind]) -> Query:
    return replace(query, options=replace(query.options, kinds=kinds))


@dataclass
class ReflectionSplit:
    """Parts what comes into a bank's indexes: what reflection wrote is set aside, the rest passes.

    `seqs`: of all summaries and portraits so far; it grows.
    """

    seqs: set[int]
    rows: list[RowBatch] = field(default_factory=list)
    sketches: list[SketchBatch] = field(default_factory=list)
    terms: list[TermBatch] = field(default_factory=list)

    def other_rows(self, batches: Iterable[RowBatch]) -> Iterator[RowBatch]:
        """Rows without those of summaries and portraits, whose seqs are noted; so this comes first."""
        for batch in batches:
            self.seqs.update(batch.seqs[np.isin(batch.fields["kind"], REFLECTED_NUMBERS)].tolist())
            yield from self.others([batch], self.rows)

    def others(self, batches: Iterable[Batch], aside: list[Batch]) -> Iterator[Batch]:
        """Sketches or terms without theirs, which are set aside."""
        for batch in batches:
            reflected = np.isin(batch.seqs, list(self.seqs))
            if reflected.any():
                aside.append(batch.only(reflected))
                batch = batch.only(~reflected)
            yield batch


class IndexCache:
    """Indexes of the banks in use. The store is the truth: any of these may vanish at any time."""

    def __init__(
        self, storage: Storage, indexer: Indexer, *, decay: DecaySettings, ranking: RankingSettings, budget: int
    ) -> None:
        self._storage, self._indexer = storage, indexer
        self._decay, self._ranking, self._budget = decay, ranking, budget
        self._loaded: OrderedDict[int, LoadedBank] = OrderedDict()
        self._sizes: dict[int, int] = {}  # bytes of each, as they were counted last
        self._held = 0  # their sum
        self._locks: WeakValueDictionary[int, threading.RLock] = WeakValueDictionary()
        self._guard = threading.Lock()

    def lock(self, bank: int) -> threading.RLock:
        """Held while a bank's index is read or brought up to date: see `opened`."""
        with self._guard:
            return self._locks.setdefault(bank, threading.RLock())

    @contextmanager
    def opened(self, bank: int) -> Iterator[tuple[LoadedBank, BankView]]:
        """The bank's index as of now, with the snapshot that it shows; nobody else has it meanwhile."""
        with self.lock(bank), self._storage.view(bank) as view:
            yield self._fresh(view), view

    def speakers(self, state: BankState) -> dict[str, int]:
        """The speakers of a bank in this state, or a later one, with their hashes."""
        loaded = self._loaded.get(state.number)
        if loaded is None or loaded.state != state:
            with self.opened(state.number) as (loaded, _):
                return loaded.speakers
        return loaded.speakers

    def _fresh(self, view: BankView) -> LoadedBank:
        state = view.state
        loaded = self._loaded.get(state.number)
        if loaded is not None and loaded.state == state:
            with self._guard:
                if state.number in self._loaded:  # unless it was dropped meanwhile
                    self._loaded.move_to_end(state.number)
            return loaded
        if loaded is None or not self._brought_up(loaded, view):
            loaded = self._built(view)
        loaded.state, loaded.instructions = state, None
        self._keep(state.number, loaded)
        return loaded

    def _built(self, view: BankView) -> LoadedBank:
        state = view.state
        loaded = LoadedBank(state.model_copy(update={"change": 0}), self._empty(state, room=state.size))
        self._update(loaded, view)
        if state.size > LARGE_BANK_SIZE:
            loaded.searcher.index.prepare(view)
            _trim_heap()
        return loaded

    def _brought_up(self, loaded: LoadedBank, view: BankView) -> bool:
        """Take in what changed, and take out what was erased; False where the index must be built anew."""
        before, state = loaded.state, view.state
        if before.key != state.key or before.change > state.change:
            return False  # another bank of that number, or an older file
        gone = view.erased_since(before.change) if before.epoch != state.epoch else []
        if len(gone) != state.epoch - before.epoch:
            return False  # something else happened: a repair, a backup that was put in its place
        if gone and not loaded.remove(set(chain.from_iterable(gone))):
            return False
        if before.change < state.change:
            self._update(loaded, view)
        return loaded.size == state.size

    def drop(self, bank: int | None = None) -> None:
        """Let go of a bank's index, or of all."""
        with self._guard:
            for number in list(self._loaded) if bank is None else [bank]:
                self._loaded.pop(number, None)
                self._held -= self._sizes.pop(number, 0)

    def nbytes(self) -> int:
        """Bytes of all loaded indexes."""
        with self._guard:
            return self._held

    def _empty(self, state: BankState, room: int = 0) -> Searcher:
        sketcher, _ = self._indexer.hashes()
        return Searcher(
            BankIndex(key=state.key, sketcher=sketcher, ranking=self._ranking, room=room),
            zone=state.zone,
            curve=Curve.of(self._decay),
            retention_weight=self._decay.ranking_weight,
            ranking=self._ranking,
        )

    def _update(self, loaded: LoadedBank, view: BankView) -> None:
        since, split = loaded.state.change, ReflectionSplit(loaded.reflected_seqs)
        rows = split.other_rows(view.row_batches(since))
        sketches = split.others(self._of_width(view.sketches(since)), split.sketches)
        loaded.searcher.index.update(rows, sketches, split.others(view.terms(since), split.terms), view)
        if split.rows or split.sketches or split.terms:
            loaded.reflected = loaded.reflected or self._empty(view.state)
            loaded.reflected.index.update(split.rows, split.sketches, split.terms, view)
        loaded.speakers = view.speakers()
        loaded.instructing = [seq for seq, _ in view.mentions(("standing",))][-MAX_INSTRUCTING:]

    def _of_width(self, batches: Iterable[SketchBatch]) -> Iterator[SketchBatch]:
        """Sketches as long as this file's are. Raises CorruptError."""
        sketcher, _ = self._indexer.hashes()
        for batch in batches:
            if batch.sketches.shape[1] != sketcher.bits // 8:
                raise corrupt_error("a sketch")
            yield batch

    def _keep(self, bank: int, loaded: LoadedBank) -> None:
        size = loaded.nbytes
        with self._guard:
            self._loaded[bank] = loaded
            self._loaded.move_to_end(bank)
            self._held += size - self._sizes.get(bank, 0)
            self._sizes[bank] = size
            while len(self._loaded) > 1 and self._held > self._budget:
                oldest, _ = self._loaded.popitem(last=False)
                self._held -= self._sizes.pop(oldest)


def _trim_heap() -> None:
    """Hand freed memory back, where the C library can: glibc keeps up to 64 MB of what loading a large bank needed."""
    if sys.platform == "linux":
        give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if give_back is not None:
            give_back(0)
