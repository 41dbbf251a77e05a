"""Show: one memory, or a bank's memories."""

from typing import Annotated, Any

import typer
from rich.text import Text

from memkit.bank import MemoryBank
from memkit.cli.options import (
    DEFAULT_FILE,
    AsJson,
    BankName,
    Database,
    Kinds,
    Where,
    parse_conditions,
    parse_kinds,
    parse_states,
)
from memkit.cli.output import note, out, pairs, shown, when, who, write_json
from memkit.cli.stores import existing_bank, open_store
from memkit.errors import UnknownMemoryError
from memkit.models import MEMORY_STATES, Memory


def show(
    bank_name: BankName,
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One memory; without it, a list.")] = None,
    kind: Kinds = None,
    where: Where = None,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help=f"Default: active. {', '.join(MEMORY_STATES)}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 20,
    after: Annotated[str | None, typer.Option(metavar="ID", help="Start after this memory.")] = None,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """One memory with all that is known of it, or a bank's memories in the order of recording."""
    with open_store(db) as store:
        bank = existing_bank(store, bank_name)
        if id is None:
            states = parse_states(state) or ["active"]
            memories = bank.list(parse_kinds(kind), parse_conditions(where), after, limit, states)
            _show_list(memories, bank.zone, json, full=len(memories) == limit)
        else:
            _show_one(bank, id, json)


def _show_one(bank: MemoryBank, id: str, as_json: bool) -> None:
    memory = bank.get(id)
    if memory is None:
        raise UnknownMemoryError(f"show: no memory has the id {id} in bank {'/'.join(bank.name)}.")
    if as_json:
        write_json(memory.model_dump(mode="json"))
        return
    values = {name: getattr(memory, name) for name in Memory.model_fields}
    lines = {name: _as_text(value, bank.zone) for name, value in values.items() if value not in (None, (), {}, False)}
    out.print(pairs({name.replace("_", " "): value for name, value in lines.items()}))


def _as_text(value: Any, zone: str) -> str:
    if hasattr(value, "astimezone"):
        return when(value, zone)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _show_list(memories: list[Memory], zone: str, as_json: bool, *, full: bool) -> None:
    if as_json:
        write_json([memory.model_dump(mode="json") for memory in memories])
        return
    for memory in memories:
        head = Text(shown(memory.id), style="cyan")
        marks = [memory.kind, when(memory.occurred_at, zone)]
        marks += [who(memory)] if memory.kind == "turn" else []
        marks += [memory.state] if memory.state != "active" else []
        marks += ["pinned"] if memory.pinned else []
        out.print(head.append(f"  {' · '.join(marks)}", style="dim"), soft_wrap=True)
        out.print(Text(shown(memory.text)))
    if not memories:
        note("No such memories.")
    elif full:
        note(f"More may follow: --after {memories[-1].id}")
