"""A session streamed for a window: of a long one no more is read than the budget can keep."""

import numpy as np

from memkit.batches import TurnBatch
from memkit.recall.present.streaming import chosen_turns, filter_budget


def turns(count: int, *salient: int) -> TurnBatch:
    """Turns of a hundred characters; these surprised more than the others."""
    saliences = np.zeros(count)
    saliences[list(salient)] = 9.0
    return TurnBatch(np.arange(1, count + 1), np.full(count, 100), saliences)


def test_of_a_short_session_every_turn_is_read() -> None:
    assert chosen_turns(turns(20), filter_budget(1000)).tolist() == list(range(20))
    assert chosen_turns(turns(0), filter_budget(1000)).tolist() == []


def test_of_a_long_one_both_ends_and_what_surprised_between_them() -> None:
    chosen = chosen_turns(turns(9000, 4000, 5000), filter_budget(400)).tolist()
    assert {0, 1, 4000, 5000, *range(8990, 9000)} <= set(chosen)
    assert chosen == sorted(set(chosen))


def test_as_many_are_read_of_a_session_however_long_it_is() -> None:
    counts = [len(chosen_turns(turns(count), filter_budget(400))) for count in (1000, 10_000, 100_000)]
    assert counts[0] == counts[1] == counts[2] < 100
