"""A thousand simulated days: what is used stays, what is old goes; the published code has it the wrong way round."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from memkit.evaluation.forgetting import (
    ForgettingRule,
    SimulatedMemories,
    Simulation,
    draw_memories,
    remembered,
    simulate,
)
from memkit.settings import DecaySettings
from memkit.text.curve import LEGACY_CURVE, PAPER_CURVE


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(DecaySettings(), seed=4)


def shares(simulation: Simulation, curve: str) -> list[list[float]]:
    """Shares by rate, the most asked for first, and by age, the youngest first; no group is empty here."""
    [retention] = [retention for retention in simulation.curves if retention.curve == curve]
    assert all(share is not None for row in retention.shares for share in row)
    return [[share or 0.0 for share in row] for row in retention.shares]


@pytest.mark.parametrize("curve", ["default", "paper, slow"])
def test_what_is_asked_for_more_often_is_remembered_more_at_every_age(simulation: Simulation, curve: str) -> None:
    for more, less in pairwise(shares(simulation, curve)):
        assert all(a >= b - 0.03 for a, b in zip(more, less, strict=True))
    first, *_, last = shares(simulation, curve)
    assert min(first) == 1.0
    assert last[-1] < 0.6


@pytest.mark.parametrize("curve", ["default", "paper, slow"])
def test_what_is_older_is_remembered_less_at_every_rate(simulation: Simulation, curve: str) -> None:
    for row in shares(simulation, curve):
        assert all(young >= old - 0.03 for young, old in pairwise(row))


def test_by_the_published_code_what_is_asked_for_most_is_forgotten_first(simulation: Simulation) -> None:
    [retention] = [retention for retention in simulation.curves if retention.curve == "legacy, slow"]
    rates = [share or 0.0 for share in retention.by_rate]
    assert rates == sorted(rates)
    assert rates[-1] - rates[0] > 0.3


def test_the_published_curves_let_nearly_everything_go(simulation: Simulation) -> None:
    assert {retention.curve: retention.share < 0.05 for retention in simulation.curves} == {
        **dict.fromkeys(["default", "paper, slow", "legacy, slow"], False),
        **dict.fromkeys(["paper", "legacy"], True),
    }


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    few = [simulate(DecaySettings(), days=100, people=1, seed=seed) for seed in (1, 1, 2)]
    assert few[0] == few[1]
    assert few[0].recalls != few[2].recalls


def test_how_often_memories_are_asked_for_follows_zipfs_law() -> None:
    lives = draw_memories(days=1000, per_day=2, people=50, seed=3)
    counts = np.array([len(asked) for asked in lives.asked])
    for low, high in ((52, 1000), (12, 52), (4, 12), (1, 4), (0, 1)):
        group = (lives.rates >= low) & (lives.rates < high)
        expected = (lives.rates * lives.ages)[group].sum() / 365
        assert counts[group].sum() == pytest.approx(expected, rel=0.05)
    assert all((asked >= born).all() for asked, born in zip(lives.asked, lives.born, strict=True))


def test_a_recall_comes_too_late_for_what_was_let_go_and_in_time_for_what_was_not() -> None:
    """Computed by hand: exp(-t/S) falls below .05 after 3 S days, exp(-t S/5) after 15/S."""
    asked = [[], [2.0], [4.0], [2.0, 7.0], [2.0, 9.0]]
    lives = SimulatedMemories(12, np.zeros(5), np.ones(5), [np.array(days) for days in asked])
    assert remembered(lives, ForgettingRule(PAPER_CURVE, 0.05, 0)).tolist() == [False, False, False, True, False]
    assert remembered(lives, ForgettingRule(PAPER_CURVE, 0.05, 12.5)).tolist() == [True] * 5
    assert remembered(lives, ForgettingRule(LEGACY_CURVE, 0.05, 0)).tolist() == [True, False, False, False, True]


def test_the_plot_is_drawn(simulation: Simulation, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from memkit.evaluation.plot import plot_forgetting

    assert plot_forgetting(simulation, tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
