"""Values that no agent means to give are refused in a sentence, or mean what they can mean; none breaks a verb."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import memkit
from memkit.errors import InputError
from memkit.models import Memory

HUGE = 10**30
ODD_FIELDS: list[tuple[str, Any]] = [
    ("id", ""),
    ("id", "\0"),
    ("id", "x" * 600),
    ("text", "\0"),
    ("text", "\ud800"),
    ("speaker", ""),
    ("session", "\0"),
    ("head", "\0"),
    ("tail", "\ud800"),
    ("key_phrases", ("\0",)),
    ("occurred_at", datetime(2026, 1, 1)),
    ("recorded_at", datetime(2026, 1, 1)),
    ("valid_from", datetime(2026, 1, 1)),
    ("valid_until", datetime(2026, 1, 1)),
    ("recalled_at", datetime(2026, 1, 1)),
    ("occurred_at", datetime.min.replace(tzinfo=UTC)),
    ("occurred_at", datetime.max.replace(tzinfo=UTC)),
    ("strength", -1.0),
    ("strength", float("inf")),
    ("strength", float("nan")),
    ("strength", 1e308),
    ("salience", float("inf")),
    ("salience", 1e308),
    ("recall_count", -1),
    ("recall_count", HUGE),
]


@pytest.fixture
def memory(bank: memkit.MemoryBank) -> Memory:
    [id] = bank.observe([("ana", "I have a dentist appointment next Friday.")]).ids
    stored = bank.get(id)
    assert stored is not None
    return stored.model_copy(update={"id": "another"})


@pytest.mark.parametrize(("field", "value"), ODD_FIELDS)
def test_a_memory_that_cannot_be_is_not_inserted(
    field: str, value: Any, bank: memkit.MemoryBank, memory: Memory
) -> None:
    before = bank.version
    with pytest.raises(InputError):
        bank.insert(memory.model_copy(update={field: value}))
    assert bank.version == before


def test_inserted_moments_of_other_zones_are_kept_in_utc(bank: memkit.MemoryBank, memory: Memory) -> None:
    told = datetime.fromisoformat("2026-05-04T09:00:00+02:00")
    bank.insert(memory.model_copy(update={"occurred_at": told}))
    stored = bank.get("another")
    assert stored is not None
    assert (stored.occurred_at, stored.occurred_at.tzinfo) == (told, UTC)


def test_nothing_is_merged_into_a_text(bank: memkit.MemoryBank, memory: Memory) -> None:
    with pytest.raises(InputError, match="ids of the memories"):
        bank.merge([], "Ana sees a dentist.")


@pytest.mark.parametrize(
    "change",
    [
        lambda bank: bank.merge(["item:note"], "other"),
        lambda bank: bank.supersede("item:note", "other"),
        lambda bank: bank.correct("item:note", "other"),
    ],
)
def test_items_are_changed_by_putting_alone(
    change: Callable[[memkit.MemoryBank], Any], bank: memkit.MemoryBank
) -> None:
    bank.put("note", {"title": "Groceries"})
    with pytest.raises(InputError, match="are put"):
        change(bank)
    item = bank.get_item("note")
    assert item is not None
    assert item.value == {"title": "Groceries"}


def test_a_number_above_all_sessions_means_all_of_them(bank: memkit.MemoryBank, memory: Memory) -> None:
    [turn] = bank.session().last(HUGE)
    assert bank.session()[-HUGE:] == [turn]
    assert turn.text in bank.window(HUGE).text


@pytest.mark.parametrize("moment", ["0001-01-01T12:00:00+00:00", "9999-12-31T12:00:00+00:00"])
def test_the_ends_of_the_calendar_are_no_moments(moment: str, bank: memkit.MemoryBank) -> None:
    with pytest.raises(InputError, match="years 1 and 9999"):
        bank.observe([{"text": "Yesterday I met Bob.", "speaker": "ana", "at": moment}])
