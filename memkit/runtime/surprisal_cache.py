"""Surprisal models of the banks in use: one background for all, or one each, made by a function of the user's."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from memkit.models import BankState
from memkit.protocols import BankView, Storage, SurprisalModel
from memkit.surprisal.background import BackgroundSurprisal
from memkit.surprisal.salience import TurnSalience, read_guarded

LOADED_BANKS = 64  # banks whose own models are in RAM at most
REPLAYED_TURNS = 2_000  # a bank's last memories, which a new model of the user's reads again
READ_BATCH = 1_000  # memories

Factory = Callable[[], SurprisalModel]


@dataclass
class _Slot:
    """One bank's model; the lock is held while it reads, so that no other bank waits."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    model: SurprisalModel | None = None
    epoch: int = -1  # of the bank when the model was made: after an erasure it is made again


class SurprisalCache:
    """Saliences of turns on their way in.

    The background is fixed: a turn has the same salience in every process, and after an erasure. A model that
    the user's function made for a bank may learn; it lives as long as the process does, and a new one reads the
    bank's last turns first.
    """

    def __init__(self, storage: Storage, factory: Factory | None) -> None:
        self._storage, self._factory = storage, factory
        self._slots: dict[int, _Slot] = {}
        self._lock = threading.Lock()

    def saliences(self, state: BankState, texts: Sequence[str]) -> list[TurnSalience | None]:
        """The salience of each turn, in order; None where the bank's model fails."""
        factory = self._factory
        if factory is None:
            return read_guarded(BackgroundSurprisal, texts)
        with self._lock:
            slot = self._slots[state.number] = self._slots.pop(state.number, _Slot())  # as the last used
            while len(self._slots) > LOADED_BANKS:
                self._slots.pop(next(iter(self._slots)))
        with slot.lock:
            return read_guarded(lambda: self._model(slot, state, factory), texts)

    def drop(self, bank: int) -> None:
        """Forget a bank's model, after an erasure."""
        with self._lock:
            self._slots.pop(bank, None)

    def _model(self, slot: _Slot, state: BankState, factory: Factory) -> SurprisalModel:
        if slot.model is None or slot.epoch != state.epoch:
            model = factory()
            with self._storage.view(state.number) as view:
                for text in _last_turns(view):
                    model.learn(text)
            slot.model, slot.epoch = model, state.epoch
        return slot.model


def _last_turns(view: BankView) -> Iterator[str]:
    """Texts of the turns among the bank's last memories, in order."""
    last = view.position(None)
    end = 0 if last is None else last.seq + 1
    for start in range(max(1, end - REPLAYED_TURNS), end, READ_BATCH):
        memories = view.memories(range(start, min(start + READ_BATCH, end)))
        yield from (memory.text for _, memory in sorted(memories.items()) if memory.kind == "turn")
