"""Errors that memkit raises in a route, answered as problem details."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from memkit.errors import MemkitError
from memkit.serve.problem_details import problem_response


def problem(request: Request, error: Exception) -> JSONResponse:
    """The answer to a request on which memkit raised an error."""
    if not isinstance(error, MemkitError):
        raise error
    return problem_response(error)


def answer_problems(app: FastAPI) -> None:
    """Make an application answer memkit's errors as problems."""
    app.add_exception_handler(MemkitError, problem)
