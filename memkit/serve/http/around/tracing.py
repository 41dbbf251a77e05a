"""Spans of OpenTelemetry through its API alone: without an SDK that the user sets up, nothing is measured or sent."""

import functools
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memkit.models import Receipt
from memkit.serve.http.around.watching import verb_of
from memkit.serve.http.forms.recollection import RecollectionForm

FASTAPI_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}  # holds queries
P = ParamSpec("P")
T = TypeVar("T")


def traced(endpoint: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """An endpoint that notes in its request's span what came of it: the bank's change, and how many of what."""

    @functools.wraps(endpoint)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        answer = await endpoint(*args, **kwargs)
        span = trace.get_current_span()
        if span.is_recording():
            span.set_attributes(counts_of(answer))
        return answer

    return call


def counts_of(answer: object) -> dict[str, int]:
    """Numbers of an answer: of a receipt the change and its outcomes by action, else how many memories there are."""
    if isinstance(answer, Receipt):
        actions = Counter(outcome.action for outcome in answer.outcomes)
        return {"memkit.change": answer.change, **{f"memkit.outcomes.{name}": n for name, n in actions.items()}}
    if isinstance(answer, RecollectionForm):
        return {"memkit.results": len(answer.hits)}
    return {"memkit.results": len(answer)} if isinstance(answer, list) else {}


class Trace:
    """ASGI middleware that makes a span of each request, below the caller's: verb and status, never text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on within its span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tracer, context, status = trace.get_tracer("memkit"), extract(Headers(scope=scope)), 500  # without an answer

        async def send_traced(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with tracer.start_as_current_span(
            "request", context, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                await self._app(scope, receive, send_traced)
            finally:
                span.update_name(verb_of(scope))
                span.set_attributes({"memkit.verb": verb_of(scope), "http.response.status_code": status})
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))
