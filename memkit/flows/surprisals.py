"""Each bank's own surprisal model: learnt from what it heard, never from another bank, and kept with it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from memkit.errors import InputError
from memkit.flows.learnt import Hearing, Learnt, model_of, spans_of, unlearnt
from memkit.models import BankState, Memory
from memkit.observe.small_talk import REMEMBERED, SmallTalk
from memkit.operations import Learn
from memkit.protocols import BankView, Storage, SurprisalModel

LOADED = 64  # banks whose models are kept in RAM
REPLAYED = 2_000  # a bank's last memories, read where nothing of its model is kept
SAVED_AFTER = 256  # turns learnt
READ = 1_000  # memories at a time

Factory = Callable[[], SurprisalModel]


class SurprisalCache:
    """Models of the banks in use. The storage keeps their counts by segment; they learn what is stored, in order.

    So every process comes to the same model, and nothing that was erased is in it. Models that a factory of the
    user's own makes are not kept: they hear the bank's last turns again.
    """

    def __init__(self, storage: Storage, factory: Factory | None, small_talk: float) -> None:
        self._storage, self._factory, self._small_talk = storage, factory, small_talk
        self._learnt: OrderedDict[int, Learnt] = OrderedDict()
        self.lock = threading.Lock()

    def hearing(self, state: BankState) -> Hearing:
        """What the bank's next turns are to be judged by; call with `lock` held."""
        learnt = self._learnt.get(state.number)
        if learnt is None or learnt.epoch != state.epoch:
            learnt = self._learnt[state.number] = self._loaded(state)
        self._learnt.move_to_end(state.number)
        while len(self._learnt) > LOADED:
            self._learnt.popitem(last=False)
        if learnt.change != state.change:
            self._catch_up(learnt, state)
        return learnt.hearing()

    def stored(self, bank: int, hearing: Hearing, stored: Sequence[bool], *, change: int, at: datetime) -> None:
        """Learn those of the judged turns that the change of this number stored; keep the model now and then."""
        with self.lock:
            learnt = self._learnt.get(bank)
            alone = learnt is not None and learnt.change == hearing.change == change - 1
            if learnt is None or not alone:
                return  # others changed the bank meanwhile: the next hearing catches up with all of it
            with self._storage.view(bank) as view:
                learnt.take_in(hearing, stored, _last_seq(view))
            learnt.change = change
            if learnt.unsaved >= SAVED_AFTER and self._factory is None:
                self._save(bank, learnt, at)

    def drop(self, bank: int) -> None:
        """Forget a bank's model, after an erasure."""
        with self.lock:
            self._learnt.pop(bank, None)

    def _loaded(self, state: BankState) -> Learnt:
        with self._storage.view(state.number) as view:
            kept = view.segments() if self._factory is None else []
            through = kept[-1].last_seq if kept else max(0, _last_seq(view) - REPLAYED)
            earlier = list(_turns(view, max(0, through - REMEMBERED), through)) if kept else []
        model = model_of(kept, state.key) if self._factory is None else self._factory()
        spans = spans_of(kept)
        learnt = Learnt(model, SmallTalk(self._small_talk), state.epoch, through=through, spans=spans, kept=dict(spans))
        for turn, _ in earlier:
            learnt.hear(turn)
        return learnt

    def _catch_up(self, learnt: Learnt, state: BankState) -> None:
        """Learn what was stored by others, or before this process began."""
        with self._storage.view(state.number) as view:
            last = _last_seq(view)
            for turn, seq in _turns(view, learnt.through, last):
                learnt.learn(turn, seq)
            learnt.change, learnt.through = view.state.change, last

    def _save(self, bank: int, learnt: Learnt, at: datetime) -> None:
        learn = learnt.unkept()
        if learn is None:
            return

        def decide(view: BankView) -> list[Learn]:
            same = view.state.epoch == learnt.epoch and spans_of(view.segments()) == learnt.kept
            return [learn] if same else []

        receipt = self._storage.apply(bank, decide, at=at)
        if receipt.change == learnt.change + 1:
            learnt.was_kept(learn, receipt.change)
        else:
            del self._learnt[bank]  # others were quicker: what they kept counts


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
