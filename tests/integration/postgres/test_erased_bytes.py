"""Erasure on PostgreSQL, down to the bytes of its files: pending while any is left, and never called gone too early."""

import random
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from postgres_server import PostgresServer, running, standby_of

import memkit
from memkit.encoders import HashingEncoder
from memkit.errors import PermissionDeniedError, UnsafeServerWarning
from memkit.storage.sqlite.secure_delete.search import Search

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{UnsafeServerWarning.__module__}.{UnsafeServerWarning.__name__}"),
    pytest.mark.timeout(240),
]
ERASED_TURNS = 1000
MAX_SWITCHES = 12  # of the log's files, after which all of them must have been written over
VERSIONS = ["18", pytest.param("15", marks=pytest.mark.engines)]


def texts(count: int) -> list[str]:
    """Texts of words that occur nowhere else; every tenth is long enough to be stored apart from its row."""
    chance = random.Random(1)
    return [" ".join(f"{chance.getrandbits(32):08x}" for _ in range(400 if n % 10 == 0 else 12)) for n in range(count)]


def files_with(folder: Path, needles: Sequence[str]) -> dict[str, int]:
    """How many of the texts each file of a folder holds the beginning of; files that hold none are left out."""
    search = Search(text[:17].encode() for text in needles)
    counts: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        try:
            count = len(search.matches(path.read_bytes())) if path.is_file() else 0
        except FileNotFoundError:  # the server is at work
            continue
        if count:
            counts[str(path.relative_to(folder))] = count
    return counts


def states(store: memkit.MemoryStore) -> set[tuple[bool, bool]]:
    return {(receipt.bytes_pending, receipt.bytes_checkable) for receipt in store.receipts()}


def opened(address: str) -> memkit.MemoryStore:
    return memkit.open(address, encoder=HashingEncoder())


def fill_and_erase(store: memkit.MemoryStore, server: PostgresServer, said: Sequence[str]) -> None:
    """Store all texts, on the disk, and erase the first thousand."""
    bank = store.bank("ana")
    bank.observe([memkit.Turn(text, "ana", id=f"t{n}") for n, text in enumerate(said)])
    server.administer("CHECKPOINT")
    bank.erase(ids=[f"t{n}" for n in range(ERASED_TURNS)])


def use_next_log_file(store: memkit.MemoryStore, server: PostgresServer, *others: PostgresServer) -> None:
    """Let the server, and standbys of it, go on to the next file of the log, and use old ones again."""
    store.bank("ana").observe([memkit.Turn("Something else.", "ana")])
    server.administer("SELECT pg_switch_wal()", "CHECKPOINT")
    for each in others:
        each.administer("CHECKPOINT")


def purge_log(store: memkit.MemoryStore, server: PostgresServer, *others: PostgresServer) -> bool:
    """Let the server go through its log's files until `purge` has no more to do; whether it came to that."""
    for _ in range(MAX_SWITCHES):
        use_next_log_file(store, server, *others)
        if store.purge():
            return True
    return False


@pytest.mark.parametrize("version", VERSIONS)
def test_no_file_of_the_server_holds_an_erased_text_once_the_receipt_says_so(version: str) -> None:
    said = texts(ERASED_TURNS + 100)
    with running(version) as server:
        server.administer("GRANT pg_monitor TO memkit")
        with opened(server.new_database()) as store:
            fill_and_erase(store, server, said)
            held = files_with(server.data, said[:ERASED_TURNS])
            assert sum(count for name, count in held.items() if name.startswith("base/")) >= ERASED_TURNS
            assert (store.purge(), states(store)) == (False, {(True, True)})
            server.administer("CHECKPOINT")
            held = files_with(server.data, said[:ERASED_TURNS])
            assert {name.partition("/")[0] for name in held} == {"pg_wal"}
            assert purge_log(store, server)
            assert files_with(server.data, said[:ERASED_TURNS]) == {}
            assert states(store) == {(False, True)}
            assert len(files_with(server.data, said[ERASED_TURNS:])) > 0
            assert store.doctor() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_standbys_files_are_free_of_them_then_too_and_the_receipt_says_that_nobody_can_tell(version: str) -> None:
    said = texts(ERASED_TURNS + 10)
    with running(version) as server:
        server.administer("GRANT pg_monitor TO memkit")
        with standby_of(server) as standby, opened(server.new_database()) as store:
            fill_and_erase(store, server, said)
            standby.administer("CHECKPOINT")
            assert sum(files_with(standby.data, said[:ERASED_TURNS]).values()) >= ERASED_TURNS
            assert (store.purge(), states(store)) == (False, {(True, True)})
            assert purge_log(store, server, standby)
            for _ in range(MAX_SWITCHES):
                server.administer("SELECT pg_switch_wal()", "CHECKPOINT")
                standby.administer("CHECKPOINT")
            assert files_with(standby.data, said[:ERASED_TURNS]) == {}
            assert files_with(server.data, said[:ERASED_TURNS]) == {}
            assert states(store) == {(True, False)}


def test_a_standby_that_was_away_when_the_log_was_looked_at_is_not_forgotten() -> None:
    with running() as server:
        server.administer("GRANT pg_monitor TO memkit", "SELECT pg_create_physical_replication_slot('away')")
        with opened(server.new_database()) as store:
            store.bank("ana").observe([memkit.Turn("I moved to Lisbon.", "ana", id="t1")])
            store.bank("ana").erase(ids=["t1"])
            store.purge()
            server.administer("SELECT pg_drop_replication_slot('away')")
            assert purge_log(store, server)
            assert states(store) == {(True, False)}


def test_a_role_that_may_not_look_at_the_log_is_told_that_nobody_can_tell() -> None:
    with running() as server, opened(server.new_database()) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn(text, "ana", id=f"t{n}") for n, text in enumerate(texts(20))])
        assert bank.erase(ids=["t1"]).bytes_pending
        assert states(store) == {(True, True)}
        assert store.purge()
        assert states(store) == {(True, False)}
        assert store.doctor() == []


def test_a_reader_who_still_sees_what_was_erased_puts_the_purge_off() -> None:
    with running() as server:
        address = server.new_database()
        with opened(address) as store, psycopg.connect(address) as reader:
            store.bank("ana").observe([memkit.Turn("I moved to Lisbon.", "ana", id="t1")])
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM memkit.content")
            store.bank("ana").erase(ids=["t1"])
            assert (store.purge(), states(store)) == (False, {(True, True)})
            reader.rollback()
            assert (store.purge(), states(store)) == (True, {(True, False)})


def test_a_role_that_does_not_own_the_tables_is_refused_and_nothing_is_called_clean() -> None:
    with running() as server:
        address = server.new_database()
        with opened(address) as store:
            store.bank("ana").observe([memkit.Turn("I moved to Lisbon.", "ana", id="t1")])
        name = address.rpartition("/")[2]
        server.administer(
            f"CREATE ROLE worker LOGIN PASSWORD '{server.password}'",
            "GRANT USAGE ON SCHEMA memkit TO worker",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA memkit TO worker",
            database=name,
        )
        with opened(server.address(name, role="worker")) as store:
            store.bank("ana").erase(ids=["t1"])
            with pytest.raises(PermissionDeniedError, match="memkit purge"):
                store.purge()
            store.maintain(1.0)
            assert states(store) == {(True, True)}
