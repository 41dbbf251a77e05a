"""The caches of recall: one index per loaded bank, brought up to date by the bank's change number."""

import ctypes
import heapq
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from memkit.batches import RowBatch, SketchBatch, TermBatch
from memkit.models import MEMORY_KINDS, BankState, Kind, Memory
from memkit.protocols import BankName, BankView, Storage, VectorSource
from memkit.recall.index.bank_index import BankIndex
from memkit.recall.nearest import nearest
from memkit.recall.ranking.query import ITEM_KINDS, REFLECTED_KINDS, Query
from memkit.recall.search import ScoredRow, Searcher
from memkit.runtime.indexer import Indexer
from memkit.settings import DecaySettings, RankingSettings
from memkit.storage.core.checksums import corrupt_error
from memkit.text.curve import Curve

MAX_INSTRUCTING = 200  # turns, the newest that hold any standing instruction
LARGE_BANK_SIZE = 100_000  # memories: loading fewer frees too little to be worth a millisecond
KindGroup = tuple[Kind, ...]
KINDS_ASIDE: tuple[KindGroup, ...] = (REFLECTED_KINDS, ITEM_KINDS)  # each with an index of its own
NUMBERS_BY_GROUP = {kinds: [MEMORY_KINDS.index(kind) for kind in kinds] for kinds in KINDS_ASIDE}

T = TypeVar("T")
Batch = TypeVar("Batch", RowBatch, SketchBatch, TermBatch)


@dataclass
class LoadedBank:
    """A bank's search, and the state of the bank that it shows.

    Summaries and portraits have an index of their own, and so have items, so that no statistic and no rank of the turns
    depends on what was written about them, or put beside them. `seqs_aside`: all that those hold.
    """

    state: BankState
    searcher: Searcher
    aside: dict[KindGroup, Searcher] = field(default_factory=dict)
    seqs_aside: dict[KindGroup, set[int]] = field(default_factory=lambda: {kinds: set() for kinds in KINDS_ASIDE})
    speakers: dict[str, int] = field(default_factory=dict)
    instructing: list[int] = field(default_factory=list)  # seqs of the newest turns that hold standing instructions
    instructions: Mapping[int, Memory] | None = None  # those turns, read when they were first asked for
    reflections: dict[Hashable, Any] = field(default_factory=dict)  # what was written about its turns, as it was read

    @property
    def is_reflected(self) -> bool:
        """Whether anything was written about its turns."""
        return REFLECTED_KINDS in self.aside

    @property
    def searchers(self) -> list[Searcher]:
        """The searches of all its kinds."""
        return [self.searcher, *self.aside.values()]

    @property
    def size(self) -> int:
        """Number of memories."""
        return sum(searcher.index.size for searcher in self.searchers)

    @property
    def nbytes(self) -> int:
        """Bytes in RAM, about."""
        return sum(searcher.nbytes for searcher in self.searchers)

    def searcher_of(self, kind: Kind) -> Searcher:
        """The search that holds memories of a kind."""
        return next((own for kinds, own in self.aside.items() if kind in kinds), self.searcher)

    def shows(self, state: BankState) -> bool:
        """Whether it shows the bank in this state; of one that stays as it is the state is mostly the same object."""
        return self.state is state or self.state == state

    def instructing_turns(self, view: BankView) -> Mapping[int, Memory]:
        """The newest turns that hold standing instructions, read once for each state of the bank."""
        if self.instructions is None:
            self.instructions = view.lazy_memories(self.instructing)
        return self.instructions

    def read_once(self, key: Hashable, read: Callable[[], T]) -> T:
        """Value of a read of what was written about its turns, read once for each state of the bank."""
        if key not in self.reflections:
            self.reflections[key] = read()
        value: T = self.reflections[key]
        return value

    def remove(self, gone: set[int]) -> bool:
        """Take out what was erased; False where the indexes must be built anew."""
        rest, done = set(gone), True
        for kinds, searcher in self.aside.items():
            own = gone & self.seqs_aside[kinds]
            self.seqs_aside[kinds] -= own
            rest -= own
            done = (not own or searcher.index.remove(own)) and done
        return (not rest or self.searcher.index.remove(rest)) and done

    def search(self, query: Query, source: VectorSource) -> list[ScoredRow]:
        """The best rows of the kinds that are asked for; each index's own order stays."""
        kinds = query.options.kinds
        if kinds is None:
            return _best(self.searcher, query, source)
        asked = {own: [kind for kind in own if kind in kinds] for own in self.aside}
        parts = [_best(self.aside[own], _of_kinds(query, some), source) for own, some in asked.items() if some]
        if others := [kind for kind in kinds if not any(kind in own for own in KINDS_ASIDE)]:
            parts.insert(0, _best(self.searcher, _of_kinds(query, others), source))
        if len(parts) == 1:
            return parts[0]
        return list(islice(heapq.merge(*parts, key=lambda scored: -scored.score), query.options.k))


def _best(searcher: Searcher, query: Query, source: VectorSource) -> list[ScoredRow]:
    if query.options.by == "cosine":
        return nearest(searcher.index, query, source)
    return searcher.search(query, source)


def _of_kinds(query: Query, kinds: Sequence[Kind]) -> Query:
    return replace(query, options=replace(query.options, kinds=kinds))


class SetAside:
    """Parts what comes into a bank's indexes: what has an index of its own is set aside, the rest passes.

    `seqs`: by the group of kinds, of all that was set aside so far; it grows.
    """

    def __init__(self, seqs: dict[KindGroup, set[int]]) -> None:
        self.seqs = seqs
        self.rows: dict[KindGroup, list[RowBatch]] = {kinds: [] for kinds in seqs}
        self.sketches: dict[KindGroup, list[SketchBatch]] = {kinds: [] for kinds in seqs}
        self.terms: dict[KindGroup, list[TermBatch]] = {kinds: [] for kinds in seqs}

    def other_rows(self, batches: Iterable[RowBatch]) -> Iterator[RowBatch]:
        """Rows without those that are set aside, whose seqs are noted; so this comes first."""
        for batch in batches:
            for kinds, seqs in self.seqs.items():
                seqs.update(batch.seqs[np.isin(batch.fields["kind"], NUMBERS_BY_GROUP[kinds])].tolist())
            yield from self.others([batch], self.rows)

    def others(self, batches: Iterable[Batch], aside: Mapping[KindGroup, list[Batch]]) -> Iterator[Batch]:
        """Sketches or terms without theirs, which are set aside."""
        for batch in batches:
            for kinds, seqs in self.seqs.items():
                own = np.isin(batch.seqs, list(seqs))
                if own.any():
                    aside[kinds].append(batch.only(own))
                    batch = batch.only(~own)
            yield batch


class IndexCache:
    """Indexes of the banks in use. The store is the truth: any of these may vanish at any time."""

    def __init__(
        self, storage: Storage, indexer: Indexer, *, decay: DecaySettings, ranking: RankingSettings, budget: int
    ) -> None:
        self._storage, self._indexer = storage, indexer
        self._decay, self._ranking, self._budget = decay, ranking, budget
        self._loaded: OrderedDict[int, LoadedBank] = OrderedDict()
        self._numbers: dict[BankName, int] = {}  # of loaded banks, by their names when they were last seen
        self._sizes: dict[int, int] = {}  # bytes of each, as they were counted last
        self._held = 0  # their sum
        self._locks: WeakValueDictionary[int, threading.RLock] = WeakValueDictionary()
        self._guard = threading.Lock()

    def lock(self, bank: int) -> threading.RLock:
        """Held while a bank's index is read or brought up to date: see `opened`."""
        with self._guard:
            return self._locks.get(bank) or self._locks.setdefault(bank, threading.RLock())

    @contextmanager
    def opened(self, bank: int) -> Iterator[tuple[LoadedBank, BankView]]:
        """The bank's index as of now, with the snapshot that it shows; nobody else has it meanwhile."""
        with self.lock(bank), self._storage.view(bank) as view:
            yield self._fresh(view), view

    def state(self, name: BankName) -> BankState | None:
        """The state in which a loaded bank was last seen; the bank may be another by now."""
        with self._guard:
            loaded = self._loaded.get(self._numbers.get(name, -1))
        return loaded.state if loaded is not None and loaded.state.name == name else None

    def forget(self, name: BankName) -> None:
        """Look for a bank by its name again."""
        with self._guard:
            self._numbers.pop(name, None)

    def speakers(self, state: BankState) -> dict[str, int]:
        """The speakers of a bank in this state, or a later one, with their hashes."""
        loaded = self._loaded.get(state.number)
        if loaded is None or not loaded.shows(state):
            with self.opened(state.number) as (loaded, _):
                return loaded.speakers
        return loaded.speakers

    def _fresh(self, view: BankView) -> LoadedBank:
        state = view.state
        loaded = self._loaded.get(state.number)
        if loaded is not None and loaded.shows(state):
            with self._guard:
                if state.number in self._loaded:  # unless it was dropped meanwhile
                    self._loaded.move_to_end(state.number)
            return loaded
        if loaded is None or not self._brought_up(loaded, view):
            loaded = self._built(view)
        loaded.state, loaded.instructions, loaded.reflections = state, None, {}
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
        since, split = loaded.state.change, SetAside(loaded.seqs_aside)
        view.read_ahead_since(since)
        rows = split.other_rows(view.row_batches(since))
        sketches = split.others(self._of_width(view.sketches(since)), split.sketches)
        loaded.searcher.index.update(rows, sketches, split.others(view.terms(since), split.terms), view)
        for kinds in KINDS_ASIDE:
            batches = split.rows[kinds], split.sketches[kinds], split.terms[kinds]
            if any(batches):
                loaded.aside.setdefault(kinds, self._empty(view.state)).index.update(*batches, view)
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
            self._numbers[loaded.state.name] = bank
            self._loaded.move_to_end(bank)
            self._held += size - self._sizes.get(bank, 0)
            self._sizes[bank] = size
            while len(self._loaded) > 1 and self._held > self._budget:
                oldest, evicted = self._loaded.popitem(last=False)
                self._numbers.pop(evicted.state.name, None)
                self._held -= self._sizes.pop(oldest)


def _trim_heap() -> None:
    """Hand freed memory back, where the C library can: glibc keeps up to 64 MB of what loading a large bank needed."""
    if sys.platform == "linux":
        give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if give_back is not None:
            give_back(0)
