"""Turns as they come, a line each: observed in batches; a line that can't be read is an outcome, not the end."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic_core import from_json

from memkit.bank import MemoryBank
from memkit.errors import InputError, InvalidTurnError
from memkit.models import Outcome, Receipt, Turn

BATCH_TURNS = 200
BATCH_BYTES = 2_000_000


async def observe_lines(bank: MemoryBank, lines: AsyncIterator[bytes]) -> AsyncIterator[Receipt]:
    """A receipt for each batch of lines, with an outcome for each line; the next is read once it is stored."""
    batch: list[bytes] = []
    async for line in lines:
        batch.append(line)
        if len(batch) >= BATCH_TURNS or sum(map(len, batch)) >= BATCH_BYTES:
            yield await _observe(bank, batch)
            batch = []
    if batch:
        yield await _observe(bank, batch)


async def _observe(bank: MemoryBank, lines: list[bytes]) -> Receipt:
    read = [_turn(bank, line) for line in lines]
    stored = await _observe_turns(bank, [turn for turn in read if isinstance(turn, Turn)])
    outcomes = iter(stored.outcomes)
    return stored.model_copy(
        update={"outcomes": tuple(next(outcomes) if isinstance(turn, Turn) else turn for turn in read)}
    )


def _turn(bank: MemoryBank, line: bytes) -> Turn | Outcome:
    """The turn of a line, or the outcome of one that can't be read."""
    try:
        [turn] = bank.read([_value(line)])
    except InputError as error:
        return Outcome.rejected(error)
    return turn


def _value(line: bytes) -> Any:
    try:
        return from_json(line, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidTurnError(
            f"observe: the line is no JSON ({error}). Write each turn as an object of its own."
        ) from None


async def _observe_turns(bank: MemoryBank, turns: list[Turn]) -> Receipt:
    """The receipt of turns; where none of them could be stored, each with its own error."""
    if not turns:
        return Receipt(bank=bank.name, change=0, outcomes=())
    try:
        return await bank.aio.observe(turns)
    except InputError as error:
        if len(turns) == 1:
            return Receipt(bank=bank.name, change=0, outcomes=(Outcome.rejected(error, turns[0].id),))
    return Receipt.joined(bank.name, [await _observe_turns(bank, [turn]) for turn in turns])
