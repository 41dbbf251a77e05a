"""Idempotency keys: a request that comes again isn't carried out twice, nor does anything of it outlive an erasure."""

import hashlib
import multiprocessing as mp
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import EVERY_ENGINE, LASTING_ENGINES
from keyed_workers import BANK, KEY, REQUEST, begin_and_die, observe_once

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import (
    AnswerGoneError,
    IdempotencyKeyError,
    InputError,
    MemkitError,
    ReadOnlyError,
    RequestInProgressError,
    UnsettledRequestError,
)
from memkit.idempotency import RequestTicket, StoredAnswer
from memkit.settings import KeepRule
from memkit.testing import FrozenClock

DAY = timedelta(days=1)
OWN_ID = "whatsapp:+351-912-345-678/quetzal-9471-marimba"
PROCESS_COUNT = 4


def opened(location: str | Path, clock: FrozenClock, **options: Any) -> memkit.MemoryStore:
    return memkit.open(location, encoder=HashingEncoder(), clock=clock, **options)


@pytest.fixture(params=EVERY_ENGINE)
def any_store(request: pytest.FixtureRequest, clock: FrozenClock) -> Iterator[memkit.MemoryStore]:
    settings = memkit.Settings(keep=(KeepRule(kinds=("turn",), days=30, then="erase"),))
    with request.param.database() as location, opened(location, clock, settings=settings) as store:
        yield store


@pytest.fixture(params=LASTING_ENGINES)
def location(request: pytest.FixtureRequest) -> Iterator[str]:
    with request.param.database() as location:
        yield location


def begin(store: memkit.MemoryStore, key: str = KEY, **values: Any) -> RequestTicket | StoredAnswer:
    return store.idempotency.begin(key, **{"caller": "c", "request": REQUEST, "bank": BANK, **values})


def ticket_of(store: memkit.MemoryStore, **values: Any) -> RequestTicket:
    ticket = begin(store, **values)
    assert isinstance(ticket, RequestTicket)
    return ticket


def carry_out(store: memkit.MemoryStore, **values: Any) -> str:
    """Observe a turn under a key; gives back the answer."""
    ticket = ticket_of(store, **values)
    turn = memkit.Turn("I moved to Lisbon.", "ana", id=OWN_ID, session="s")
    answer = store.bank(*BANK).observe([turn]).model_dump_json()
    store.idempotency.settle(ticket, answer)
    return answer


def test_a_request_that_comes_again_gets_the_first_answer(any_store: memkit.MemoryStore) -> None:
    answer = carry_out(any_store)
    assert begin(any_store) == StoredAnswer(answer)
    assert begin(any_store) == StoredAnswer(answer)


def test_another_request_under_the_same_key_is_refused(any_store: memkit.MemoryStore) -> None:
    carry_out(any_store)
    with pytest.raises(IdempotencyKeyError, match="new one for each"):
        begin(any_store, request=hashlib.sha256(b"another").digest())


def test_a_key_is_its_callers_own(any_store: memkit.MemoryStore) -> None:
    carry_out(any_store)
    assert isinstance(begin(any_store, caller="another"), RequestTicket)
    assert isinstance(begin(any_store, key=f"c{KEY}", caller=""), RequestTicket)


def test_a_request_that_goes_on_is_in_progress_and_can_be_asked_for_again(any_store: memkit.MemoryStore) -> None:
    ticket = ticket_of(any_store)
    with pytest.raises(RequestInProgressError, match="in a moment") as refusal:
        begin(any_store)
    assert refusal.value.retry_after == 1
    any_store.idempotency.settle(ticket, "{}")
    assert begin(any_store) == StoredAnswer("{}")


def test_a_request_that_was_cut_off_cant_be_told_and_is_never_begun_again(
    any_store: memkit.MemoryStore, clock: FrozenClock
) -> None:
    ticket = ticket_of(any_store, seconds=30)
    clock.advance(timedelta(seconds=30))
    for _ in range(2):
        with pytest.raises(UnsettledRequestError, match="Look what is there, then use a new key"):
            begin(any_store)
    any_store.idempotency.settle(ticket, "{}")  # it was slow, not dead
    assert begin(any_store) == StoredAnswer("{}")


def test_a_released_key_is_free_for_the_next_request(any_store: memkit.MemoryStore) -> None:
    any_store.idempotency.release(ticket_of(any_store))
    assert isinstance(begin(any_store, request=hashlib.sha256(b"another").digest()), RequestTicket)


def test_keys_count_for_24_hours(any_store: memkit.MemoryStore, clock: FrozenClock) -> None:
    answer = carry_out(any_store)
    clock.advance(DAY - timedelta(microseconds=1))
    assert begin(any_store) == StoredAnswer(answer)
    clock.advance(timedelta(microseconds=1))
    assert isinstance(begin(any_store), RequestTicket)


def test_an_answer_that_is_none_or_too_long_isnt_stored(any_store: memkit.MemoryStore) -> None:
    for key, answer in (("none", None), ("long", "x" * 1_000_001)):
        any_store.idempotency.settle(ticket_of(any_store, key=key), answer)
        with pytest.raises(AnswerGoneError, match="was carried out"):
            begin(any_store, key=key)


@pytest.mark.parametrize("key", ["", "x" * 256, "line\nfeed", "é", "\0"])
def test_a_key_that_no_header_can_hold_is_refused(store: memkit.MemoryStore, key: str) -> None:
    with pytest.raises(InputError, match="1 to 255 characters"):
        begin(store, key=key)


ERASURES: dict[str, Callable[[memkit.MemoryStore], object]] = {
    "erase": lambda store: store.bank(*BANK).erase(ids=[OWN_ID]),
    "erase_all": lambda store: store.bank(*BANK).erase_all(confirm=BANK),
    "erase_all under a prefix": lambda store: store.erase_all(under=("acme",), confirm=("acme",)),
    "pop": lambda store: store.bank(*BANK).session("s").pop(),
    "clear": lambda store: store.bank(*BANK).session("s").clear(),
    "move": lambda store: _move_away(store),
}


def _move_away(store: memkit.MemoryStore) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as target:
        store.move(target, [BANK])


@pytest.mark.parametrize("erasure", ERASURES.values(), ids=ERASURES)
def test_what_erases_takes_the_answers_about_its_bank_along(
    any_store: memkit.MemoryStore, erasure: Callable[[memkit.MemoryStore], object]
) -> None:
    carry_out(any_store)
    other = ticket_of(any_store, key="other", bank=("acme2",))
    any_store.idempotency.settle(other, "{}")
    erasure(any_store)
    with pytest.raises(AnswerGoneError, match="were erased"):
        begin(any_store)
    assert begin(any_store, key="other", bank=("acme2",)) == StoredAnswer("{}")


def test_pruning_takes_the_answers_about_its_bank_along(any_store: memkit.MemoryStore, clock: FrozenClock) -> None:
    carry_out(any_store)
    clock.advance(30 * DAY - timedelta(hours=1))
    any_store.idempotency.settle(ticket_of(any_store, key="later"), "{}")
    clock.advance(timedelta(hours=2))
    assert any_store.bank(*BANK).prune().receipt is not None
    with pytest.raises(AnswerGoneError):
        begin(any_store, key="later")


def test_an_erasure_in_the_midst_of_a_request_keeps_its_answer_out(any_store: memkit.MemoryStore) -> None:
    ticket = ticket_of(any_store)
    turn = memkit.Turn("I moved to Lisbon.", "ana", id=OWN_ID)
    answer = any_store.bank(*BANK).observe([turn]).model_dump_json()
    any_store.bank(*BANK).erase(ids=[OWN_ID])
    any_store.idempotency.settle(ticket, answer)
    with pytest.raises(AnswerGoneError):
        begin(any_store)


def test_a_replay_after_an_erasure_never_stores_the_erased_turn_again(any_store: memkit.MemoryStore) -> None:
    carry_out(any_store)
    any_store.bank(*BANK).erase(ids=[OWN_ID])
    with pytest.raises(AnswerGoneError):
        carry_out(any_store)
    assert any_store.bank(*BANK).list() == []


def test_files_hold_neither_key_nor_caller_nor_request_and_after_an_erasure_no_answer(
    path: Path, clock: FrozenClock
) -> None:
    with opened(path, clock) as store:
        answer = carry_out(store)
        for number in range(200):
            store.idempotency.settle(ticket_of(store, key=f"key-{number}"), answer.replace("marimba", f"m{number}"))
        words = [KEY.encode(), REQUEST, hashlib.sha256(KEY.encode()).digest(), b"key-77"]
        assert held(path, words) == set()
        assert held(path, [OWN_ID.encode()]) == {OWN_ID.encode()}
        receipt = store.bank(*BANK).erase(ids=[OWN_ID])
        assert receipt is not None
        assert held(path, [OWN_ID.encode(), OWN_ID.encode()[:24], b"quetzal-9471"]) == set()
    assert held(path, [OWN_ID.encode(), OWN_ID.encode()[:24], b"quetzal-9471"]) == set()


def held(path: Path, words: list[bytes]) -> set[bytes]:
    """Those of the words that any file of a database holds."""
    contents = [file.read_bytes() for file in path.parent.iterdir()]
    return {word for word in words if any(word in each for each in contents)}


def test_expired_keys_are_swept_by_use_and_by_maintenance(path: Path, clock: FrozenClock) -> None:
    with opened(path, clock) as store:
        carry_out(store)
        for use in (lambda: begin(store, key="next"), lambda: store.maintain(1.0)):
            assert requests_in(store) == 1
            clock.advance(2 * DAY)
            use()
        assert requests_in(store) == 0


def requests_in(store: memkit.MemoryStore) -> int:
    with store._storage._reading() as connection:  # type: ignore[attr-defined]
        return int(connection.execute("SELECT count(*) FROM keyed_request").fetchone()[0])


def test_a_read_only_store_begins_nothing(location: str, clock: FrozenClock) -> None:
    opened(location, clock).close()
    with opened(location, clock, read_only=True) as store, pytest.raises(ReadOnlyError):
        begin(store)


def test_an_export_holds_no_keys_or_answers(location: str, clock: FrozenClock, tmp_path: Path) -> None:
    with opened(location, clock) as store:
        store.idempotency.settle(ticket_of(store), "an answer")
        store.bank(*BANK).observe([("ana", "I moved to Lisbon.")])
        store.export(tmp_path / "export.jsonl")
    exported = (tmp_path / "export.jsonl").read_text("utf-8")
    assert ("an answer" in exported, KEY in exported) == (False, False)


def test_of_several_processes_at_once_one_carries_the_request_out(location: str, clock: FrozenClock) -> None:
    opened(location, clock).close()
    context = mp.get_context("spawn")
    ready, report = context.Barrier(PROCESS_COUNT), context.Queue()
    values = (location, clock.now)
    workers = [context.Process(target=observe_once, args=(*values, me, ready, report)) for me in range(PROCESS_COUNT)]
    for worker in workers:
        worker.start()
    outcomes = Counter(report.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert outcomes["carried out"] == 1
    assert outcomes["in progress"] + outcomes["answered"] == PROCESS_COUNT - 1
    with opened(location, clock) as store:
        assert len(store.bank(*BANK).list()) == 1
        assert isinstance(begin(store), StoredAnswer)


@pytest.mark.parametrize("is_done", [True, False], ids=["after its change", "before its change"])
def test_a_process_killed_before_it_settled_leaves_the_request_untold_and_undoubled(
    location: str, clock: FrozenClock, is_done: bool
) -> None:
    opened(location, clock).close()
    worker = mp.get_context("spawn").Process(target=begin_and_die, args=(location, clock.now, is_done))
    worker.start()
    worker.join(120)
    assert worker.exitcode == 9
    with opened(location, clock) as store:
        for wait, error in ((0, RequestInProgressError), (60, UnsettledRequestError), (3600, UnsettledRequestError)):
            clock.advance(timedelta(seconds=wait))
            with pytest.raises(error) as refusal:
                begin(store)
            assert isinstance(refusal.value, MemkitError)
        assert len(store.bank(*BANK).list()) == is_done
