"""Doubles for users' tests: a clock that stands still, a scripted thinker."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from memkit.operations import Proposal
from memkit.protocols import Task


class FrozenClock:
    """A clock that stands still until it is moved: `memkit.open(..., clock=FrozenClock(moment))`."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Move on (or back)."""
        self.now += by


class ScriptedThinker:
    """A thinker that answers with given proposals, one list for each call; an exception in the script is raised."""

    name = "scripted"

    def __init__(self, script: Sequence[Sequence[Proposal] | Exception]) -> None:
        self._script = list(script)
        self.tasks: list[Task] = []

    def think(self, task: Task) -> list[Proposal]:
        """The next answer of the script; no proposals after its end."""
        self.tasks.append(task)
        answer = self._script.pop(0) if self._script else []
        if isinstance(answer, Exception):
            raise answer
        return list(answer)
