"""Turns as they come, a line each: observed in batches; a line that can't be read is an outcome, not the end."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi.concurrency import run_in_threadpool
from pydantic_core import from_json

from memkit.bank import MemoryBank
from memkit.errors import InputError, InvalidTurnError
from memkit.models import Outcome, Receipt, Turn
from memkit.serve.http.streams import MAX_LINE_BYTES

BATCH_TURNS = 200
BATCH_BYTES = 2_000_000


async def observe_lines(bank: MemoryBank, lines: AsyncIterator[bytes]) -> AsyncIterator[Receipt]:
    """A receipt for each batch of lines, with an outcome for each line; the next is read once it is stored."""
    async for batch in _batches(lines):
        yield await _observe(bank, batch)


async def _batches(lines: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    batch, size = list[bytes](), 0
    async for line in lines:
        if line.strip():
            batch.append(line)
            size += len(line)
        if len(batch) >= BATCH_TURNS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def _observe(bank: MemoryBank, lines: Sequence[bytes]) -> Receipt:
    read = await run_in_threadpool(lambda: [_turn(bank, line) for line in lines])
    stored = await _observe_turns(bank, [turn for turn in read if isinstance(turn, Turn)])
    outcomes = iter(stored.outcomes)
    in_order = tuple(next(outcomes) if isinstance(turn, Turn) else turn for turn in read)
    return stored.model_copy(update={"outcomes": in_order})


def _turn(bank: MemoryBank, line: bytes) -> Turn | Outcome:
    """The turn of a line, or the outcome of one that can't be read."""
    try:
        [turn] = bank.read([_value(line)])
    except InputError as error:
        return Outcome.rejected(error)
    return turn


def _value(line: bytes) -> Any:
    if len(line) > MAX_LINE_BYTES:
        raise InvalidTurnError(
            f"observe: the line has more than {MAX_LINE_BYTES:,} bytes. Split it into several turns."
        )
    try:
        return from_json(line, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidTurnError(
            f"observe: the line is no JSON ({error}). Write each turn as a value of its own."
        ) from None


async def _observe_turns(bank: MemoryBank, turns: Sequence[Turn]) -> Receipt:
    """The receipt of turns; where none of them could be stored, each with its own error."""
    if not turns:
        return Receipt(bank=bank.name, change=0, outcomes=())
    try:
        return await bank.aio.observe(turns)
    except InputError as error:
        if len(turns) == 1:
            return Receipt(bank=bank.name, change=0, outcomes=(Outcome.rejected(error, turns[0].id),))
    return Receipt.joined(bank.name, [await _observe_turns(bank, [turn]) for turn in turns])
