"""Looking: memories as they are stored, page by page, with their history."""

from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.concurrency import run_in_threadpool
from pydantic_core import from_json

from memkit.errors import InputError
from memkit.flows.read import MAX_PAGE
from memkit.models import HistoryEntry, Kind, Memory, Order, State
from memkit.serve.http.dependencies import ReadableBank
from memkit.serve.http.entity_tags import TAGGED_ANSWERS, untag_passing
from memkit.serve.http.forms.answers import MemoryPageForm
from memkit.serve.http.forms.basics import QueryMoment
from memkit.serve.http.verb_route import verb_router

router = verb_router("looking")
MemoryId = Annotated[str, Query(description="The memory's id.", examples=["0197f2c4-8a10-7c3e-9b1d-2f4e5a6b7c8d"])]


@router.get("/bank/zone")
async def zone(bank: ReadableBank) -> str:
    """Read the IANA name of the time zone that decides what "day" means in the bank."""
    return await run_in_threadpool(lambda: bank.zone)


@router.get("/bank/get", **TAGGED_ANSWERS)
async def get(bank: ReadableBank, id: MemoryId, response: Response) -> Memory | None:
    """Read the memory of an id, whatever its state; null where there is none."""
    memory = await bank.aio.get(id)
    untag_passing(response, [memory] if memory else [])
    return memory


@router.get("/bank/list", **TAGGED_ANSWERS)
async def list_memories(
    bank: ReadableBank,
    response: Response,
    kinds: Annotated[list[Kind] | None, Query(description="Kinds of memories; without it all.")] = None,
    where: Annotated[
        str | None,
        Query(description="A filter over metadata, as a JSON object.", examples=['{"message_id": "42"}']),
    ] = None,
    after: Annotated[str | None, Query(description="The page before's `next`, or its last memory's id.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Memories of one page, at most.")] = 100,
    states: Annotated[list[State], Query(description="States of memories.")] = ["active"],  # noqa: B006
    since: Annotated[QueryMoment | None, Query(description="`since` <= occurred_at.")] = None,
    until: Annotated[QueryMoment | None, Query(description="occurred_at < `until`.")] = None,
    order: Annotated[Order, Query(description='The order; a "-" before it means the newest first.')] = "recorded_at",
) -> MemoryPageForm:
    """List memories, a page at a time."""
    page = await bank.aio.list(kinds, _filter(where), after, limit, states, since=since, until=until, order=order)
    untag_passing(response, page)
    return MemoryPageForm.of(page)


def _filter(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InputError(f'where: is no JSON ({error}). Give an object, for example {{"message_id": "42"}}.') from None
    if not isinstance(value, dict):
        raise InputError('where: is no JSON object. Give for example {"message_id": "42"}.')
    return value


@router.get("/bank/history", **TAGGED_ANSWERS)
async def history(bank: ReadableBank, id: MemoryId) -> list[HistoryEntry]:
    """Read every change of a memory, oldest first."""
    return await bank.aio.history(id)
