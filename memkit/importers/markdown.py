"""Notes in Markdown: a file, a folder or an archive of them, as note apps keep them; a turn for each section.

A note's date is that of its front matter, else of its name ("2024-03-09.md"), else of its file.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from memkit.errors import InputError
from memkit.importers.files import packed_files, readable, text_of
from memkit.importers.records import (
    LONG_REASON,
    ORIGIN_KEY,
    ContentIds,
    Incoming,
    SkippedRecord,
    Source,
    source_id,
    turn_record,
)

FORMAT_NAME = "markdown"
FILE_PATTERN = re.compile(r"^(?:[^./][^/]*/)*[^./][^/]*\.(md|markdown)$", re.IGNORECASE)  # none that is hidden
FRONT_MATTER_PATTERN = re.compile(r"\A---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
DATE_PATTERN = re.compile(r"\d{4}-\d\d-\d\d")
DATE_FIELDS = ("date", "created", "created_at", "updated")
MAX_NOTE_BYTES = 16_000_000
SECTION_CHARS = 2_000  # a longer section becomes several turns, cut between paragraphs
MISSING_SENTENCE = "holds no Markdown notes. Give a .md file, or a folder or zip of them."


class Note(NamedTuple):
    """A note as it lies in its file. `path`: within the folder; `fields`: its front matter."""

    path: str
    text: str
    fields: dict[str, Any]
    at: Any


def read(source: Source) -> Iterator[Incoming]:
    """Turns of all notes, in the order of their paths. Raises InputError."""
    for name, open_file in packed_files(source.path, FILE_PATTERN, missing=MISSING_SENTENCE):
        with readable(name), open_file() as file:
            data = file.read(MAX_NOTE_BYTES + 1)
            text = data[:MAX_NOTE_BYTES].decode(
                "utf-8-sig", errors="ignore" if len(data) > MAX_NOTE_BYTES else "strict"
            )
        if len(data) > MAX_NOTE_BYTES:
            yield SkippedRecord(LONG_REASON)
        else:
            yield from _turns(source, _note(source, name, text))


def _note(source: Source, path: str, text: str) -> Note:
    front = FRONT_MATTER_PATTERN.match(text)
    fields = _front_matter(front[1]) if front else {}
    dated = next((fields[name] for name in DATE_FIELDS if fields.get(name)), None)
    named = DATE_PATTERN.search(PurePosixPath(path).stem)
    at = _moment(source, dated) or _moment(source, named and named[0]) or _file_time(source, path)
    return Note(path, text[front.end() :] if front else text, fields, at)


def _front_matter(text: str) -> dict[str, Any]:
    import yaml

    try:
        fields = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _moment(source: Source, value: Any) -> datetime | None:
    """A moment of front matter; None where it isn't one."""
    try:
        return source.moment(value.isoformat() if isinstance(value, date) else value)
    except InputError:
        return None


def _file_time(source: Source, path: str) -> datetime | None:
    file = source.path / path if source.path.is_dir() else source.path
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def _turns(source: Source, note: Note) -> Iterator[Incoming]:
    ids = ContentIds(FORMAT_NAME)
    title = text_of(note.fields.get("title")) or PurePosixPath(note.path).stem
    for heading, text in _sections(note.text):
        yield turn_record(
            source,
            f"{heading}\n{text}" if heading else text,
            "user",
            id=ids.next(note.path, heading, text),
            at=note.at,
            session=source_id(FORMAT_NAME, note.path),
            speaker=text_of(note.fields.get("author")) or None,
            metadata={ORIGIN_KEY: FORMAT_NAME, "note": note.path, "title": title, "tags": _tags(note.fields)},
        )


def _tags(fields: dict[str, Any]) -> list[str]:
    tags = fields.get("tags")
    return [str(tag) for tag in tags] if isinstance(tags, list) else str(tags or "").replace(",", " ").split()


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Headings with what stands beneath each, cut where it is long; headings alone and rules are left out."""
    from markdown_it import MarkdownIt

    plain = text.replace("\r\n", "\n")
    lines, starts = plain.split("\n"), list[tuple[str, int, int]]()
    for token, content in pairwise(MarkdownIt("commonmark").parse(plain)):
        if token.type == "heading_open" and token.level == 0 and token.map:
            starts.append((content.content, token.map[0], token.map[1]))
    ends = [start for _, start, _ in starts] + [len(lines)]
    for (heading, _, begin), end in zip([("", 0, 0), *starts], ends, strict=True):
        for piece in _pieces("\n".join(lines[begin:end]).strip()):
            yield heading, piece


def _pieces(text: str) -> list[str]:
    """Whole paragraphs put together up to SECTION_CHARS."""
    pieces: list[str] = []
    for paragraph in filter(None, re.split(r"\n\s*\n", text)):
        if pieces and len(pieces[-1]) + len(paragraph) < SECTION_CHARS:
            pieces[-1] += f"\n\n{paragraph}"
        else:
            pieces.append(paragraph)
    return pieces
