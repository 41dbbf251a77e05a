"""Pieces of a line in a prompt: quoted texts, clean names, labels, local times."""

import json
import re
import unicodedata
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from memkit.models import Memory

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
KIND_LABELS = {"thought": "noted", "summary": "summary", "portrait": "portrait", "item": "item"}
GAP_MARK = "..."
MAX_NAME_CHARS = 40
CACHED_NAMES = 1024
JSON_ENCODER = json.JSONEncoder(ensure_ascii=False)  # `dumps` would make one with every call
INVISIBLE_PATTERN = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
TAG_PATTERN = re.compile(r"<(\s*)(?=/|memory)", re.IGNORECASE)


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment on the clocks of a bank's zone."""
    try:
        return moment.astimezone(zone)
    except OverflowError:  # the first and the last day of the calendar
        return moment


def validity(memory: Memory, zone: ZoneInfo) -> str:
    """Remark on a memory that holds no longer, or only for a time; "" for others.

    A time that ends with a year or a month, or that another one begins, may have been told so: no day is named then.
    """
    if memory.valid_until is not None:
        is_replaced = memory.state == "superseded"
        return f" (until {_last_time(local(memory.valid_until, zone), is_replaced=is_replaced)})"
    return " (replaced)" if memory.state == "superseded" else ""


def _last_time(end: datetime, *, is_replaced: bool) -> str:
    """The year, the month or the day up to which something held: that in which another began, or the last whole one."""
    if (end.hour, end.minute, end.second, end.microsecond) != (0, 0, 0, 0) or end.day > 1:
        return str(end.date())
    year, month = divmod(end.year * 12 + end.month - (1 if is_replaced else 2), 12)
    return f"{year:04}" if end.month == 1 else f"{year:04}-{month + 1:02}"


def label(memory: Memory) -> str:
    """Speaker of a turn, in a form that no other speaker's name can imitate; of other memories their kind."""
    if memory.kind != "turn":
        return KIND_LABELS[memory.kind]
    name = clean_name(memory.speaker or "")
    if memory.role not in (None, "user") and name.casefold() != memory.role:
        return f"{name} ({memory.role})"
    return f"{name} (speaker)" if name.casefold() in KIND_LABELS.values() else name


@lru_cache(maxsize=CACHED_NAMES)
def clean_name(name: str) -> str:
    """Letters, marks, digits and a little punctuation of a name, on one line, at most 40 characters."""
    cleaned = "".join(c if unicodedata.category(c)[0] in "LMN" or c in ".'@_-" else " " for c in name)
    return " ".join(cleaned.split())[:MAX_NAME_CHARS].strip() or "unknown"


def quote(text: str) -> str:
    """A text as one JSON string on one line; reading it as JSON gives the text back.

    Line breaks, control and invisible characters (which can hide orders or turn the reading direction)
    and the beginnings of closing tags are escaped.
    """
    quoted = INVISIBLE_PATTERN.sub(_escape, JSON_ENCODER.encode(text))
    return TAG_PATTERN.sub(r"\\u003c\1", quoted)


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if ord(match[0]) > 0x7F else "\\u007f"
