"""Moving banks between databases: what is refused, what goes on elsewhere, and who is killed meanwhile."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from database_tables import all_tables
from engines import LASTING_ENGINES, Engine

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import BankMovedError, BusyError, ConflictError, EncoderMismatchError, InputError
from memkit.flows.portability.copying import BankCopy
from memkit.models import Receipt
from memkit.protocols import Storage
from memkit.settings import IndexSettings, KeepRule, Settings
from memkit.storage import open_storage
from memkit.testing import FrozenClock

Location = Path | str
MOVING_SCRIPT = """
import sys, memkit
from memkit.encoders.hashing import HashingEncoder
with memkit.open(sys.argv[1], encoder=HashingEncoder()) as store:
    print("ready", flush=True)
    store.move(sys.argv[2])
print("done", flush=True)
"""


@pytest.fixture(params=LASTING_ENGINES)
def elsewhere(request: pytest.FixtureRequest) -> Iterator[Location]:
    """An empty database of each engine."""
    with request.param.database() as location:
        yield location


def opened(location: Location, clock: FrozenClock | None = None, **options: Any) -> memkit.MemoryStore:
    return memkit.open(location, encoder=HashingEncoder(), clock=clock, **options)


def lived(store: memkit.MemoryStore, memories: int = 40) -> None:
    """Two banks with histories, a queue and receipts, and what is left of one that was erased."""
    for name in ("ana", "bo"):
        bank = store.bank("acme", name, zone="Europe/Lisbon")
        for start in range(0, memories, 20):
            numbers = range(start, start + 20)
            bank.observe([memkit.Turn(f"{name} saw {n} boats in May.", name, id=f"{name}{n}") for n in numbers])
        bank.supersede(f"{name}3", f"{name} saw no boats.")
        bank.forget([f"{name}4"], reason="asked")
        bank.erase(ids=[f"{name}5"])
    store.bank("gone").observe([("ana", "I was here, and I had a name.")])
    store.bank("gone").erase_all(confirm=("gone",))


def test_a_bank_is_elsewhere_as_it_was_and_its_store_refuses_the_name(
    store: memkit.MemoryStore, path: Path, clock: FrozenClock, elsewhere: Location
) -> None:
    lived(store)
    tables, hits = all_tables(path), store.bank("acme", "ana").recall("boats in May", k=5)
    told: list[tuple[int, int]] = []
    report = store.move(elsewhere, progress=lambda done, total: told.append((done, total)))
    assert [(move.bank, move.receipts, move.erased) for move in report.banks] == [
        (("acme", "ana"), 1, False), (("acme", "bo"), 1, False), (("gone",), 1, True)
    ]  # fmt: skip
    assert (report.memories, told[-1], told == sorted(told)) == (80, (80, 80), True)
    assert all_tables(elsewhere) == tables
    assert (store.banks(), store.receipts(), store.doctor()) == ([], [], [])
    with pytest.raises(BankMovedError):
        store.bank("acme", "ana").observe([("ana", "Am I still here?")])
    with opened(elsewhere, clock) as other:
        bank = other.bank("acme", "ana")
        again = bank.recall("boats in May", k=5)
        assert [(hit.memory, hit.score) for hit in again] == [(hit.memory, hit.score) for hit in hits]
        assert bank.observe([("ana", "Now I am here, and I saw a ship.")]).count("added") == 1
        assert other.doctor() == []


def test_only_the_banks_that_are_named_move(store: memkit.MemoryStore, clock: FrozenClock, elsewhere: Location) -> None:
    lived(store)
    assert [move.bank for move in store.move(elsewhere, [("acme", "bo")]).banks] == [("acme", "bo")]
    assert store.banks() == [("acme", "ana")]
    assert store.move(elsewhere, [("acme", "bo")]).banks == ()
    with pytest.raises(InputError, match="acme/carl"):
        store.move(elsewhere, [("acme", "carl")])
    with opened(elsewhere, clock) as other:
        assert other.banks() == [("acme", "bo")]
        other.move(store)
        assert (other.banks(), store.banks()) == ([], [("acme", "ana"), ("acme", "bo")])
    store.bank("acme", "bo").observe([("bo", "I am back in town.")])


def test_a_bank_that_is_kept_stays_and_moves_later(store: memkit.MemoryStore, path: Path, elsewhere: Location) -> None:
    lived(store)
    tables = all_tables(path)
    assert store.move(elsewhere, keep=True).copied
    assert all_tables(path) == all_tables(elsewhere) == tables
    store.move(elsewhere)
    assert (store.banks(), all_tables(elsewhere)) == ([], tables)


def test_a_bank_that_is_there_already_is_left_as_it_is(
    store: memkit.MemoryStore, path: Path, clock: FrozenClock, elsewhere: Location
) -> None:
    lived(store)
    with opened(elsewhere, clock) as other:
        other.bank("acme", "bo").observe([("bo", "I live here.")])
    before, there = all_tables(path), all_tables(elsewhere)
    with pytest.raises(ConflictError, match="acme/bo"):
        store.move(elsewhere)
    assert (all_tables(path), all_tables(elsewhere)) == (before, there)


def test_a_bank_that_lives_in_both_databases_is_left_in_both(
    store: memkit.MemoryStore, clock: FrozenClock, elsewhere: Location
) -> None:
    lived(store)
    store.move(elsewhere, keep=True)
    with opened(elsewhere, clock) as other:
        other.bank("acme", "bo").observe([("bo", "I live here.")])
        with pytest.raises(ConflictError, match=r"acme/bo.*acme/ana"):
            store.move(other)
        assert (store.banks(), other.banks()) == ([("acme", "bo")], [("acme", "ana"), ("acme", "bo")])


def test_what_was_erased_there_does_not_come_back(
    store: memkit.MemoryStore, clock: FrozenClock, elsewhere: Location
) -> None:
    lived(store)
    store.move(elsewhere, keep=True)
    with opened(elsewhere, clock) as other:
        other.bank("acme", "bo").erase_all(confirm=("acme", "bo"))
        with pytest.raises(ConflictError, match="acme/bo"):
            store.move(other)
        assert other.banks() == [("acme", "ana")]


def test_other_encoders_and_settings_of_the_index_are_refused(
    store: memkit.MemoryStore, path: Path, tmp_path: Path
) -> None:
    lived(store)
    before = all_tables(path)
    memkit.open(tmp_path / "small.db", encoder=HashingEncoder(64)).close()
    memkit.open(
        tmp_path / "short.db", encoder=HashingEncoder(), settings=Settings(index=IndexSettings(sketch_bits=256))
    ).close()
    for name in ("small.db", "short.db"):
        with pytest.raises(EncoderMismatchError, match="move:"):
            store.move(tmp_path / name)
    assert all_tables(path) == before


def test_a_store_is_no_target_of_its_own(store: memkit.MemoryStore, path: Path) -> None:
    lived(store)
    before = all_tables(path)
    for target in (store, path, ":memory:"):
        with pytest.raises(InputError, match="move:"):
            store.move(target)
    assert all_tables(path) == before
    assert store.doctor() == []


def test_rules_of_retention_go_along_where_they_reach_nothing_else(tmp_path: Path, elsewhere: Location) -> None:
    rule = KeepRule(under=("acme",), kinds=("turn",), days=90)
    with opened(tmp_path / "a.db", settings=Settings(keep=(rule,))) as store:
        lived(store)
        store.move(elsewhere, [("acme", "ana")])
        assert store.move(elsewhere).notes == ()
    with opened(elsewhere) as other:
        assert other.settings.keep == (rule,)


def test_what_is_written_to_a_bank_while_it_moves_is_not_lost(
    store: memkit.MemoryStore, clock: FrozenClock, elsewhere: Location
) -> None:
    lived(store, memories=400)
    said = iter(range(3))

    def write(done: int, total: int) -> None:
        number = next(said, None)
        if number is not None:
            store.bank("acme", "ana").observe([memkit.Turn(f"Meanwhile I saw ship {number}.", "ana", id=f"s{number}")])

    store.move(elsewhere, progress=write)
    with opened(elsewhere, clock) as other:
        assert {f"s{n}" for n in range(3)} <= {memory.id for memory in other.bank("acme", "ana").list(limit=1000)}
        assert other.doctor() == []


def test_a_bank_that_is_written_to_all_the_time_stays_where_it_is(
    store: memkit.MemoryStore, clock: FrozenClock, elsewhere: Location
) -> None:
    lived(store)

    def write(done: int, total: int) -> None:
        store.bank("acme", "ana").observe([("ana", "I can't stop talking about boats.")])

    with pytest.raises(BusyError, match="acme/ana"):
        store.move(elsewhere, progress=write)
    assert store.banks() == [("acme", "ana"), ("acme", "bo")]
    store.move(elsewhere)
    assert store.banks() == []


def test_waiting_vectors_are_made_where_the_bank_is_then(path: Path, elsewhere: Location) -> None:
    class Broken(HashingEncoder):
        def encode(self, texts: list[str]) -> Any:
            raise RuntimeError("is out of order")

    with memkit.open(path, encoder=Broken()) as store:
        receipt: Receipt = store.bank("ana").observe([("ana", "I saw a boat in the harbour.")])
        assert receipt.unencoded == 1
        with opened(elsewhere) as other:
            store.move(other)
            assert other.flush(10)
            assert other._storage.unencoded_banks() == []


class CutError(Exception):
    """The end of a process, as its storages see it."""


class Cutting:
    """A storage whose calls end after so many, once the last is done; `calls` are counted for all that share it."""

    def __init__(self, storage: Storage, calls: Iterator[int]) -> None:
        self._storage, self._calls = storage, calls

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            value = getattr(self._storage, name)(*args, **options)
            if next(self._calls, None) is None:
                raise CutError
            return value

        return call


def cut_off(source: Path, target: Location, calls: int) -> bool:
    """Move, cut off after so many calls of the storages; whether it was."""
    counted = iter(range(calls))
    with closing(open_storage(str(source))) as first, closing(open_storage(str(target))) as second:
        one, other = (cast("Storage", Cutting(storage, counted)) for storage in (first, second))
        try:
            for name in (("acme", "ana"), ("gone",)):
                BankCopy(one, other, name, keep=False, progress=lambda done: None).run()
        except CutError:
            return True
    return False


@pytest.mark.parametrize("engine", LASTING_ENGINES)
def test_cut_off_after_any_call_a_move_goes_on_without_loss_or_doubles(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On servers, which take their time for a new database, after every ninth call."""
    monkeypatch.setattr("memkit.storage.sql.tables.OTHER_BATCH_ROWS", 40)
    monkeypatch.setattr("memkit.storage.sql.tables.MAX_BATCH_ROWS", {"content": 25})
    with opened(tmp_path / "life.db") as store:
        lived(store, memories=20)
        store.bank("acme", "bo").erase_all(confirm=("acme", "bo"))
    for calls in count(step=9 if engine.version else 1):
        source = tmp_path / f"{calls}.db"
        shutil.copy(tmp_path / "life.db", source)
        tables = all_tables(source)
        with engine.database() as target:
            opened(target).close()
            if not cut_off(source, target, calls):
                break
            with opened(source) as store:
                store.move(target)
                assert (store.banks(), store.receipts(), store.doctor()) == ([], [], [])
            assert all_tables(target) == tables
    assert calls > 30


def test_two_who_move_the_same_banks_lose_nothing(tmp_path: Path, elsewhere: Location) -> None:
    with opened(tmp_path / "a.db") as store:
        lived(store, memories=200)
    tables = all_tables(tmp_path / "a.db")
    movers = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", MOVING_SCRIPT, str(tmp_path / "a.db"), str(elsewhere)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(3)
    ]  # fmt: skip
    codes = [mover.wait(60) for mover in movers]
    with opened(tmp_path / "a.db") as store:
        store.move(elsewhere)
        assert store.banks() == []
    assert all_tables(elsewhere) == tables
    assert 0 in codes


def killed(source: Location, target: Location, after: float) -> bool:
    """Move in a process of its own, which is killed after a while; whether it was done before."""
    mover = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", MOVING_SCRIPT, str(source), str(target)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert mover.stdout is not None
    assert mover.stdout.readline() == "ready\n"
    time.sleep(after)
    mover.send_signal(signal.SIGKILL)
    said = mover.stdout.read()
    mover.wait()
    mover.stdout.close()
    return said == "done\n"


def seen(location: Location) -> dict[tuple[str, ...], set[str]]:
    """Ids of all memories by bank."""
    with opened(location) as store:
        return {name: {memory.id for memory in store.bank(*name).list(limit=10_000)} for name in store.banks()}


def kill(first: Path, second: Location, kills: int, seconds: float, seed: int) -> None:
    """Move to and fro, killed at random moments: what was there is in one of the databases, whole, at any moment."""
    chance, tables, before = random.Random(seed), all_tables(first), seen(first)
    places: list[Location] = [first, second]
    done = 0
    while done < kills:
        if killed(*places, after=chance.uniform(0, seconds)):
            places.reverse()
            continue
        done += 1
        here, there = map(seen, places)
        assert {**here, **there} == before
        assert all(here[name] == there[name] for name in here.keys() & there.keys())
    with opened(places[0]) as store:
        store.move(places[1])
        assert (store.banks(), store.receipts()) == ([], [])
        store.purge()
        assert store.doctor() == []
    assert all_tables(places[1]) == tables


def test_killed_at_eight_moments_a_move_goes_on_without_loss_or_doubles(tmp_path: Path, elsewhere: Location) -> None:
    with opened(tmp_path / "a.db") as store:
        lived(store, memories=200)
    kill(tmp_path / "a.db", elsewhere, kills=8, seconds=0.4, seed=3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_twenty_moments_a_move_of_twenty_thousand_goes_on(
    tmp_path: Path, elsewhere: Location, seed: int
) -> None:
    with opened(tmp_path / "a.db") as store:
        lived(store, memories=10_000)
    kill(tmp_path / "a.db", elsewhere, kills=20, seconds=4.0, seed=seed)
