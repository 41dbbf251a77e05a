"""memkit in Pydantic AI: a capability that remembers, and a store of conversations.

    from memkit_adapters.pydantic_ai import MemkitConversationStore, MemkitMemory

    agent = Agent(model, capabilities=[MemkitMemory(bank)])
    agent.run_sync("What can I cook when Rita comes?")   # recalls before, observes and thinks after

One agent may serve many people: give a function from the run's context to a bank.
"""

from importlib.util import find_spec

if find_spec("pydantic_ai") is None:
    raise ImportError("memkit_adapters.pydantic_ai needs Pydantic AI: pip install 'memkit-agents[pydantic-ai]'")

from memkit_adapters.pydantic_ai.conversations import MemkitConversationStore
from memkit_adapters.pydantic_ai.memory import MemkitMemory

__all__ = ["MemkitConversationStore", "MemkitMemory"]
