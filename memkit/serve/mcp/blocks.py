"""Blocks of recalled text: quoted line by line, marked as data, and never longer than asked for.

What `Recollection.prompt` makes of results, this makes of a portrait, a history, a plan and a summary.
"""

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from memkit.bank import MemoryBank
from memkit.models import HistoryEntry, Memory
from memkit.recall.present.asides import (
    STANDING_HEADING,
    UPCOMING_HEADING,
    Aside,
    standing_asides,
    upcoming_asides,
)
from memkit.recall.present.page import CUT_MARK, NOTE_LINE
from memkit.recall.present.quoting import label, local, quote
from memkit.recall.present.token_bound import token_bound
from memkit.text.parts import CLOSING_TAG, OPENING_TAG

MAX_QUOTE_CHARS = 1_000  # of one text; a longer one is cut
SHORT_QUOTE_CHARS = 200  # of one text among many


def block(lines: Iterable[str], max_tokens: int) -> str:
    """The lines that find room, in a marked block; "" where there are none."""
    shown, left = [], max_tokens - token_bound("\n".join([OPENING_TAG, NOTE_LINE, CLOSING_TAG]))
    every = list(lines)
    for line in every:
        left -= token_bound(line)
        if left < 0:
            break
        shown.append(line)
    missing = [] if len(shown) == len(every) else [f"(left out for room: {len(every) - len(shown)} more)"]
    return "\n".join([OPENING_TAG, NOTE_LINE, *shown, *missing, CLOSING_TAG]) if every else ""


def quoted(text: str, length: int = MAX_QUOTE_CHARS) -> str:
    """A text as one quoted line, cut where it is long."""
    return quote(text) if len(text) <= length else f"{quote(text[:length])} {CUT_MARK}"


def shown_at(memory: Memory, zone: str) -> str:
    """The moment of a memory on the clocks of its bank, with their offset from UTC."""
    return local(memory.occurred_at, ZoneInfo(zone)).isoformat(timespec="minutes")


def headed(memory: Memory, zone: str) -> str:
    """A memory's moment, and who said it or of which kind it is."""
    return f"{local(memory.occurred_at, ZoneInfo(zone)):%Y-%m-%d %H:%M} {label(memory)}"


def portrait_block(bank: MemoryBank, max_tokens: int) -> str:
    """The portrait, standing instructions and what is due soon."""
    zone, drawn = ZoneInfo(bank.zone), bank.portrait()
    lines = _aside_lines(STANDING_HEADING, standing_asides(bank.standing(), zone))
    if drawn is not None:
        lines += [f"Portrait, {local(drawn.occurred_at, zone).date()}:", *_text_lines(drawn)]
    lines += _aside_lines(UPCOMING_HEADING, upcoming_asides(bank.upcoming(), zone))
    return block(lines, max_tokens)


def _text_lines(memory: Memory) -> list[str]:
    return [f"  {quoted(line)}" for line in memory.text.splitlines() if line.strip()]


def _aside_lines(heading: str, asides: Iterable[Aside]) -> list[str]:
    lines = [f"  {before}: {quoted(memory.text)}" for memory, before in asides]
    return [heading, *lines] if lines else []


def summary_block(memory: Memory, max_tokens: int) -> str:
    """A summary of a day, a week or a month."""
    return block([f"Summary, {memory.metadata['period']}:", *_text_lines(memory)], max_tokens)


def history_block(memory: Memory | None, entries: Iterable[HistoryEntry], zone: str, max_tokens: int) -> str:
    """Changes of a memory, oldest first, each with what it replaced; then the memory as it is now."""
    now = [] if memory is None else [f"now, {memory.state}, {headed(memory, zone)}: {quoted(memory.text)}"]
    return block([*(_change_line(entry, zone) for entry in entries), *now], max_tokens)


def _change_line(entry: HistoryEntry, zone: str) -> str:
    parts = [f"{local(entry.at, ZoneInfo(zone)):%Y-%m-%d %H:%M} {entry.event} by {entry.author}"]
    if entry.reason:
        parts.append(f", because {quoted(entry.reason, SHORT_QUOTE_CHARS)}")
    if entry.before is not None:
        parts.append(f", before: {quoted(entry.before.text)}")
    return "".join(parts)


def memory_lines(memories: Iterable[Memory], zone: str) -> Iterator[str]:
    """A line for each memory, with the beginning of its text."""
    for memory in memories:
        yield f"{headed(memory, zone)}: {quoted(memory.text, SHORT_QUOTE_CHARS)}"
