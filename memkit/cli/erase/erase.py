"""Erase: memories, or whole banks, gone for good."""

from pathlib import Path
from typing import Annotated

import typer

from memkit.bank import MemoryBank
from memkit.cli.options import (
    DEFAULT_FILE,
    AsJson,
    Database,
    OptionalBankName,
    Since,
    Speaker,
    Until,
    bank_parts,
    confirm_erasure,
    existing_bank,
    open_bank,
    open_store,
    parse_moment,
)
from memkit.cli.output import answer, err, line, out, say
from memkit.cli.tables import erasure_sentence, plan_table
from memkit.errors import InputError, UnknownMemoryError
from memkit.forget.erasure_plan import ErasePlan, plural
from memkit.identifiers import bank_path
from memkit.models import ErasureReceipt


def erase(
    bank_name: OptionalBankName = None,
    id: Annotated[list[str] | None, typer.Option(metavar="ID", help="This memory; may be repeated.")] = None,
    about: Annotated[str | None, typer.Option(metavar="WORDS", help="What is about this.")] = None,
    request: Annotated[
        str | None, typer.Option(metavar="ID", help="What this request asks to have forgotten, as think shows it.")
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="The whole bank.")] = False,
    under: Annotated[bool, typer.Option("--under", help="All banks whose names start so: acme.")] = False,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="RECEIPTS",
            exists=True,
            dir_okay=False,
            help="What these receipts say was erased, again: after a server's database was set back.",
        ),
    ] = None,
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
    take none. --replay takes what `memkit receipts --out` wrote, and no bank.
    """
    if replay is not None:
        if any([bank_name, id, about, request, whole, under, speaker, session, since, until, dry_run]):
            raise InputError("erase: --replay erases what the receipts name; leave the bank and the conditions out.")
        _replay(replay, db, yes=yes, as_json=json)
        return
    if bank_name is None:
        raise InputError("erase: name the bank: memkit erase acme/ana --about WORDS. `memkit banks` lists them.")
    if whole or under:
        if any([id, about, request, speaker, session, since, until]):
            raise InputError("erase: --whole and --under erase everything; leave the conditions out.")
        _erase_banks(bank_name, db, under=under, dry_run=dry_run, yes=yes, as_json=json, asked_by=asked_by)
        return
    if request is not None and any([id, about, speaker, session, since, until]):
        raise InputError("erase: --request has a plan of its own; leave the other conditions out.")
    with open_bank(db, bank_name, write=not dry_run, warm=about is not None) as bank:
        plan = (
            _requested_plan(bank, request)
            if request is not None
            else bank.plan_erase(
                about=about,
                speaker=speaker,
                session=session,
                since=parse_moment(since, bank.zone),
                until=parse_moment(until, bank.zone),
                ids=id or None,
            )
        )
        if not json:
            out.print(plan_table(bank, plan))
            say(out, str(plan), style="bold")
        receipt: ErasureReceipt | None = None
        if plan.rows and not dry_run:
            confirm_erasure(yes=yes, as_json=json)
            with err.status("Erasing …"):
                receipt = bank.erase(plan, requested_by=asked_by)
        answer(json, {"plan": plan, "receipt": receipt}, [line(erasure_sentence(receipt))] if receipt else [])


def _requested_plan(bank: MemoryBank, id: str) -> ErasePlan:
    """The plan of an open request. Raises UnknownMemoryError."""
    for request in bank.requests():
        if request.id == id:
            return request.plan
    raise UnknownMemoryError("erase: no open request has this id; `memkit think` shows those that it heard.")


def _erase_banks(
    name: str, db: str, *, under: bool, dry_run: bool, yes: bool, as_json: bool, asked_by: str | None
) -> None:
    parts = bank_parts(name)
    with open_store(db, write=not dry_run) as store:
        banks = store.banks(parts) if under else [existing_bank(store, name).name]
        names = [bank_path(bank) for bank in banks]
        if not as_json:
            say(
                out,
                f"{len(names):,} {'bank' if len(names) == 1 else 'banks'} with everything in them: ",
                ", ".join(names[:10]),
            )
        receipts: list[ErasureReceipt] = []
        if banks and not dry_run:
            confirm_erasure(yes=yes, as_json=as_json)
            receipts = (
                store.erase_all(under=parts, confirm=parts, requested_by=asked_by)
                if under
                else [store.bank(*parts).erase_all(confirm=parts, requested_by=asked_by)]
            )
        answer(as_json, {"banks": names, "receipts": receipts}, (line(erasure_sentence(r)) for r in receipts))


def _replay(receipts: Path, db: str, *, yes: bool, as_json: bool) -> None:
    with open_store(db, write=True) as store:
        confirm_erasure(yes=yes, as_json=as_json)
        with err.status("Erasing …"):
            receipts_since = store.repeat_erasures(receipts)
    count = len(receipts_since)
    conclusion = line(f"{count:,} {plural('erasure', count)} carried out again.", style="bold")
    answer(as_json, {"receipts": receipts_since}, [conclusion, *(line(erasure_sentence(r)) for r in receipts_since)])
