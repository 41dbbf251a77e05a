"""Session share: how far the evidence of a question lies in whole sessions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.protocols import FloatArray
from memkit.recall.index.groups import RowGroups
from memkit.recall.ranking.session_share import intraclass_correlation, session_share

TARGETS, JUDGES = 6, 4
SHROUT_FLEISS = np.array(  # table 2 of Shrout & Fleiss (1979): four judges rate six targets
    [9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7], np.float32
)


def sessions_of(numbers: list[int]) -> RowGroups:
    return RowGroups.of(np.array(numbers, np.int64))


def test_the_correlation_is_that_of_shrout_and_fleiss() -> None:
    """ICC(1,1) of their example is .17."""
    targets = sessions_of(np.repeat(np.arange(TARGETS), JUDGES).tolist())
    assert intraclass_correlation(SHROUT_FLEISS, targets) == pytest.approx(0.17, abs=0.005)


def test_evidence_in_one_whole_session_counts_fully_and_in_single_turns_not_at_all() -> None:
    sessions = sessions_of([1, 1, 1, 2, 2, 2, 3, 3, 3])
    whole: FloatArray = np.array([5, 5, 4, 0, 0, 0, 0, 0, 0], np.float32)
    single: FloatArray = np.array([5, 0, 0, 5, 0, 0, 5, 0, 0], np.float32)
    assert (session_share(whole, sessions), session_share(single, sessions)) == (1.0, 0.0)


@pytest.mark.parametrize("numbers", [[], [1], [1, 1, 1], [1, 2, 3], [-1, -1]])
def test_nothing_is_told_by_one_session_or_by_sessions_of_one_turn(numbers: list[int]) -> None:
    assert session_share(np.ones(len(numbers), np.float32), sessions_of(numbers)) == 0


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-1, 4)), max_size=30))
def test_the_share_lies_between_0_and_1_and_no_shift_of_the_evidence_changes_it(rows: list[tuple[int, int]]) -> None:
    values, sessions = np.array([value for value, _ in rows], np.float32), sessions_of([number for _, number in rows])
    share = session_share(values, sessions)
    assert 0 <= share <= 1
    assert session_share(values + np.float32(8), sessions) == pytest.approx(share, abs=0.02)
