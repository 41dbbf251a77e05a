"""Output: results on stdout, everything else (progress, notes, errors) on stderr."""

import json
import logging
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO
from zoneinfo import ZoneInfo

from rich.console import Console, RenderableType
from rich.text import Text

from memkit.errors import UnsafeServerWarning
from memkit.models import Memory, Receipt

if TYPE_CHECKING:  # imported where they are shown: a line of text needs neither
    from rich.progress import Progress
    from rich.table import Table

out = Console(highlight=False, markup=False)
err = Console(stderr=True, highlight=False, markup=False)

BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
EXCERPT_CHARS = 100


def line(*parts: str, style: str = "") -> Text:
    """A line of plain text, whatever it holds; the first part in a style."""
    text = Text(shown(parts[0]), style=style)
    for part in parts[1:]:
        text.append(shown(part), style="not bold default")
    return text


def say(console: Console, *parts: str, style: str = "") -> None:
    """Write a line, however long."""
    console.print(line(*parts, style=style), soft_wrap=True)


def note(*parts: str) -> None:
    """A remark for people, on stderr."""
    say(err, *parts, style="dim")


class LogNotes(logging.Handler):
    """Shows what memkit logs, above all that an encoder is being loaded, as remarks on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record's message."""
        note(record.getMessage())


LOG_NOTES = LogNotes(logging.INFO)


def show_log() -> None:
    """Show memkit's log and its warnings; harmless to repeat."""
    warnings.showwarning = _show_warning
    log = logging.getLogger("memkit")
    log.setLevel(logging.INFO)
    log.addHandler(LOG_NOTES)


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
    line: str | None = None,
) -> None:  # fmt: skip
    """Show a warning about the server as a remark, any other as Python does."""
    if issubclass(category, UnsafeServerWarning):
        note(str(message))
    else:
        (file or sys.stderr).write(warnings.formatwarning(message, category, filename, lineno, line))


def write_json(value: Any) -> None:
    """One JSON document on stdout, untouched by styles and widths; records and dates as JSON has them."""
    from pydantic import TypeAdapter

    document = json.dumps(TypeAdapter(Any).dump_python(value, mode="json"), ensure_ascii=False, indent=2)
    print(document, file=out.file, flush=True)  # whoever reads it may wait for it, while the command goes on


def answer(as_json: bool, document: Any, shown_parts: Iterable[RenderableType]) -> None:
    """One JSON document where JSON was asked for; else lines and tables for people, which are made only then.

    Of a receipt also the line that tells what is still to follow.
    """
    if as_json:
        write_json(document)
        return
    for part in shown_parts:
        out.print(part, soft_wrap=isinstance(part, Text))
    if isinstance(document, Receipt) and document.remark:
        note(document.remark)


def shown(text: str) -> str:
    """A text that can't steer a terminal: control and direction-changing characters are replaced."""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    hidden = character in BIDI_CONTROLS or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
    return "\N{REPLACEMENT CHARACTER}" if hidden else character


def excerpt(text: str, length: int = EXCERPT_CHARS) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(shown(text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def when(moment: datetime, zone: str) -> str:
    """A moment on the clocks of a bank."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def who(memory: Memory) -> str:
    """Name of the speaker, or what kind of record it is."""
    if memory.kind != "turn" or not memory.speaker:
        return memory.kind
    return shown(memory.speaker)


def new_table(
    columns: Iterable[str],
    rows: Iterable[Iterable[RenderableType]] = (),
    *,
    title: str | None = None,
    right: Iterable[str] = (),
    least: Mapping[str, int] | None = None,
) -> "Table":
    """A table in the one style; columns named in `right` hold numbers, `least` gives least widths."""
    from rich import box
    from rich.table import Table

    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim"
    )
    for column in columns:
        number = column in set(right)
        justify: Literal["left", "right"] = "right" if number else "left"
        table.add_column(column, justify=justify, no_wrap=number, overflow="fold", min_width=(least or {}).get(column))
    for row in rows:
        table.add_row(*row)
    return table


def near(path: Path) -> str:
    """A path as it is shortest to type: seen from the working directory where it lies in it."""
    whole, here = path.absolute(), Path.cwd()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)


def pairs(values: Mapping[str, object], title: str | None = None) -> "Table":
    """Names with their values."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name, value if isinstance(value, Text) else shown(str(value)))
    return table


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"


def bar() -> "Progress":
    """A progress bar on stderr that leaves nothing behind."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        expand=True,
    )


@contextmanager
def stepping_bar(name: str, total: int) -> Iterator[Callable[[str, int], None]]:
    """A progress bar, and the function that tells it what is done next and how many steps were taken."""
    with bar() as progress:
        task = progress.add_task(name, total=total)
        yield lambda text, count: progress.update(task, description=shown(text), advance=count)
