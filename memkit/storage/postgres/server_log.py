"""The server's log (WAL): whether its files were used again since something was driven out of the tables.

A file of the log holds what was written until it is removed, or written over from its beginning under a later name; it
is renamed long before that. So two things must have happened, one after the other: no file is left that was written
before the place that matters; then, every file that was there at that moment was written over or removed.
"""

from dataclasses import asdict, dataclass, replace
from enum import Enum, auto
from json import dumps, loads
from typing import Any, Self

import psycopg

from memkit.storage.postgres.session import Raw

FILES_QUERY = b"""
SELECT coalesce(array_agg(right(name, 16) ORDER BY right(name, 16)), '{}'),
       right(pg_walfile_name(pg_current_wal_lsn()), 16)
FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"""  # names without the timeline, which a failover raises
STANDBYS_QUERY = b"""
SELECT count(*) > 0 OR EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'physical'),
       coalesce(bool_and(replay_lsn >= $1::pg_lsn), true)
FROM pg_stat_replication"""


@dataclass(frozen=True)
class LogPlace:
    """A place in the log, the name of its file, and the last of the files that may still hold what lay before it.

    `followed`: whether a standby was seen since, also one that is away now.
    """

    lsn: str
    file: str
    last: str = ""  # "" while files from before that place are left
    followed: bool = False

    def to_json(self) -> str:
        return dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**loads(text))


class LogSight(Enum):
    """Result of a look at the log's files."""

    STILL_THERE = auto()
    USED_AGAIN = auto()
    OUT_OF_SIGHT = auto()


def reached(raw: Raw) -> LogPlace:
    """The place up to which the log is written now."""
    row: Any = raw.execute(
        b"SELECT lsn::text, right(pg_walfile_name(lsn), 16) FROM pg_current_wal_insert_lsn() AS lsn"
    ).fetchone()
    standbys: Any = raw.execute(STANDBYS_QUERY, [row[0]]).fetchone()
    return LogPlace(lsn=row[0], file=row[1], followed=standbys[0])


def look(raw: Raw, place: LogPlace) -> tuple[LogSight, LogPlace]:
    """Look at the log's files: what they say of a place, and the place with what is known of them now.

    A standby has files of its own, which can't be looked at: once it has followed, they are out of sight.
    """
    try:
        files: Any = raw.execute(FILES_QUERY).fetchone()
        standbys: Any = raw.execute(STANDBYS_QUERY, [place.lsn]).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return LogSight.OUT_OF_SIGHT, place
    (names, current), (is_followed, have_followed) = files, standbys
    place = replace(place, followed=place.followed or is_followed)
    if not place.last and names[0] > place.file:
        place = replace(place, last=names[-1])
    if not place.last or current <= place.last or not have_followed:
        return LogSight.STILL_THERE, place
    return (LogSight.OUT_OF_SIGHT if place.followed else LogSight.USED_AGAIN), place
