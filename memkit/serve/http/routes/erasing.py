"""Erasing: planned, shown, done, down to the bytes."""

from memkit.flows.fade import PruneReport
from memkit.forget.erasure_plan import ErasePlan
from memkit.models import ErasureReceipt
from memkit.serve.http.dependencies import ErasableBank, ReadableBank
from memkit.serve.http.forms.changes import DecayRequest
from memkit.serve.http.forms.erasing import EraseAllRequest, EraseRequest, PlanEraseRequest
from memkit.serve.http.verb_route import verb_router

router = verb_router("erasing")


@router.post("/bank/plan_erase")
async def plan_erase(bank: ReadableBank, request: PlanEraseRequest) -> ErasePlan:
    """Plan an erasure: the memories that would go, and those that rest on them. Nothing is removed yet."""
    return await bank.aio.plan_erase(**request.options())


@router.post("/bank/erase")
async def erase(bank: ErasableBank, request: EraseRequest) -> ErasureReceipt:
    """Remove memories for good, and everything derived from them, down to the bytes.

    Recall is then as if they had never been observed. A plan that was made before the bank changed is refused.
    """
    return await bank.aio.erase(request.plan, ids=request.ids, requested_by=request.requested_by)


@router.post("/bank/erase_all")
async def erase_all(bank: ErasableBank, request: EraseAllRequest) -> ErasureReceipt:
    """Remove the whole bank; `confirm` must be its name."""
    return await bank.aio.erase_all(confirm=request.confirm, requested_by=request.requested_by)


@router.post("/bank/prune")
async def prune(bank: ErasableBank, request: DecayRequest | None = None) -> PruneReport:
    """Erase what a rule of retention says is to be erased after its span, as `erase` does.

    With `dry_run`, only say what would go, and by which rule.
    """
    return await bank.aio.prune(**(request or DecayRequest()).options())
