"""A conversation that is handed in again and again: which of its turns are known, told by their order alone. Pure.

What is known of it is a history: the turns that were handed in last, each with its id, its role and, unless it was
erased, its words. Nothing is left of an erased turn but its place and its role.
"""

from collections.abc import Sequence
from typing import NamedTuple

from memkit.models import Role

Words = tuple[str, ...]
MIN_BRANCH_TURNS = 2  # by which a conversation is known again that then went another way
PERSON_ROLES: tuple[Role | None, ...] = (None, "user")
ANSWER_ROLES: tuple[Role, ...] = ("assistant", "tool")


class KnownTurn(NamedTuple):
    """A turn of the history. `words`: None where it was erased, or couldn't be stored."""

    id: str
    role: Role | None
    words: Words | None


class GivenTurn(NamedTuple):
    """A turn that is handed in. `words`: None where it can't be read; `is_erased`: None where nobody can know."""

    role: Role | None
    words: Words | None
    is_erased: bool | None = None


class Shared(NamedTuple):
    """Part of the history with which what is handed in begins: from place `start`, `length` turns of it.

    `is_whole`: the history ends with it; `is_again`: another answer is given to its last turn than the history has.
    """

    start: int
    length: int
    is_whole: bool = False
    is_again: bool = False


def shared_part(history: Sequence[KnownTurn], given: Sequence[GivenTurn], *, all_leave: bool) -> Shared:
    """The part of the history that the given turns begin with.

    They go on where it ends, or its erased end begins, perhaps without its first ones; where they all leave the
    conversation (`all_leave`), they may also be its beginning. Else they went another way: then two turns or more are
    known, or the question that was asked last and is answered again. Less than that is a new conversation, and so is
    what is shorter than a history of which all was erased: histories grow.
    """
    counts = [_run_length(history[start:], given) for start in range(len(history))]
    if not any(turn.words for turn in history):  # all was erased: only what is as long may be the same
        return Shared(0, len(history), is_whole=True) if counts and counts[0] == len(history) else Shared(0, 0)
    words_end = max((place for place, turn in enumerate(history, start=1) if turn.words), default=0)
    for start, count in enumerate(counts):
        end = start + count
        is_whole = end >= words_end or (all_leave and count == len(given))
        if is_whole and (start == 0 or any(turn.words for turn in history[start:end])):
            return Shared(start, count, is_whole=True)
    return _branch(history, given, counts)


def _run_length(history: Sequence[KnownTurn], given: Sequence[GivenTurn]) -> int:
    """Number of turns that two runs share at their beginning."""
    pairs = zip(history, given, strict=False)
    return next((i for i, pair in enumerate(pairs) if not _may_be_same(*pair)), min(len(history), len(given)))


def _may_be_same(stored: KnownTurn, given: GivenTurn) -> bool:
    """Whether both may be one turn; in the place of an erased one any of its role may, unless it is known not to be."""
    if given.words is None or stored.words is None:
        return stored.words is None and given.role in (stored.role, None) and given.is_erased is not False
    return stored.role == given.role and stored.words == given.words


def _branch(history: Sequence[KnownTurn], given: Sequence[GivenTurn], counts: Sequence[int]) -> Shared:
    start = max(range(len(counts)), key=counts.__getitem__, default=0)
    asked = _last_asked(history)
    if counts and counts[start] >= MIN_BRANCH_TURNS:
        return _answered_again(history, given, Shared(start, counts[start]))
    is_asked_again = asked is not None and counts[asked] == 1 and bool(history[asked].words)
    if asked is not None and is_asked_again and (len(given) == 1 or given[1].role in ANSWER_ROLES):
        return Shared(asked, 1, is_again=len(given) > 1)
    return Shared(0, 0)


def _last_asked(history: Sequence[KnownTurn]) -> int | None:
    return max((place for place, turn in enumerate(history) if turn.role in PERSON_ROLES), default=None)


def _answered_again(history: Sequence[KnownTurn], given: Sequence[GivenTurn], shared: Shared) -> Shared:
    """The same part, up to its last question where what follows it is answered in another way."""
    start, length = shared.start, shared.length
    asked = _last_asked(history[start : start + length])
    is_answer = length < len(given) and given[length].role in ANSWER_ROLES
    if asked is None or not is_answer or history[start + asked].words is None:
        return shared
    return Shared(start, asked + 1, is_again=True)
