"""Sans-I/O: a decision is a generator that yields its questions; its driver answers them, waiting or awaiting.

A question is answered by a value or by a ThinkerError; anything else that happens closes the generator.
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
    """Runs a step somewhere (in a thread, on the loop) and returns its value."""

    def __call__(self, step: Callable[[], Value], /) -> Awaitable[Value]: ...


@dataclass(frozen=True)
class Done(Generic[Result]):
    """Result of a generator that has ended."""

    result: Result


def drive(steps: Steps[Question, Answer, Result], answer: Callable[[Question], Answer]) -> Result:
    """Answer every step until the end."""
    try:
        step = advance(steps)
        while not isinstance(step, Done):
            try:
                reply = answer(step)
            except ThinkerError as error:
                step = advance(steps, error=error)
            else:
                step = advance(steps, reply)
        return step.result
    finally:
        steps.close()


async def adrive(
    steps: Steps[Question, Answer, Result], answer: Callable[[Question], Awaitable[Answer]], run: Run
) -> Result:
    """The same, with the answers awaited; `run` says where the steps between them run."""
    try:
        step = await run(partial(advance, steps))
        while not isinstance(step, Done):
            try:
                reply = await answer(step)
            except ThinkerError as error:
                step = await run(partial(advance, steps, error=error))
            else:
                step = await run(partial(advance, steps, reply))
        return step.result
    finally:
        steps.close()


async def at_once(step: Callable[[], Value]) -> Value:
    """Runs steps where the caller is: for those that only compute."""
    return step()


def advance(
    steps: Steps[Question, Answer, Result], answer: Any = None, *, error: ThinkerError | None = None
) -> Question | Done[Result]:
    """The next question, or the result."""
    try:
        return steps.send(answer) if error is None else steps.throw(error)
    except StopIteration as end:
        return Done(end.value)
