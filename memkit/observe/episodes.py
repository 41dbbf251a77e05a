"""Cutting a stream of turns into sessions, episodes (HCAM's chunks) and exchanges. Pure: positions in, places out."""

from dataclasses import dataclass
from datetime import datetime

from memkit.models import Placement
from memkit.protocols import Position
from memkit.settings import ObserveSettings


@dataclass
class Open:
    """The session that a stream is in: where its next turn may join."""

    session: int
    episode: int
    label: str | None
    at: datetime
    turns: int = 0  # of the open episode
    characters: int = 0
    exchange: int | None = None  # a queued exchange that still takes turns
    exchange_ids: tuple[str, ...] = ()  # turns that this batch adds to it
    exchange_turns: int = 0

    @classmethod
    def of(cls, position: Position) -> "Open":
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


def joins(open: Open, at: datetime, settings: ObserveSettings) -> bool:
    """Whether a turn without a session of its own belongs to the open one, by the time between."""
    return abs(at - open.at) <= settings.session_gap


def placed(open: Open, length: int, at: datetime, number: int, settings: ObserveSettings) -> Placement:
    """The place of the next turn in an open session, which moves on by it.

    `number` becomes the episode's where the open one is full, or where much time has passed.
    """
    gap = abs(at - open.at) > settings.session_gap
    full = open.turns >= settings.episode_turns or open.characters + length > settings.episode_characters
    if open.turns and (full or gap):
        open.episode = number
        open.turns = open.characters = 0
    open.turns += 1
    open.characters += length
    open.at = max(at, open.at)
    return Placement(open.session, open.episode)


def completes(open: Open, role: str | None, settings: ObserveSettings) -> bool:
    """Whether the turn that was just added ends its exchange: the assistant replied, or it is long enough."""
    replied = role == "assistant" and open.exchange_turns > 1
    return replied or open.exchange_turns >= settings.exchange_turns
