"""Dates of events that the bank knows: "the day before her birthday" lies before the day of the birthday's turns."""

from zoneinfo import ZoneInfo

import numpy as np

from memkit.protocols import FloatArray
from memkit.recall.index.seq_array import Ints
from memkit.recall.ranking.evidence import FULL_MATCH_SD
from memkit.text.times.event_times import EventTime
from memkit.times import from_micros, to_micros

MAX_EVENT_ROWS = 5
NEAR_BEST_SHARE = 0.8  # of the best row's evidence
DAY_MICROS = 86_400_000_000

Windows = tuple[tuple[int, int], ...]  # from, until: microseconds


def event_windows(evidence: FloatArray, occurred_at: Ints, relative: EventTime, zone: str) -> Windows:
    """The days that a time named by an event may mean, one span for each day of the turns that hold the event best.

    `evidence`: of the event's words alone. A row's own day stands for the event's: the index holds no text,
    so a turn about an event to come ("my birthday is next Friday") counts on the day it was said.
    """
    best = np.argsort(-evidence, kind="stable")[:MAX_EVENT_ROWS]
    best = best[evidence[best] >= max(NEAR_BEST_SHARE * float(evidence.max(initial=0.0)), FULL_MATCH_SD / 2)]
    days = {_midnight(int(micros), zone) for micros in occurred_at[best]}
    return tuple((day + relative.first * DAY_MICROS, day + (relative.last + 1) * DAY_MICROS) for day in sorted(days))


def _midnight(micros: int, zone: str) -> int:
    local = from_micros(micros).astimezone(ZoneInfo(zone))
    return to_micros(local.replace(hour=0, minute=0, second=0, microsecond=0))
