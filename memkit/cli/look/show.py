"""Show: one memory, or a bank's memories."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from memkit.bank import MemoryBank
from memkit.cli.options import (
    DEFAULT_FILE,
    AsJson,
    BankName,
    Database,
    Kinds,
    Since,
    Until,
    Where,
    open_bank,
    parse_choices,
    parse_conditions,
    parse_moment,
)
from memkit.cli.output import answer, note, pairs, shown, when, who
from memkit.errors import UnknownMemoryError
from memkit.identifiers import bank_path
from memkit.models import MEMORY_KINDS, MEMORY_STATES, PAGE_ORDERS, Memory


def show(
    bank_name: BankName,
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One memory; without it, a list.")] = None,
    kind: Kinds = None,
    where: Where = None,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help=f"Default: active. {', '.join(MEMORY_STATES)}.")
    ] = None,
    since: Since = None,
    until: Until = None,
    order: Annotated[
        str, typer.Option(metavar="ORDER", help=f"One of {', '.join(PAGE_ORDERS)}; - means the newest first.")
    ] = "recorded_at",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 20,
    after: Annotated[
        str | None, typer.Option(metavar="ID", help="Start after this memory, or where the page before ended.")
    ] = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """One memory with all that is known of it, or a page of a bank's memories."""
    with open_bank(db, bank_name) as bank:
        if id is not None:
            memory = _existing_memory(bank, id)
            answer(json, memory, [_fields_table(memory, bank.zone)])
            return
        states = parse_choices("--state", state, MEMORY_STATES) or ["active"]
        kinds = parse_choices("--kind", kind, MEMORY_KINDS)
        by = (parse_choices("--order", [order], PAGE_ORDERS) or PAGE_ORDERS)[0]
        start, end = parse_moment(since, bank.zone), parse_moment(until, bank.zone)
        memories = bank.list(kinds, parse_conditions(where), after, limit, states, since=start, until=end, order=by)
        answer(json, memories, (part for memory in memories for part in _listed(memory, bank.zone)))
    if not (memories or json):
        note("No such memories.")
    elif memories.next is not None and not json:
        note(f"More may follow: --after {memories.next}")


def _existing_memory(bank: MemoryBank, id: str) -> Memory:
    memory = bank.get(id)
    if memory is None:
        raise UnknownMemoryError(f"show: no memory has the id {id} in bank {bank_path(bank.name)}.")
    return memory


def _fields_table(memory: Memory, zone: str) -> Table:
    filled = {name: value for name, value in dict(memory).items() if value not in (None, (), {}, False)}
    return pairs({name.replace("_", " "): _as_text(value, zone) for name, value in filled.items()})


def _as_text(value: Any, zone: str) -> str:
    if isinstance(value, datetime):
        return when(value, zone)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _listed(memory: Memory, zone: str) -> tuple[Text, Group]:
    """A heading on one line, and the text beneath, wrapped."""
    marks = [memory.kind, when(memory.occurred_at, zone)]
    marks += [who(memory)] if memory.kind == "turn" else []
    marks += [memory.state] if memory.state != "active" else []
    marks += ["pinned"] if memory.pinned else []
    return Text.assemble((shown(memory.id), "cyan"), (f"  {' · '.join(marks)}", "dim")), Group(Text(shown(memory.text)))
