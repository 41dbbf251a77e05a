"""The benchmark of an endless stream runs, and what it promises holds: nothing grows and nothing slows down."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "stream.py"


def measured(tokens: int) -> Any:
    command = [sys.executable, str(BENCHMARK), "--tokens", str(tokens), "--json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_filter_is_full_after_a_few_turns_and_stays_as_large() -> None:
    figures = measured(20_000)
    assert figures["tokens"] >= 20_000
    assert figures["held"] == [1024] * 10


@pytest.mark.slow
def test_two_million_tokens_are_read_at_one_speed_in_memory_that_does_not_grow() -> None:
    figures = measured(2_000_000)
    assert figures["model_tokens_per_s"] > 100_000
    assert figures["late_over_early"] > 0.9
    assert figures["rss_mb"][-1] < 1.1 * figures["rss_mb"][2]
