"""Items: JSON values by key, beside the conversation and never in it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import ConflictError, InputError, InvalidTurnError, UndoError
from memkit.items import Item
from memkit.models import Memory
from memkit.testing import FrozenClock

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("a\0é\n😀"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab.\0$", max_size=4), inner, max_size=4),
    max_leaves=12,
)
A_MINUTE = timedelta(minutes=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def value_of(bank: memkit.MemoryBank, key: str) -> Any:
    item = bank.get_item(key)
    return None if item is None else item.value


@given(st.text("k\0 :\n/é", max_size=8), JSON, JSON)
def test_any_json_comes_back_as_it_was_put_last(key: str, first: Any, last: Any) -> None:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("ana")
        for value in (first, last):
            bank.put(key, value, index=False)
        item = bank.get_item(key)
        assert item is not None
        assert repr((item.key, item.value)) == repr((key, last))


def test_a_value_that_many_change_at_once_loses_no_change_where_each_expects_what_it_read(
    bank: memkit.MemoryBank,
) -> None:
    def count_up(_: int) -> None:
        while True:
            item = bank.get_item("count")
            value, read_at = (0, None) if item is None else (item.value, item.updated_at)
            with suppress(ConflictError):
                bank.put_many([{"key": "count", "value": value + 1, "index": False}], expected={"count": read_at})
                return

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count_up, range(40)))
    assert value_of(bank, "count") == 40


def test_an_item_outlives_the_process_and_tells_when_it_was_made_and_changed(path: Path, clock: FrozenClock) -> None:
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        store.bank("ana").put("profile", {"town": "Lisbon"}, ttl=90.5)
        made = clock()
        clock.advance(A_MINUTE)
        store.bank("ana").put("profile", {"town": "Porto"})
    with memkit.open(path, encoder=HashingEncoder(), clock=clock, read_only=True) as store:
        assert store.bank("ana").get_item("profile", refresh=True) == Item(
            key="profile", value={"town": "Porto"}, created_at=made, updated_at=clock()
        )


def test_what_is_put_and_deleted_at_once_by_many_ends_as_one_of_them_left_it(bank: memkit.MemoryBank) -> None:
    def work(number: int) -> None:
        bank.put("shared", number, index=False)
        bank.delete_item(f"own {number % 3}")
        bank.put(f"own {number % 3}", number, index=False)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(48)))
    assert value_of(bank, "shared") in range(48)
    assert [value_of(bank, f"own {n}") % 3 for n in range(3)] == [0, 1, 2]
    assert len(bank.list(kinds=["item"])) == 4


def test_deleting_is_silent_and_harmless_to_repeat(store: memkit.MemoryStore, bank: memkit.MemoryBank) -> None:
    assert bank.delete_item("k").count("skipped") == 1
    bank.put("k", 1)
    assert [bank.delete_item("k").outcomes[0].action for _ in range(2)] == ["erased", "skipped"]
    assert (bank.get_item("k"), bank.list(kinds=["item"]), store.receipts(), store.doctor()) == (None, [], [], [])


def test_an_item_is_gone_once_its_time_is_over_and_swept_by_maintenance(
    store: memkit.MemoryStore, bank: memkit.MemoryBank, clock: FrozenClock
) -> None:
    bank.put("short", {"note": "figs"}, ttl=0.5)
    bank.put("long", {"note": "figs"}, ttl=60)
    assert store.maintain(5).swept == 0
    clock.advance(A_MINUTE / 2)
    assert [value_of(bank, key) for key in ("short", "long")] == [None, {"note": "figs"}]
    assert [m.id for m in bank.list(kinds=["item"])] == ["item:long"]
    assert (bank.get("item:short"), [h.memory.id for h in bank.recall("figs", kinds=["item"])]) == (None, ["item:long"])
    assert store.maintain(5).swept == 1
    assert (store.stats()["banks"]["acme/ana"]["memories"], store.receipts()) == (1, [])


def test_reading_lets_an_item_live_on_where_that_is_asked_for(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    bank.put("k", 1, ttl=2)
    clock.advance(A_MINUTE)
    assert bank.get_item("k").expires_at == clock() + A_MINUTE  # type: ignore[union-attr]
    assert bank.get_item("k", refresh=True).expires_at == clock() + 2 * A_MINUTE  # type: ignore[union-attr]
    clock.advance(1.5 * A_MINUTE)
    assert value_of(bank, "k") == 1


def test_items_are_recalled_by_their_paths_and_only_where_items_are_asked_for(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", "The ferry to Faro leaves at nine.")])
    bank.put("trip", {"title": "ferry to Faro", "notes": [{"text": "bring a coat"}, {"text": "no cats"}]},
             index=["title", "notes[*].text"])  # fmt: skip
    bank.put("quiet", {"title": "ferry to Faro"}, index=False)
    for question in ("When does the ferry to Faro leave?", "bring a coat"):
        assert "item" not in {hit.memory.kind for hit in bank.recall(question, min_score=0)}
        hits = bank.recall(question, kinds=["item"])
        assert [hit.memory.id for hit in hits] == ["item:trip"]
    assert [m.id for m in bank.list(kinds=["item"], where={"value.title": "ferry to Faro"})] == [
        "item:trip",
        "item:quiet",
    ]


def test_by_cosine_the_nearest_part_of_each_is_the_score_and_nothing_is_left_out(bank: memkit.MemoryBank) -> None:
    bank.put("trip", {"title": "ferry to Faro", "notes": [{"text": "bring a coat"}, {"text": "no cats"}]},
             index=["title", "notes[*].text"])  # fmt: skip
    bank.put("town", "Lisbon")
    bank.put("quiet", "bring a coat", index=False)
    bank.put("again", "Lisbon")
    hits = bank.recall("bring a coat", kinds=["item"], by="cosine")
    assert (hits[0].memory.id, round(hits[0].score, 3)) == ("item:trip", 1.0)
    assert [h.memory.id for h in hits[1:]] == ["item:again", "item:town"]
    assert hits[1].score == hits[2].score == pytest.approx(hits[1].why["cosine"])
    assert [len(bank.recall("bring a coat", kinds=["item"], by="cosine", k=k)) for k in (1, 2)] == [1, 2]
    assert len(bank.recall("bring a coat", kinds=["item"], by="cosine", min_score=0.9)) == 1
    where = {"value.title": "ferry to Faro"}
    assert len(bank.recall("Lisbon", kinds=["item"], by="cosine", where=where)) == 1
    with pytest.raises(InputError, match="cosine"):
        bank.recall("Lisbon", by="words")  # type: ignore[arg-type]


def test_turns_rank_the_same_whatever_items_lie_beside_them(store: memkit.MemoryStore) -> None:
    plain, filled = store.bank("plain"), store.bank("filled")
    for bank in (plain, filled):
        bank.observe([("ana", f"My boat number {n} lies in {town}.") for n, town in enumerate(("Faro", "Lagos"))])
        for n in range(30 if bank is filled else 0):
            bank.put(f"k{n}", f"My boat number {n} lies in Porto.")
    hits = [bank.recall("Which boat lies in Faro?", min_score=0) for bank in (plain, filled)]
    assert [[(h.memory.text, h.score) for h in each] for each in hits[:1]] == [
        [(h.memory.text, h.score) for h in hits[1]]
    ]
    assert filled.recall("Which boat lies in Porto?", kinds=["item", "turn"], min_score=0)[0].memory.kind == "item"


def test_nothing_is_thought_and_nothing_is_written_about_items(bank: memkit.MemoryBank) -> None:
    bank.put("note", "I live in Lisbon. My sister is Rita.")
    bank.think()
    bank.reflect()
    assert {m.kind for m in bank.list()} == {"item"}
    bank.observe([("ana", "I live in Lisbon. My sister is Rita.")])
    assert [m.echo_of for m in bank.list(kinds=["turn"])] == [None]


@pytest.mark.parametrize("chosen", ["t1", "item:raw"])
def test_what_was_written_as_one_is_erased_as_one(bank: memkit.MemoryBank, chosen: str) -> None:
    bank.observe([memkit.Turn("My locker code is 4471.", "ana", id="t1")])
    bank.put("raw", {"role": "user", "content": "My locker code is 4471."}, index=False, sources=["t1"])
    bank.put("other", 1)
    bank.erase(ids=[chosen])
    assert [m.id for m in bank.list()] == ["item:other"]


def test_what_is_erased_by_its_topic_takes_the_items_that_hold_it(bank: memkit.MemoryBank) -> None:
    bank.observe([("ana", "The ferry to Faro leaves at nine."), ("ana", "Miso is a cat.")])
    bank.put("trip", {"plan": ["ferries to Faro", 9]}, index=False)
    bank.put("town", "Faro")
    plan = bank.plan_erase(about="the ferry to Faro")
    assert plan.counts == {"item": 1, "turn": 1}
    bank.erase(plan)
    assert {m.id for m in bank.list(kinds=["item"])} == {"item:town"}


def test_a_put_is_not_undone(bank: memkit.MemoryBank) -> None:
    receipt = bank.put("k", 1)
    with pytest.raises(UndoError, match="Put the value again"):
        bank.undo(receipt)
    assert value_of(bank, "k") == 1


def test_a_value_that_was_replaced_deleted_or_swept_leaves_no_byte_after_an_erasure(
    path: Path, store: memkit.MemoryStore, clock: FrozenClock
) -> None:
    bank, values = store.bank("ana"), ["first zebrafinch", "second oystercatcher", "third kingfisher"]
    bank.put("bird", {"name": values[0]})
    bank.put("bird", {"name": "canary"})
    bank.put("deleted", {"name": values[1]})
    bank.delete_item("deleted")
    bank.put("swept", {"name": values[2]}, ttl=1)
    clock.advance(A_MINUTE)
    store.maintain(5)
    bank.observe([memkit.Turn("Never mind.", "ana", id="t1")])
    assert not bank.erase(ids=["t1"]).bytes_pending
    contents = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert [value for value in values if value.encode()[:16] in contents] == []
    assert b"canary" in contents


@pytest.mark.parametrize(
    ("put", "rule"),
    [
        (lambda bank: bank.put(7, 1), "key"),
        (lambda bank: bank.put("k", float("nan")), "JSON"),
        (lambda bank: bank.put("k", {1: 2}), "the same"),
        (lambda bank: bank.put("k", (1, 2)), "the same"),
        (lambda bank: bank.put("k", "\ud800"), "surrogate"),
        (lambda bank: bank.put("k", "x" * 16_000_000), "at most"),
        (lambda bank: bank.put("k", 1, ttl=0), "ttl"),
        (lambda bank: bank.put("k", 1, index=[]), "index"),
        (lambda bank: bank.put_many([{"key": "k", "value": 1}], expected={"k": LONG_AGO}), "changed"),
    ],
)
def test_what_is_no_item_is_refused_with_the_rule_and_nothing_is_stored(
    bank: memkit.MemoryBank, put: Callable[[memkit.MemoryBank], None], rule: str
) -> None:
    with pytest.raises(InputError, match=rule):
        put(bank)
    assert bank.list() == []


def test_ids_of_items_are_given_to_nothing_else(bank: memkit.MemoryBank, clock: FrozenClock) -> None:
    with pytest.raises(InvalidTurnError, match="item:"):
        bank.observe([memkit.Turn("hello", "ana", id="item:k")])
    for kind in ("item", "thought"):
        note = Memory(id="item:k", kind=kind, text="a", occurred_at=clock(), recorded_at=clock())
        with pytest.raises(InputError, match="put"):
            bank.insert(note)


async def test_items_are_put_beside_the_event_loop(bank: memkit.MemoryBank) -> None:
    await bank.aio.put("k", [1])
    item = await bank.aio.get_item("k")
    assert item is not None
    assert item.value == [1]
    assert (await bank.aio.delete_item("k")).count("erased") == 1
