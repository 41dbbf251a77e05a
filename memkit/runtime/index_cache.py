"""The caches of recall: one index per loaded bank, brought up to date by the bank's change number."""

import heapq
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from weakref import WeakValueDictionary

import numpy as np

from memkit.batches import RowBatch, SketchBatch, TermBatch
from memkit.models import MEMORY_KINDS, BankState
from memkit.protocols import BankView, Storage, VectorSource
from memkit.recall.ranking.query import REFLECTED, Query
from memkit.recall.ranking.results import ScoredRow
from memkit.recall.search import BankIndex
from memkit.runtime import heap
from memkit.runtime.indexer import Indexer
from memkit.settings import DecaySettings, RankingSettings
from memkit.storage.core.checksums import misread
from memkit.text.curve import Curve

WRITTEN = [MEMORY_KINDS.index(kind) for kind in REFLECTED]


@dataclass
class Loaded:
    """A bank's index, and the state of the bank that it shows.

    Summaries and portraits have an index of their own, so that no statistic and no rank of what was said depends
    on what was written about it.
    """

    state: BankState
    index: BankIndex
    reflected: BankIndex | None = None
    written: set[int] = field(default_factory=set)  # seqs in `reflected`
    speakers: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many memories it holds."""
        return self.index.size + (0 if self.reflected is None else self.reflected.size)

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return self.index.nbytes + (0 if self.reflected is None else self.reflected.nbytes)

    def remove(self, gone: set[int]) -> bool:
        """Take out what was erased; False where the indexes must be built anew."""
        done = self.index.remove(gone - self.written)
        if self.reflected is not None and gone & self.written:
            done = self.reflected.remove(gone & self.written) and done
            self.written -= gone
        return done

    def search(self, query: Query, source: VectorSource) -> list[ScoredRow]:
        """The best rows of the kinds that are asked for; each index's own order is kept."""
        if query.kinds is None:
            return self.index.search(query, source)
        said = tuple(kind for kind in query.kinds if kind not in REFLECTED)
        written = tuple(kind for kind in query.kinds if kind in REFLECTED)
        parts = [self.index.search(replace(query, kinds=said), source)] if said else []
        if written and self.reflected is not None:
            parts.append(self.reflected.search(replace(query, kinds=written), source))
        return list(islice(heapq.merge(*parts, key=lambda scored: -scored.score), query.k))


class Sorting:
    """Sorts what comes into a bank's indexes: lets pass what was said, and keeps what reflection wrote.

    `seqs`: of the latter, all that are known; it grows.
    """

    def __init__(self, seqs: set[int]) -> None:
        self.seqs = seqs
        self.rows: list[RowBatch] = []
        self.sketches: list[SketchBatch] = []
        self.terms: list[TermBatch] = []

    def written_rows(self, batches: Iterable[RowBatch]) -> Iterator[RowBatch]:
        """Without summaries and portraits, whose seqs are known from then on."""
        for batch in batches:
            written = np.isin(batch.fields["kind"], WRITTEN)
            if written.any():
                self.rows.append(batch.only(written))
                self.seqs.update(self.rows[-1].seqs.tolist())
                batch = batch.only(~written)
            yield batch

    def written_sketches(self, batches: Iterable[SketchBatch]) -> Iterator[SketchBatch]:
        """Without theirs."""
        for batch in batches:
            written = np.isin(batch.seqs, list(self.seqs))
            if written.any():
                self.sketches.append(SketchBatch(batch.seqs[written], batch.sketches[written]))
                batch = SketchBatch(batch.seqs[~written], batch.sketches[~written])
            yield batch

    def written_terms(self, batches: Iterable[TermBatch]) -> Iterator[TermBatch]:
        """Without theirs."""
        for batch in batches:
            written = np.isin(batch.seqs, list(self.seqs))
            if written.any():
                self.terms.append(batch.only(written))
                batch = batch.only(~written)
            yield batch


class IndexCache:
    """Indexes of the banks in use. The store is the truth: any of these may vanish at any time."""

    def __init__(
        self, storage: Storage, indexer: Indexer, *, decay: DecaySettings, ranking: RankingSettings, budget: int
    ) -> None:
        self._storage, self._indexer = storage, indexer
        self._decay, self._ranking, self._budget = decay, ranking, budget
        self._loaded: OrderedDict[int, Loaded] = OrderedDict()
        self._sizes: dict[int, int] = {}  # bytes of each, as they were counted last
        self._held = 0  # their sum
        self._locks: WeakValueDictionary[int, threading.RLock] = WeakValueDictionary()
        self._guard = threading.Lock()

    def lock(self, bank: int) -> threading.RLock:
        """Held while a bank's index is read or brought up to date: see `opened`."""
        with self._guard:
            lock = self._locks.get(bank)
            if lock is None:
                lock = self._locks[bank] = threading.RLock()
            return lock

    @contextmanager
    def opened(self, bank: int) -> Iterator[tuple[Loaded, BankView]]:
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

    def _fresh(self, view: BankView) -> Loaded:
        state = view.state
        loaded = self._loaded.get(state.number)
        if loaded is None or not self._brought_up(loaded, view):
            loaded = Loaded(state.model_copy(update={"change": 0}), self._empty(state, room=state.size))
            self._update(loaded, view)
            if state.size > heap.LARGE_BANK_SIZE:
                loaded.index.prepare(view)
                heap.trim()
        loaded.state = state
        self._keep(state.number, loaded)
        return loaded

    def _brought_up(self, loaded: Loaded, view: BankView) -> bool:
        """Take in what changed, and take out what was erased; False where the index must be built anew."""
        before, state = loaded.state, view.state
        if before.key != state.key or before.change > state.change:
            return False  # another bank of that number, or an older file
        gone = view.gone(before.change) if before.epoch != state.epoch else []
        if len(gone) != state.epoch - before.epoch:
            return False  # something else happened: a repair, a backup that was put in its place
        if gone and not loaded.remove(set(chain.from_iterable(gone))):
            return False
        if before.change < state.change:
            self._update(loaded, view)
        return loaded.size == state.size

    def drop(self, bank: int | None = None) -> None:
        """Forget what is cached of a bank, or of all."""
        with self._guard:
            for number in list(self._loaded) if bank is None else [bank]:
                self._loaded.pop(number, None)
                self._held -= self._sizes.pop(number, 0)

    def nbytes(self) -> int:
        """Bytes held by all loaded indexes."""
        with self._guard:
            return self._held

    def _empty(self, state: BankState, room: int = 0) -> BankIndex:
        sketcher, _ = self._indexer.hashes()
        return BankIndex(
            key=state.key,
            zone=state.zone,
            sketcher=sketcher,
            curve=Curve.of(self._decay),
            retention_weight=self._decay.ranking_weight,
            ranking=self._ranking,
            room=room,
        )

    def _update(self, loaded: Loaded, view: BankView) -> None:
        since = loaded.state.change
        sorting = Sorting(loaded.written)
        sketches, terms = (
            sorting.written_sketches(self._of_width(view.sketches(since))),
            sorting.written_terms(view.terms(since)),
        )
        loaded.index.update(sorting.written_rows(view.row_batches(since)), sketches, terms, view)
        if sorting.rows or sorting.sketches or sorting.terms:
            loaded.reflected = loaded.reflected or self._empty(view.state)
            loaded.reflected.update(sorting.rows, sorting.sketches, sorting.terms, view)
        loaded.speakers = view.speakers()

    def _of_width(self, batches: Iterable[SketchBatch]) -> Iterator[SketchBatch]:
        """Sketches as long as this file's are. Raises CorruptError."""
        sketcher, _ = self._indexer.hashes()
        for batch in batches:
            if batch.sketches.shape[1] != sketcher.bits // 8:
                raise misread("a sketch")
            yield batch

    def _keep(self, bank: int, loaded: Loaded) -> None:
        size = loaded.nbytes
        with self._guard:
            self._loaded[bank] = loaded
            self._loaded.move_to_end(bank)
            self._held += size - self._sizes.get(bank, 0)
            self._sizes[bank] = size
            while len(self._loaded) > 1 and self._held > self._budget:
                oldest, _ = self._loaded.popitem(last=False)
                self._held -= self._sizes.pop(oldest)
