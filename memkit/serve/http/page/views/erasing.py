"""Erase: what is to go, the plan with all that falls with it, its carrying out, and the receipts."""

import hmac
from contextlib import suppress
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.responses import Response

from memkit.bank import MemoryBank
from memkit.errors import StalePlanError
from memkit.forget.erasure_plan import ErasePlan, PlannedMemory
from memkit.identifiers import bank_path
from memkit.models import ErasureReceipt, Memory
from memkit.serve.http.page.visits import ErasingVisit, FormText, ReadVisit

router = APIRouter()
ROWS_SHOWN = 200  # of a plan, with their texts
RECEIPTS_SHOWN = 50
CHANGED_TEXT = (
    "The bank changed since this plan was shown, so it may name too little. Nothing was erased. "
    "Look at the plan again, as it is now."
)


class ErasureSelection(BaseModel):
    """Selection of what is to go, as the form sends it; all that is given must hold."""

    about: str = ""
    speaker: str = ""
    session: str = ""
    since: str = ""
    until: str = ""
    id: str = ""

    @property
    def conditions(self) -> dict[str, Any]:
        """The selection as arguments of `plan_erase`."""
        given = {name: value.strip() for name, value in self.model_dump(exclude={"id"}).items() if value.strip()}
        return {**given, **({"ids": [self.id]} if self.id else {})}


def sent_selection(
    about: FormText = "", speaker: FormText = "", session: FormText = "", since: FormText = "", until: FormText = "",
    id: FormText = "",
) -> ErasureSelection:  # fmt: skip
    """The selection that a form sends."""
    return ErasureSelection(about=about, speaker=speaker, session=session, since=since, until=until, id=id)


@router.get("/erase")
def show_plan(
    visit: ReadVisit, selection: Annotated[ErasureSelection, Query()], number: int | None = None, stale: bool = False
) -> Response:
    """The form, the plan of what is chosen, and the receipts of what was erased before."""
    plan = visit.bank.plan_erase(**selection.conditions) if selection.conditions else None
    receipts = receipts_of_bank(visit)
    return visit.show(
        "erase.html",
        "erase",
        selection=selection,
        plan=plan,
        digest=None if plan is None else digest_of(plan),
        rows=[] if plan is None else rows_with_texts(visit.bank, plan),
        receipts=receipts[:RECEIPTS_SHOWN],
        receipt=next((receipt for receipt in receipts if receipt.number == number), None),
        warning=CHANGED_TEXT if stale else None,
    )


@router.post("/erase")
def carry_out(
    visit: ErasingVisit,
    selection: Annotated[ErasureSelection, Depends(sent_selection)],
    digest: FormText,
    requested_by: FormText = "",
) -> Response:
    """Carry out a plan as it was shown; where it would be another by now, show that one."""
    path, plan = bank_path(visit.bank.name), visit.bank.plan_erase(**selection.conditions)
    receipt = None
    if hmac.compare_digest(digest.encode(), digest_of(plan).encode()):
        with suppress(StalePlanError):  # somebody wrote just now
            receipt = visit.bank.erase(plan, requested_by=requested_by.strip() or None)
    if receipt is None:
        return visit.visitor.goes_to("erase", bank=path, stale=True, **selection.model_dump())
    return visit.visitor.goes_to("erase", bank=path, number=receipt.number)


def digest_of(plan: ErasePlan) -> str:
    """A mark of all that a plan names, and of the change number for which it was made."""
    return sha256(plan.model_dump_json().encode()).hexdigest()


def rows_with_texts(bank: MemoryBank, plan: ErasePlan) -> list[tuple[PlannedMemory, Memory]]:
    """The first rows of a plan, each with its memory."""
    pairs = [(row, bank.get(row.id)) for row in plan.rows[:ROWS_SHOWN]]
    return [(row, memory) for row, memory in pairs if memory is not None]


def receipts_of_bank(visit: ReadVisit) -> list[ErasureReceipt]:
    """Receipts of this bank's erasures, newest first."""
    name = visit.bank.name
    return [receipt for receipt in reversed(visit.visitor.store.receipts(name)) if receipt.bank == name]
