"""Screen of the demo: headings, answers, tables."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from memkit.cli.output import excerpt, new_table, shown, who
from memkit.cli.tables import reasons, thoughts_of
from memkit.models import Hit

MAX_COLUMNS = 110
MAX_ANSWER_CHARS = 220


class Screen:
    """Writes the demo to a terminal of 80 columns or more; silent with `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        plain = Console(highlight=False)
        self.console = Console(highlight=False, markup=False, quiet=quiet, width=min(plain.width, MAX_COLUMNS))

    names = 0  # characters of the longest speaker's name

    def opening(self, title: str, text: str) -> None:
        """The first thing that is seen."""
        self.console.print(Panel(Text(text), title=Text(title, style="bold"), title_align="left", padding=(1, 2)))

    def scene(self, number: int, title: str, text: str) -> None:
        """A heading, and what is about to happen."""
        self.console.print()
        self.console.print(Rule(Text(f" {number}  {title} ", style="bold cyan"), align="left", style="cyan"))
        self.console.print(Text(text, style="dim"))

    def line(self, *parts: tuple[str, str]) -> None:
        """A line of (text, style) parts."""
        self.console.print(Text.assemble(*((shown(text), style) for text, style in parts)))

    def show(self, table: Table) -> None:
        """A table, a little indented."""
        self.console.print(Padding(table, (0, 0, 0, 1)))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
        """The same of rows, where there are any."""
        if rows:
            self.show(new_table(columns, rows, right=right))

    def progress(self) -> Progress:
        """A bar that stays on the screen."""
        return Progress(
            TextColumn(" {task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("turns"),
            console=self.console,
            expand=True,
        )

    def question(self, number: int, text: str, answer: str) -> None:
        """A question, and what a person would answer."""
        asked = Text(shown(text), style="bold")
        asked.append(f"   ({shown(answer)})" if answer else "", style="not bold dim")
        table = Table.grid(padding=(0, 1))
        table.add_column(width=4, justify="right", style="cyan")
        table.add_row(str(number), asked)
        self.console.print()
        self.console.print(table)

    def hits(self, hits: Sequence[Hit], right: Sequence[str]) -> None:
        """The first results: marked where they answer the question, with the reasons for the best of them."""
        table = Table.grid(padding=(0, 1))
        table.add_column(width=4, justify="right")
        table.add_column(no_wrap=True)
        table.add_column(min_width=self.names, max_width=20, no_wrap=True)
        table.add_column()
        explained = next((hit for hit in hits if hit.memory.id in right), hits[0] if hits else None)
        for hit in hits:
            good = hit.memory.id in right
            style = "" if hit is explained else "dim"
            mark = Text("✓" if good else "·", style="bold green" if good else "dim")
            day, name = Text(date(hit.memory.occurred_at), style=style), Text(who(hit.memory), style=style)
            length = MAX_ANSWER_CHARS if hit is explained else self.console.width - 30
            table.add_row(mark, day, name, Text(excerpt(hit.memory.text, length), style=style))
            if hit is explained:
                for thought in thoughts_of(hit):
                    table.add_row("", "", "", Text(f"thought: {excerpt(thought.text, MAX_ANSWER_CHARS)}", style="dim"))
                table.add_row("", "", "", Text(f"because: {reasons(hit)}", style="dim italic"))
        self.console.print(table)


def date(moment: datetime) -> str:
    """A day for people: 4 Mar 2025."""
    return f"{moment.day:>2} {moment:%b %Y}"
