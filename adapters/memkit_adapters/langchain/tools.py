"""Tools by which an agent uses a memory itself: search, save, correct, forget."""

from typing import Any

from langchain_core.tools import BaseTool, tool

import memkit
from memkit_adapters.langchain.banks import AgentBankOf, agent_bank_function
from memkit_adapters.tool_answers import FORGET_REASON, answer, as_line, as_lines

try:
    from langchain.tools import ToolRuntime
except ModuleNotFoundError as error:
    raise ImportError(
        "memkit_adapters.langchain: memory_tools needs LangChain's agents: "
        "pip install 'memkit-agents[langchain-agents]'"
    ) from error


def memory_tools(bank: memkit.Bank | AgentBankOf, *, k: int = 5, max_tokens: int = 2_000) -> list[BaseTool]:
    """Tools for an agent: search_memory, save_memory, correct_memory, forget_memory.

    `bank`: one bank, or a function from the tool's runtime to the bank of whoever is calling. `k`, `max_tokens`:
    how much a search gives. What is forgotten leaves recall and stays in history; the bank erases for good.
    """
    bank_of = agent_bank_function(bank)

    @tool
    def search_memory(query: str, runtime: ToolRuntime[Any, Any]) -> str:
        """Search what is remembered of the person. Gives ids, by which a memory is corrected or forgotten."""
        return answer("search", lambda: as_lines(bank_of(runtime).recall(query, k=k), max_tokens))

    @tool
    def save_memory(text: str, runtime: ToolRuntime[Any, Any]) -> str:
        """Remember a fact about the person: one sentence that can be understood alone, with names and dates."""
        return answer("save", lambda: as_line(bank_of(runtime).insert(text)))

    @tool
    def correct_memory(id: str, text: str, runtime: ToolRuntime[Any, Any]) -> str:
        """Put what is true in the place of a memory that the person says is wrong. id: as search_memory gives it."""
        return answer("correct", lambda: as_line(bank_of(runtime).correct(id, text)))

    @tool
    def forget_memory(id: str, runtime: ToolRuntime[Any, Any]) -> str:
        """Forget a memory that the person wants to have forgotten. id: as search_memory gives it."""
        return answer("forget", lambda: as_line(bank_of(runtime).forget(id, reason=FORGET_REASON)))

    return [search_memory, save_memory, correct_memory, forget_memory]
