"""In: what people say, and what it means."""

from memkit.forget.requests import ThinkingReceipt
from memkit.models import Memory, Receipt
from memkit.serve.http.dependencies import ReadableBank, WritableBank
from memkit.serve.http.forms.basics import given
from memkit.serve.http.forms.turns import ThinkRequest, TurnsRequest
from memkit.serve.http.verb_route import verb_router

router = verb_router("in")


@router.post("/bank/observe")
async def observe(bank: WritableBank, request: TurnsRequest) -> Receipt:
    """Store turns: filtered, cut into episodes, encoded, and searchable when this is answered.

    One bad turn does not reject its batch: the receipt has an outcome for each input, in order. Where none of them
    could be taken, the first one's error is the answer.
    """
    return await bank.aio.observe(given(request.turns))


@router.post("/bank/repeated")
async def repeated(bank: ReadableBank, request: TurnsRequest) -> list[Memory]:
    """Look for the stored turn that the last of these says again, and what came after it.

    Empty where it is new. An answer with its id as `reply_to` takes the place of those before.
    """
    return await bank.aio.repeated(bank.read(given(request.turns)))


@router.post("/bank/think")
async def think(bank: WritableBank, request: ThinkRequest | None = None) -> ThinkingReceipt:
    """Turn the exchanges observed since the last time into thoughts.

    An exchange on which the thinker fails stays queued. What people asked to have forgotten is closed, and `requests`
    proposes for each to erase it.
    """
    return await bank.aio.think(batch=request.batch if request else None)


@router.post("/bank/reflect")
async def reflect(bank: WritableBank) -> Receipt:
    """Sum up the days that grew, their weeks and months, and draw the portrait again.

    What is up to date costs nothing.
    """
    return await bank.aio.reflect()
