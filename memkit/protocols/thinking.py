"""Protocols of what thinks: post-thinking, and the writing of summaries and portraits."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

from memkit.models import Memory
from memkit.operations import Proposal, Usage


class Task(NamedTuple):
    """A thinker's task: the turns of an exchange, and the thoughts nearest to it, the nearest first.

    `corrected`: memories that the user's own corrections among those thoughts replaced.
    """

    turns: Sequence[Memory]
    thoughts: Sequence[Memory]
    zone: str
    now: datetime
    corrected: Sequence[Memory] = ()


@runtime_checkable
class Thinker(Protocol):
    """Post-thinking (TiM, arXiv 2311.08719): proposals for an exchange and the thoughts near it."""

    @property
    def name(self) -> str: ...
    def think(self, task: Task) -> list[Proposal]:
        """Proposals for the task. Raises ThinkerError; the exchange then stays queued."""


@runtime_checkable
class TellsHeads(Protocol):
    """A thinker that can name beforehand whom an exchange is about, so that its task holds the thoughts about them."""

    def names(self, turns: Sequence[Memory]) -> Sequence[str]:
        """Names in the turns; thoughts whose metadata say "called" one of them come first in the task."""

    def heads(self, task: Task) -> Sequence[str]:
        """Head entities of the thoughts that the turns may lead to; the given task holds those about the speakers."""


@runtime_checkable
class ModelThinker(Thinker, Protocol):
    """A thinker that asks a model: its requests are counted in `usage`, and can be awaited."""

    def ask(self, task: Task, usage: Usage) -> list[Proposal]:
        """The same as `think`; counts its requests, also where it then raises."""

    async def aask(self, task: Task, usage: Usage) -> list[Proposal]:
        """The same as `ask`, awaiting the model."""


class Reflection(NamedTuple):
    """A reflector's task: a summary of a day, a week, a month ("2024-03-09", "2024-W10", "2024-03"), or a portrait.

    `lines`: what was said then, or the summaries of its parts; for a portrait, thoughts about the people.
    """

    level: str
    period: str
    lines: Sequence[str]


@runtime_checkable
class Reflector(Protocol):
    """Writes summaries and portraits (MemoryBank, arXiv 2305.10250). A Thinker may be one, too."""

    @property
    def name(self) -> str: ...
    def reflect(self, task: Reflection) -> str:
        """The text. Raises ThinkerError; the extractive summary is then taken."""


@runtime_checkable
class CountedReflector(Reflector, Protocol):
    """A reflector that asks a model: its requests are counted in `usage`, and limited by the day's budgets."""

    def write(self, task: Reflection, usage: Usage) -> str:
        """The same as `reflect`; counts its requests, also where it then raises."""
