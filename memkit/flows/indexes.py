"""The caches of recall: one index per loaded bank, brought up to date by the bank's change number."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from memkit.flows.traces import Tracer
from memkit.models import BankState
from memkit.protocols import BankView, FloatArray, PassageBatch, Storage
from memkit.recall.index import BankIndex
from memkit.settings import DecaySettings, RankingSettings
from memkit.text.curve import Curve


@dataclass
class Loaded:
    """A bank's index, and the state of the bank that it shows."""

    state: BankState
    index: BankIndex
    speakers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredVectors:
    """A bank's stored vectors, each call in a snapshot of its own."""

    storage: Storage
    bank: int

    def vectors(self, seqs: Sequence[int]) -> FloatArray:
        """Stored vectors (n, dimension); zeros where none is."""
        with self.storage.view(self.bank) as view:
            return view.vectors(seqs)

    def with_passages(self, seqs: Sequence[int]) -> tuple[FloatArray, PassageBatch]:
        """Both at once."""
        with self.storage.view(self.bank) as view:
            return view.with_passages(seqs)

    def passages(self, seqs: Sequence[int]) -> PassageBatch:
        """Stored vectors of these memories' passages."""
        with self.storage.view(self.bank) as view:
            return view.passages(seqs)


class IndexCache:
    """Indexes of the banks in use. The store is the truth: any of these may vanish at any time."""

    def __init__(
        self, storage: Storage, tracer: Tracer, *, decay: DecaySettings, ranking: RankingSettings, budget: int
    ) -> None:
        self._storage, self._tracer = storage, tracer
        self._decay, self._ranking, self._budget = decay, ranking, budget
        self._loaded: OrderedDict[int, Loaded] = OrderedDict()
        self._locks: dict[int, threading.RLock] = {}
        self._guard = threading.Lock()

    def lock(self, bank: int) -> threading.RLock:
        """Held while a bank's index is read or brought up to date."""
        with self._guard:
            return self._locks.setdefault(bank, threading.RLock())

    def fresh(self, bank: int) -> Loaded:
        """The bank's index as of now; call with its lock held."""
        with self._storage.view(bank) as view:
            state = view.state
            loaded = self._loaded.get(bank)
            if loaded is None or loaded.state.epoch != state.epoch:
                loaded = Loaded(state.model_copy(update={"change": 0}), self._empty(state))
            if loaded.state.change < state.change:
                self._update(loaded, view)
        loaded.state = state
        self._keep(bank, loaded)
        return loaded

    def drop(self, bank: int | None = None) -> None:
        """Forget what is cached of a bank, or of all."""
        with self._guard:
            if bank is None:
                self._loaded.clear()
            else:
                self._loaded.pop(bank, None)

    def nbytes(self) -> int:
        """Bytes held by all loaded indexes."""
        with self._guard:
            return sum(loaded.index.nbytes for loaded in self._loaded.values())

    def _empty(self, state: BankState) -> BankIndex:
        sketcher, _ = self._tracer.hashes()
        return BankIndex(
            key=state.key,
            zone=state.zone,
            sketcher=sketcher,
            curve=Curve.of(self._decay),
            retention_weight=self._decay.ranking_weight,
            ranking=self._ranking,
        )

    def _update(self, loaded: Loaded, view: BankView) -> None:
        since = loaded.state.change
        loaded.index.update(view.rows(since), view.codes(since), view.terms(since), view)
        loaded.speakers = view.speakers()

    def _keep(self, bank: int, loaded: Loaded) -> None:
        with self._guard:
            self._loaded[bank] = loaded
            self._loaded.move_to_end(bank)
            while len(self._loaded) > 1 and self._over_budget():
                self._loaded.popitem(last=False)

    def _over_budget(self) -> bool:
        return sum(loaded.index.nbytes for loaded in self._loaded.values()) > self._budget
