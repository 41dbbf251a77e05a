"""Every statement of the request paths is pinned to one bank: a database that is split by bank asks one part of it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import postgres_server
import pytest
import round_trips
from routability import unpinned

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.storage.postgres.dialect import Dialect, column_types, own_queries
from memkit.testing import FrozenClock

SPLIT_TABLES = tuple(table for table, columns in column_types().items() if "bank" in columns)
BANK_MAKING = {  # of a name that isn't found under the number that is its own: whether a bank has it under another
    *("bank_by_name", "erased_bank"),
}
BYTES_WAITING = {"any_pending_erasure", "pending_erasures"}  # after an erasure: whether bytes of any wait, and whose
ADMINISTRATION = {
    *BANK_MAKING,
    *BYTES_WAITING,
    *("banks_between", "banks_with_items", "unencoded_banks", "audited_banks"),  # lists of banks
    *("due_banks", "claim_banks"),  # maintenance
    *("receipts", "banks_of_name", "fingerprints_of_name"),  # of erasures, by all names or by one
    *("settle_erasures", "invalidate_banks"),  # after a purge, after erasures were carried out again
    *("size_of_text", "size_of_tokens", "size_of_vectors", "size_of_entries", "size_of_history"),  # of one bank or all
    *("last_bank", "retained_words", "retained_notes", "retained_vectors", "retained_entries"),  # SQLite's alone
}


def statements() -> Iterator[tuple[str, str]]:
    """Names and texts of all statements, those for many rows too."""
    dialect = Dialect("memkit")
    for name in own_queries():
        yield name, dialect.statement(name).sql.decode()
        if (together := dialect.rows_statement(name)) is not None:
            yield name, together.sql.decode()


def test_every_named_statement_is_pinned_to_one_bank_but_those_of_administration() -> None:
    flawed = {name: flaws for name, sql in statements() if (flaws := unpinned(sql, SPLIT_TABLES))}
    assert set(flawed) == ADMINISTRATION, flawed


@pytest.fixture(scope="module")
def sent() -> dict[str, set[str]]:
    """Statements that requests send, by request."""
    clock, sent = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC)), dict[str, set[str]]()
    with (
        round_trips.proxied(postgres_server.server().new_database(), delay=0.0) as proxy,
        memkit.open(proxy.address, encoder=HashingEncoder(), clock=clock) as store,
    ):
        for round_number in range(2):
            bank = store.bank("acme", "ana")
            proxy.forget()
            for name, request in requests(bank, round_number).items():
                request()
                sent.setdefault(name, set()).update(sql for trip in proxy.trips() for sql in trip.statements)
                proxy.forget()
            clock.advance(timedelta(days=3))
    return sent


def requests(bank: memkit.MemoryBank, round_number: int) -> dict[str, Callable[[], object]]:
    turns = [
        memkit.Turn(f"I moved to Lisbon. ({n})", "ana", id=f"{round_number}-{n}", session=f"s{n // 20}-{round_number}")
        for n in range(60)
    ]
    first = f"{round_number}-0"
    return {
        "observe": lambda: bank.observe(turns),
        "think": bank.think,
        "reflect": bank.reflect,
        "recall": lambda: bank.recall("Where does Ana live?", k=5, around=1),
        "prompt": lambda: bank.recall("Lisbon", min_score=0).prompt(max_tokens=200),
        "window": lambda: bank.window(500),
        "session": lambda: list(bank.session(f"s0-{round_number}")),
        "insert": lambda: bank.insert(["Ana keeps bees."]),
        "list": lambda: bank.list(limit=10),
        "list by time": lambda: bank.list(limit=10, order="occurred_at"),
        "list by metadata": lambda: bank.list(limit=10, where={"a": "b"}),
        "get": lambda: bank.get(first),
        "history": lambda: bank.history(first),
        "pin": lambda: bank.pin(first),
        "correct": lambda: bank.correct(f"{round_number}-1", "I moved to Porto in May."),
        "forget": lambda: bank.forget(f"{round_number}-2", reason="asked"),
        "put": lambda: bank.put("key", {"a": 1}),
        "get item": lambda: bank.get_item("key"),
        "delete item": lambda: bank.delete_item("key"),
        "standing": bank.standing,
        "upcoming": bank.upcoming,
        "decay": bank.decay,
        "portrait": bank.portrait,
        "erase": lambda: bank.erase(ids=[f"{round_number}-3", f"{round_number}-4"]),
        "undo": lambda: bank.undo(bank.insert(["Ana has a boat."])),
    }


def test_what_a_request_sends_is_pinned_to_its_bank(sent: dict[str, set[str]]) -> None:
    exempt = {sql for name, sql in statements() if name in BANK_MAKING}
    erasing = {sql for name, sql in statements() if name in BYTES_WAITING}
    flawed = {
        (name, sql): flaws
        for name, texts in sent.items()
        for sql in texts - exempt - (erasing if name == "erase" else set())
        if (flaws := unpinned(sql, SPLIT_TABLES))
    }
    assert flawed == {}


def test_the_request_paths_of_a_bank_that_is_there_look_for_it_under_its_own_number(sent: dict[str, set[str]]) -> None:
    making = {sql for name, sql in statements() if name in BANK_MAKING}
    assert [name for name, texts in sent.items() if name != "observe" and texts & making] == []


def test_no_request_went_unseen(sent: dict[str, set[str]]) -> None:
    assert [name for name, texts in sent.items() if not texts] == []
