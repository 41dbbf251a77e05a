"""Laws of the forgetting curve and of decay."""

from datetime import UTC, datetime, timedelta
from math import exp, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.forget.decay import fade
from memkit.models import Memory
from memkit.settings import DecaySettings
from memkit.text.curve import INTENDED, LEGACY, PAPER, Curve

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
    shown = [[round(float(curve.retention(5.0, s)), 3) for s in (1, 2, 3)] for curve in (PAPER, INTENDED, LEGACY)]
    assert shown == [[0.007, 0.082, 0.189], [0.368, 0.607, 0.717], [0.368, 0.135, 0.050]]


@given(st.floats(0.1, 100), strengths, strengths)
def test_a_stronger_memory_is_never_forgotten_faster_except_by_the_published_code(
    t: float, one: float, other: float
) -> None:
    weak, strong = sorted((one, other))
    assert PAPER.retention(t, strong) >= PAPER.retention(t, weak)
    assert LEGACY.retention(t, strong) <= LEGACY.retention(t, weak)


def test_the_future_and_the_unknown_count_as_not_forgotten() -> None:
    assert PAPER.retention(-5.0) == 1.0
    assert PAPER.retention(float("nan")) == 1.0
    assert np.asarray(PAPER.retention(np.array([-1.0, 0.0, inf]))).tolist() == [1.0, 1.0, 0.0]


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
