"""In: what people say, and what it means."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from memkit.models import Receipt
from memkit.serve.http.dependencies import WritableBank

router = APIRouter(tags=["in"])


class ObserveRequest(BaseModel):
    """Turns to observe."""

    turns: list[Any]


@router.post("/bank/observe", operation_id="observe")
async def observe(bank: WritableBank, request: ObserveRequest) -> Receipt:
    """Store turns: filtered, cut into episodes, encoded, and searchable when this is answered."""
    return await bank.aio.observe(request.turns)
