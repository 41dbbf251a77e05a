"""memkit in LangChain: memory around any model, agents with memory, a retriever, a chat history.

    from memkit_adapters.langchain import MemoryMiddleware, memory_tools, with_memory

    chat = with_memory(model, store.bank("acme", "ana"))
    chat.invoke("What can I cook when Rita comes?")   # recalls before, observes after
    agent = create_agent(model, tools=memory_tools(bank), middleware=[MemoryMiddleware(bank)])

One chain or agent may serve many people: give a function from the call's config, or from the agent's runtime, to a
bank.
The middleware and the tools are for `langchain`'s agents; all else needs langchain-core alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from memkit_adapters.langchain.banks import BankOf
from memkit_adapters.langchain.history import MemkitChatMessageHistory
from memkit_adapters.langchain.post_thinking import PostThinking
from memkit_adapters.langchain.retriever import MemkitRetriever
from memkit_adapters.langchain.with_memory import WithMemory, with_memory

if TYPE_CHECKING:
    from memkit_adapters.langchain.middleware import MemoryMiddleware
    from memkit_adapters.langchain.tools import memory_tools

__all__ = [
    "BankOf",
    "MemkitChatMessageHistory",
    "MemkitRetriever",
    "MemoryMiddleware",
    "PostThinking",
    "WithMemory",
    "memory_tools",
    "with_memory",
]

_AGENTS_MODULES = {"MemoryMiddleware": "middleware", "memory_tools": "tools"}


def __getattr__(name: str) -> Any:
    """Import what is for LangChain's agents where it is first used. Raises ImportError without them."""
    if name not in _AGENTS_MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_AGENTS_MODULES[name]}"), name)
