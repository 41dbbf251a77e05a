"""Transactions on PostgreSQL: undone ones are made again, and a commit whose answer was lost is looked up."""

from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest
from postgres_server import server

from memkit.errors import NewerVersionError, OtherDraftError, UnsettledError
from memkit.operations import Insert, Step
from memkit.protocols import BankView, Storage
from memkit.settings import RuntimeSettings
from memkit.storage import open_storage
from memkit.storage.postgres.connection import COMMIT_STATEMENT
from memkit.storage.postgres.pool import Pool
from memkit.storage.postgres.schema import FORMAT_NUMBER
from memkit.storage.postgres.session import Request, ServerSession
from memkit.testing.contract.cases import AT_NOON, entry, memory

Run = Callable[[ServerSession, Sequence[Request]], None]
Failure = Callable[[Run, ServerSession, Sequence[Request]], None]


@pytest.fixture
def address() -> str:
    return server().new_database()


@pytest.fixture
def storage(address: str) -> Iterator[Storage]:
    opened = open_storage(address, settings=RuntimeSettings(busy_timeout=0.5))
    yield opened
    opened.close()


class Decision:
    """A decision to store one memory, which counts how often it was made."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, view: BankView) -> list[Step]:
        self.count += 1
        return [Insert(memory("tea"), entry())]


def failing_once(
    monkeypatch: pytest.MonkeyPatch, fail: Callable[[Run, ServerSession, Sequence[Request]], None]
) -> None:
    """Have the next commit go through `fail` in the place of its own way."""
    run, failures = ServerSession.run, [fail]

    def run_or_fail(session: ServerSession, requests: Sequence[Request]) -> None:
        is_commit = any(request.statement is COMMIT_STATEMENT for request in requests)
        (failures.pop() if is_commit and failures else _as_ever)(run, session, requests)

    monkeypatch.setattr(ServerSession, "run", run_or_fail)


def _as_ever(run: Run, session: ServerSession, requests: Sequence[Request]) -> None:
    run(session, requests)


def lost_after(run: Run, session: ServerSession, requests: Sequence[Request]) -> None:
    run(session, requests)
    session.raw.close()
    session.broken = True
    raise psycopg.OperationalError


def lost_before(run: Run, session: ServerSession, requests: Sequence[Request]) -> None:
    session.raw.close()
    session.broken = True
    raise psycopg.OperationalError


def deadlock(run: Run, session: ServerSession, requests: Sequence[Request]) -> None:
    raise psycopg.errors.DeadlockDetected


def state_of(storage: Storage, name: str = "ana") -> tuple[int, int]:
    state = storage.find_bank((name,))
    assert state is not None
    return state.change, state.size


@pytest.mark.parametrize(("fail", "decisions"), [(lost_after, 1), (lost_before, 2), (deadlock, 2)])
def test_an_apply_whose_answer_was_lost_is_done_once(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, fail: Callable[..., None], decisions: int
) -> None:
    bank, decide = storage.open_bank(("ana",)).number, Decision()
    failing_once(monkeypatch, fail)
    receipt = storage.apply(bank, decide, at=AT_NOON)
    assert (receipt.change, decide.count, state_of(storage)) == (1, decisions, (1, 1))
    assert storage.apply(bank, decide, at=AT_NOON).change == 2


def test_a_bank_is_erased_once_where_the_answer_was_lost(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = storage.open_bank(("ana",)).number
    storage.apply(bank, Decision(), at=AT_NOON)
    failing_once(monkeypatch, lost_after)
    receipt = storage.drop_bank(bank, at=AT_NOON)
    assert receipt is not None
    assert (storage.receipts(), storage.find_bank(("ana",))) == ([receipt], None)


def test_whether_a_change_was_stored_is_never_guessed(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = storage.open_bank(("ana",)).number
    failing_once(monkeypatch, lost_after)

    def out_of_reach(pool: Pool) -> None:
        raise psycopg.OperationalError

    with monkeypatch.context() as without_server:
        without_server.setattr(Pool, "dial", out_of_reach)
        with pytest.raises(UnsettledError, match="ids of their own"):
            storage.apply(bank, Decision(), at=AT_NOON)
    assert state_of(storage) == (1, 1)


def test_tokens_of_old_changes_are_dropped(storage: Storage, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memkit.storage.postgres.storage.KEPT_APPLIES", 2)
    bank = storage.open_bank(("ana",)).number
    for _ in range(5):
        storage.apply(bank, Decision(), at=AT_NOON)
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT change FROM memkit.applied ORDER BY change").fetchall() == [(4,), (5,)]


@pytest.mark.parametrize(
    ("column", "value", "error"), [("number", 99, NewerVersionError), ("draft", 99, OtherDraftError)]
)
def test_tables_of_another_format_are_left_as_they_are(
    address: str, column: str, value: int, error: type[Exception]
) -> None:
    open_storage(address).close()
    with psycopg.connect(address) as connection:
        connection.execute(f"UPDATE memkit.migration SET {column} = {value} WHERE number = {FORMAT_NUMBER}".encode())
    with pytest.raises(error):
        open_storage(address)
