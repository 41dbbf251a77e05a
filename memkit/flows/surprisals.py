"""Each bank's own surprisal model: learnt from what it heard, never from another bank."""

import logging
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from memkit.errors import MemkitError, StorageError, SurprisalError, SurprisalUnavailableError
from memkit.models import Memory
from memkit.observe.surprisal import NgramSurprisal, key_phrases, salience
from memkit.protocols import BankView, Storage, SurprisalModel, Token

log = logging.getLogger("memkit")

LOADED = 64  # banks whose models are kept
REPLAYED = 2_000  # a bank's last memories, read again when its model is made

Factory = Callable[[], SurprisalModel]


class Told(NamedTuple):
    """How much a text tells, in nats, and the phrases that tell it."""

    salience: float
    key_phrases: tuple[str, ...]


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
        """What each text tells by the bank's model, which learns it before the next one; None where it fails.

        A model is foreign code and may raise anything: that is logged, once and without its words, and loses
        nothing. When it is out of reach it isn't asked for the rest of the texts.
        """
        slot = self._slot(bank)
        with slot.lock:
            readings = list(self._readings(bank, slot, texts))
        faults = [reading for reading in readings if isinstance(reading, SurprisalError)]
        if faults:
            log.warning("memkit: %d turns are stored without salience: %s", len(faults), faults[0])
        return [None if isinstance(reading, SurprisalError) else reading for reading in readings]

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

    def _readings(self, bank: int, slot: _Slot, texts: Sequence[str]) -> Iterator[Told | SurprisalError]:
        away: SurprisalUnavailableError | None = None
        for text in texts:
            reading = away or self._reading(bank, slot, text)
            if isinstance(reading, SurprisalUnavailableError):
                away = reading
            yield reading

    def _reading(self, bank: int, slot: _Slot, text: str) -> Told | SurprisalError:
        try:
            if slot.model is None:
                slot.model = self._learnt(bank)
            tokens = checked(text, slot.model.score(text))
            told = Told(float(salience(tokens)), key_phrases(text, tokens))
            slot.model.learn(text)
        except StorageError:
            raise
        except SurprisalError as error:
            return error
        except MemkitError as error:
            return SurprisalError(str(error))
        except Exception as error:  # noqa: BLE001  a model may raise anything; its words may be the text's
            return SurprisalError(f"the surprisal model failed with {type(error).__name__}.")
        return told

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


def checked(text: str, tokens: Iterable[Token]) -> list[Token]:
    """A model's tokens, if they lie in order in the text with finite surprisals. Raises SurprisalError."""
    earlier = (0, 0)
    found = [Token(*token) for token in tokens]
    for start, end, surprisal in found:
        if not earlier[0] <= start <= end <= len(text) or end < earlier[1]:
            raise SurprisalError("the surprisal model gave tokens that are out of order or outside the text.")
        if not 0 <= surprisal < math.inf:
            raise SurprisalError("the surprisal model gave a surprisal that is negative or not finite.")
        earlier = (start, end)
    return found
