"""Route of a verb: named after its path, described by its docstring, strict about what it is given."""

import json
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, get_args, get_origin

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic_core import from_json

from memkit.access import Right
from memkit.serve.http.around.idempotency import once
from memkit.serve.http.around.tracing import traced
from memkit.serve.http.dependencies import BankWith, GrantOf, StoreWith
from memkit.serve.http.problems import problem_responses

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


KEPT_BY_NOBODY, KEPT_BY_ONE = "no-store", "private, no-cache"  # by caches: what people said is theirs alone


class StrictRequest(Request):
    """A request whose body is read as JSON alone: no NaN, no lone surrogates, no other encoding than UTF-8."""

    async def json(self) -> Any:
        """The body's value. Raises JSONDecodeError."""
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None


class VerbRoute(APIRoute):
    """A verb over HTTP. `/bank/recall` is the operation `recall`, `/store/recall` is `store_recall`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        summary, _, rest = (endpoint.__doc__ or "").strip().partition("\n")
        options["summary"] = options.get("summary") or summary
        options["description"] = options.get("description") or rest.strip() or summary
        options["operation_id"] = options.get("operation_id") or _operation(path)
        options["responses"] = problem_responses(options["methods"]) | (options.get("responses") or {})
        super().__init__(path, traced(endpoint), **options)
        self.openapi_extra = {"x-right": _right_of(self.dependant), **(self.openapi_extra or {})}

    def get_route_handler(self) -> Handler:
        """The handler, behind a check of the query's names, before one of caches."""
        handle = super().get_route_handler()
        fields = [field for part in _every_part(self.dependant) for field in part.query_params]
        single = {field.alias: not _is_list(field.field_info.annotation) for field in fields}

        async def handle_strictly(request: Request) -> Response:
            _refuse_unread(request, single)
            response = await handle(request)
            response.headers["Cache-Control"] = KEPT_BY_ONE if "etag" in response.headers else KEPT_BY_NOBODY
            return response

        handle_once = once(handle_strictly, verb=str(self.operation_id), right=_right_of(self.dependant))

        async def handle_json(request: Request) -> Response:
            return await handle_once(StrictRequest(request.scope, request.receive))

        return handle_json


def _every_part(dependant: Dependant) -> Iterator[Dependant]:
    """An endpoint, and all that it depends on, at any depth."""
    yield dependant
    for part in dependant.dependencies:
        yield from _every_part(part)


def _right_of(dependant: Dependant) -> Right:
    """The right that a caller needs, as the endpoint's dependencies say it."""
    calls = [part.call for part in _every_part(dependant)]
    [right] = {call.right for call in calls if isinstance(call, BankWith | StoreWith | GrantOf)}
    return right


def _operation(path: str) -> str:
    room, _, verb = path.strip("/").partition("/")
    return f"store_{verb}" if room == "store" else verb


def _is_list(kind: Any) -> bool:
    """Whether a parameter of a type has many values: a list, or nothing."""
    return list in {get_origin(part) for part in (kind, *get_args(kind))}


def _refuse_unread(request: Request, single: Mapping[str, bool]) -> None:
    """Raise RequestValidationError for parameters that would be ignored in silence: unknown ones, and all but the last.

    `single`: for each parameter, whether it has one value.
    """
    counts = Counter(name for name, _ in request.query_params.multi_items())
    rules = {name: _broken_rule(name, count, single) for name, count in counts.items()}
    flaws = [{"type": "value_error", "loc": ("query", name), "msg": rule} for name, rule in rules.items() if rule]
    if flaws:
        raise RequestValidationError(flaws)


def _broken_rule(name: str, count: int, single: Mapping[str, bool]) -> str:
    if name not in single:
        return f"is no parameter; known are {', '.join(sorted(single)) or 'none'}"
    return "comes twice, and has one value" if single[name] and count > 1 else ""


def verb_router(tag: str) -> APIRouter:
    """A router of a group of verbs."""
    return APIRouter(tags=[tag], route_class=VerbRoute)
