"""Statements on PostgreSQL that go together: read ahead, kept as long as they are true, sent with what comes next."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
import pytest
from postgres_server import server

from memkit.errors import BankGoneError
from memkit.operations import Insert
from memkit.settings import RuntimeSettings
from memkit.storage import open_storage
from memkit.storage.postgres.connection import BEGIN_WRITING, Transaction
from memkit.storage.postgres.dialect import Dialect, ServerStatement
from memkit.storage.postgres.errors import translated
from memkit.storage.postgres.location import Location
from memkit.storage.postgres.pool import Pool
from memkit.storage.postgres.session import Request, ServerSession
from memkit.storage.postgres.storage import PostgresStorage
from memkit.storage.postgres.wire import ARRAY_OIDS, BYTEA_OID, FLOAT8_OID, INT8_OID, TEXT_OID, packed
from memkit.storage.sql.queries import run, run_many
from memkit.testing.contract.cases import AT_NOON, entry, memory

VALUES: dict[int, list[object]] = {
    INT8_OID: [0, -1, 2**63 - 1, -(2**63), True, None],
    FLOAT8_OID: [0.0, -1.5, 1e300, None],
    TEXT_OID: ["", "Lisboa é", "a\0b\x01c", None],
    BYTEA_OID: [b"", b"\0\xff", None],
}


@pytest.fixture
def address() -> str:
    return server().new_database()


@pytest.fixture
def storage(address: str) -> Iterator[PostgresStorage]:
    opened = open_storage(address, settings=RuntimeSettings())
    assert isinstance(opened, PostgresStorage)
    yield opened
    opened.close()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of statements, of each round trip that was waited for."""
    sizes: list[int] = []
    send = ServerSession.run

    def counted(session: ServerSession, requests: Sequence[Request]) -> None:
        sizes.append(len(requests))
        send(session, requests)

    monkeypatch.setattr(ServerSession, "run", counted)
    return sizes


@contextmanager
def writing(address: str) -> Iterator[Transaction]:
    pool = Pool(Location.parse(address), 5.0)
    try:
        with translated("here"), pool.borrowed() as session:
            transaction = Transaction(session, Dialect("memkit"), [BEGIN_WRITING])
            yield transaction
            transaction.end()
    finally:
        pool.close()


def test_reads_that_are_named_together_take_one_trip_for_each_step(storage: PostgresStorage, trips: list[int]) -> None:
    bank = storage.open_bank(("ana",)).number
    storage.apply(bank, [Insert(memory("tea", id="t1"), entry())], at=AT_NOON)
    with storage.view(bank) as view:
        trips.clear()
        view.read_ahead(lambda v: v.all_seqs(), lambda v: v.speakers(), lambda v: v.memories(v.all_seqs()), trips=2)
        assert trips == [2, 3]
        assert (view.all_seqs(), list(view.speakers()), view.memories([1])[1].text) == ([1], ["ana"], "tea")
        assert len(trips) == 2


def test_what_was_read_is_read_again_once_its_table_changes(
    storage: PostgresStorage, address: str, trips: list[int]
) -> None:
    with writing(address) as transaction:
        trips.clear()
        assert [run(transaction, "get_meta", key="k").fetchone() for _ in range(2)] == [None, None]
        assert len(trips) == 1
        run_many(transaction, set_meta=[{"key": "k", "value": "v"}])
        run_many(transaction, add_source=[])
        assert len(trips) == 1  # it waits
        assert run(transaction, "get_meta", key="k").fetchone() == ("v",)
        assert (len(trips), trips[-1]) == (2, 2)


def test_the_error_of_a_statement_that_waited_shows_with_the_next_read(storage: PostgresStorage, address: str) -> None:
    bank = storage.open_bank(("ana",)).number

    def link_nothing(transaction: Transaction) -> None:
        run_many(transaction, add_source=[{"bank": bank, "seq": 1, "source": 2}])  # there are no such memories
        run(transaction, "bank", bank=bank).fetchone()

    with writing(address) as transaction, pytest.raises(psycopg.errors.ForeignKeyViolation):
        link_nothing(transaction)
    assert storage.find_bank(("ana",)) is not None


def test_an_error_of_a_decision_leaves_the_connection_usable(storage: PostgresStorage) -> None:
    bank = storage.open_bank(("ana",)).number
    for _ in range(20):
        with pytest.raises(BankGoneError):
            storage.apply(bank + 1, [], at=AT_NOON)
    assert storage.apply(bank, [Insert(memory("tea"), entry())], at=AT_NOON).change == 1


@pytest.mark.parametrize("oid", VALUES)
def test_every_value_comes_back_as_it_was_sent(address: str, oid: int) -> None:
    values = VALUES[oid]
    with writing(address) as transaction:
        for listed in (values, [value for value in values if value is not None], []):
            sent = packed(ARRAY_OIDS[oid], listed)
            echo = ServerStatement(b"SELECT unnest($1)", (ARRAY_OIDS[oid],), lambda _, sent=sent: [sent], is_read=True)
            request = Request(echo, [sent])
            transaction.session.run([request])
            assert request.result is not None
            rows = transaction.session.rows(request.result, 0, request.result.ntuples)
            assert [row[0] for row in rows] == listed
