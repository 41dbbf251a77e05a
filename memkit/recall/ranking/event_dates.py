"""Times that only the bank can tell: "the day before her birthday" lies before the day of the birthday's turns."""

from zoneinfo import ZoneInfo

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.columns import Ints
from memkit.recall.ranking.evidence import FULL
from memkit.text.times.event_times import EventTime
from memkit.times import from_micros, to_micros

MOMENTS = 5  # rows
NEARLY = 0.8  # of the best row's evidence
DAY = 86_400_000_000  # microseconds

Windows = tuple[tuple[int, int], ...]  # from, until: microseconds


def told_windows(evidence: FloatArray, occurred_at: Ints, relative: EventTime, zone: str) -> Windows:
    """The days that a time may mean, for each day on which a turn told best of its event.

    `evidence`: of the event's words alone. A row's own day stands for the event's: the index holds no text,
    so a turn that tells of an event to come ("my birthday is next Friday") counts on the day it was said.
    """
    best = np.argsort(-evidence, kind="stable")[:MOMENTS]
    best = best[evidence[best] >= max(NEARLY * float(evidence.max(initial=0.0)), FULL / 2)]
    days = {_midnight(int(moment), zone) for moment in occurred_at[best]}
    return tuple((day + relative.first * DAY, day + (relative.last + 1) * DAY) for day in sorted(days))


def _midnight(moment: int, zone: str) -> int:
    local = from_micros(moment).astimezone(ZoneInfo(zone))
    return to_micros(local.replace(hour=0, minute=0, second=0, microsecond=0))
