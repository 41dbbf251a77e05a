"""Catching up with a conversation whose messages have no ids: what of it a bank holds already is told by order."""

from collections.abc import Sequence
from dataclasses import replace

import memkit
from memkit.models import Memory


def observe_new(bank: memkit.MemoryBank, turns: Sequence[memkit.Turn]) -> int:
    """Number of turns that were new, and are stored now. Raises MemkitError."""
    fresh = new_turns(bank, turns)
    return len(bank.observe(fresh).ids) if fresh else 0


def new_turns(bank: memkit.MemoryBank, turns: Sequence[memkit.Turn]) -> list[memkit.Turn]:
    """Turns of one session, in order, without those that its end holds already.

    Another answer to the question that was stored last is a turn that replies to it, so that it takes the place of the
    one before. Without a session only a question that is asked again is told.
    """
    fresh = list(turns[_repeat_count(bank, turns) :])
    asked = max((place for place, turn in enumerate(fresh) if turn.role == "user"), default=None)
    if asked is None:
        return fresh
    question = bank.repeated([*turns[: len(turns) - len(fresh)], *fresh[: asked + 1]])
    if not question:
        return fresh
    return [replace(turn, reply_to=None if i else question[0].id) for i, turn in enumerate(fresh[asked + 1 :])]


def _repeat_count(bank: memkit.MemoryBank, turns: Sequence[memkit.Turn]) -> int:
    """Number of turns at the beginning that are the end of what the session holds."""
    session = turns[0].session if turns else None
    if session is None:
        return 0
    stored = bank.session(session).last(len(turns))
    counts = range(min(len(stored), len(turns)), 0, -1)
    return next((count for count in counts if _are_same(stored[-count:], turns[:count])), 0)


def _are_same(stored: Sequence[Memory], turns: Sequence[memkit.Turn]) -> bool:
    pairs = zip(stored, turns, strict=True)
    return all(memory.role == turn.role and memory.text.split() == turn.text.split() for memory, turn in pairs)
