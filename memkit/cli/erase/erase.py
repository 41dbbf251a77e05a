"""Erase: memories, or whole banks, gone for good."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from memkit.cli.erasure_tables import confirm_erasure, erasure_sentence, plan_table
from memkit.cli.options import (
    DEFAULT_FILE,
    AsJson,
    BankName,
    Database,
    Since,
    Speaker,
    Until,
    bank_parts,
    parse_moment,
)
from memkit.cli.output import err, out, say, write_json_if
from memkit.cli.stores import existing_bank, load_encoder, open_store
from memkit.errors import InputError
from memkit.models import ErasureReceipt
from memkit.store import MemoryStore


def erase(
    bank_name: BankName,
    id: Annotated[list[str] | None, typer.Option(metavar="ID", help="This memory; may be repeated.")] = None,
    about: Annotated[str | None, typer.Option(metavar="WORDS", help="What is about this.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="The whole bank.")] = False,
    under: Annotated[bool, typer.Option("--under", help="All banks whose names start so: acme.")] = False,
    speaker: Speaker = None,
    session: Annotated[str | None, typer.Option(metavar="NAME", help="Only this session.")] = None,
    since: Since = None,
    until: Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    asked_by: Annotated[
        str | None, typer.Option("--asked-by", metavar="NAME", help="On whose request; kept in the receipt.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    db: Database = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Remove memories for good, and all that rests on them, down to the bytes. Shows the plan and asks.

    Conditions hold together: --speaker and --since chooses what this person said since then. --whole and --under
    take none.
    """
    if whole or under:
        _refuse_conditions([id, about, speaker, session, since, until])
        _erase_banks(bank_name, db, under=under, dry_run=dry_run, yes=yes, as_json=json, asked_by=asked_by)
        return
    with open_store(db, write=not dry_run) as store:
        bank = existing_bank(store, bank_name)
        if about is not None:
            load_encoder(store)
        plan = bank.plan_erase(
            about=about,
            speaker=speaker,
            session=session,
            since=parse_moment(since, bank.zone),
            until=parse_moment(until, bank.zone),
            ids=id or None,
        )
        if not json:
            out.print(plan_table(bank, plan))
            say(out, str(plan), style="bold")
        if dry_run or not plan.rows:
            write_json_if(json, {"plan": plan.model_dump(mode="json"), "receipt": None})
            return
        confirm_erasure(yes=yes, as_json=json)
        with err.status("Erasing …"):
            receipt = bank.erase(plan, requested_by=asked_by)
        write_json_if(json, {"plan": plan.model_dump(mode="json"), "receipt": receipt.model_dump(mode="json")})
        if not json:
            say(out, erasure_sentence(receipt))


def _refuse_conditions(given: Sequence[object]) -> None:
    if any(given):
        raise InputError("erase: --whole and --under erase everything; leave the conditions out.")


def _erase_banks(
    name: str, db: Path, *, under: bool, dry_run: bool, yes: bool, as_json: bool, asked_by: str | None
) -> None:
    parts = bank_parts(name)
    with open_store(db, write=not dry_run) as store:
        banks = store.banks(parts) if under else [existing_bank(store, name).name]
        names = ["/".join(bank) for bank in banks]
        if not as_json:
            count = f"{len(names):,} {'bank' if len(names) == 1 else 'banks'} with everything in them: "
            say(out, count, ", ".join(names[:10]))
        receipts: list[ErasureReceipt] = []
        if banks and not dry_run:
            confirm_erasure(yes=yes, as_json=as_json)
            receipts = _drop_banks(store, parts, under=under, asked_by=asked_by)
        write_json_if(as_json, {"banks": names, "receipts": [r.model_dump(mode="json") for r in receipts]})
        for receipt in [] if as_json else receipts:
            say(out, erasure_sentence(receipt))


def _drop_banks(
    store: MemoryStore, name: tuple[str, ...], *, under: bool, asked_by: str | None
) -> list[ErasureReceipt]:
    if under:
        return store.erase_all(under=name, confirm=name, requested_by=asked_by)
    return [store.bank(*name).erase_all(confirm=name, requested_by=asked_by)]
