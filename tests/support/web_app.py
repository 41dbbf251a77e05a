"""A small web service: its users' memories lie in one file, which all of its workers share."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import memkit
from memkit.encoders.hashing import HashingEncoder


@asynccontextmanager
async def opened(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """One store for each worker, closed when the worker ends."""
    with memkit.open(os.environ["MEMORY"], encoder=HashingEncoder()) as store:
        yield {"store": store}


def bank_of(request: Request) -> memkit.MemoryBank:
    store: memkit.MemoryStore = request.state.store
    return store.bank("app", request.path_params["user"])


async def observe(request: Request) -> JSONResponse:
    receipt = await bank_of(request).aio.observe([memkit.Turn(**await request.json())])
    return JSONResponse({"worker": os.getpid(), "actions": [outcome.action for outcome in receipt.outcomes]})


async def recall(request: Request) -> JSONResponse:
    found = await bank_of(request).aio.recall(request.query_params["query"], k=50, min_score=0)
    return JSONResponse({"worker": os.getpid(), "texts": [hit.memory.text for hit in found]})


app = Starlette(
    routes=[
        Route("/{user}/turns", observe, methods=["POST"]),
        Route("/{user}/memories", recall),
    ],
    lifespan=opened,
)
