"""Conversations to evaluate, and questions whose evidence is known."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal

from memkit.models import Turn
from memkit.times import as_utc

Unit = Literal["turn", "session"]


@dataclass(frozen=True)
class Question:
    """A question and the ids of what answers it: turns, or sessions where the conversation is scored by them.

    `asked_after`: how many turns were heard when it was asked, None for all; what comes later may not be
    known. `asked_at`: the moment of asking, None for the conversation's end. `wordings`: the same question
    in other words.
    """

    id: str
    text: str
    evidence: frozenset[str]
    category: str = "all"
    asked_after: int | None = None
    asked_at: datetime | None = None
    wordings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conversation:
    """Turns in order, each with an id, a session and a time; and what is asked about them.

    `unknown`: questions that nothing in it answers.
    """

    name: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...] = ()
    unit: Unit = "turn"
    unknown: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        """For each turn, the id that evidence names: its own, or its session's."""
        return tuple(str(turn.id if self.unit == "turn" else turn.session) for turn in self.turns)

    @cached_property
    def sessions(self) -> dict[str, str]:
        """Sessions by the id of their turns."""
        return {str(turn.id): str(turn.session) for turn in self.turns}

    @cached_property
    def end(self) -> datetime:
        """A minute after the last turn."""
        return max(turn_time(turn) for turn in self.turns) + timedelta(minutes=1)

    def unfolding(self) -> list[tuple[int, Question]]:
        """Questions in the order in which they are asked, each with the number of turns heard by then."""
        return sorted(
            [(len(self.turns) if q.asked_after is None else q.asked_after, q) for q in self.questions],
            key=lambda case: case[0],
        )


def turn_time(turn: Turn) -> datetime:
    """Time of a turn in UTC; readers of conversation files see to it that there is one."""
    return as_utc(turn.at if turn.at is not None else 0)
