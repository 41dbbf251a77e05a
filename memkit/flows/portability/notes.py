"""Files that people and other programs read: notes in Markdown, JSON lines of turns, the files of a memory tool.

Each file is a path within the folder and its text in pieces, read from the bank as they are asked for. Only what is
active is written: not what was superseded, forgotten or archived.
"""

import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import groupby
from urllib.parse import quote
from zoneinfo import ZoneInfo

from memkit.flows.context import BankContext
from memkit.flows.read import beliefs, everything, page
from memkit.identifiers import bank_path
from memkit.items import key_of
from memkit.models import Kind, Memory
from memkit.protocols import PageOptions
from memkit.text.times.periods import readable_period

PAGE_MEMORIES = 1_000
MAX_NAME_BYTES = 160  # of a file's name before its digest and suffix
PLAIN_CHARACTERS = frozenset(" -_.,()")

FilePieces = tuple[str, Iterable[str]]


def markdown_files(ctx: BankContext) -> Iterator[FilePieces]:
    """Notes: a day's turns each, the summaries, the beliefs, the portrait, the items."""
    for path, lines in _notes(ctx):
        yield path, (f"{line}\n" for line in lines)


def _notes(ctx: BankContext) -> Iterator[FilePieces]:
    """Paths and lines."""
    zone = _zone(ctx)
    for portrait in everything(ctx, ("portrait",))[-1:]:
        yield "Portrait.md", [*_front(ctx, portrait.occurred_at.astimezone(zone).date().isoformat()), portrait.text]
    if held := beliefs(ctx):
        yield "Beliefs.md", [*_front(ctx), *_belief_lines(held, zone)]
    for summary in everything(ctx, ("summary",)):
        period = _period(summary)
        title = f"# {readable_period(period) or period}"
        yield f"Summaries/{file_name(period)}.md", [*_front(ctx), title, "", summary.text]
    for day, turns in groupby(_memories(ctx, "turn"), key=lambda turn: turn.occurred_at.astimezone(zone).date()):
        yield f"Days/{day}.md", _day_lines(ctx, day.isoformat(), turns, zone)
    for item in _memories(ctx, "item"):
        lines = ["```json", json.dumps(item.metadata["value"], ensure_ascii=False, indent=2), "```"]
        yield f"Items/{file_name(key_of(item))}.md", [*_front(ctx), f"# {_on_one_line(key_of(item))}", "", *lines]


def _day_lines(ctx: BankContext, day: str, turns: Iterable[Memory], zone: ZoneInfo) -> Iterator[str]:
    yield from (*_front(ctx, day), f"# {day}")
    for turn in turns:
        yield ""
        yield f"**{_on_one_line(turn.speaker or '')}** {turn.occurred_at.astimezone(zone):%H:%M}"
        yield from (f"> {line}" for line in turn.text.splitlines())  # quoted: what looks like a heading is none


def _belief_lines(held: dict[str, dict[str, list[Memory]]], zone: ZoneInfo) -> Iterator[str]:
    yield "# Beliefs"
    for head in sorted(held):
        yield from ("", f"## {_on_one_line(head) or 'Other'}", "")
        yield from (f"- {_on_one_line(thought.text)} ({_day(thought, zone)})" for thought in _flat(held[head]))


def _flat(relations: dict[str, list[Memory]]) -> list[Memory]:
    return sorted((thought for thoughts in relations.values() for thought in thoughts), key=lambda m: m.occurred_at)


def _day(memory: Memory, zone: ZoneInfo) -> str:
    return memory.occurred_at.astimezone(zone).date().isoformat()


def _front(ctx: BankContext, day: str | None = None) -> list[str]:
    """Front matter as note apps read it."""
    dated = [f"date: {day}"] if day else []
    return ["---", f"bank: {json.dumps(bank_path(ctx.name), ensure_ascii=False)}", *dated, "---", ""]


def turn_lines(ctx: BankContext) -> Iterator[str]:
    """Turns as JSON lines, oldest first, as `observe` and `import jsonl` read them."""
    for turn in _memories(ctx, "turn"):
        record = {
            "id": turn.id, "at": turn.occurred_at.isoformat(), "speaker": turn.speaker, "role": turn.role,
            "text": turn.text, "session": turn.session, "metadata": turn.metadata or None,
        }  # fmt: skip
        yield json.dumps({key: value for key, value in record.items() if value is not None}, ensure_ascii=False)


def memory_tool_files(ctx: BankContext) -> Iterator[FilePieces]:
    """Text files as a model's memory tool has them: its own at their places, under memkit/ what the bank has made.

    Its own are items with a `memory_path`, as `memkit_adapters.anthropic` keeps them; other items lie under items/,
    as their text or their JSON. Turns are not among them.
    """
    for portrait in everything(ctx, ("portrait",))[-1:]:
        yield "memkit/portrait.md", [portrait.text, "\n"]
    if held := beliefs(ctx):
        yield "memkit/beliefs.md", (f"{line}\n" for line in _belief_lines(held, _zone(ctx)))
    for summary in everything(ctx, ("summary",)):
        yield f"memkit/summaries/{file_name(_period(summary))}.md", [summary.text, "\n"]
    for item in _memories(ctx, "item"):
        yield _item_file(key_of(item), item.metadata["value"])


def _item_file(key: str, value: object) -> FilePieces:
    fields = value if isinstance(value, dict) else {}
    place, text = fields.get("memory_path"), fields.get("text")
    if isinstance(place, str) and isinstance(text, str):
        parts = place.removeprefix("/memories/").split("/")
        return "/".join(file_name(part) for part in parts if part) or file_name(key), [text]
    if isinstance(value, str):
        return f"items/{file_name(key)}.txt", [value]
    return f"items/{file_name(key)}.json", [json.dumps(value, ensure_ascii=False, indent=2), "\n"]


def _period(summary: Memory) -> str:
    return str(summary.metadata.get("period") or summary.id)


def file_name(text: str) -> str:
    """A name that file systems take, for any text; other texts have other names, up to case."""
    name = "".join(c if c.isalnum() or c in PLAIN_CHARACTERS else quote(c, safe="") for c in text)
    if name[:1] in (".", " "):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if name[-1:] in (".", " "):
        name = f"{name[:-1]}%{ord(name[-1]):02X}"
    if name and len(name.encode()) <= MAX_NAME_BYTES:
        return name
    digest = blake2b(text.encode(errors="replace"), digest_size=6).hexdigest()
    return f"{name.encode()[:MAX_NAME_BYTES].decode(errors='ignore')} {digest}".strip()


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _zone(ctx: BankContext) -> ZoneInfo:
    state = ctx.state()
    return ZoneInfo("UTC" if state is None else state.zone)


def _memories(ctx: BankContext, kind: Kind) -> Iterator[Memory]:
    """Memories of a kind in order of time, read page by page."""
    options, after = PageOptions((kind,), ("active",), limit=PAGE_MEMORIES, order="occurred_at"), None
    while True:
        batch = page(ctx, options, None, after)
        yield from batch
        after = batch.next
        if after is None:
            return
