"""The boundary around other people's code in thinking: whatever it raises or returns, the exchange stays queued."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from typing import Any

from memkit.errors import MemkitError, ThinkerError
from memkit.operations import Proposal

TIME_FIELDS = ("valid_from", "valid_until")
ID_FIELDS = ("ids", "source_ids")


@contextmanager
def foreign_code(whose: str) -> Iterator[None]:
    """Turns what somebody else's code raises into a ThinkerError; of others than memkit's it tells the class alone."""
    try:
        yield
    except ThinkerError:
        raise
    except MemkitError as error:
        raise ThinkerError(str(error), raised=type(error).__name__) from None
    except Exception as error:  # noqa: BLE001  it may raise anything; its words may be the memories'
        name = type(error).__name__
        raise ThinkerError(f"{whose} failed with {name}. The exchange stays queued.", raised=name) from None


def checked_proposals(answer: Any) -> list[Proposal]:
    """A thinker's answer, if it is a list of proposals. Raises ThinkerError, which tells the first field amiss."""
    if not isinstance(answer, Sequence) or not all(isinstance(proposal, Proposal) for proposal in answer):
        raise ThinkerError("the thinker has to return a list of Proposals. The exchange stays queued.")
    amiss = next((name for proposal in answer for name in _fields_amiss(proposal)), None)
    if amiss is not None:
        raise ThinkerError(f"a proposal's field {amiss!r} is of the wrong type. The exchange stays queued.")
    return list(answer)


def _fields_amiss(proposal: Proposal) -> Iterator[str]:
    for field in fields(proposal):
        if not _fits(field.name, getattr(proposal, field.name), field.default):
            yield field.name


def _fits(name: str, value: Any, default: Any) -> bool:
    if value is None:
        return default is None
    if name in ID_FIELDS:
        return isinstance(value, tuple | list) and all(isinstance(id, str) for id in value)
    if name in TIME_FIELDS:
        return isinstance(value, datetime) and value.tzinfo is not None
    if name == "extra":
        return isinstance(value, dict) and all(isinstance(part, str) for part in (*value, *value.values()))
    return isinstance(value, str)
