"""Claims of the page on PostgreSQL: its statements are run as they stand there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from postgres_server import PostgresServer, database_of, running, standby_of

import memkit
from memkit.encoders import HashingEncoder
from memkit.errors import AnswerGoneError, PermissionDeniedError, ReadOnlyError, UnsafeServerWarning
from memkit.idempotency import RequestTicket, StoredAnswer

pytestmark = pytest.mark.filterwarnings(f"ignore::{UnsafeServerWarning.__module__}.{UnsafeServerWarning.__name__}")
PAGE = (Path(__file__).parents[3] / "memkit" / "POSTGRESQL.md").read_text()
SAID = [memkit.Turn("I moved to Lisbon in May.", "Ana", id="t1"), memkit.Turn("Rita visits on Friday.", "Ana", id="t2")]


def statements(title: str) -> str:
    """The page's block of SQL with this title."""
    return re.search(rf"<!-- sql: {title} -->\n```sql\n(.*?)```", PAGE, re.DOTALL)[1]  # type: ignore[index]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def database(server: PostgresServer) -> str:
    """A database with the page's roles, whose tables the owner has made."""
    name = server.new_database().rpartition("/")[2]
    server.administer(statements("roles"), database=name)
    for role in ("memkit_owner", "memkit_worker"):
        server.administer(f"ALTER ROLE {role} PASSWORD '{server.password}'")
    opened(server, name, "memkit_owner").close()
    return name


def opened(server: PostgresServer, database: str, role: str, *, read_only: bool = False) -> memkit.MemoryStore:
    return memkit.open(server.address(database, role=role), encoder=HashingEncoder(), read_only=read_only)


def test_a_worker_does_all_but_rewrite_tables_and_the_owner_does_that(server: PostgresServer, database: str) -> None:
    with opened(server, database, "memkit_worker") as store:
        bank = store.bank("worker", "ana")
        bank.observe(SAID)
        bank.think()
        bank.reflect()
        assert bank.recall("Who visits?")[0].memory.id == "t2"
        bank.put("settings", {"units": "metric"}, index=False)
        bank.erase(ids=["t1"])
        store.maintain(5)
        assert store.bank("worker", "bob").erase_all(confirm=("worker", "bob")).number == 0
        with pytest.raises(PermissionDeniedError):
            store.purge()
    with opened(server, database, "memkit_owner") as store:
        store.purge()
        server.administer("CHECKPOINT")
        assert store.receipts()[0].bytes_checkable
        assert store.doctor() == []


def test_a_tenants_role_sees_its_own_banks_alone_by_memkit_and_by_sql(server: PostgresServer, database: str) -> None:
    server.administer(statements("tenants"), database=database)
    for tenant in ("acme", "bolt"):
        server.administer(
            f"CREATE ROLE {tenant} LOGIN PASSWORD '{server.password}'", f"GRANT memkit_worker TO {tenant}"
        )
        with opened(server, database, tenant) as store:
            bank = store.bank(tenant, "ana")
            bank.observe(SAID)
            bank.think()
            bank.erase(ids=["t1"])
            assert [hit.memory.id for hit in bank.recall("Who visits?", kinds=["turn"], min_score=0)] == ["t2"]
            assert store.banks() == [(tenant, "ana")]
            assert [receipt.bank for receipt in store.receipts()] == [(tenant, "ana")]
            bank.erase_all(confirm=bank.name)
            assert len(store.receipts()) == 2
            store.bank(tenant, "ana").observe(SAID)
    with opened(server, database, "acme") as store, pytest.raises(PermissionDeniedError):
        store.bank("bolt", "ana").observe(SAID)
    with opened(server, database, "memkit_owner") as store:
        store.access.create("a server's")
        for tenant in ("acme", "bolt"):
            begun = store.idempotency.begin(tenant, caller="c", request=b"", bank=(tenant, "ana"))
            assert isinstance(begun, RequestTicket)
            store.idempotency.settle(begun, "{}")
    with opened(server, database, "acme") as store:
        assert store.access.list() == []
        with pytest.raises(PermissionDeniedError):
            store.access.create("its own")
        store.bank("acme", "ana").erase_all(confirm=("acme", "ana"))
        store.bank("acme", "ana").observe(SAID)
    with opened(server, database, "memkit_owner") as store:
        assert store.idempotency.begin("bolt", caller="c", request=b"", bank=None) == StoredAnswer("{}")
        with pytest.raises(AnswerGoneError):
            store.idempotency.begin("acme", caller="c", request=b"", bank=None)
    with psycopg.connect(server.address(database, role="acme")) as connection:
        own = connection.execute("SELECT bank FROM memkit.bank").fetchall()
        for table in ("memory", "content", "block", "index_entry", "erasure", "fingerprint", "history", "source"):
            rows = connection.execute(f"SELECT DISTINCT bank FROM memkit.{table}").fetchall()  # type: ignore[call-overload]
            assert set(rows) <= set(own), table
    with opened(server, database, "memkit_owner") as store:
        assert {name[0] for name in store.banks()} >= {"acme", "bolt"}


def test_what_to_watch_is_answered(server: PostgresServer, database: str) -> None:
    server.administer(statements("watching"), database=database)


def test_a_standby_serves_what_may_be_old_and_takes_no_writes(server: PostgresServer) -> None:
    name = database_of(server.new_database())
    with opened(server, name, "memkit") as store:
        store.bank("ana").observe(SAID)
    with standby_of(server) as standby:
        address = standby.address(name).replace(standby.password, server.password)
        with memkit.open(address, encoder=HashingEncoder(), read_only=True) as store:
            assert [hit.memory.id for hit in store.bank("ana").recall("Who visits?", min_score=0)][:1] == ["t2"]
            assert store.stats()["banks"]["ana"]["memories"] == 2
            with pytest.raises(ReadOnlyError):
                store.bank("ana").observe(SAID)
        with pytest.raises(ReadOnlyError), memkit.open(address, encoder=HashingEncoder()) as store:
            store.bank("ana").observe([memkit.Turn("I sold my boat.", "Ana")])


def test_after_a_dump_was_restored_the_list_of_erasures_is_repeated(server: PostgresServer, tmp_path: Path) -> None:
    name = server.new_database().rpartition("/")[2]
    dump, listed = tmp_path / "backup.dump", tmp_path / "receipts.jsonl"
    with opened(server, name, "memkit") as store:
        for person in ("ana", "bob", "cleo"):
            store.bank(person).observe(SAID)
        store.bank("cleo").erase(ids=["t2"])
        tool(server, "pg_dump", "-n", "memkit", "-Fc", "-f", str(dump), "-d", server.address(name))
        store.bank("ana").erase(ids=["t1"], requested_by="Ana")
        store.bank("bob").erase_all(confirm=("bob",))
        store.export_receipts(listed)
        later = store.receipts()
    other = server.new_database().rpartition("/")[2]
    tool(server, "pg_restore", "-d", server.address(other), str(dump))
    with opened(server, other, "memkit") as store:
        assert store.bank("ana").get("t1") is not None
        assert len(store.repeat_erasures(listed)) == 2
        assert store.repeat_erasures(listed) == []
        assert (store.bank("ana").get("t1"), store.banks()) == (None, [("ana",), ("cleo",)])
        assert [receipt.hash for receipt in store.receipts()] == [receipt.hash for receipt in later]
        assert [hit.memory.id for hit in store.bank("ana").recall("Where to?", kinds=["turn"], min_score=0)] == ["t2"]
        store.purge()
        assert store.doctor() == []


def tool(server: PostgresServer, name: str, *arguments: str) -> None:
    """Run one of the server's own tools."""
    subprocess.run([server.binaries / name, *arguments], check=True, capture_output=True, timeout=60)
