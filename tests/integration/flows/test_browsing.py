"""Browsing a bank: pages by time, and pages that go on whatever was erased meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.encoders import HashingEncoder
from memkit.errors import InputError, UnknownMemoryError, UnknownOptionError
from memkit.models import PAGE_ORDERS, Order

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAYS = (4, 0, 2, 2, 7, 5, 1, 6, 3, 2, 9, 8)  # when each turn was said, in the order in which they came


@pytest.fixture(params=["file", "memory"])
def bank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[memkit.MemoryBank]:
    location = ":memory:" if request.param == "memory" else tmp_path / "browse.db"
    with memkit.open(location, encoder=HashingEncoder()) as store:
        bank = store.bank("ana", zone="Asia/Tokyo")
        bank.observe(
            memkit.Turn(
                f"On day {day} the ferry number {n} left.",
                "Ana",
                at=START + timedelta(days=day),
                id=f"t{n}" if n % 2 else None,  # the caller's own ids, and memkit's
                metadata={"even": n % 2 == 0},
            )
            for n, day in enumerate(DAYS)
        )
        yield bank


def pages(bank: memkit.MemoryBank, limit: int, **options: Any) -> Iterator[memkit.Memory]:
    """All memories, page by page, by the id of the last."""
    after = None
    while page := bank.list(after=after, limit=limit, **options):
        yield from page
        after = page[-1].id


def numbers(memories: Any) -> list[int]:
    return [int(memory.text.split()[6]) for memory in memories]


def expected(order: str) -> list[int]:
    by_time = sorted(range(len(DAYS)), key=lambda n: (DAYS[n], n))
    ids = by_time if order.endswith("occurred_at") else list(range(len(DAYS)))
    return ids[::-1] if order.startswith("-") else ids


@pytest.mark.parametrize("limit", [1, 3, 5, 12, 100])
@pytest.mark.parametrize("order", PAGE_ORDERS)
def test_pages_of_every_size_hold_each_memory_once_in_their_order(
    bank: memkit.MemoryBank, order: Order, limit: int
) -> None:
    assert numbers(pages(bank, limit, order=order)) == expected(order)
    even = [n for n in expected(order) if n % 2 == 0]
    assert numbers(pages(bank, limit, order=order, where={"even": True})) == even


@pytest.mark.parametrize("where", [None, {"even": {"$exists": True}}])
@pytest.mark.parametrize("order", PAGE_ORDERS)
def test_a_page_goes_on_behind_an_id_that_was_erased_meanwhile(
    bank: memkit.MemoryBank, order: Order, where: dict[str, Any] | None
) -> None:
    seen: list[int] = []
    after: str | None = None
    while page := bank.list(after=after, limit=2, order=order, where=where):
        seen += numbers(page)
        after = page[-1].id
        bank.erase(ids=[memory.id for memory in page])
    assert seen == expected(order)


@pytest.mark.parametrize("order", PAGE_ORDERS)
def test_what_a_page_calls_next_holds_in_every_process_and_when_all_of_the_page_is_erased(
    tmp_path: Path, order: Order
) -> None:
    path = tmp_path / "browse.db"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.observe(memkit.Turn(f"It was day {n} of the trip.", "Ana", at=START + timedelta(days=n)) for n in range(9))
        first = bank.list(limit=4, order=order)
        rest = [memory.id for memory in bank.list(order=order)][4:]
    with memkit.open(path, encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        bank.erase(ids=[memory.id for memory in first])
        assert [memory.id for memory in bank.list(order=order, after=first.next)] == rest


def test_the_last_page_says_that_nothing_follows(bank: memkit.MemoryBank) -> None:
    assert bank.list(limit=100).next is None
    assert bank.list(limit=5).next is not None
    assert bank.list(after=bank.list(limit=12).next).next is None


def test_an_id_that_never_was_here_is_an_error_that_names_the_remedy(bank: memkit.MemoryBank) -> None:
    for after in ("nobody", "0198c5a1-0000-7000-8000-000000000000", "after:x:1", "after:1"):
        with pytest.raises(UnknownMemoryError, match="next"):
            bank.list(after=after)


@pytest.mark.parametrize("order", PAGE_ORDERS)
def test_a_span_of_time_holds_what_happened_in_it(bank: memkit.MemoryBank, order: Order) -> None:
    since, until = START + timedelta(days=2), START + timedelta(days=6)
    inside = [n for n in expected(order) if 2 <= DAYS[n] < 6]
    assert numbers(bank.list(since=since, until=until, order=order)) == inside
    assert numbers(pages(bank, 2, since=since, until=until, order=order)) == inside
    assert numbers(pages(bank, 2, since=since, until=until, order=order, kinds=["turn"])) == inside
    assert bank.list(since=until, until=since, order=order) == []


def test_a_date_alone_is_the_beginning_of_that_day_in_the_banks_zone(bank: memkit.MemoryBank) -> None:
    assert numbers(bank.list(since="2026-03-09", order="occurred_at")) == [11, 10]  # 18:00 of the 9th, in Tokyo
    assert numbers(bank.list(until="2026-03-02")) == [1]
    with pytest.raises(InputError, match="since"):
        bank.list(since="yesterday")


def test_kinds_and_states_are_chosen_in_every_order(bank: memkit.MemoryBank) -> None:
    ids = bank.insert(["Ana likes ferries.", "Ana dislikes trains."]).ids
    bank.forget(ids[0], reason="wrong")
    for order in PAGE_ORDERS:
        assert [m.id for m in bank.list(kinds=["thought"], order=order)] == ids[1:]
        every = [m.id for m in bank.list(kinds=["thought", "summary"], order=order, states=["active", "forgotten"])]
        assert every == (ids[::-1] if order.startswith("-") else ids)


@pytest.mark.parametrize("options", [{"order": "newest"}, {"states": ["asleep"]}, {"kinds": ["song"]}])
def test_what_is_unknown_is_an_error_that_lists_what_is_known(bank: memkit.MemoryBank, options: dict[str, Any]) -> None:
    with pytest.raises(UnknownOptionError, match="known are"):
        bank.list(**options)


async def test_an_awaited_list_takes_the_same_options(bank: memkit.MemoryBank) -> None:
    page = await bank.aio.list(order="-occurred_at", since="2026-03-09", limit=1)
    assert (numbers(page), page.next is None) == ([10], False)


def test_a_page_by_time_reads_no_more_rows_than_it_gives(tmp_path: Path) -> None:
    """The index serves the order: SQLite sorts nothing."""
    import sqlite3

    from memkit.storage.sql.queries import queries

    path = tmp_path / "browse.db"
    memkit.open(path, encoder=HashingEncoder()).close()
    connection = sqlite3.connect(path)
    for name in ("page_by_time", "page_by_time_back", "page", "page_back"):
        query = queries()[name]
        sql = query.render([1] * len(query.lists))
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * (len(query.names) + len(query.lists))).fetchall()
        assert not [step for *_, step in plan if "TEMP B-TREE" in step or "SCAN" in step], plan
    connection.close()
