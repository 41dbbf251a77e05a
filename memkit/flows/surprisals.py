"""Each bank's own surprisal model: learnt from what it heard, never from another bank."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from memkit.flows.surprisal_guard import Told, read_guarded
from memkit.models import Memory
from memkit.observe.surprisal import NgramSurprisal
from memkit.protocols import BankView, Storage, SurprisalModel

LOADED = 64  # banks whose models are kept
REPLAYED = 2_000  # a bank's last memories, read again when its model is made

Factory = Callable[[], SurprisalModel]


@dataclass
class _Slot:
    """A bank's model, made when first needed; the lock is held while it reads, so that no other bank waits."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    model: SurprisalModel | None = None


class SurprisalCache:
    """Models of the banks in use. A model is a cache, too: it is made again from the bank's last turns,

    so that what was erased is not in it.
    """

    def __init__(self, storage: Storage, factory: Factory | None) -> None:
        self._storage, self._factory = storage, factory
        self._slots: OrderedDict[int, _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, bank: int, texts: Sequence[str]) -> list[Told | None]:
        """What each text tells by the bank's model, which learns it before the next one; None where it fails."""
        slot = self._slot(bank)
        with slot.lock:
            return read_guarded(lambda: self._model(bank, slot), texts)

    def drop(self, bank: int) -> None:
        """Forget a bank's model, after an erasure."""
        with self._lock:
            self._slots.pop(bank, None)

    def _slot(self, bank: int) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(bank, _Slot())
            self._slots.move_to_end(bank)
            while len(self._slots) > LOADED:
                self._slots.popitem(last=False)
            return slot

    def _model(self, bank: int, slot: _Slot) -> SurprisalModel:
        if slot.model is None:
            slot.model = self._learnt(bank)
        return slot.model

    def _learnt(self, bank: int) -> SurprisalModel:
        with self._storage.view(bank) as view:
            key, turns = view.state.key, self._last_turns(view)
        model = NgramSurprisal(key) if self._factory is None else self._factory()
        for turn in turns:
            model.learn(turn.text)
        return model

    def _last_turns(self, view: BankView) -> list[Memory]:
        last = view.position(None)
        if last is None:
            return []
        seqs = range(max(1, last.seq - REPLAYED), last.seq + 1)
        return [m for _, m in sorted(view.memories(seqs).items()) if m.kind == "turn"]
