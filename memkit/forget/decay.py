"""Fading: which memories the forgetting curve has let go of by now. Nothing is changed here."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from memkit.models import FrozenModel, IndexRow, Kind, Memory
from memkit.operations import Forget
from memkit.settings import DecaySettings
from memkit.text.curve import ONE_DAY, Curve, days_since_use
from memkit.times import to_micros

FADING_KINDS: tuple[Kind, ...] = ("turn", "thought", "summary")  # items and portraits never fade
DAY_MICROS = ONE_DAY.total_seconds() * 1e6


class FadedRow(FrozenModel):
    """One memory that goes. `age` and `unused` are days; never holds text."""

    id: str
    kind: Kind
    occurred_at: datetime
    recalled_at: datetime | None
    recall_count: int
    age: float  # since it happened
    unused: float  # since it happened or was last recalled: the curve's t
    strength: float  # S
    retention: float  # R
    rule: str | None = None  # the rule of retention whose span is over; None: the curve let it go


class FadeReport(FrozenModel):
    """Memories that go at a moment, by the curve or by a rule, weakest first, and how many were considered."""

    at: datetime
    threshold: float
    sampled: bool
    considered: dict[str, int]  # active memories that were looked at, by kind
    counts: dict[str, int]  # those that would go, by kind
    rows: tuple[FadedRow, ...]

    @property
    def ids(self) -> list[str]:
        """Ids of the memories that would go."""
        return [row.id for row in self.rows]

    @property
    def operations(self) -> list[Forget]:
        """Operations that archive them."""
        return [Forget(row.id, self._reason(row), author="decay", archived=True) for row in self.rows]

    def _reason(self, row: FadedRow) -> str:
        if row.rule is not None:
            return f"the rule {row.rule}"
        return "a draw above its retention" if self.sampled else f"retention below {self.threshold:g}"


def fade(
    memories: Iterable[Memory],
    now: datetime,
    settings: DecaySettings,
    *,
    past: Mapping[str, str] | None = None,
) -> FadeReport:
    """Report the active memories whose retention is below the threshold at `now`, and those of `past` (id: rule).

    Pinned memories, items and portraits stay, and so does what has been in the bank, or unused, for less
    than `archive_after` days: an import of old conversations doesn't vanish at once. With `sampled`, the
    threshold of a memory is a number between 0 and 1 that follows from its id and its recalls, so that
    asking again never adds to the losses, and the share that is kept is the curve's own R.
    """
    rules = past or {}
    candidates = [m for m in memories if m.id in rules or (m.state == "active" and m.kind in FADING_KINDS)]
    retention = _retention(candidates, now, Curve.of(settings))
    rows = [
        _row(memory, r, now, rules.get(memory.id))
        for memory, r in zip(candidates, retention.tolist(), strict=True)
        if memory.id in rules or (r < _floor(memory, settings) and _settled(memory, now, settings))
    ]
    return FadeReport(
        at=now,
        threshold=settings.threshold,
        sampled=settings.sampled,
        considered=_by_kind(m.kind for m in candidates),
        counts=_by_kind(row.kind for row in rows),
        rows=tuple(sorted(rows, key=lambda row: (row.retention, row.occurred_at, row.id))),
    )


def _by_kind(kinds: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(kinds).items()))


def _retention(memories: Sequence[Memory], now: datetime, curve: Curve) -> npt.NDArray[np.float64]:
    """R of each memory, float64 (n,)."""
    return curve.retention(
        np.array([days_since_use(m, now) for m in memories], np.float64),
        np.array([m.strength for m in memories], np.float64),
        np.array([curve.constant(m.kind, m.salience) for m in memories], np.float64),
    )


def _floor(memory: Memory, settings: DecaySettings) -> float:
    if memory.pinned:
        return 0.0
    return draw(memory.id, memory.recall_count) if settings.sampled else settings.threshold


def _settled(memory: Memory, now: datetime, settings: DecaySettings) -> bool:
    """True once a memory has lain in the bank unused for long enough to be archived."""
    touched = max(memory.recorded_at, memory.recalled_at or memory.recorded_at)
    return (now - touched) / ONE_DAY >= settings.archive_after


def _row(memory: Memory, retention: float, now: datetime, rule: str | None) -> FadedRow:
    return FadedRow(
        id=memory.id,
        kind=memory.kind,
        occurred_at=memory.occurred_at,
        recalled_at=memory.recalled_at,
        recall_count=memory.recall_count,
        age=(now - memory.occurred_at) / ONE_DAY,
        unused=days_since_use(memory, now),
        strength=memory.strength,
        retention=retention,
        rule=rule,
    )


def draw(id: str, recalls: int) -> float:
    """A number in [0, 1) that is always the same for a memory and its number of recalls.

    MemoryBank's code draws anew at every start, so that losses compound; this one draw doesn't.
    """
    digest = blake2b(f"{recalls}:{id}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def fading_candidates(rows: Iterable[IndexRow], now: datetime, settings: DecaySettings) -> list[int]:
    """Seqs of the rows that `fade` could report, without reading any memory: a cheap first sieve.

    Exact where `sampled` is off; with it, every active row of a kind that fades.
    """
    curve, moment = Curve.of(settings), to_micros(now)
    return [
        row.seq
        for row in rows
        if row.state == "active" and row.kind in FADING_KINDS and not row.pinned
        if settings.sampled or _row_faded(row, moment, settings, curve)
    ]


def _row_faded(row: IndexRow, now: int, settings: DecaySettings, curve: Curve) -> bool:
    used = max(row.occurred_at, row.recalled_at or row.occurred_at)
    touched = max(row.recorded_at, row.recalled_at or row.recorded_at)
    lasts = curve.lasts(settings.threshold, row.strength, curve.constant(row.kind, row.salience))
    # a hair early, so that rounding never hides a row from `fade`
    return (now - used) / DAY_MICROS >= lasts * (1 - 1e-9) and (now - touched) / DAY_MICROS >= settings.archive_after
