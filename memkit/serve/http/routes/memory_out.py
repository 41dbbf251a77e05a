"""Out: what is remembered."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query
from fastapi.concurrency import run_in_threadpool

from memkit.flows.looking.upcoming import UPCOMING_SPAN
from memkit.flows.read import MIN_BUDGET
from memkit.forget.requests import ForgetRequest
from memkit.models import Memory
from memkit.recall.present.asides import StandingInstruction, UpcomingPlan
from memkit.recall.present.explanation import Explanation
from memkit.recall.present.window import Window
from memkit.serve.http.dependencies import ReadableBank, WritableBank
from memkit.serve.http.entity_tags import TAGGED_ANSWERS
from memkit.serve.http.forms.basics import QueryMoment
from memkit.serve.http.forms.recall import ExplainRequest, RecallRequest, ReinforceRequest
from memkit.serve.http.forms.recollection import RecollectionForm
from memkit.serve.http.recalling import recollection_form
from memkit.serve.http.verb_route import verb_router
from memkit.think.mood import Mood

router = verb_router("out")


@router.post("/bank/recall")
async def recall(bank: ReadableBank, request: RecallRequest) -> RecollectionForm:
    """Recall the memories that answer a question, best first; none where nothing is relevant.

    With `prompt`, the answer also has the block for a model's prompt, and what it shows is strengthened; without it,
    whoever shows memories says so by `reinforce`.
    """
    recollection = await bank.aio.recall(request.query, **request.recall_options("prompt"))
    return await run_in_threadpool(recollection_form, bank, recollection, request)


@router.post("/bank/explain")
async def explain(bank: ReadableBank, request: ExplainRequest) -> Explanation:
    """Explain why a memory is among the results of a recall with these options, or at which step it fell out."""
    return await bank.aio.explain(request.query, request.id, **request.recall_options("id"))


@router.post("/bank/reinforce")
async def reinforce(bank: WritableBank, request: ReinforceRequest) -> int:
    """Strengthen memories that were used where the server didn't see it; answers how many.

    Ids that aren't here (any more) count for nothing.
    """
    return await bank.aio.reinforce(request.ids, now=request.now)


@router.get("/bank/window")
async def window(
    bank: ReadableBank,
    budget: Annotated[int, Query(ge=MIN_BUDGET, description="Tokens of the block, by an upper bound.", examples=[400])],
    session: Annotated[str | None, Query(description="The session's name; without it the bank's last.")] = None,
) -> Window:
    """Compress the running conversation to a budget of tokens: its start, what surprised most, the newest."""
    return await bank.aio.window(budget, session=session)


@router.get("/bank/portrait", **TAGGED_ANSWERS)
async def portrait(bank: ReadableBank) -> Memory | None:
    """Read the portrait of the person, as of the last reflection; null where there is none."""
    return await bank.aio.portrait()


@router.get("/bank/mood")
async def mood(bank: ReadableBank) -> list[Mood]:
    """Read each person's mood by week (-1..1), as of the last reflection: a hint and no more."""
    return await bank.aio.mood()


@router.get("/bank/beliefs")
async def beliefs(bank: ReadableBank) -> dict[str, dict[str, list[Memory]]]:
    """Read the thoughts that are held true now, by head and relation."""
    return await bank.aio.beliefs()


@router.get("/bank/standing")
async def standing(bank: ReadableBank) -> list[StandingInstruction]:
    """Read the standing instructions that people gave, newest first, at most ten."""
    return await bank.aio.standing()


@router.get("/bank/upcoming")
async def upcoming(
    bank: ReadableBank,
    now: Annotated[QueryMoment | None, Query(description="The moment of asking.")] = None,
    within: Annotated[
        timedelta,
        Query(description="How far ahead, and how long ago, as an ISO 8601 duration.", examples=["P7D"]),
    ] = UPCOMING_SPAN,
) -> list[UpcomingPlan]:
    """Read plans, promises and appointments whose time lies ahead, in order of time; what was due lately first."""
    return await bank.aio.upcoming(now, within)


@router.get("/bank/requests")
async def requests(bank: ReadableBank) -> list[ForgetRequest]:
    """Read requests to forget that were neither carried out nor declined, oldest first, with plans as of now.

    `erase` with the request's plan carries one out; `erase` with the request's own id declines it.
    """
    return list(await bank.aio.requests())
