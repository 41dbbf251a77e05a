"""Export and load, whatever was done before: a bank comes back as it was, by every reading, in both engines."""

import itertools
import tempfile
from pathlib import Path

import pytest
from bank_lives import RULES, START, STEPS, Life, differences, opened, readings, undone
from hypothesis import HealthCheck, given, settings

from memkit.models import MEMORY_STATES
from memkit.settings import ObserveSettings, Settings
from memkit.testing import FrozenClock


@pytest.mark.parametrize("places", [("file", "memory"), ("memory", "file")])
@given(steps=STEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_bank_comes_back_by_every_reading_through_both_engines(
    places: tuple[str, str], steps: list[tuple[str, int]]
) -> None:
    """What goes there and back again is what it was, can be undone as it could, and goes on in the same way."""
    with tempfile.TemporaryDirectory() as folder:
        location = {"file": Path(folder, "a.db"), "memory": ":memory:"}
        clock, path = FrozenClock(START), Path(folder, "out.jsonl")
        chosen = Settings(keep=RULES, observe=ObserveSettings(episode_turns=3))
        with opened(location[places[0]], clock, settings=chosen) as first:
            life = Life(first, clock)
            life.live([("observe", 1), *steps])
            report, before = first.export(path), readings(first)
            with opened(location[places[1]], clock) as second:
                loaded = second.load(path)
                assert differences(readings(second), before) == []
                assert loaded.counts == dict(report.banks[0][1].memories)
                assert loaded.notes == ()
                assert second.load(path).new == 0
                second.export(path)
            with opened(Path(folder, "b.db") if places[0] == "file" else ":memory:", clock) as third:
                third.load(path)
                assert differences(readings(third), before) == []
                for receipt in life.receipts[::-1]:
                    assert undone(third.bank("acme", "ana"), receipt) == undone(life.bank, receipt)
                both = [Life(store, FrozenClock(clock())) for store in (first, third)]
                for side in both:
                    side.said = itertools.count(1000)
                    side.live([("observe", 4), ("think", 1), ("think", 3)])
                texts = [[(m.kind, m.state, m.text) for m in side.bank.list(states=MEMORY_STATES)] for side in both]
                assert texts[0] == texts[1]
