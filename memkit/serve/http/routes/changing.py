"""Changing by hand: what holds now, what is kept, what is taken out of recall."""

from memkit.forget.decay import FadeReport
from memkit.models import Receipt
from memkit.serve.http.dependencies import WritableBank
from memkit.serve.http.forms.changes import (
    ChangeZoneRequest,
    DecayRequest,
    ForgetRequestForm,
    InsertRequest,
    MergeRequest,
    PinRequest,
    RenameSpeakerRequest,
    RestoreRequest,
    RewriteRequest,
    UndoRequest,
)
from memkit.serve.http.verb_route import verb_router

router = verb_router("changing")


@router.post("/bank/insert")
async def insert(bank: WritableBank, request: InsertRequest) -> Receipt:
    """Store texts (as thoughts) or memories as they are; a near copy of what is there is skipped."""
    return await bank.aio.insert(request.items)


@router.post("/bank/merge")
async def merge(bank: WritableBank, request: MergeRequest) -> Receipt:
    """Put one text in the place of several memories; sources are united, history stays."""
    return await bank.aio.merge(request.ids, request.text)


@router.post("/bank/supersede")
async def supersede(bank: WritableBank, request: RewriteRequest) -> Receipt:
    """Store what holds now and close what held before."""
    return await bank.aio.supersede(request.id, request.text)


@router.post("/bank/correct")
async def correct(bank: WritableBank, request: RewriteRequest) -> Receipt:
    """Supersede on the user's word, which outranks anything extracted."""
    return await bank.aio.correct(request.id, request.text)


@router.post("/bank/pin")
async def pin(bank: WritableBank, request: PinRequest) -> Receipt:
    """Keep a memory from fading."""
    return await bank.aio.pin(request.id, pinned=request.pinned)


@router.post("/bank/forget")
async def forget(bank: WritableBank, request: ForgetRequestForm) -> Receipt:
    """Take memories out of recall; their history stays."""
    return await bank.aio.forget(request.ids, reason=request.reason)


@router.post("/bank/restore")
async def restore(bank: WritableBank, request: RestoreRequest) -> Receipt:
    """Bring forgotten or faded memories back into recall."""
    return await bank.aio.restore(request.ids)


@router.post("/bank/undo")
async def undo(bank: WritableBank, request: UndoRequest) -> Receipt:
    """Bring back what a receipt's operations changed, all or nothing; what they added is forgotten."""
    return await bank.aio.undo(request.receipt)


@router.post("/bank/rename_speaker")
async def rename_speaker(bank: WritableBank, request: RenameSpeakerRequest) -> Receipt:
    """Give a person another name wherever the bank speaks of them.

    Their turns, and what was thought and summed up about them, go on under the new name; texts stay as they are.
    """
    return await bank.aio.rename_speaker(request.old, request.new)


@router.post("/bank/change_zone")
async def change_zone(bank: WritableBank, request: ChangeZoneRequest) -> Receipt:
    """Give the bank another IANA time zone: its days begin there from now on, also those that are past."""
    return await bank.aio.change_zone(request.zone)


@router.post("/bank/decay")
async def decay(bank: WritableBank, request: DecayRequest | None = None) -> FadeReport:
    """Archive what the forgetting curve has let go, and what is past the span of a rule of retention.

    With `dry_run`, only say what would go, and by which rule.
    """
    return await bank.aio.decay(**(request or DecayRequest()).options())
