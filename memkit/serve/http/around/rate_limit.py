"""The limit of requests a second, for each token: nobody takes the server from the others."""

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from memkit.errors import RateLimitError
from memkit.serve.problem_details import problem

BURST_SECONDS = 2.0  # of the rate, that may come at once


class TokenRate:
    """A rate that each of several callers may hold (the generic cell rate algorithm of ITU-T I.371).

    Of a caller is remembered only until when their requests so far would take at the rate.
    """

    def __init__(self, per_second: float, burst_seconds: float = BURST_SECONDS) -> None:
        self._interval, self._burst_seconds = 1 / per_second, burst_seconds
        self._taken_until: dict[str | None, float] = {}

    def wait(self, caller: str | None, now: float) -> float:
        """Seconds until a caller may send a request; 0 takes one."""
        taken_until = max(self._taken_until.get(caller, now), now)
        seconds = taken_until + self._interval - now - max(self._burst_seconds, self._interval)
        if seconds <= 0:
            self._taken_until[caller] = taken_until + self._interval
        return max(seconds, 0.0)


class RateLimit:
    """ASGI middleware, behind the guard, that refuses what a token sends above its rate."""

    def __init__(self, app: ASGIApp, per_second: float) -> None:
        self._app, self._per_second, self._rate = app, per_second, TokenRate(per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer when it may come again."""
        caller = scope.get("state", {}).get("caller")
        token = None if caller is None or caller.token is None else caller.token.id
        seconds = 0.0 if caller is None else self._rate.wait(token, time.monotonic())
        if seconds > 0:
            await problem(self._refusal(seconds))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, seconds: float) -> RateLimitError:
        return RateLimitError(
            f"More than {self._per_second:g} requests a second came with this token; nothing was begun. "
            "Send fewer, or start the server with a higher --rate.",
            retry_after=seconds,
        )
