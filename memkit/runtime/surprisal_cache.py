"""Each bank's own surprisal model: learnt from what it heard, never from another bank, and kept with it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from memkit.errors import InputError
from memkit.models import BankState, Memory
from memkit.observe.small_talk import REMEMBERED, SmallTalk
from memkit.operations import Learn
from memkit.protocols import BankView, Storage, SurprisalModel
from memkit.runtime.surprisal_state import PendingTurns, SurprisalState, model_of, spans_of, unlearnt
from memkit.surprisal.guard import TurnSalience, read_guarded
from memkit.surprisal.ngram import NgramSurprisal

LOADED = 64  # banks whose models are kept in RAM at most
REPLAYED = 2_000  # a bank's last memories, read where nothing of its model is kept
SAVED_AFTER = 256  # turns learnt
READ = 1_000  # memories at a time

Factory = Callable[[], SurprisalModel]


class Judged(NamedTuple):
    """What was found of turns on their way in: what each tells, None where the model failed; which are small talk.

    `hearing`: what they were judged by; None where the bank's model could not even be made.
    """

    told: list[TurnSalience | None]
    small: list[bool]
    hearing: PendingTurns | None


@dataclass
class _Slot:
    """What is in RAM of a bank; the lock is held while its model reads, so that no other bank waits."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    learnt: SurprisalState | None = None

    @property
    def nbytes(self) -> int:
        """Bytes held, about; 0 for a model of the user's own."""
        model = self.learnt and self.learnt.model
        return model.nbytes if isinstance(model, NgramSurprisal) else 0


class SurprisalCache:
    """Models of the banks in use. The storage keeps their counts by segment; they learn what is stored, in order.

    So every process comes to the same model, and nothing that was erased is in it. Models that a factory of the
    user's own makes are not kept: they hear the bank's last turns again. In RAM they take at most `budget`
    bytes beside the one in use.
    """

    def __init__(self, storage: Storage, factory: Factory | None, small_talk: float, *, budget: int) -> None:
        self._storage, self._factory, self._small_talk, self._budget = storage, factory, small_talk, budget
        self._slots: OrderedDict[int, _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def judge(self, state: BankState, texts: Sequence[str]) -> Judged:
        """What the bank's model makes of its next turns, each learnt before the next one."""
        hearing: PendingTurns | None = None

        def model() -> SurprisalModel:
            nonlocal hearing
            hearing = hearing or self._hearing(slot, state)
            return hearing.model

        slot = self._slot(state.number)
        with slot.lock:
            told = read_guarded(model, texts)
        pairs = zip(told, texts, strict=True)
        small = [hearing is not None and hearing.is_small_talk(t and t.salience, text) for t, text in pairs]
        return Judged(told, small, hearing)

    def stored(self, bank: int, hearing: PendingTurns, ids: Sequence[str | None], *, change: int, at: datetime) -> None:
        """Learn those of the judged turns that the change of this number stored; keep the model now and then.

        `ids`: under which each was stored, None where it wasn't.
        """
        slot = self._slot(bank)
        with slot.lock:
            learnt = slot.learnt
            if learnt is None or not learnt.change == hearing.change == change - 1 or not hearing.heard_all:
                return  # others changed the bank, or the model failed: the next hearing catches up with all of it
            last = [id for id in ids if id is not None][-1:]
            with self._storage.view(bank) as view:
                seqs = view.locate(last)
            if len(seqs) < len(last):
                return  # erased again
            learnt.take_in(hearing, [id is not None for id in ids], max(seqs.values(), default=learnt.through))
            learnt.change = change
            if learnt.unsaved >= SAVED_AFTER and self._factory is None:
                slot.learnt = self._saved(bank, learnt, at)

    def drop(self, bank: int) -> None:
        """Forget a bank's model, after an erasure."""
        with self._lock:
            self._slots.pop(bank, None)

    def _slot(self, bank: int) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(bank, _Slot())
            self._slots.move_to_end(bank)
            while len(self._slots) > 1 and (len(self._slots) > LOADED or self._held() > self._budget):
                self._slots.popitem(last=False)
            return slot

    def nbytes(self) -> int:
        """Bytes held by all models in RAM, about."""
        with self._lock:
            return self._held()

    def _held(self) -> int:
        return sum(slot.nbytes for slot in self._slots.values())

    def unlearnt(self, key: bytes) -> SurprisalModel | None:
        """A model that has read nothing yet; None where the store's models learn nothing from their bank."""
        return NgramSurprisal(key) if self._factory is None else None

    def _hearing(self, slot: _Slot, state: BankState) -> PendingTurns:
        if slot.learnt is None or slot.learnt.epoch != state.epoch:
            slot.learnt = self._loaded(state)
        if slot.learnt.change != state.change:
            self._catch_up(slot.learnt, state)
        return slot.learnt.hearing()

    def _loaded(self, state: BankState) -> SurprisalState:
        with self._storage.view(state.number) as view:
            kept = view.segments() if self._factory is None else []
            through = kept[-1].last_seq if kept else max(0, _last_seq(view) - REPLAYED)
            earlier = list(_turns(view, max(0, through - REMEMBERED), through)) if kept else []
        model = model_of(kept, state.key) if self._factory is None else self._factory()
        spans = spans_of(kept)
        learnt = SurprisalState(
            model, SmallTalk(self._small_talk), state.epoch, through=through, spans=spans, kept=dict(spans)
        )
        for turn, _ in earlier:
            learnt.hear(turn)
        return learnt

    def _catch_up(self, learnt: SurprisalState, state: BankState) -> None:
        """Learn what was stored by others, or before this process began."""
        with self._storage.view(state.number) as view:
            last = _last_seq(view)
            for turn, seq in _turns(view, learnt.through, last):
                learnt.learn(turn, seq)
            learnt.change, learnt.through = view.state.change, last

    def _saved(self, bank: int, learnt: SurprisalState, at: datetime) -> SurprisalState | None:
        """The same, kept; None where others kept theirs meanwhile, which then counts."""
        learn = learnt.unkept()
        if learn is None:
            return learnt

        def decide(view: BankView) -> list[Learn]:
            same = view.state.epoch == learnt.epoch and spans_of(view.segments()) == learnt.kept
            return [learn] if same else []

        receipt = self._storage.apply(bank, decide, at=at)
        if receipt.change != learnt.change + 1:
            return None
        learnt.was_kept(learn, receipt.change)
        return learnt


def unlearning(view: BankView, seqs: Sequence[int]) -> list[Learn]:
    """What takes these memories out of the bank's kept model, to be applied with their erasure."""
    kept = view.segments()
    turns = [(seq, memory.text) for seq, memory in view.memories(seqs).items() if memory.kind == "turn"]
    try:
        return unlearnt(kept, turns, view.state.key)
    except InputError:  # not what was learnt: the model is made again from the turns that are left
        return [Learn((), oldest=kept[-1].number + 1)]


def _last_seq(view: BankView) -> int:
    last = view.position(None)
    return 0 if last is None else last.seq


def _turns(view: BankView, after: int, through: int) -> Iterator[tuple[Memory, int]]:
    """Stored turns with their seqs, in order."""
    for start in range(after + 1, through + 1, READ):
        found = view.memories(range(start, min(start + READ, through + 1)))
        yield from ((memory, seq) for seq, memory in sorted(found.items()) if memory.kind == "turn")
