"""Another zone for a bank: what was read as the beginning of a day is the beginning of that day there."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from memkit.models import IndexRow
from memkit.operations import SetZone
from memkit.storage.core.banks import checked_zone
from memkit.storage.core.records import StoredMemory
from memkit.storage.core.unit_of_work import UnitOfWork

Move = Callable[[datetime | None], datetime | None]


def set_zone(work: UnitOfWork, op: SetZone) -> None:
    """Give the bank its zone, and move the days that a thinker's thoughts hold from and until."""
    old, new = ZoneInfo(work.zone), ZoneInfo(checked_zone(op.zone))
    work.zone = op.zone

    def move(moment: datetime | None) -> datetime | None:
        local = None if moment is None else moment.astimezone(old)
        return moment if local is None or local.time() != time.min else local.replace(tzinfo=new).astimezone(UTC)

    dated = [row.seq for row in work.reader.rows() if _is_dated(row)]
    work.load(dated)
    for seq in dated:
        _move_days(work, work.record(seq), move)


def _is_dated(row: IndexRow) -> bool:
    return row.kind == "thought" and (row.valid_from, row.valid_until) != (None, None)


def _move_days(work: UnitOfWork, record: StoredMemory, move: Move) -> None:
    memory = record.memory
    days = {"valid_from": move(memory.valid_from), "valid_until": move(memory.valid_until)}
    if memory.author == "thinker" and days != {"valid_from": memory.valid_from, "valid_until": memory.valid_until}:
        work.update(record.changed(**days))
