"""One session of a bank: its turns as a sequence that is read when it is looked at, and written at its end."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

from memkit.errors import InvalidTurnError
from memkit.flows import erase, sessions
from memkit.flows.catching_up.catch_up import catch_up
from memkit.identifiers import bank_path
from memkit.models import Memory, Receipt

if TYPE_CHECKING:
    from memkit.bank import MemoryBank


class TurnSequence(Sequence[Memory]):
    """Turns as a sequence, wherever they lie; those who know say which turns a part of it has."""

    def __init__(self, id: str | None) -> None:
        self.id = id

    def _turns(self, part: slice) -> list[Memory]:
        raise NotImplementedError

    @overload
    def __getitem__(self, place: int) -> Memory: ...
    @overload
    def __getitem__(self, place: slice) -> list[Memory]: ...
    def __getitem__(self, place: int | slice) -> Memory | list[Memory]:
        if isinstance(place, slice):
            return self._turns(place)
        turns = self._turns(slice(place, None) if place < 0 else slice(place, place + 1))
        if len(turns) < max(-place, 1):
            raise no_turn()
        return turns[0]

    def __iter__(self) -> Iterator[Memory]:
        return iter(self._turns(slice(None)))

    def last(self, count: int | None = None) -> list[Memory]:
        """The newest turns, in order; all of them where no number is given. Raises InputError for less than one."""
        return self._turns(slice(None) if count is None else slice(-sessions.checked_count(count), None))


def no_turn() -> IndexError:
    """The error of a place where no turn is."""
    return IndexError("session: there is no turn at this place.")


def checked_session(id: str | None) -> str:
    """The name of a session that turns are added to. Raises InvalidTurnError where it has none."""
    if id is None:
        raise InvalidTurnError("session: turns are added to a session with a name: bank.session('its name').")
    return id


class Session(TurnSequence):
    """Turns of the session with a name, or of the bank's last where `id` is None, in order.

    Without answers in whose place others came, and without what was forgotten. Every look reads what is stored then,
    and costs what it reads, however large the bank is.
    """

    def __init__(self, bank: "MemoryBank", id: str | None) -> None:
        super().__init__(id)
        self.bank = bank

    def __repr__(self) -> str:
        return f"Session({bank_path(self.bank.name)}, {self.id!r})"

    def __len__(self) -> int:
        return sessions.count(self.bank._context, self.id)

    def _turns(self, part: slice) -> list[Memory]:
        return sessions.session_turns(self.bank._context, self.id, part)

    def append(self, *turns: Any) -> Receipt:
        """Observe turns, in any form that `bank.observe` takes, as the next ones of this session. Raises InputError."""
        return self.extend(turns)

    def extend(self, turns: Iterable[Any]) -> Receipt:
        """Observe many turns as the next ones of this session. Raises InputError."""
        name = checked_session(self.id)
        return self.bank.observe([replace(turn, session=name) for turn in self.bank.read(turns)])

    def catch_up(self, turns: Iterable[Any], *, leaving: int = 0) -> Receipt:
        """Observe what is new of a conversation that is handed in again and again, whole or its last part.

        The receipt has an outcome for each turn: what is known is "skipped", and so is what was erased. Turns with ids
        are known by these, the others by their order: they go on where the last ones ended, or went another way after
        two turns or more; another answer to the last question takes the place of the one before. `leaving`: how many,
        from the first on, are not handed in again. Raises InputError where these are no turns.
        """
        return catch_up(self.bank._context, checked_session(self.id), turns, leaving=leaving)

    def pop(self) -> Memory:
        """Erase the last turn with all that rests on it, and give it back. Raises IndexError where there is none.

        It is gone for every reader; the file's bytes follow with the next purge (`store.maintain`, `bank.erase`).
        """
        last = self[-1]
        erase.erase(self.bank._context, None, ids=[last.id], search=False)
        return last

    def clear(self) -> int:
        """Erase all turns with all that rests on them, as `pop` does; gives back how many there were."""
        ids = sessions.turn_ids(self.bank._context, self.id)
        if ids:
            erase.erase(self.bank._context, None, ids=ids, search=False)
        return len(ids)
