"""Problem details (RFC 9457): memkit's errors as answers over HTTP, with the remedy that their messages hold."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

from starlette.responses import JSONResponse

from memkit import errors

PROBLEM_JSON = "application/problem+json"
ERROR_URN = "urn:memkit:"
STATUS_BY_ERROR: dict[type[errors.MemkitError], int] = {
    errors.UnauthenticatedError: 401,
    errors.ForbiddenError: 403,
    errors.ReadOnlyError: 403,
    errors.UnknownMemoryError: 404,
    errors.ConflictError: 409,
    errors.StalePlanError: 409,
    errors.UndoError: 409,
    errors.BankGoneError: 409,
    errors.RequestInProgressError: 409,
    errors.UnsettledRequestError: 409,
    errors.AnswerGoneError: 409,
    errors.BankMovedError: 410,
    errors.RequestTooLargeError: 413,
    errors.InputError: 422,
    errors.IdempotencyKeyError: 422,
    errors.RateLimitError: 429,
    errors.MissingExtraError: 501,
    errors.OverloadedError: 503,
    errors.BusyError: 503,
    errors.UnreachableServerError: 503,
    errors.UnsettledError: 503,
    errors.ClosedError: 503,
    errors.EncoderMismatchError: 500,
    errors.EncoderError: 503,
    errors.SurprisalError: 503,
    errors.ThinkerError: 503,
    errors.TimeLimitError: 504,
    errors.DiskFullError: 507,
    errors.MemkitError: 500,
}
RETRY_AFTER_S: dict[int, int] = {429: 1, 503: 1}  # seconds, by status


def status_of(error: errors.MemkitError) -> int:
    """The status that answers an error: that of its class, or of the nearest base."""
    return next(STATUS_BY_ERROR[base] for base in type(error).__mro__ if base in STATUS_BY_ERROR)


def problem(error: errors.MemkitError, **more: Any) -> JSONResponse:
    """The answer to a request on which memkit raised an error; `type` names its class, which a client raises again."""
    kind = type(error)
    title = (kind.__doc__ or kind.__name__).strip().splitlines()[0]
    retry_after = error.retry_after if isinstance(error, errors.RequestError) else None
    headers = {} if retry_after is None else {"Retry-After": str(ceil(retry_after))}
    return problem_document(f"{ERROR_URN}{kind.__name__}", title, status_of(error), str(error), headers, **more)


def problem_document(
    type: str, title: str, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """A problem as an answer, with the headers that belong to its status."""
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    if status in RETRY_AFTER_S:
        all_headers.setdefault("Retry-After", str(RETRY_AFTER_S[status]))
    if status == HTTPStatus.UNAUTHORIZED:
        all_headers.setdefault("WWW-Authenticate", "Bearer")
    document = {"type": type, "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(document, status, headers=all_headers, media_type=PROBLEM_JSON)
