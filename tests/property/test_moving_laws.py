"""Moving, whatever was done before: there and back again, all tables are what they were."""

import itertools
import tempfile
from pathlib import Path

import pytest
from bank_lives import RULES, START, STEPS, Life, differences, opened, readings, undone
from database_tables import all_tables
from engines import LASTING_ENGINES, Engine
from hypothesis import HealthCheck, given, settings

from memkit.models import MEMORY_STATES
from memkit.settings import ObserveSettings, Settings
from memkit.storage.locations import is_server
from memkit.testing import FrozenClock

CHOSEN_SETTINGS = Settings(keep=RULES, observe=ObserveSettings(episode_turns=3))


@pytest.mark.parametrize("engine", LASTING_ENGINES)
@given(steps=STEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_moved_there_and_back_all_tables_are_equal(engine: Engine, steps: list[tuple[str, int]]) -> None:
    """Every row of every table is what it was, on both ways, and what was there is gone from where it was."""
    with tempfile.TemporaryDirectory() as folder, engine.database() as between:
        clock, first, last = FrozenClock(START), Path(folder, "a.db"), Path(folder, "c.db")
        with opened(first, clock, settings=CHOSEN_SETTINGS) as store:
            Life(store, clock).live([("observe", 1), *steps])
            store.doctor(repair=True)
        with opened(first, clock) as store:  # which has written what waited
            before = readings(store)
        tables = all_tables(first)
        for source, target in ((first, between), (between, last)):
            with opened(source, clock) as store:
                report = store.move(target)
                assert [move.bank for move in report.banks] == [("acme", "ana")]
                assert report.purged is not is_server(str(source))
                assert (store.banks(), store.receipts()) == ([], [])
            assert all_tables(target) == tables
        with opened(last, clock) as store:
            assert differences(readings(store), before) == []


@pytest.mark.parametrize("places", [("file", "memory"), ("memory", "file")])
@given(steps=STEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_bank_moves_between_engines_by_every_reading(places: tuple[str, str], steps: list[tuple[str, int]]) -> None:
    """What went there and back again is what it was, can be undone as it could, and goes on in the same way."""
    with tempfile.TemporaryDirectory() as folder:
        location = {"file": Path(folder, "a.db"), "memory": ":memory:"}
        last = Path(folder, "b.db") if places[0] == "file" else ":memory:"
        clock = FrozenClock(START)
        with (
            opened(location[places[0]], clock, settings=CHOSEN_SETTINGS) as first,
            opened(location[places[1]], clock) as second,
            opened(last, clock) as third,
        ):
            life = Life(first, clock)
            life.live([("observe", 1), *steps])
            first._services.reinforcements.flush()  # as moving does
            before = readings(first)
            first.move(second, keep=True)
            assert differences(readings(second), before) == []
            second.move(third)
            assert differences(readings(third), before) == []
            for receipt in life.receipts[::-1]:
                assert undone(third.bank("acme", "ana"), receipt) == undone(life.bank, receipt)
            both = [Life(store, FrozenClock(clock())) for store in (first, third)]
            for side in both:
                side.said = itertools.count(1000)
                side.live([("observe", 4), ("think", 1), ("think", 3)])
            texts = [[(m.kind, m.state, m.text) for m in side.bank.list(states=MEMORY_STATES)] for side in both]
            assert texts[0] == texts[1]
