"""Rules of retention: which memories are past the span for which their kind is kept. Nothing is changed here."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from math import inf
from typing import NamedTuple
from zoneinfo import ZoneInfo

from memkit.models import IndexRow, Kind
from memkit.settings import KeepRule
from memkit.times import to_micros

HOLDING_STATES = ("active", "superseded", "archived")  # states of what holds its sources


class OverdueMemory(NamedTuple):
    """A memory that is past its span, the rule that says so, and whether it is to be erased now.

    `held`: it would be, if nothing rested on it that a pin or a rule of its own keeps.
    """

    seq: int
    rule: KeepRule
    erased: bool
    held: bool


def overdue(
    rows: Iterable[IndexRow], rules: Mapping[Kind, KeepRule], now: datetime, zone: ZoneInfo
) -> list[OverdueMemory]:
    """Memories that the rules of a bank let go at `now`, in the order of recording.

    Pinned memories stay, and so does what took the place of something that stays, or else what is outdated would
    hold again. What something rests on that is kept isn't erased before it.
    """
    rows_by_seq = {row.seq: row for row in rows}
    ends = {kind: _end(rule.days, now, zone) for kind, rule in rules.items()}
    stored = {seq: max(row.recorded_at, row.occurred_at) for seq, row in rows_by_seq.items() if not row.pinned}
    past = {seq for seq, moment in stored.items() if moment < ends.get(rows_by_seq[seq].kind, -inf)}
    past -= _replacing(rows_by_seq, past)
    ruled = {seq: rules[rows_by_seq[seq].kind] for seq in sorted(past)}
    erased = {seq for seq, rule in ruled.items() if rule.then == "erase"}
    held_seqs = _held(rows_by_seq, erased, rules)
    return [OverdueMemory(seq, rule, seq in erased - held_seqs, seq in held_seqs) for seq, rule in ruled.items()]


def _end(days: int | None, now: datetime, zone: ZoneInfo) -> float:
    """Microseconds since 1970: what was stored before then is past a span of so many days."""
    if days is None:
        return -inf
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    return to_micros(datetime.combine(first, time.min, zone))


def _replacing(rows_by_seq: Mapping[int, IndexRow], past: set[int]) -> set[int]:
    """Overdue memories that took the place of something that stays, through whole chains."""
    after = {seq: row.superseded_by for seq, row in rows_by_seq.items() if row.superseded_by is not None}
    replacing: set[int] = set()
    border = past.intersection(new for old, new in after.items() if old not in past)
    while border:
        replacing |= border
        border = past.intersection(after[seq] for seq in border if seq in after) - replacing
    return replacing


def _held(rows_by_seq: Mapping[int, IndexRow], erased: set[int], rules: Mapping[Kind, KeepRule]) -> set[int]:
    """Memories to be erased on which something rests that a pin or a rule of its own keeps."""
    border = {
        seq
        for seq, row in rows_by_seq.items()
        if seq not in erased and row.state in HOLDING_STATES and (row.pinned or row.kind in rules)
    }
    reached: set[int] = set()
    while border:
        border = {source for seq in border if seq in rows_by_seq for source in rows_by_seq[seq].sources} - reached
        reached |= border
    return reached & erased
