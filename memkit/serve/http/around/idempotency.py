"""Idempotency keys: a write that comes again under its key is answered as it was, and carried out once.

A key belongs to the token that sends it. Nothing of an answer is stored that tells what somebody said.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from memkit import errors
from memkit.access import Right
from memkit.idempotency import RequestTicket, StoredAnswer
from memkit.identifiers import bank_name
from memkit.runtime.idempotency import IdempotencyKeys
from memkit.serve.http.serve_settings import STREAM_ENDINGS

Handle = Callable[[Request], Awaitable[Response]]

KEY_HEADER = "idempotency-key"
REPLAY_HEADERS = {"Idempotent-Replayed": "true"}
VERBS_WITH_TEXT = frozenset({"session_pop", "refresh_item"})  # whose answers hold what somebody said
VERBS_OVER_BANKS = frozenset({"store_audit"})  # whose answers name memories of many banks, and so none takes them away
ERASING_VERBS = frozenset({"erase", "erase_all", "session_clear"})  # whose answers name nothing that a caller named
UNANSWERED_SECONDS = 60.0  # for which a request may go on that took too long to be answered
NOTHING_DONE_ERRORS = (
    RequestValidationError, HTTPException, errors.InputError, errors.AccessError, errors.StalePlanError,
    errors.UndoError, errors.ReadOnlyError, errors.DiskFullError, errors.BusyError, errors.UnreachableServerError,
)  # fmt: skip  # after which the same request may be carried out


def once(handle: Handle, *, verb: str, right: Right) -> Handle:
    """The handler of a verb that carries out a write with an Idempotency-Key once."""

    async def handle_once(request: Request) -> Response:
        key = request.headers.get(KEY_HEADER)
        if key is None or right == "read":
            return await handle(request)
        keys: IdempotencyKeys = request.app.state.store.idempotency
        begun = await _begin(keys, key, request, names_memories=verb not in ERASING_VERBS)
        if isinstance(begun, StoredAnswer):
            return Response(begun.text, headers=REPLAY_HEADERS, media_type="application/json")
        return await _carried_out(
            handle, request, keys, begun, is_stored=verb not in VERBS_WITH_TEXT | VERBS_OVER_BANKS
        )

    return handle_once


async def _begin(
    keys: IdempotencyKeys, key: str, request: Request, *, names_memories: bool
) -> RequestTicket | StoredAnswer:
    """The right to carry a request out, or its answer. Raises InputError and what `IdempotencyKeys.begin` does.

    `names_memories`: whether its answer may, so that an erasure takes it away.
    """
    if request.url.path.endswith(STREAM_ENDINGS):
        raise errors.InputError(
            "Idempotency-Key: a stream takes none. Send it again without: what is stored already is left as it is."
        )
    token, bank = request.state.caller.token, request.query_params.get("bank")
    whole = b"\0".join([request.url.path.encode(), request.url.query.encode(), await request.body()])
    begin: Callable[..., Any] = keys.begin
    return await run_in_threadpool(
        begin,
        key,
        caller="" if token is None else token.id,
        request=sha256(whole).digest(),
        bank=bank_name(bank) if bank is not None and names_memories else None,
        seconds=request.app.state.settings.limits.seconds_of(request.url.path) + UNANSWERED_SECONDS,
    )


async def _carried_out(
    handle: Handle, request: Request, keys: IdempotencyKeys, ticket: RequestTicket, *, is_stored: bool
) -> Response:
    """The answer of a request, which is settled; where nothing was done its key is free again."""
    try:
        response = await handle(request)
    except NOTHING_DONE_ERRORS:
        await run_in_threadpool(keys.release, ticket)
        raise
    answer = bytes(response.body).decode() if is_stored else None
    await run_in_threadpool(keys.settle, ticket, answer)
    return response
