"""Laws of the rules of retention: what is past its span goes, and nothing else."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from memkit.forget.retention_rules import OverdueMemory, overdue
from memkit.models import MEMORY_KINDS, IndexRow, Kind
from memkit.settings import KeepRule, rules_by_kind
from memkit.times import from_micros, to_micros

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)
ZONE = ZoneInfo("America/Sao_Paulo")
HOUR = 3_600_000_000
PLAIN = {"state": "active", "speaker": None, "role": None, "session": None, "episode": None, "valid_from": None,
         "valid_until": None, "strength": 1.0, "recalled_at": None, "salience": None, "length": 1, "asks": False,
         "echo_of": None}  # fmt: skip


def row(seq: int, hours: float, **fields: object) -> IndexRow:
    """A memory that was stored so many hours ago."""
    at = to_micros(NOW) - int(hours * HOUR)
    told = {"kind": "turn", "pinned": False, "superseded_by": None, "sources": (), **PLAIN, **fields}
    return IndexRow(seq=seq, occurred_at=at, recorded_at=at, **told)  # type: ignore[arg-type]


@st.composite
def banks(draw: st.DrawFn) -> list[IndexRow]:
    """Memories in the order of recording; some pinned, some closed by a later one, some resting on earlier ones."""
    ages = sorted(draw(st.lists(st.floats(0, 24 * 40), min_size=1, max_size=12)), reverse=True)
    rows = []
    for seq, hours in enumerate(ages, 1):
        later = st.sampled_from([None, None, *range(seq + 1, len(ages) + 1)])
        earlier = st.sets(st.integers(1, seq - 1), max_size=2) if seq > 1 else st.just(set[int]())
        kind = draw(st.sampled_from(["turn", "thought", "summary"]))
        closed = draw(later)
        rows.append(
            row(seq, hours, kind=kind, pinned=draw(st.integers(0, 5)) == 0, superseded_by=closed,
                state="active" if closed is None else "superseded",
                sources=() if kind == "turn" else tuple(sorted(draw(earlier))))
        )  # fmt: skip
    return rows


spans = st.none() | st.integers(1, 30)
fates = st.sampled_from(["archive", "erase"])


@st.composite
def rulebooks(draw: st.DrawFn) -> dict[Kind, KeepRule]:
    kinds = draw(st.sets(st.sampled_from(["turn", "thought", "summary"]), min_size=1))
    made = [KeepRule(kinds=(kind,), days=draw(spans), then=draw(fates)) for kind in sorted(kinds)]
    return rules_by_kind(made, ("ana",))


def days_old(one: IndexRow, now: datetime) -> int:
    """On how many midnights of the bank it was there."""
    return (now.astimezone(ZONE).date() - from_micros(one.recorded_at).astimezone(ZONE).date()).days


def over(one: IndexRow, rules: dict[Kind, KeepRule], now: datetime = NOW) -> bool:
    rule = rules.get(one.kind)
    return rule is not None and rule.days is not None and days_old(one, now) >= rule.days


@given(banks(), rulebooks())
def test_what_goes_is_past_its_span_and_not_pinned(rows: list[IndexRow], rules: dict[Kind, KeepRule]) -> None:
    known = {one.seq: one for one in rows}
    for found in overdue(rows, rules, NOW, ZONE):
        assert over(known[found.seq], rules)
        assert not known[found.seq].pinned


@given(banks(), rulebooks())
def test_what_is_past_its_span_stays_only_where_it_is_pinned_or_took_the_place_of_what_stays(
    rows: list[IndexRow], rules: dict[Kind, KeepRule]
) -> None:
    going = {found.seq for found in overdue(rows, rules, NOW, ZONE)}
    for one in rows:
        if over(one, rules) and one.seq not in going:
            assert one.pinned or any(old.superseded_by == one.seq and old.seq not in going for old in rows)


@given(banks(), rulebooks())
def test_nothing_outdated_outlives_what_took_its_place(rows: list[IndexRow], rules: dict[Kind, KeepRule]) -> None:
    going = {found.seq for found in overdue(rows, rules, NOW, ZONE)}
    assert all(one.seq in going for one in rows if one.superseded_by in going)


@given(banks(), rulebooks())
def test_nothing_is_erased_on_which_something_rests_that_a_pin_or_a_rule_keeps(
    rows: list[IndexRow], rules: dict[Kind, KeepRule]
) -> None:
    known, found = {one.seq: one for one in rows}, overdue(rows, rules, NOW, ZONE)
    erased = {one.seq for one in found if one.erased}
    for one in rows:
        if one.seq not in erased and (one.pinned or one.kind in rules):
            assert not erased & reached(known, one.seq)


def reached(known: dict[int, IndexRow], seq: int) -> set[int]:
    """All that a memory rests on."""
    found = set(known[seq].sources)
    return found.union(*(reached(known, source) for source in found)) if found else found


@given(banks(), rulebooks(), st.integers(1, 30))
def test_what_goes_today_goes_later(rows: list[IndexRow], rules: dict[Kind, KeepRule], days: int) -> None:
    later = overdue(rows, rules, NOW + timedelta(days=days), ZONE)
    assert {one.seq for one in overdue(rows, rules, NOW, ZONE)} <= {one.seq for one in later}


def test_a_span_ends_when_the_last_of_its_days_begins_in_the_banks_zone() -> None:
    rules = rules_by_kind([KeepRule(days=2)], ("ana",))
    midnight = datetime(2025, 6, 2, tzinfo=ZONE)
    just_before = midnight - timedelta(seconds=1)
    rows = [row(1, (NOW - just_before) / timedelta(hours=1)), row(2, (NOW - midnight) / timedelta(hours=1))]
    day = timedelta(days=1)
    assert [found.seq for found in overdue(rows, rules, midnight + day, ZONE)] == [1]
    assert overdue(rows, rules, midnight + day - timedelta(seconds=1), ZONE) == []
    assert [found.seq for found in overdue(rows, rules, midnight + 2 * day, ZONE)] == [1, 2]


def test_the_nearest_rule_counts_by_bank_and_then_by_kind() -> None:
    every, turns = KeepRule(days=None), KeepRule(kinds=("turn",), days=90)
    trial = KeepRule(under=("acme", "trial"), days=7, then="erase")
    items = KeepRule(under=("acme",), kinds=("item", "turn"), days=30)
    rules = [trial, turns, every, items]
    assert rules_by_kind(rules, ("bo",)) == {**dict.fromkeys(MEMORY_KINDS, every), "turn": turns}
    assert rules_by_kind(rules, ("acme", "ana")) == {**dict.fromkeys(MEMORY_KINDS, every), "item": items, "turn": items}
    assert rules_by_kind(rules, ("acme", "trial", "x")) == dict.fromkeys(MEMORY_KINDS, trial)
    assert rules_by_kind([trial], ("acme",)) == {}


def test_what_is_held_is_archived_by_its_rule_and_erased_once_nothing_rests_on_it() -> None:
    rules = rules_by_kind(
        [KeepRule(kinds=("turn",), days=5, then="erase"), KeepRule(kinds=("thought",), days=20)], ("a",)
    )
    rows = [row(1, 240), row(2, 240), row(3, 200, kind="thought", sources=(1,))]
    turn = rules["turn"]
    assert overdue(rows, rules, NOW, ZONE) == [
        OverdueMemory(1, turn, erased=False, held=True),
        OverdueMemory(2, turn, erased=True, held=False),
    ]
    erasing = rules_by_kind([turn, KeepRule(kinds=("thought",), days=8, then="erase")], ("a",))
    assert [one.seq for one in overdue(rows, erasing, NOW, ZONE) if one.erased] == [1, 2, 3]
