"""A turn's salience rests on its words: the same in every process, whatever came before it or was erased."""

from collections.abc import Sequence
from pathlib import Path

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.protocols import Token
from memkit.settings import ObserveSettings
from memkit.testing import FrozenClock

Salience = tuple[str, float | None, tuple[str, ...]]


def turns(count: int, start: int = 0) -> list[memkit.Turn]:
    return [memkit.Turn(f"number {i} of the lorries from Aveiro is {i % 7} hours late", "ana", id=f"t{i}")
            for i in range(start, start + count)]  # fmt: skip


def saliences(bank: memkit.MemoryBank) -> list[Salience]:
    return [(m.text, m.salience, m.key_phrases) for m in bank.list(kinds=["turn"], limit=1000)]


def opened(path: Path, clock: FrozenClock) -> memkit.MemoryStore:
    settings = memkit.Settings(observe=ObserveSettings(small_talk_from=0))
    return memkit.open(path, encoder=HashingEncoder(), clock=clock, settings=settings)


def without_vectors(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> set[str]:
    storage = store._services.storage
    state = storage.find_bank(bank.name)
    assert state is not None
    with storage.view(state.number) as view:
        seqs = [seq for batch in view.sketches() for seq in batch.seqs.tolist()]
        encoded = {memory.id for memory in view.memories(seqs).values()}
    return {memory.id for memory in bank.list(kinds=["turn"], limit=1000)} - encoded


def test_a_turn_said_again_tells_as_much_and_in_another_bank_too(bank: memkit.MemoryBank) -> None:
    bank.observe(turns(50))
    bank.observe([memkit.Turn(turn.text, "ana", id=f"again-{turn.id}") for turn in turns(50)])
    once, again = saliences(bank)[:50], saliences(bank)[50:]
    assert once == again


def test_two_stores_on_one_file_judge_turns_as_one_store_would(path: Path, clock: FrozenClock, tmp_path: Path) -> None:
    said = [memkit.Turn("haha yes" if i % 25 == 24 else turn.text, f"ana{i}", id=turn.id)
            for i, turn in enumerate(turns(320))]  # fmt: skip
    with opened(path, clock) as one, opened(path, clock) as two, opened(tmp_path / "alone.db", clock) as alone:
        for start in range(0, len(said), 32):
            (one, two)[start // 32 % 2].bank("ana").observe(said[start : start + 32])
        alone.bank("ana").observe(said)
        assert saliences(one.bank("ana")) == saliences(alone.bank("ana"))
        quiet = without_vectors(alone, alone.bank("ana"))
        assert quiet
        assert without_vectors(two, two.bank("ana")) == quiet


def test_after_an_erasure_new_turns_are_judged_by_the_turns_that_are_left(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock) as store:
        erased, control = store.bank("erased"), store.bank("control")
        erased.observe([*turns(100), memkit.Turn("The safe opens with 4471 and a kick", "ana", id="secret")])
        control.observe(turns(100))
        erased.erase(ids=["secret"])
        for bank in (erased, control):
            bank.observe([*turns(50, start=100), memkit.Turn("well then", "ana", id="quiet")])
        assert saliences(erased) == saliences(control)
        assert without_vectors(store, erased) == without_vectors(store, control)


class CountingSurprisal:
    """A model of a user's own, which notes what it read."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def score(self, text: str) -> list[Token]:
        return [Token(0, len(text), float(len(self.texts)))]

    def learn(self, text: str) -> None:
        self.texts.append(text)


def test_a_model_of_the_users_own_reads_the_banks_last_turns_in_the_next_process(
    path: Path, clock: FrozenClock
) -> None:
    models: list[CountingSurprisal] = []

    def make() -> CountingSurprisal:
        models.append(CountingSurprisal())
        return models[-1]

    for said in (turns(3), turns(2, start=3)):
        with memkit.open(path, encoder=HashingEncoder(), clock=clock, surprisal=make) as store:
            store.bank("ana").observe(said)
    assert [model.texts for model in models] == [texts_of(turns(3)), texts_of(turns(5))]


def test_a_model_of_the_users_own_is_made_again_without_what_was_erased(clock: FrozenClock) -> None:
    models: list[CountingSurprisal] = []

    def make() -> CountingSurprisal:
        models.append(CountingSurprisal())
        return models[-1]

    with memkit.open(":memory:", encoder=HashingEncoder(), clock=clock, surprisal=make) as store:
        bank = store.bank("ana")
        bank.observe(turns(3))
        bank.erase(ids=["t1"])
        bank.observe(turns(1, start=3))
    assert models[-1].texts == texts_of([*turns(1), *turns(2, start=2)])


def texts_of(said: Sequence[memkit.Turn]) -> list[str]:
    return [turn.text for turn in said]
