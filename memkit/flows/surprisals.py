"""Each bank's own surprisal model: learnt from what it heard, never from another bank."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from memkit.models import Memory
from memkit.observe.surprisal import NgramSurprisal
from memkit.protocols import BankView, Storage, SurprisalModel

LOADED = 64  # banks whose models are kept
REPLAYED = 2_000  # a bank's last memories, read again when its model is made

Factory = Callable[[], SurprisalModel]


class SurprisalCache:
    """Models of the banks in use. A model is a cache, too: it is made again from the bank's last turns,

    so that what was erased is not in it.
    """

    def __init__(self, storage: Storage, factory: Factory | None) -> None:
        self._storage, self._factory = storage, factory
        self._models: OrderedDict[int, SurprisalModel] = OrderedDict()
        self.lock = threading.Lock()

    def model(self, bank: int) -> SurprisalModel:
        """The bank's model; call with `lock` held."""
        if bank not in self._models:
            self._models[bank] = self._learnt(bank)
        self._models.move_to_end(bank)
        while len(self._models) > LOADED:
            self._models.popitem(last=False)
        return self._models[bank]

    def drop(self, bank: int) -> None:
        """Forget a bank's model, after an erasure."""
        with self.lock:
            self._models.pop(bank, None)

    def unlearnt(self, key: bytes) -> SurprisalModel | None:
        """A model that has read nothing yet; None where the store's models learn nothing from their bank."""
        return NgramSurprisal(key) if self._factory is None else None

    def _learnt(self, bank: int) -> SurprisalModel:
        with self._storage.view(bank) as view:
            model = NgramSurprisal(view.state.key) if self._factory is None else self._factory()
            for memory in self._last_turns(view):
                model.learn(memory.text)
        return model

    def _last_turns(self, view: BankView) -> list[Memory]:
        last = view.position(None)
        if last is None:
            return []
        seqs = range(max(1, last.seq - REPLAYED), last.seq + 1)
        return [m for _, m in sorted(view.memories(seqs).items()) if m.kind == "turn"]
