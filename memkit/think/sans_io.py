"""Sans-I/O: what is decided is a generator that yields what is to be asked; who asks, waits or awaits.

A generator's steps may be answered by a value or by a ThinkerError; whatever else happens closes it.
"""

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from memkit.errors import ThinkerError

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Result = TypeVar("Result")
Steps = Generator[Question, Answer, Result]
Value = TypeVar("Value")


class Run(Protocol):
    """Runs a step somewhere, and gives what it gives."""

    def __call__(self, step: Callable[[], Value], /) -> Awaitable[Value]: ...


@dataclass(frozen=True)
class Done(Generic[Result]):
    """What a generator came to."""

    result: Result


def drive(steps: Steps[Question, Answer, Result], answer: Callable[[Question], Answer]) -> Result:
    """Answer every step until the end."""
    try:
        at = advance(steps)
        while not isinstance(at, Done):
            try:
                given = answer(at)
            except ThinkerError as error:
                at = advance(steps, error=error)
            else:
                at = advance(steps, given)
        return at.result
    finally:
        steps.close()


async def adrive(
    steps: Steps[Question, Answer, Result], answer: Callable[[Question], Awaitable[Answer]], run: Run
) -> Result:
    """The same, with the answers awaited; `run` says where the steps between them run."""
    try:
        at = await run(partial(advance, steps))
        while not isinstance(at, Done):
            try:
                given = await answer(at)
            except ThinkerError as error:
                at = await run(partial(advance, steps, error=error))
            else:
                at = await run(partial(advance, steps, given))
        return at.result
    finally:
        steps.close()


async def at_once(step: Callable[[], Value]) -> Value:
    """Runs steps where the caller is: for those that only compute."""
    return step()


def advance(
    steps: Steps[Question, Answer, Result], answer: Any = None, *, error: ThinkerError | None = None
) -> Question | Done[Result]:
    """The next question, or what everything came to."""
    try:
        return steps.send(answer) if error is None else steps.throw(error)
    except StopIteration as end:
        return Done(end.value)
