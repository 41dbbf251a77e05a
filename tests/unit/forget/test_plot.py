"""The plot of retention is drawn for any span of years."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memkit.errors import InputError
from memkit.forget.plot import plot
from memkit.models import Memory
from memkit.settings import DecaySettings

NOW = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("years", [1, 3, 5, 8, 20])
def test_a_plot_is_drawn_without_a_warning_for_any_span(years: int, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    at = NOW - timedelta(days=365 * years)
    memories = [
        Memory(id=str(n), kind="turn", text="x", occurred_at=at + timedelta(days=n), recorded_at=at) for n in range(5)
    ]
    made = plot(memories, NOW, DecaySettings(days=60 * years), tmp_path / "plot.png")
    assert made.read_bytes().startswith(b"\x89PNG")


def test_a_bank_without_memories_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Observe something first"):
        plot([], NOW, DecaySettings(), tmp_path / "plot.png")
