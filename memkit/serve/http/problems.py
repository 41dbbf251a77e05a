"""Problem details (RFC 9457): memkit's errors as answers, with the remedy that their messages hold."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from memkit import errors

PROBLEM_JSON = "application/problem+json"
STATUS_BY_ERROR: dict[type[errors.MemkitError], int] = {
    errors.UnauthenticatedError: 401,
    errors.ForbiddenError: 403,
    errors.UnknownMemoryError: 404,
    errors.ConflictError: 409,
    errors.StalePlanError: 409,
    errors.UndoError: 409,
    errors.InputError: 422,
    errors.StorageError: 503,
    errors.MemkitError: 500,
}


def problem(request: Request, error: Exception) -> JSONResponse:
    """The answer to a request on which memkit raised an error."""
    kind = type(error)
    status = next(STATUS_BY_ERROR[base] for base in kind.__mro__ if base in STATUS_BY_ERROR)
    title = (kind.__doc__ or kind.__name__).strip().splitlines()[0]
    document = {"type": f"urn:memkit:{kind.__name__}", "title": title, "status": status, "detail": str(error)}
    return JSONResponse(document, status, media_type=PROBLEM_JSON)


def answer_problems(app: FastAPI) -> None:
    """Make an application answer memkit's errors as problems."""
    app.add_exception_handler(errors.MemkitError, problem)
