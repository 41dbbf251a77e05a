"""Pages of long lists. A cursor says where the next page begins; clients pass it back as it is."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

from memkit.errors import InputError

Item = TypeVar("Item")
CURSOR_TEXT = "cursor: pass back what the page before gave as the next cursor, or none to begin."


def page_after(names: Sequence[str], cursor: str | None, size: int) -> tuple[list[str], str | None]:
    """A page of sorted names behind the one that the cursor is, there or not; and the next cursor."""
    start = 0 if cursor is None else bisect_right(names, cursor)
    page = list(names[start : start + size])
    return page, page[-1] if start + size < len(names) else None


def page_from(items: Sequence[Item], cursor: str | None, size: int) -> tuple[list[Item], str | None]:
    """A page of a list that only grows at its end, from the place that the cursor is. Raises InputError."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise InputError(CURSOR_TEXT)
    start = int(cursor or 0)
    return list(items[start : start + size]), str(start + size) if start + size < len(items) else None
