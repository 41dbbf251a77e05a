"""The flow of a session: which turns come just before and after another."""

from bisect import bisect_left

from memkit.models import MEMORY_KINDS
from memkit.recall.index.bank_statistics import BankGroups
from memkit.recall.index.columns import Columns, Ints

TURN = MEMORY_KINDS.index("turn")
NEAR, WIDER = 8, 16  # rows that are looked at first for each turn that is wanted, and how many times as many then


def turns_around(columns: Columns, sessions: BankGroups, rows: Ints, reach: int) -> dict[int, list[int]]:
    """By each of these rows that is a turn of a session, the rows of its session's turns beside it, in order.

    At most `reach` before it, and as many after it.
    """
    session, kind = columns.column("session"), columns.column("kind")
    turns = rows[(session[rows] >= 0) & (kind[rows] == TURN)]
    first, last = sessions.bounds(session[turns])
    found = zip(turns.tolist(), first.tolist(), last.tolist(), strict=True)
    return {row: _beside(session, kind, row, (start, end), reach) for row, start, end in found}


def _beside(session: Ints, kind: Ints, row: int, bounds: tuple[int, int], reach: int) -> list[int]:
    """Sessions may be interleaved: so wider and wider around the row, up to where its session begins and ends."""
    width, (first, last) = NEAR * reach, bounds
    while True:
        start, end = max(first, row - width), min(last, row + width) + 1
        inside = (session[start:end] == session[row]) & (kind[start:end] == TURN)
        own = (start + inside.nonzero()[0]).tolist()
        at = bisect_left(own, row)
        enough_before, enough_after = at >= reach or start == first, len(own) - at > reach or end == last + 1
        if enough_before and enough_after:
            return [*own[max(0, at - reach) : at], *own[at + 1 : at + 1 + reach]]
        width *= WIDER
