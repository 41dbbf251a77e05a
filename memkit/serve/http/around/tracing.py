"""Spans of OpenTelemetry through its API alone: without an SDK that the user sets up, nothing is measured or sent."""

from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memkit.serve.http.around.watching import verb_of


class Trace:
    """ASGI middleware that makes a span of each request, below the caller's: verb and status, never text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on within its span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tracer, context = trace.get_tracer("memkit"), extract(Headers(scope=scope))
        with tracer.start_as_current_span(
            "request", context, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:

            async def send_traced(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            try:
                await self._app(scope, receive, send_traced)
            finally:
                span.update_name(verb_of(scope))
                span.set_attribute("memkit.verb", verb_of(scope))
