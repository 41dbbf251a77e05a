"""Errors that memkit raises in a route, answered as problem details."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from memkit.errors import MemkitError
from memkit.serve.problem_details import problem


def answer_problems(app: FastAPI) -> None:
    """Make an application answer memkit's errors as problems."""
    app.exception_handler(MemkitError)(_memkit_problem)


def _memkit_problem(request: Request, error: MemkitError) -> JSONResponse:
    return problem(error)
