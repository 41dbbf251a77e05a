"""Sessions: one conversation's turns, read, appended to and cleared."""

from typing import Annotated

from fastapi import Query

from memkit.models import Memory, Receipt
from memkit.serve.http.dependencies import ErasableBank, ReadableBank, WritableBank
from memkit.serve.http.forms.basics import given
from memkit.serve.http.forms.turns import CatchUpRequest, ExtendSessionRequest, SessionRequest
from memkit.serve.http.verb_route import verb_router

router = verb_router("sessions")


@router.get("/bank/session")
async def session(
    bank: ReadableBank,
    session: Annotated[str | None, Query(description="The session's name; without it the bank's last.")] = None,
    last: Annotated[int | None, Query(ge=1, description="How many of the newest turns; without it all.")] = None,
) -> list[Memory]:
    """Read a session's turns, in order."""
    return await bank.aio.session(session).last(last)


@router.post("/bank/session_extend")
async def session_extend(bank: WritableBank, request: ExtendSessionRequest) -> Receipt:
    """Observe turns as the next ones of a session."""
    return await bank.aio.session(request.session).extend(given(request.turns))


@router.post("/bank/session_catch_up")
async def session_catch_up(bank: WritableBank, request: CatchUpRequest) -> Receipt:
    """Observe what is new of a conversation that is handed in again and again, whole or its last part.

    The receipt has an outcome for each turn: what is known is "skipped", and so is what was erased.
    """
    return await bank.aio.session(request.session).catch_up(given(request.turns), leaving=request.leaving)


@router.post("/bank/session_pop")
async def session_pop(bank: ErasableBank, request: SessionRequest | None = None) -> Memory | None:
    """Erase the last turn with all that rests on it, and give it back; null where there is none."""
    try:
        return await bank.aio.session(request.session if request else None).pop()
    except IndexError:
        return None


@router.post("/bank/session_clear")
async def session_clear(bank: ErasableBank, request: SessionRequest | None = None) -> int:
    """Erase all turns of a session with all that rests on them; answers how many there were."""
    return await bank.aio.session(request.session if request else None).clear()
