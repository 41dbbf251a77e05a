"""Groups of rows: sizes, best members, sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.recall.index.groups import RowGroups


@given(st.lists(st.tuples(st.integers(-2, 6), st.floats(-5, 5, width=32)), max_size=40))
def test_groups_have_the_sizes_maxima_and_sums_of_the_obvious_loop(pairs: list[tuple[int, float]]) -> None:
    groups = RowGroups.of(np.array([group for group, _ in pairs], np.int64))
    values = np.array([value for _, value in pairs], np.float32)
    members = {n: [value for group, value in pairs if group == n] for n in sorted({g for g, _ in pairs if g >= 0})}
    assert groups.numbers.tolist() == list(members)
    assert groups.sizes.tolist() == [len(own) for own in members.values()]
    assert groups.maxima(values).tolist() == [max(own) for own in members.values()]
    assert groups.sums(values).tolist() == pytest.approx([sum(own) for own in members.values()])
    spread = groups.spread(groups.maxima(values))
    assert spread.tolist() == [max(members[group]) if group >= 0 else 0 for group, _ in pairs]
