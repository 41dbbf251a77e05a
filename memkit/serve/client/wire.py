"""Values as they go over the wire: bodies as JSON, queries as text, turns as the library's own reader reads them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any, Self

from pydantic_core import PydanticSerializationError, to_jsonable_python

from memkit.errors import InputError, InvalidTextError, InvalidTurnError, MemkitError
from memkit.models import Outcome, Receipt, RejectedTurn, Turn
from memkit.observe.intake import as_turns

TURN_FIELDS = [field.name for field in fields(Turn)]


def as_json(body: Mapping[str, Any], *, where: str) -> bytes:
    """A body as JSON. Raises InputError for what JSON hasn't."""
    try:
        return json.dumps(to_jsonable_python(body), ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise InvalidTextError(
            f"{where}: holds a lone surrogate, which is no Unicode text. Decode the source again with errors='replace'."
        ) from None
    except (PydanticSerializationError, ValueError, TypeError, RecursionError):
        raise InputError(
            f"{where}: holds what is no JSON. Use strings, finite numbers, booleans, None, lists and dicts."
        ) from None


def as_query(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A query's parameters: None is left out, a list is given value by value, a mapping as JSON."""
    return [(name, text) for name, value in query.items() for text in _texts(name, value)]


def _texts(name: str, value: Any) -> Iterator[str]:
    match value:
        case None:
            return
        case bool():
            yield str(value).lower()
        case date() | timedelta():
            yield to_jsonable_python(value) if isinstance(value, timedelta) else value.isoformat()
        case Mapping():
            yield as_json(value, where=name).decode()
        case str() | int() | float():
            yield str(value)
        case _:
            yield from map(str, value)


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of a body that comes piece by piece, each with its end."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def turn_form(turn: Turn) -> dict[str, Any]:
    """A turn as an object, without what it doesn't have."""
    values = {name: getattr(turn, name) for name in TURN_FIELDS}
    return {name: value for name, value in values.items() if value is not None}


def said_forms(items: Sequence[Any]) -> list[Any]:
    """Texts as they are, and turns of any form as objects; without what can't be read."""
    turns = as_turns([("user", item) if isinstance(item, str) else item for item in items])
    return [
        item if isinstance(item, str) else turn_form(turn)
        for item, turn in zip(items, turns, strict=True)
        if isinstance(turn, Turn)
    ]


@dataclass(frozen=True)
class HandedTurns:
    """Turns as they were handed in, read here; one that can't be read goes as {}, which the server can't, either."""

    turns: Sequence[Turn | RejectedTurn]

    @classmethod
    def read(cls, items: Any) -> Self:
        """Read turns of any form. Raises InvalidTurnError for what holds none."""
        return cls(as_turns(items))

    def refuse_unreadable(self) -> None:
        """Raise the first one's error where none of them can be read."""
        errors = [turn.error for turn in self.turns if isinstance(turn, RejectedTurn)]
        if errors and len(errors) == len(self.turns):
            raise errors[0]

    @property
    def forms(self) -> list[dict[str, Any]]:
        """The turns as objects."""
        return [turn_form(turn) if isinstance(turn, Turn) else {} for turn in self.turns]

    def receipt(self, receipt: Receipt) -> Receipt:
        """The server's receipt, in which what couldn't be read here is rejected for the reason that was seen here."""
        pairs = zip(self.turns, receipt.outcomes, strict=True)
        outcomes = [Outcome.rejected(turn.error) if isinstance(turn, RejectedTurn) else o for turn, o in pairs]
        return receipt.model_copy(update={"outcomes": tuple(outcomes)})

    def error(self, error: MemkitError) -> MemkitError:
        """The server's error; for a turn that couldn't be read, the one that was seen here."""
        seen = (turn.error for turn in self.turns if isinstance(turn, RejectedTurn))
        return next(seen, error) if isinstance(error, InvalidTurnError) else error
