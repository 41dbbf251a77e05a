"""The limit of time until an answer begins. What a thread has begun can't be interrupted: it goes on, unanswered."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memkit.errors import TimeLimitError
from memkit.serve.problem_details import problem


class TimeLimit:
    """ASGI middleware that answers for a request that takes too long. `seconds_of` says how long a path may take."""

    def __init__(self, app: ASGIApp, seconds_of: Callable[[str], float]) -> None:
        self._app, self._seconds_of = app, seconds_of
        self._unanswered = set[asyncio.Task[None]]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; answer it where its time is over before its answer began."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seconds, answer = self._seconds_of(scope["path"]), FirstAnswer(send)
        work = asyncio.ensure_future(self._app(scope, receive, answer.send))
        try:
            await asyncio.wait([work, answer.begun], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if work.done() or answer.begun.done():
                await work
                return
        except asyncio.CancelledError:
            work.cancel()
            raise
        answer.is_over = True
        self._let_go_on(work)
        await problem(_refusal(seconds))(scope, receive, send)

    def _let_go_on(self, work: "asyncio.Task[None]") -> None:
        """Keep a task to its end; whether it fails then, nobody is there to hear."""
        self._unanswered.add(work)
        work.add_done_callback(self._unanswered.discard)
        work.add_done_callback(lambda done: done.cancelled() or done.exception())


class FirstAnswer:
    """A request's answer; once it `is_over`, somebody else has given one, and what comes is dropped."""

    def __init__(self, send: Send) -> None:
        self._send, self.is_over = send, False
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def send(self, message: Message) -> None:
        """Send a part of the answer on."""
        if self.is_over:
            return
        if not self.begun.done():
            self.begun.set_result(None)
        await self._send(message)


def _refusal(seconds: float) -> TimeLimitError:
    return TimeLimitError(
        f"No answer within {seconds:g} s. What was begun goes on, and may yet be stored: send the same request again "
        "with its Idempotency-Key to learn its answer, or start the server with more --request-seconds."
    )
