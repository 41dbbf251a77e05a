"""Plans of erasure and receipts for people, and the question before an erasure."""

from collections.abc import Mapping
from typing import Any

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import (
    EXIT_ERROR,
)
from memkit.cli.output import excerpt, new_table, note, speaker_of, when
from memkit.errors import InputError
from memkit.forget.erasure_plan import ErasePlan
from memkit.models import ErasureReceipt


def plan_table(bank: MemoryBank, plan: ErasePlan, limit: int = 20, *, rules: Mapping[str, str] | None = None) -> Any:
    """Memories that a plan would remove, each with its reason; `rules` names a rule for some, by id."""
    zone = bank.zone
    table = new_table("when", "kind", "who", "what", "because")
    for row in plan.rows[:limit]:
        memory = bank.get(row.id)
        if memory is not None:
            rule = (rules or {}).get(row.id, "chosen")
            reason = "made again" if row.remade else (rule if row.why == "chosen" else "rests on it")
            table.add_row(
                when(memory.occurred_at, zone)[:10], row.kind, speaker_of(memory), excerpt(memory.text), reason
            )
    if len(plan.rows) > limit:
        table.add_row("…", "", "", f"and {len(plan.rows) - limit:,} more", "")
    return table


def erasure_sentence(receipt: ErasureReceipt) -> str:
    """Result of an erasure in a sentence."""
    count = sum(receipt.counts.values())
    rest = (
        "Their bytes may still lie in the file until other readers close it; `memkit maintain` goes on."
        if receipt.bytes_pending
        else "No byte of them is left in the file."
    )
    return f"{count} {'memory is' if count == 1 else 'memories are'} gone. {rest}"


def confirm_erasure(*, yes: bool, as_json: bool) -> None:
    """Ask whether to go on. Raises InputError where nobody can be asked, Exit after a no."""
    if yes:
        return
    if as_json:
        raise InputError("erase: --json doesn't ask. Add --yes to erase, or --dry-run to see the plan.")
    if not typer.confirm("Erase this for good?", err=True):
        note("Nothing was erased.")
        raise typer.Exit(EXIT_ERROR)
