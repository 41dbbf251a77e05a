"""A bank's surprisal model is kept with it: the same when reopened, for every process, without what was erased."""

from pathlib import Path

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.runtime.surprisal_cache import SAVED_AFTER
from memkit.runtime.surprisal_state import model_of
from memkit.settings import RuntimeSettings
from memkit.store import MODELS_SHARE
from memkit.surprisal.ngram import NgramSurprisal
from memkit.testing import FrozenClock

Counts = dict[int, int]


def turns(count: int, start: int = 0) -> list[memkit.Turn]:
    return [memkit.Turn(f"number {i} of the lorries from Aveiro is {i % 7} hours late", "ana", id=f"t{i}")
            for i in range(start, start + count)]  # fmt: skip


def learnt(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> NgramSurprisal:
    """The bank's model as the next turn would be judged by it."""
    surprisals = store._services.surprisals
    state = store._services.storage.find_bank(bank.name)
    assert state is not None
    surprisals.judge(state, ["so that it catches up"])
    learnt = surprisals._slots[state.number].learnt
    assert learnt is not None
    assert isinstance(learnt.model, NgramSurprisal)
    return learnt.model


def kept(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> NgramSurprisal:
    """The model that lies in the storage."""
    storage = store._services.storage
    state = storage.find_bank(bank.name)
    assert state is not None
    with storage.view(state.number) as view:
        return model_of(view.segments(), state.key)


def fresh(bank_key: bytes, texts: list[str]) -> NgramSurprisal:
    model = NgramSurprisal(bank_key)
    for text in texts:
        model.learn(text)
    return model


def key_of(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> bytes:
    state = store._services.storage.find_bank(bank.name)
    assert state is not None
    return state.key


def opened(path: Path, clock: FrozenClock) -> memkit.MemoryStore:
    return memkit.open(path, encoder=HashingEncoder(), clock=clock)


def test_it_is_written_once_enough_was_learnt_and_read_back_when_the_store_opens_again(
    path: Path, clock: FrozenClock
) -> None:
    told = turns(SAVED_AFTER + 50)
    with opened(path, clock) as store:
        bank = store.bank("ana")
        bank.observe(told[:SAVED_AFTER])
        assert kept(store, bank).size > 0
        bank.observe(told[SAVED_AFTER:])
    with opened(path, clock) as store:
        bank = store.bank("ana")
        expected = fresh(key_of(store, bank), [turn.text for turn in told])
        assert learnt(store, bank).to_bytes() == expected.to_bytes()


def test_what_was_not_stored_is_not_learnt(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock) as store:
        bank = store.bank("ana")
        bank.observe(turns(20))
        before = learnt(store, bank).to_bytes()
        bank.observe(turns(20))
        assert learnt(store, bank).to_bytes() == before


def test_thoughts_between_turns_are_not_learnt(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock) as store:
        bank = store.bank("ana")
        bank.observe(turns(10))
        bank.insert("Ana drives lorries.")
        bank.observe(turns(10, start=10))
        expected = fresh(key_of(store, bank), [turn.text for turn in turns(20)])
        assert learnt(store, bank).to_bytes() == expected.to_bytes()


def test_two_stores_on_one_file_come_to_the_same_model(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock) as one, opened(path, clock) as two:
        for start in range(0, 3 * SAVED_AFTER, 64):
            one.bank("ana").observe(turns(32, start))
            two.bank("ana").observe(turns(32, start + 32))
        expected = fresh(key_of(one, one.bank("ana")), [turn.text for turn in turns(3 * SAVED_AFTER)])
        for store in (one, two):
            assert learnt(store, store.bank("ana")).to_bytes() == expected.to_bytes()


def test_erasing_takes_out_exactly_what_a_turn_added(path: Path, clock: FrozenClock) -> None:
    told = [*turns(100), memkit.Turn("The safe opens with 4471 and a kick", "ana", id="secret"), *turns(300, 100)]
    with opened(path, clock) as store:
        bank = store.bank("ana")
        bank.observe(told)
        bank.erase(ids=["secret"])
        expected = fresh(key_of(store, bank), [turn.text for turn in told if turn.id != "secret"])
        assert kept(store, bank).to_bytes() == expected.to_bytes()
        assert learnt(store, bank).to_bytes() == expected.to_bytes()


def test_a_model_of_the_users_own_is_not_kept(path: Path, clock: FrozenClock) -> None:
    with memkit.open(path, encoder=HashingEncoder(), clock=clock, surprisal=NgramSurprisal) as store:
        bank = store.bank("ana")
        bank.observe(turns(SAVED_AFTER + 1))
        assert kept(store, bank).size == 0
        assert learnt(store, bank).size > 0


def saliences(path: Path, clock: FrozenClock, cache_bytes: int) -> tuple[list[float | None], int, int]:
    """What each turn of six banks in turn tells; bytes of all models in RAM, and those of the one used last."""
    runtime = RuntimeSettings(cache_bytes=cache_bytes)
    with memkit.open(path, encoder=HashingEncoder(), clock=clock, settings=memkit.Settings(runtime=runtime)) as store:
        banks = [store.bank(f"user{number}") for number in range(6)]
        for start in (0, 200):
            for bank in banks:
                said = (f"{bank.name[0]} saw house {n} of street {n * n}" for n in range(start, start + 200))
                bank.observe([("ana", text) for text in said])
        told = [memory.salience for bank in banks for memory in bank.list(limit=1000)]
        last = next(reversed(store._services.surprisals._slots.values()))
        return told, store.stats()["model_bytes"], last.nbytes


def test_models_in_ram_keep_to_their_share_beside_the_one_in_use_and_tell_the_same(
    tmp_path: Path, clock: FrozenClock
) -> None:
    narrow, held, last = saliences(tmp_path / "narrow.db", clock, 2**20)
    ample, all_held, _ = saliences(tmp_path / "ample.db", clock, 2**27)
    assert narrow == ample
    assert last <= held <= 2**20 // MODELS_SHARE + last < all_held
