"""The zone of a bank: asked for at its making, refused where it has another, changed with all that hangs on days."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError, UnknownOptionError
from memkit.models import Memory
from memkit.testing import FrozenClock

EVENING = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)  # of the 2nd in Lisbon, of the 3rd in Tokyo


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[memkit.MemoryStore]:
    location = ":memory:" if request.param == "memory" else tmp_path / "zone.db"
    clock = FrozenClock(EVENING + timedelta(days=40))
    with memkit.open(location, encoder=HashingEncoder(), clock=clock) as store:
        yield store


def fill(bank: memkit.MemoryBank) -> memkit.MemoryBank:
    turns = [f"On evening {n} the choir sang in hall {n}." for n in range(14)]
    bank.observe(
        memkit.Turn(text, "Ana", at=EVENING + timedelta(days=n, hours=3 * (n % 2)), id=f"t{n}")
        for n, text in enumerate(turns)
    )
    bank.observe([memkit.Turn("I moved to Porto on 5 March 2026.", "Ana", at=EVENING + timedelta(days=20), id="moved")])
    bank.think()
    return bank


def periods(bank: memkit.MemoryBank) -> list[tuple[str, str, tuple[str, ...]]]:
    """Level, period and number of sources of all summaries that stand."""
    summaries = bank.list(kinds=["summary"], limit=1000)
    names = {memory.id: memory for memory in bank.list(states=["active", "superseded", "forgotten"], limit=1000)}
    return sorted(
        (m.metadata["level"], m.metadata["period"], tuple(sorted(names[s].text for s in m.sources))) for m in summaries
    )


# asked for


@pytest.mark.parametrize("asked", ["Asia/Tokyo", "UTC"])
def test_another_zone_than_an_existing_bank_has_is_an_error_that_names_the_remedy(
    store: memkit.MemoryStore, asked: str
) -> None:
    store.bank("ana", zone="Europe/Lisbon").observe([("Ana", "I live in Lisbon.")])
    with pytest.raises(InputError, match=r"has the zone Europe/Lisbon.*change_zone"):
        store.bank("ana", zone=asked)
    assert store.bank("ana", zone="Europe/Lisbon").zone == store.bank("ana").zone == "Europe/Lisbon"


def test_a_bank_made_without_a_zone_has_utc_and_keeps_it(store: memkit.MemoryStore) -> None:
    bank = store.bank("ana")
    bank.observe([("Ana", "I live in Lisbon.")])
    with pytest.raises(InputError, match="has the zone UTC"):
        store.bank("ana", zone="Europe/Lisbon")


def test_a_zone_asked_for_before_the_bank_is_made_holds_whoever_writes_first(store: memkit.MemoryStore) -> None:
    bank = store.bank("ana")
    asked = store.bank("ana", zone="Asia/Tokyo")
    with pytest.raises(InputError, match="has the zone Asia/Tokyo"):
        store.bank("ana", zone="Europe/Lisbon")
    bank.observe([("Ana", "I live in Kyoto.")])
    assert (bank.zone, asked.zone) == ("Asia/Tokyo", "Asia/Tokyo")


def test_an_unknown_zone_is_refused_at_once(store: memkit.MemoryStore) -> None:
    for zone in ("Atlantis/Capital", "", "../etc"):
        with pytest.raises(UnknownOptionError, match="no time zone"):
            store.bank("ana", zone=zone)
        with pytest.raises(UnknownOptionError, match="no time zone"):
            store.bank("ana").change_zone(zone)
    assert store.banks() == []


def test_the_next_process_is_told_too(tmp_path: Path) -> None:
    for zone, refused in (("Asia/Tokyo", False), ("UTC", True)):
        with memkit.open(tmp_path / "zone.db", encoder=HashingEncoder()) as store:
            if refused:
                with pytest.raises(InputError, match="has the zone Asia/Tokyo"):
                    store.bank("ana", zone=zone)
            else:
                store.bank("ana", zone=zone).observe([("Ana", "I live in Kyoto.")])


# changed on purpose


@pytest.mark.parametrize("zones", [("Europe/Lisbon", "Asia/Tokyo"), ("Asia/Tokyo", "America/Los_Angeles")])
def test_after_a_change_all_summaries_are_those_of_a_bank_that_always_had_the_zone(
    store: memkit.MemoryStore, zones: tuple[str, str]
) -> None:
    before, after = zones
    changed, always = fill(store.bank("changed", zone=before)), fill(store.bank("always", zone=after))
    changed.reflect()
    assert changed.change_zone(after).bank == changed.name
    changed.reflect()
    always.reflect()
    assert changed.zone == after
    assert periods(changed) == periods(always)
    texts = [sorted(m.text for m in bank.list(kinds=["summary"], limit=1000)) for bank in (changed, always)]
    assert texts[0] == texts[1]
    assert changed.reflect().outcomes == ()
    assert store.doctor() == []


@pytest.mark.parametrize("zones", [("Europe/Lisbon", "Asia/Tokyo"), ("Asia/Tokyo", "America/Los_Angeles")])
def test_after_a_change_recall_and_thoughts_are_those_of_a_bank_that_always_had_the_zone(
    store: memkit.MemoryStore, zones: tuple[str, str]
) -> None:
    before, after = zones
    changed, always = fill(store.bank("changed", zone=before)), fill(store.bank("always", zone=after))
    changed.recall("What happened on 3 March?")  # its index is loaded
    changed.change_zone(after)
    for question in ("What happened on 3 March 2026?", "What was on Tuesday, 10 March?", "2026-03-05", "hall 7"):
        hits = [
            [(h.memory.text, round(h.score, 6)) for h in bank.recall(question, reinforce=False)]
            for bank in (changed, always)
        ]
        assert hits[0] == hits[1]
    held = [[(m.text, m.valid_from, m.valid_until) for m in bank.list(kinds=["thought"])] for bank in (changed, always)]
    assert held[0] == held[1]
    assert any(valid_from for _, valid_from, _ in held[0])
    spans = [[m.text for m in bank.list(since="2026-03-04", until="2026-03-05")] for bank in (changed, always)]
    assert spans[0] == spans[1]


def test_a_change_there_and_back_changes_nothing(store: memkit.MemoryStore) -> None:
    bank = fill(store.bank("ana", zone="Europe/Lisbon"))
    bank.reflect()
    before = periods(bank), bank.beliefs()
    for zone in ("Pacific/Auckland", "Europe/Lisbon"):
        bank.change_zone(zone)
        bank.reflect()
    assert (periods(bank), bank.beliefs()) == before


def test_a_callers_own_moments_stay_as_they_were_given(store: memkit.MemoryStore) -> None:
    bank = store.bank("ana")
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    fields = {"occurred_at": midnight, "recorded_at": midnight, "valid_from": midnight}
    bank.insert(Memory(id="mine", kind="thought", text="Ana is on leave.", author="import", **fields))
    bank.change_zone("Asia/Tokyo")
    mine = bank.get("mine")
    assert mine is not None
    assert (mine.valid_from, mine.occurred_at) == (midnight, midnight)


def test_a_change_that_was_cut_off_is_finished_by_maintenance(
    store: memkit.MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, always = fill(store.bank("ana")), fill(store.bank("always", zone="Asia/Tokyo"))
    with monkeypatch.context() as broken:
        broken.setattr("memkit.flows.edit.renew_terms", lambda ctx: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bank.change_zone("Asia/Tokyo")
    while not store.maintain(60).finished:
        pass
    always_hits, hits = (
        [h.memory.text for h in b.recall("What was said on 2026-03-05?", kinds=["turn"], reinforce=False)]
        for b in (always, bank)
    )
    assert (bank.zone, hits) == ("Asia/Tokyo", always_hits)


def test_other_stores_of_the_file_see_the_change_at_once(tmp_path: Path) -> None:
    path = tmp_path / "zone.db"
    with memkit.open(path, encoder=HashingEncoder()) as one, memkit.open(path, encoder=HashingEncoder()) as other:
        fill(one.bank("ana"))
        question = "What happened on 3 March 2026?"
        other.bank("ana").recall(question, reinforce=False)
        one.bank("ana").change_zone("Asia/Tokyo")
        hits = [[h.memory.id for h in s.bank("ana").recall(question, reinforce=False)] for s in (one, other)]
        assert hits[0] == hits[1]
        assert other.bank("ana").zone == "Asia/Tokyo"


async def test_a_change_can_be_awaited(store: memkit.MemoryStore) -> None:
    bank = store.bank("ana", zone="UTC")
    bank.observe([("Ana", "I live in Kyoto.")])
    await bank.aio.change_zone("Asia/Tokyo")
    assert bank.zone == "Asia/Tokyo"
