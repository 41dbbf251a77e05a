"""Records that importers give: a turn, a thought or an item of a source, or the reason why a piece is left out."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from memkit.errors import InputError
from memkit.models import MAX_NAME_CHARS, MAX_TEXT_CHARS, Role, Turn
from memkit.times import as_utc

DIGEST_BYTES = 16  # of an id that is made from contents
CONTENT_ID_PATTERN = re.compile(r"[\w-]+:[0-9a-f]{32}(:\d+)?")
MAX_UNIX_SECONDS = 1e11  # greater numbers count milliseconds, or less
ORIGIN_KEY = "imported_from"  # in the metadata of all that was imported
EMPTY_REASON = "without words"
LONG_REASON = f"longer than {MAX_TEXT_CHARS:,} characters"
TIME_REASON = "its time can't be read"
NAME_REASON = f"a speaker's name longer than {MAX_NAME_CHARS} characters"
BRANCH_REASON = "on a branch that was left"
HIDDEN_REASON = "hidden: instructions and settings"
TOOL_REASON = "said to or by a tool"
REASONING_REASON = "a model's reasoning"
UNKNOWN_REASON = "of a kind that isn't read"
CHILDLESS_REASON = "a conversation without messages"


ReadTable = Callable[[Path, str], Iterable[Mapping[str, Any]]]


def _no_table(path: Path, table: str) -> Iterable[Mapping[str, Any]]:
    raise InputError(f"{path.name}: nothing here reads the table {table!r} of a database.")


@dataclass(frozen=True)
class Source:
    """A file or folder to read, and what its reader has to know.

    `zone`: IANA name of the zone in which times without one are meant. `speakers`: names of those who speak in a role.
    `read_table`: gives the rows of a SQLite database's table, none where there is no such table.
    """

    path: Path
    zone: str = "UTC"
    speakers: Mapping[str, str] = field(default_factory=dict)
    read_table: ReadTable = _no_table

    def speaker(self, role: str) -> str:
        """The name of who speaks in a role; else the role's own."""
        return self.speakers.get(role, role)

    def moment(self, value: Any) -> datetime | None:
        """A moment as sources tell it: ISO 8601, or seconds or milliseconds since 1970. Raises InputError."""
        if value is None or value == "":
            return None
        if isinstance(value, datetime):
            return self._placed(value)
        if isinstance(value, str):
            return self._parsed(value.strip())
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError("a time is text or a number.")
        seconds = float(value)
        while abs(seconds) > MAX_UNIX_SECONDS:
            seconds /= 1000
        return as_utc(seconds)

    def _parsed(self, text: str) -> datetime | None:
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            return self.moment(_number(text))
        return self._placed(parsed)

    def _placed(self, moment: datetime) -> datetime:
        return as_utc(moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(self.zone)))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError("a time is neither ISO 8601 nor a number of seconds.") from None


@dataclass(frozen=True, slots=True)
class ImportedThought:
    """A sentence that another memory drew from what people said. `at`: None where it isn't dated."""

    id: str
    text: str
    at: datetime | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """A JSON value under a key. `ttl`: minutes that it lives; None for good."""

    key: str
    value: Any
    ttl: float | None = None


ImportedContent = Turn | ImportedThought | ImportedItem


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A record of a source. `owner`: parts of a bank's name that tell whose it is, where the source has several."""

    content: ImportedContent
    owner: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A piece that is left out. `reason`: a few words that never hold what it says."""

    reason: str


Incoming = SourceRecord | SkippedRecord


def turn_record(
    source: Source,
    text: str,
    role: Role | None,
    *,
    id: str,
    at: Any,
    session: str | None,
    metadata: Mapping[str, Any],
    speaker: str | None = None,
    owner: tuple[str, ...] = (),
) -> Incoming:
    """A turn, or why it can't be one. `at`: as the source tells it. `speaker`: else whoever speaks in its role."""
    words = storable(text)
    if not words.strip():
        return SkippedRecord(EMPTY_REASON)
    if len(words) > MAX_TEXT_CHARS:
        return SkippedRecord(LONG_REASON)
    try:
        moment = source.moment(at)
    except InputError:
        return SkippedRecord(TIME_REASON)
    name = storable(speaker or source.speaker(role or "user"))
    if not name.strip() or len(name) > MAX_NAME_CHARS:
        return SkippedRecord(NAME_REASON)
    return SourceRecord(Turn(words, name, role, moment, id, session, described(metadata)), owner)


def thought_record(
    source: Source, text: str, *, id: str, at: Any, metadata: Mapping[str, Any], owner: tuple[str, ...] = ()
) -> Incoming:
    """A thought, or why it can't be one."""
    words = storable(text)
    if not words.strip():
        return SkippedRecord(EMPTY_REASON)
    if len(words) > MAX_TEXT_CHARS:
        return SkippedRecord(LONG_REASON)
    try:
        return SourceRecord(ImportedThought(id, words, source.moment(at), described(metadata)), owner)
    except InputError:
        return SkippedRecord(TIME_REASON)


def described(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata without what is empty."""
    return {key: value for key, value in metadata.items() if value not in (None, "", [], {})}


def storable(text: str) -> str:
    """A text without what can't be stored: NUL, and halves of characters."""
    return text.replace("\0", "").encode(errors="replace").decode()


def source_id(origin: str, *parts: str) -> str:
    """An id that a source's own ids make, the same whenever it is imported; a digest of them where it is too long."""
    id = storable(":".join((origin, *parts)))
    return id if len(id) <= MAX_NAME_CHARS else content_id(origin, *parts)


def session_id(origin: str, id: str) -> str | None:
    """A session's name, made of a conversation's own id; None where it has none."""
    return source_id(origin, id) if id else None


def content_id(origin: str, *parts: str) -> str:
    """An id made from contents, for sources without ids."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        digest.update(part.encode(errors="replace") + b"\0")
    return f"{origin}:{digest.hexdigest()}"


def is_content_id(id: str) -> bool:
    """Whether an id has the form of one that is made from contents."""
    return CONTENT_ID_PATTERN.fullmatch(id) is not None


class ContentIds:
    """Ids made from contents: the n-th record of the same contents has the same id whenever a source is imported."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._counts: dict[str, int] = {}

    def next(self, *parts: str) -> str:
        """The id of one more record of these contents."""
        id = content_id(self._origin, *parts)
        count = self._counts[id] = self._counts.get(id, 0) + 1
        return id if count == 1 else f"{id}:{count}"
