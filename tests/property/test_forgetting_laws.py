"""Laws of the forgetting curve and of decay."""

from datetime import UTC, datetime, timedelta
from math import exp, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.forget.decay import draw, fade, fading_candidates
from memkit.models import IndexRow, Memory
from memkit.settings import DecaySettings
from memkit.text.curve import LEGACY_CURVE, PAPER_CURVE, Curve
from memkit.times import to_micros

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)
days = st.floats(0, 10_000)
strengths = st.floats(1, 1000)


def turn(age: float, **fields: object) -> Memory:
    at = NOW - timedelta(days=age)
    values = {"id": "t", "kind": "turn", "text": "x", "occurred_at": at, "recorded_at": at, **fields}
    return Memory.model_validate(values)


@given(days, strengths, st.floats(0.1, 1000))
def test_retention_is_the_formula(t: float, s: float, c: float) -> None:
    assert Curve(days=c).retention(t, s) == pytest.approx(exp(-t / (c * s)), abs=1e-9)


def test_the_three_readings_of_the_paper_are_told_apart() -> None:
    shown = [
        [round(float(curve.retention(5.0, s)), 3) for s in (1, 2, 3)]
        for curve in (PAPER_CURVE, Curve(days=5.0), LEGACY_CURVE)
    ]
    assert shown == [[0.007, 0.082, 0.189], [0.368, 0.607, 0.717], [0.368, 0.135, 0.050]]


@given(st.floats(0.1, 100), strengths, strengths)
def test_a_stronger_memory_is_never_forgotten_faster_except_by_the_published_code(
    t: float, one: float, other: float
) -> None:
    weak, strong = sorted((one, other))
    assert PAPER_CURVE.retention(t, strong) >= PAPER_CURVE.retention(t, weak)
    assert LEGACY_CURVE.retention(t, strong) <= LEGACY_CURVE.retention(t, weak)


def test_the_future_and_the_unknown_count_as_not_forgotten() -> None:
    assert PAPER_CURVE.retention(-5.0) == 1.0
    assert PAPER_CURVE.retention(float("nan")) == 1.0
    assert np.asarray(PAPER_CURVE.retention(np.array([-1.0, 0.0, inf]))).tolist() == [1.0, 1.0, 0.0]


def test_growth_slows_down_and_cramming_adds_little() -> None:
    curve = Curve.of(DecaySettings())
    strength, steps = 1.0, []
    for _ in range(50):
        steps.append(curve.growth(strength, 30.0))
        strength += steps[-1]
    assert steps == sorted(steps, reverse=True)
    assert strength < 10
    assert curve.growth(1.0, 0.01) < 0.1 * curve.growth(1.0, 30.0)


@given(st.floats(0, 5000), strengths)
def test_what_is_pinned_never_fades(age: float, strength: float) -> None:
    report = fade([turn(age, strength=strength, pinned=True)], NOW, DecaySettings())
    assert report.rows == ()


@given(st.lists(st.floats(31, 3000), min_size=1, max_size=20))
def test_what_fades_today_also_fades_tomorrow(ages: list[float]) -> None:
    memories = [turn(age, id=str(i)) for i, age in enumerate(ages)]
    today = set(fade(memories, NOW, DecaySettings()).ids)
    tomorrow = set(fade(memories, NOW + timedelta(days=1), DecaySettings()).ids)
    assert today <= tomorrow


def index_row(memory: Memory) -> IndexRow:
    """What recall keeps in RAM of a memory."""
    recalled = None if memory.recalled_at is None else to_micros(memory.recalled_at)
    return IndexRow(
        int(memory.id), memory.kind, memory.state, None, None, None, None, to_micros(memory.occurred_at),
        to_micros(memory.recorded_at), None, None, memory.strength, recalled, memory.salience, memory.pinned,
        1, False, None, None, ())  # fmt: skip


@st.composite
def remembered(pick: st.DrawFn) -> list[Memory]:
    made = []
    for seq in range(1, pick(st.integers(1, 8)) + 1):
        age = pick(st.floats(0, 4000))
        used = pick(st.none() | st.floats(0, age))
        made.append(turn(
            age, id=str(seq), kind=pick(st.sampled_from(["turn", "thought", "summary", "portrait"])),
            strength=pick(st.floats(1, 8)), pinned=pick(st.booleans()), salience=pick(st.none() | st.floats(0, 30)),
            recalled_at=None if used is None else NOW - timedelta(days=used),
            state=pick(st.sampled_from(["active", "active", "archived", "superseded"]))))  # fmt: skip
    return made


@given(remembered(), st.booleans())
def test_the_sieve_over_index_rows_hides_nothing_that_fades(memories: list[Memory], sampled: bool) -> None:
    settings = DecaySettings(sampled=sampled)
    sieved = {str(seq) for seq in fading_candidates(map(index_row, memories), NOW, settings)}
    faded = set(fade(memories, NOW, settings).ids)
    assert faded <= sieved
    assert sampled or faded == sieved


SAMPLED = DecaySettings(days=100, archive_after=0, sampled=True)
MANY = [turn(age, id=f"{age}-{i}") for age in (10, 100, 300) for i in range(2000)]


def test_sampled_decay_keeps_the_share_that_the_curve_says() -> None:
    gone = set(fade(MANY, NOW, SAMPLED).ids)
    for age in (10, 100, 300):
        kept = sum(m.id not in gone for m in MANY if m.id.startswith(f"{age}-")) / 2000
        assert kept == pytest.approx(exp(-age / 100), abs=0.04)


def test_asking_at_every_start_for_years_loses_no_more_than_asking_once() -> None:
    left, born = [turn(0, id=str(i)) for i in range(2000)], NOW
    for start in range(300):
        lost = set(fade(left, born + timedelta(days=start), SAMPLED).ids)
        lost |= set(fade(left, born + timedelta(days=start), SAMPLED).ids)
        left = [m for m in left if m.id not in lost]
    once = set(fade([turn(0, id=str(i)) for i in range(2000)], born + timedelta(days=299), SAMPLED).ids)
    assert {m.id for m in left} == {str(i) for i in range(2000)} - once
    assert len(left) / 2000 == pytest.approx(exp(-2.99), abs=0.02)


@given(st.text(max_size=8), st.integers(0, 10_000))
def test_a_draw_is_a_number_that_a_memory_keeps_until_it_is_recalled(id: str, recalls: int) -> None:
    assert 0 <= draw(id, recalls) < 1
    assert draw(id, recalls) == draw(id, recalls) != draw(id, recalls + 1)


def test_draws_are_even_and_no_memory_is_lucky_twice_for_being_lucky_once() -> None:
    draws = np.array([[draw(str(i), recalls) for recalls in range(2)] for i in range(4000)])
    assert np.histogram(draws[:, 0], bins=10, range=(0, 1))[0].tolist() == pytest.approx([400] * 10, abs=80)
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.05


def test_items_and_portraits_never_fade() -> None:
    for kind in ("item", "portrait"):
        assert fade([turn(5000, kind=kind)], NOW, DecaySettings()).rows == ()


def test_a_thousand_days_of_recalls_by_zipfs_law_keep_what_is_used() -> None:
    random = np.random.default_rng(4)
    curve, count = Curve.of(DecaySettings()), 300
    chances = 1 / np.arange(1, count + 1)
    strength, last = np.ones(count), np.zeros(count)
    for day in range(1, 1001):
        for used in random.choice(count, size=3, p=chances / chances.sum()):
            strength[used] += curve.growth(strength[used], day - last[used])
            last[used] = day
    kept = np.asarray(curve.retention(1000 - last, strength)) > DecaySettings().threshold
    assert kept[:30].mean() > 0.95
    assert kept[:30].mean() >= kept[30:100].mean() >= kept[200:].mean()
    assert kept[200:].mean() < 0.9
