"""The limit of requests at work: beyond it one is refused at once, instead of all growing slow."""

from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from memkit.errors import OverloadedError
from memkit.serve.guard import route_path
from memkit.serve.problem_details import problem

RETRY_SECONDS = 1.0


class WorkLimit:
    """ASGI middleware that lets in so many requests at once; those to `free_paths` always."""

    def __init__(self, app: ASGIApp, limit: int, *, free_paths: Collection[str] = ()) -> None:
        self._app, self._limit, self._free_paths = app, limit, free_paths
        self.at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that it may come again."""
        if scope["type"] != "http" or route_path(scope) in self._free_paths:
            await self._app(scope, receive, send)
        elif self.at_work >= self._limit:
            await problem(self._refusal())(scope, receive, send)
        else:
            await self._work(scope, receive, send)

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.at_work += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.at_work -= 1

    def _refusal(self) -> OverloadedError:
        return OverloadedError(
            f"{self._limit} requests are at work, as many as this server takes; none more is begun. Come again.",
            retry_after=RETRY_SECONDS,
        )
