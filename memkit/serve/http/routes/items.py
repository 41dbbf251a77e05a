"""Items: values by key."""

from typing import Annotated

from fastapi import Query

from memkit.items import Item
from memkit.models import Receipt
from memkit.serve.http.dependencies import ReadableBank, WritableBank
from memkit.serve.http.forms.items import KeyRequest, PutManyRequest
from memkit.serve.http.verb_route import verb_router

router = verb_router("items")


@router.get("/bank/get_item")
async def get_item(
    bank: ReadableBank, key: Annotated[str, Query(description="The item's key.", examples=["note/1"])]
) -> Item | None:
    """Read the item of a key; null where there is none (any more)."""
    return await bank.aio.get_item(key)


@router.post("/bank/refresh_item")
async def refresh_item(bank: WritableBank, request: KeyRequest) -> Item | None:
    """Read the item of a key, whose time begins anew."""
    return await bank.aio.get_item(request.key, refresh=True)


@router.post("/bank/put_many")
async def put_many(bank: WritableBank, request: PutManyRequest) -> Receipt:
    """Put many items, then delete some keys: all or nothing, at once.

    Each takes the place of an earlier value, of which nothing is kept.
    """
    puts = [item.as_fields() for item in request.puts]
    return await bank.aio.put_many(puts, **request.options("puts"))


@router.post("/bank/delete_item")
async def delete_item(bank: WritableBank, request: KeyRequest) -> Receipt:
    """Remove an item, if it is there; leaves no receipt of erasure."""
    return await bank.aio.delete_item(request.key)
