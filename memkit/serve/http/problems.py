"""Problem details (RFC 9457): errors as answers, with the remedy; never what was given."""

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from memkit.errors import MemkitError
from memkit.serve.problem_details import ERROR_URN, PROBLEM_JSON, RETRY_AFTER_S, problem, problem_document

MAX_NAME_SHOWN = 40  # characters of a field's name
STATUS_MEANINGS: dict[int, str] = {
    400: "The body is no JSON that can be read.",
    401: "The access token is missing, unknown, expired or revoked.",
    403: "The token doesn't give the right in this bank; or the store was opened read-only.",
    404: "An id isn't in this bank.",
    409: "The bank isn't as the request expects: it changed meanwhile, or holds other content.",
    410: "The bank was moved to another database.",
    413: "The body is too large.",
    415: "The body is of another media type than this operation reads.",
    422: "A value breaks a rule.",
    429: "Too many requests; try again after `Retry-After` seconds.",
    500: "The database can't do what was asked.",
    501: "An optional package isn't installed on the server.",
    503: "Out of reach or too busy now; try again after `Retry-After` seconds.",
    504: "It took too long, and was stopped.",
    507: "No room left on the disk; nothing of this call was stored.",
}


BODY_STATUSES = (400, 413, 415)  # of requests with a body alone


def problem_responses(methods: Collection[str]) -> dict[int | str, dict[str, Any]]:
    """Problems that an operation can answer, by status, as OpenAPI documents them."""
    statuses = [status for status in STATUS_MEANINGS if "POST" in methods or status not in BODY_STATUSES]
    return {status: _problem_response(status) for status in statuses}


def _problem_response(status: int) -> dict[str, Any]:
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    response: dict[str, Any] = {"description": STATUS_MEANINGS[status], "content": content}
    if status in RETRY_AFTER_S:
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return response


class NotModified(Exception):  # noqa: N818 - no error: the answer that the caller has is still right
    """The answer is still the one that the caller has; `etag` names it."""

    def __init__(self, etag: str) -> None:
        super().__init__(etag)
        self.etag = etag


def answer_problems(app: FastAPI) -> None:
    """Make an application answer every error as a problem."""
    app.exception_handler(MemkitError)(_memkit_problem)
    app.exception_handler(RequestValidationError)(_form_problem)
    app.exception_handler(HTTPException)(_protocol_problem)
    app.exception_handler(NotModified)(_not_modified)
    app.exception_handler(ClientDisconnect)(_nobody_there)
    app.exception_handler(Exception)(_fault)


def _memkit_problem(request: Request, error: MemkitError) -> JSONResponse:
    return problem(error)


def _fault(request: Request, error: Exception) -> JSONResponse:
    """The answer to a request on which something broke; the server raises it again, and its log names the place."""
    title = HTTPStatus(500).phrase
    detail = f"{title}: a fault of memkit's own. The server's log names its place; please report it."
    headers = {"X-Request-ID": getattr(request.state, "request_id", "")}
    return problem_document("about:blank", title, 500, detail, headers)


def _protocol_problem(request: Request, error: HTTPException) -> JSONResponse:
    title = HTTPStatus(error.status_code).phrase
    detail = f"{title}. The operations are in /v1/openapi.json." if error.detail == title else error.detail
    return problem_document("about:blank", title, error.status_code, detail, error.headers)


def _form_problem(request: Request, error: RequestValidationError) -> JSONResponse:
    flaws: Sequence[Mapping[str, Any]] = error.errors()
    if any(flaw["type"] == "json_invalid" for flaw in flaws):
        return _titled(400, f"The body is no JSON that can be read: {flaws[0]['ctx']['error']}.")
    if _is_other_media_type(request, flaws):
        return _titled(415, "The body's Content-Type must be application/json.")
    broken = [{"field": _place(flaw["loc"]), "rule": _rule(flaw)} for flaw in flaws]
    detail = "; ".join(f"{flaw['field']}: {flaw['rule']}" for flaw in broken[:3])
    title = "A value given by the caller breaks a rule."
    return problem_document(f"{ERROR_URN}InputError", title, 422, f"{detail}.", errors=broken)


def _titled(status: int, detail: str) -> JSONResponse:
    return problem_document(f"{ERROR_URN}InputError", HTTPStatus(status).phrase, status, detail)


def _is_other_media_type(request: Request, flaws: Sequence[Mapping[str, Any]]) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    return has_body and not is_json and any(tuple(flaw["loc"]) == ("body",) for flaw in flaws)


def _place(location: Sequence[Any]) -> str:
    """The way to a field; a name that the caller made up isn't shown."""
    return ".".join(map(_shown, location))


def _shown(step: Any) -> str:
    if isinstance(step, int):
        return str(step)
    text = str(step)
    return text if len(text) <= MAX_NAME_SHOWN and text.isidentifier() else "(not shown)"


def _rule(flaw: Mapping[str, Any]) -> str:
    return str(flaw["msg"]).rstrip(".")


def _nobody_there(request: Request, error: ClientDisconnect) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)  # that nobody reads


def _not_modified(request: Request, answer: NotModified) -> Response:
    return Response(
        status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": answer.etag, "Cache-Control": "private, no-cache"}
    )
