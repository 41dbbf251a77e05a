"""Tools by which an agent of Pydantic AI uses its memory itself: search, save, correct, forget."""

import asyncio
from collections.abc import Callable
from typing import Any

from pydantic_ai import FunctionToolset, RunContext

import memkit
from memkit_adapters.tool_answers import FORGET_REASON, answer, as_line, as_lines


def memory_toolset(bank_of: Callable[[RunContext[Any]], memkit.Bank], k: int, max_tokens: int) -> FunctionToolset[Any]:
    """Tools over the bank of whoever is calling."""
    toolset: FunctionToolset[Any] = FunctionToolset(id="memkit")

    async def search_memory(ctx: RunContext[Any], query: str) -> str:
        """Search what is remembered of the person. Gives ids, by which a memory is corrected or forgotten."""
        return await _beside("search", lambda: as_lines(bank_of(ctx).recall(query, k=k), max_tokens))

    async def save_memory(ctx: RunContext[Any], text: str) -> str:
        """Remember a fact about the person: one sentence that can be understood alone, with names and dates."""
        return await _beside("save", lambda: as_line(bank_of(ctx).insert(text)))

    async def correct_memory(ctx: RunContext[Any], id: str, text: str) -> str:
        """Put what is true in the place of a memory that the person says is wrong. id: as search_memory gives it."""
        return await _beside("correct", lambda: as_line(bank_of(ctx).correct(id, text)))

    async def forget_memory(ctx: RunContext[Any], id: str) -> str:
        """Forget a memory that the person wants to have forgotten. id: as search_memory gives it."""
        return await _beside("forget", lambda: as_line(bank_of(ctx).forget(id, reason=FORGET_REASON)))

    for tool in (search_memory, save_memory, correct_memory, forget_memory):
        toolset.add_function(tool)
    return toolset


async def _beside(verb: str, act: Callable[[], str]) -> str:
    """Answer of a verb, beside the event loop."""
    return await asyncio.to_thread(answer, verb, act)
