"""Adjacent turns: those that come just before and after another one in its session."""

from bisect import bisect_left

from memkit.models import MEMORY_KINDS
from memkit.recall.index.columns import Columns
from memkit.recall.index.seq_array import Ints

TURN_KIND = MEMORY_KINDS.index("turn")
FIRST_ROWS, WIDENING_FACTOR = 8, 16  # looked at for each turn that is wanted; times as many in each further look


def adjacent_turns(columns: Columns, rows: Ints, reach: int) -> dict[int, list[int]]:
    """Rows of the turns beside each of these rows that is a turn of a session, in order, by row.

    At most `reach` before it, and as many after it.
    """
    session, kind = columns.column("session"), columns.column("kind")
    turns = rows[(session[rows] >= 0) & (kind[rows] == TURN_KIND)]
    first, last = columns.statistics.sessions.bounds(session[turns])
    bounds = zip(turns.tolist(), first.tolist(), last.tolist(), strict=True)
    return {row: _beside(session, kind, row, (start, end), reach) for row, start, end in bounds}


def _beside(session: Ints, kind: Ints, row: int, bounds: tuple[int, int], reach: int) -> list[int]:
    """Sessions may be interleaved: so wider and wider around the row, up to where its session begins and ends."""
    width, (first, last) = FIRST_ROWS * reach, bounds
    while True:
        start, end = max(first, row - width), min(last, row + width) + 1
        inside = (session[start:end] == session[row]) & (kind[start:end] == TURN_KIND)
        own = (start + inside.nonzero()[0]).tolist()
        at = bisect_left(own, row)
        enough_before, enough_after = at >= reach or start == first, len(own) - at > reach or end == last + 1
        if enough_before and enough_after:
            return [*own[max(0, at - reach) : at], *own[at + 1 : at + 1 + reach]]
        width *= WIDENING_FACTOR
