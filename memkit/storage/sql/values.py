"""Values of queries: of spans of time, of pages, and codes of words."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from memkit.protocols import PageOptions
from memkit.storage.core.enum_codes import STATE_CODES, EnumCodes
from memkit.times import to_micros

MIN_MICROS, MAX_MICROS = -(2**63), 2**63 - 1  # microseconds: what a column holds


def page_values(options: PageOptions) -> dict[str, Any]:
    """Values of the queries of pages; without a bookmark, one before all of the page's memories."""
    descending = options.order.startswith("-")
    span = span_values(options.since, options.until)
    at, after = options.after or ((span["until"], 0) if descending else (span["since"], 0))
    if descending and options.after is None and not options.order.endswith("occurred_at"):
        after = MAX_MICROS
    states = codes_of(STATE_CODES, options.states)
    return {"at": at, "after": after, **span, "states": states, "limit": options.limit}


def span_values(since: datetime | None, until: datetime | None) -> dict[str, int]:
    return {
        "since": MIN_MICROS if since is None else to_micros(since),
        "until": MAX_MICROS if until is None else to_micros(until),
    }


def codes_of(codes: EnumCodes[Any], words: Iterable[str]) -> list[int]:
    """Codes of those words that have one."""
    return [codes.codes[word] for word in words if word in codes.codes]
