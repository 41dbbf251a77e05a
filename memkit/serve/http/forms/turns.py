"""Forms of what comes in: turns, and how much is thought about at once."""

from typing import Annotated

from pydantic import Field

from memkit.serve.http.forms.basics import RequestForm, TurnInput

Turns = Annotated[list[TurnInput], Field(description="Turns, in order.")]


class TurnsRequest(RequestForm):
    """Turns to observe, or to look for."""

    turns: Turns


class ThinkRequest(RequestForm):
    """Number of exchanges that are thought about in one question; None: as the store is set."""

    batch: Annotated[int | None, Field(ge=1, strict=True)] = None


class ExtendSessionRequest(RequestForm):
    """Turns to observe as the next ones of a session."""

    session: str
    turns: Turns


class CatchUpRequest(ExtendSessionRequest):
    """A conversation that is handed in again and again; `leaving`: how many turns are not handed in again."""

    leaving: Annotated[int, Field(ge=0, strict=True)] = 0


class SessionRequest(RequestForm):
    """The session with a name; None: the bank's last."""

    session: str | None = None
