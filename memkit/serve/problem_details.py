"""Problem details (RFC 9457): memkit's errors as answers over HTTP, with the remedy that their messages hold."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from starlette.responses import JSONResponse

from memkit import errors

PROBLEM_JSON = "application/problem+json"
BEARER_CHALLENGE = {"WWW-Authenticate": "Bearer"}
STATUS_BY_ERROR: dict[type[errors.MemkitError], int] = {
    errors.UnauthenticatedError: 401,
    errors.ForbiddenError: 403,
    errors.UnknownMemoryError: 404,
    errors.ConflictError: 409,
    errors.StalePlanError: 409,
    errors.UndoError: 409,
    errors.RequestInProgressError: 409,
    errors.RequestTooLargeError: 413,
    errors.InputError: 422,
    errors.IdempotencyKeyError: 422,
    errors.RateLimitError: 429,
    errors.StorageError: 503,
    errors.OverloadedError: 503,
    errors.TimeLimitError: 504,
    errors.MemkitError: 500,
}


def problem_response(error: errors.MemkitError) -> JSONResponse:
    """The answer to a request on which memkit raised an error."""
    status = status_of(error)
    return JSONResponse(problem_document(error, status), status, headers_of(error), media_type=PROBLEM_JSON)


def problem_document(error: errors.MemkitError, status: int) -> dict[str, Any]:
    """An error as the members of a problem; `type` names its class, which a client raises again."""
    kind = type(error)
    title = (kind.__doc__ or kind.__name__).strip().splitlines()[0]
    return {"type": f"urn:memkit:{kind.__name__}", "title": title, "status": status, "detail": str(error)}


def status_of(error: errors.MemkitError) -> int:
    """The status of an error's answer: that of the nearest of its classes."""
    return next(STATUS_BY_ERROR[base] for base in type(error).__mro__ if base in STATUS_BY_ERROR)


def headers_of(error: errors.MemkitError) -> Mapping[str, str]:
    """Headers that an error's answer has beside its problem: how to sign in, when to come again."""
    if isinstance(error, errors.UnauthenticatedError):
        return BEARER_CHALLENGE
    if isinstance(error, errors.RequestError) and error.retry_after is not None:
        return {"Retry-After": str(ceil(error.retry_after))}
    return {}
