"""Rows of plain files, lines and tables alike: a text, who said it, and when, under the names that people give them."""

from collections.abc import Iterator, Mapping
from typing import Any

from memkit.importers.blocks import words_of
from memkit.importers.files import mapping
from memkit.importers.records import (
    ORIGIN_KEY,
    ContentIds,
    Incoming,
    SkippedRecord,
    Source,
    turn_record,
)
from memkit.models import MAX_NAME_CHARS, Role

TEXT_NAMES = ("text", "content", "message", "body")
SPEAKER_NAMES = ("speaker", "name", "author", "sender")
TIME_NAMES = ("at", "timestamp", "created_at", "time", "date")
ID_NAMES = ("id", "message_id", "uuid")
SESSION_NAMES = ("session", "session_id", "conversation_id", "thread_id")
READ_NAMES = frozenset({*TEXT_NAMES, *SPEAKER_NAMES, *TIME_NAMES, *ID_NAMES, *SESSION_NAMES, "role", "metadata"})
ROLE_NAMES: dict[str, Role] = {
    "user": "user", "human": "user", "assistant": "assistant", "ai": "assistant", "bot": "assistant",
    "system": "system", "developer": "system", "tool": "tool", "function": "tool",
}  # fmt: skip
SPEAKERLESS_REASON = "without a speaker or a role"
LONG_ID_REASON = f"an id or a session longer than {MAX_NAME_CHARS} characters"


class RowReader:
    """Reader of the rows of one source. Ids are the rows' own, else made from what they say."""

    def __init__(self, source: Source, format: str) -> None:
        self._source, self._format, self._ids = source, format, ContentIds(format)

    def records(self, row: Mapping[str, Any], session: str | None = None) -> Iterator[Incoming]:
        """The turn of a row; of a row that holds a list of `messages`, theirs."""
        messages = row.get("messages")
        if not isinstance(messages, list):
            yield self._turn(row, session)
            return
        own = _first(row, (*SESSION_NAMES, *ID_NAMES)) or self._ids.next(repr(messages))
        for message in messages:
            yield from self.records(mapping(message), str(own))

    def _turn(self, row: Mapping[str, Any], session: str | None) -> Incoming:
        role = ROLE_NAMES.get(str(row.get("role") or "").casefold())
        speaker = _first(row, SPEAKER_NAMES) or (None if role else row.get("role"))
        if speaker is None and role is None:
            return SkippedRecord(SPEAKERLESS_REASON)
        text, at = words_of(_first(row, TEXT_NAMES)), _first(row, TIME_NAMES)
        sitting, id = _first(row, SESSION_NAMES) or session, _first(row, ID_NAMES)
        if any(len(str(name or "")) > MAX_NAME_CHARS for name in (id, sitting)):
            return SkippedRecord(LONG_ID_REASON)
        return turn_record(
            self._source,
            text,
            role,
            id=str(id) if id is not None else self._ids.next(str(sitting), str(speaker or role), str(at), text),
            at=at,
            session=None if sitting is None else str(sitting),
            speaker=None if speaker is None else str(speaker),
            metadata={ORIGIN_KEY: self._format, **_others(row), **mapping(row.get("metadata"))},
        )


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first value of a row under one of these names, if it holds any."""
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _others(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in READ_NAMES}
