"""Cutting a stream of turns into sessions, episodes (HCAM's chunks) and exchanges. Pure: values in, values out.

A session is what the caller names so, or a run of turns without long gaps; its episodes are runs of at most
`episode_turns` turns; an exchange is what is thought about at once: the turns up to a reply, or until it is
idle. Numbers of new sessions and episodes are those that a new seq would have: they are free.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from memkit.models import Placement
from memkit.operations import CloseExchange, Enqueue
from memkit.protocols import Position
from memkit.settings import ObserveSettings

UNNAMED_PREFIX = "@"  # starts the label of a session that the caller did not name
MAX_UNNAMED_SESSIONS = 4  # unnamed sessions that stay open for turns whose times are out of order

QueueOperation = Enqueue | CloseExchange


class TurnOutline(NamedTuple):
    """A turn's outline for the cutter. `quiet` ones (no words, an echo) are not thought about."""

    id: str
    at: datetime
    length: int  # characters
    role: str | None = None
    session: str | None = None  # the caller's name of the conversation
    quiet: bool = False


class Cut(NamedTuple):
    """The place of a turn, and the label of its session."""

    placement: Placement
    label: str


@dataclass
class OpenSession:
    """A session that still takes turns: where its next one may join."""

    session: int
    episode: int
    label: str | None
    at: datetime  # the latest of its turns
    turns: int = 0  # of the open episode
    characters: int = 0
    exchange: int | None = None  # a queued exchange that still takes turns
    exchange_ids: tuple[str, ...] = ()  # turns that this batch adds to it
    exchange_turns: int = 0
    since: datetime | None = None  # the earliest of the turns that this batch saw

    @classmethod
    def of(cls, position: Position) -> "OpenSession":
        """The session that a bank's last turn lies in."""
        return cls(
            session=position.session,
            episode=position.episode,
            label=position.label,
            at=position.at,
            turns=position.episode_turns,
            characters=position.episode_characters,
            exchange=position.exchange,
            exchange_turns=position.exchange_turns,
        )

    def distance(self, at: datetime) -> timedelta:
        """The time between a moment and the session; nothing where it lies inside."""
        return max((self.since or self.at) - at, at - self.at, timedelta())


def unnamed_label(at: datetime) -> str:
    """The label of a session that the caller did not name, by the moment of its first turn."""
    return f"{UNNAMED_PREFIX}{at.isoformat(timespec='minutes')}"


def joins_session(open: OpenSession, at: datetime, settings: ObserveSettings) -> bool:
    """Whether a turn without a session of its own belongs to the open one, by the time between."""
    return open.distance(at) <= settings.session_gap


def next_placement(open: OpenSession, length: int, at: datetime, number: int, settings: ObserveSettings) -> Placement:
    """The place of the next turn in an open session, which moves on by it.

    `number` becomes the episode's where the open one is full, or where much time has passed.
    """
    full = open.turns >= settings.episode_turns or open.characters + length > settings.episode_characters
    if open.turns and (full or not joins_session(open, at, settings)):
        open.episode = number
        open.turns = open.characters = 0
    open.turns += 1
    open.characters += length
    open.since = min(at, open.since or open.at)
    open.at = max(at, open.at)
    return Placement(open.session, open.episode)


class Cutter:
    """Places the turns of one batch, in the order in which they come; labels may interleave.

    `last`: the position of the bank's last turn; `find(label)`: that of a named session's last turn;
    `number`: the highest seq so far.
    """

    def __init__(
        self, settings: ObserveSettings, *, last: Position | None, find: Callable[[str], Position | None], number: int
    ) -> None:
        self._settings, self._find, self._number = settings, find, number
        self._named: dict[str, OpenSession] = {}
        self._unnamed: list[OpenSession] = []  # the one used last comes last
        self._queue: list[QueueOperation] = []
        if last is not None and (last.label or "").startswith(UNNAMED_PREFIX):
            self._unnamed.append(OpenSession.of(last))
        elif last is not None and last.label is not None:
            self._named[last.label] = OpenSession.of(last)

    def cut(self, piece: TurnOutline) -> Cut:
        """The place of the next turn, which is as well queued for thinking unless it is quiet."""
        self._number += 1
        open = self._session(piece)
        self._end_idle(open, piece.at)
        placement = next_placement(open, piece.length, piece.at, self._number, self._settings)
        if not piece.quiet:
            self._enqueue(open, piece)
        return Cut(placement, open.label or "")

    def queue(self) -> list[QueueOperation]:
        """Changes of the thinking queue by this batch; exchanges without an end stay open. Call once."""
        for open in (*self._named.values(), *self._unnamed):
            self._send(open, closed=False)
        return self._queue

    def _session(self, piece: TurnOutline) -> OpenSession:
        if piece.session is not None:
            return self._named_session(piece.session, piece.at)
        near = min(reversed(self._unnamed), key=lambda open: open.distance(piece.at), default=None)
        if near is None or not joins_session(near, piece.at, self._settings):
            for other in self._unnamed:
                self._end_idle(other, piece.at)
            near = OpenSession(self._number, self._number, unnamed_label(piece.at), piece.at)
        self._unnamed = [*(other for other in self._unnamed if other is not near), near]  # the last used
        if len(self._unnamed) > MAX_UNNAMED_SESSIONS:
            self._close(self._unnamed.pop(0))
        return near

    def _named_session(self, label: str, at: datetime) -> OpenSession:
        if label not in self._named:
            position = self._find(label)
            new = OpenSession(self._number, self._number, label, at)
            self._named[label] = new if position is None else OpenSession.of(position)
        return self._named[label]

    def _end_idle(self, open: OpenSession, at: datetime) -> None:
        if open.exchange_turns and at - open.at > self._settings.exchange_idle:
            self._close(open)

    def _enqueue(self, open: OpenSession, piece: TurnOutline) -> None:
        open.exchange_ids += (piece.id,)
        open.exchange_turns += 1
        replied = piece.role == "assistant" and open.exchange_turns > 1
        if replied or open.exchange_turns >= self._settings.exchange_turns:
            self._send(open, closed=True)

    def _close(self, open: OpenSession) -> None:
        if open.exchange_ids:
            self._send(open, closed=True)
        elif open.exchange is not None:
            self._queue.append(CloseExchange(open.exchange))
        open.exchange, open.exchange_turns = None, 0

    def _send(self, open: OpenSession, *, closed: bool) -> None:
        if open.exchange_ids:
            self._queue.append(Enqueue(open.session, open.exchange_ids, closed, open.at, open.exchange))
        open.exchange, open.exchange_ids, open.exchange_turns = None, (), 0
