"""The store: its banks, questions to several of them, and its care."""

from typing import Annotated, Any

from fastapi import Query
from fastapi.concurrency import run_in_threadpool

from memkit.flows.audit import AuditReport
from memkit.flows.maintain import MaintenanceReport
from memkit.models import ErasureReceipt
from memkit.serve.http.dependencies import (
    AdminGrant,
    AdminStore,
    EraseGrant,
    PrefixPath,
    ReadGrant,
    ServedStore,
    prefix_name,
)
from memkit.serve.http.forms.erasing import EraseUnderRequest
from memkit.serve.http.forms.recall import StoreRecallRequest
from memkit.serve.http.forms.recollection import RecollectionForm
from memkit.serve.http.forms.store import AuditRequest, DoctorRequest, FlushRequest, MaintainRequest
from memkit.serve.http.verb_route import verb_router
from memkit.store import MemoryStore

router = verb_router("store")


@router.get("/store/banks")
async def banks(
    store: ServedStore,
    grant: ReadGrant,
    prefix: PrefixPath = "",
    with_items: Annotated[bool, Query(description="Only banks that hold items.")] = False,
) -> list[tuple[str, ...]]:
    """List the names of the banks there are, those that start with a prefix, in order, and that the token may read."""
    names = await run_in_threadpool(store.banks, prefix_name(prefix), with_items=with_items)
    return [name for name in names if grant.covers(name)]


@router.get("/store/receipts")
async def receipts(store: ServedStore, grant: ReadGrant, prefix: PrefixPath = "") -> list[ErasureReceipt]:
    """List the receipts of erasures, oldest first, of banks that the token may read; they hold no text."""
    listed = await run_in_threadpool(store.receipts, prefix_name(prefix))
    return [receipt for receipt in listed if grant.covers(receipt.bank)]


@router.post("/store/recall")
async def recall(store: ServedStore, grant: ReadGrant, request: StoreRecallRequest) -> RecollectionForm:
    """Ask several banks at once, by name or by prefix; each hit says which bank it is from."""
    for name in [request.under or ()] if request.banks is None else request.banks:
        grant.check(name)
    return await run_in_threadpool(_recalled, store, request)


def _recalled(store: MemoryStore, request: StoreRecallRequest) -> RecollectionForm:
    recollection = store.recall(request.query, **request.recall_options("prompt"))
    block = None if request.prompt is None else recollection.prompt(request.prompt.max_tokens)
    return RecollectionForm.of(recollection, block)


@router.post("/store/erase_all")
async def erase_all(store: ServedStore, grant: EraseGrant, request: EraseUnderRequest) -> list[ErasureReceipt]:
    """Remove all banks whose names start with `under`; `confirm` must be the same prefix. One receipt for each."""
    grant.check(request.under)
    return await run_in_threadpool(store.erase_all, **request.options())


@router.post("/store/maintain")
async def maintain(store: AdminStore, request: MaintainRequest) -> MaintenanceReport:
    """Think, reflect, fade, prune and encode for the banks that are due, for about this many seconds."""
    return await run_in_threadpool(store.maintain, request.budget_s)


@router.post("/store/audit")
async def audit(store: ServedStore, grant: AdminGrant, request: AuditRequest | None = None) -> list[AuditReport]:
    """Look for what banks should not hold: copies, contradictions, orphans, recall loops, junk; one report a bank.

    `fix` puts right what can be; each report's receipt can be undone.
    """
    asked = request or AuditRequest()
    grant.check(asked.prefix)
    return await run_in_threadpool(store.audit, **asked.options())


@router.post("/store/doctor")
async def doctor(store: AdminStore, request: DoctorRequest | None = None) -> list[str]:
    """Look for problems of the database and its indexes, one sentence each; none is healthy."""
    return await run_in_threadpool(store.doctor, **(request or DoctorRequest()).options())


@router.get("/store/stats")
async def stats(
    store: AdminStore,
    measure: Annotated[bool, Query(description="With figures of each bank's search; reads every vector.")] = False,
) -> dict[str, Any]:
    """Read figures: bytes by part, banks, memories, the thinking queue, the encoder, the caches."""
    return await run_in_threadpool(store.stats, measure=measure)


@router.post("/store/flush")
async def flush(store: AdminStore, request: FlushRequest | None = None) -> bool:
    """Wait for the vectors that follow; false where time ran out or the encoder fails."""
    return await run_in_threadpool(store.flush, (request or FlushRequest()).timeout_s)


@router.post("/store/purge")
async def purge(store: AdminStore) -> bool:
    """Drive what was erased out of the files, and look whether any byte is left; true where none is."""
    return await run_in_threadpool(store.purge)
