"""An agent of LangChain with memory: a middleware recalls and observes, tools correct.

What it is: two runs of an agent in two threads, weeks apart for all that it knows. The model is scripted, so that the
demo runs anywhere; put any chat model in its place.
How to run: python demos/with_langchain_agents.py   (needs: pip install 'memkit-agents[langchain-agents]')
What you will see: what the model was shown in the second thread, what its tool did, and what is remembered then.
"""

import os
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from memkit_adapters.langchain import MemoryMiddleware, memory_tools

import memkit
from memkit.encoders import HashingEncoder


class ScriptedModel(GenericFakeChatModel):
    """A chat model that gives its answers in turn and prints what it is shown of the past."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> "ScriptedModel":
        return self

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        if messages[-1].type == "human":
            print("asked    ", messages[-1].content)
            for line in str(messages[0].content).splitlines():
                print("shown    ", line)
        return super()._generate(messages, *args, **kwargs)


def answers(corrected: str) -> list[AIMessage]:
    """What the model says, and the tool that it calls in the second thread."""
    args = {"id": corrected, "text": "Ana eats shellfish again."}
    call = {"name": "correct_memory", "args": args, "id": "1"}
    return [AIMessage("Noted."), AIMessage("", tool_calls=[call]), AIMessage("A risotto with prawns, without nuts.")]


def run(agent: Any, thread: str, said: str) -> None:
    """One run of the agent, and what came of it."""
    config = {"configurable": {"thread_id": thread, "speaker": "Ana"}}
    for message in agent.invoke({"messages": [HumanMessage(said)]}, config)["messages"][1:]:
        if message.content:
            print(f"{'tool' if message.type == 'tool' else 'answered':9} {message.content}")


def main() -> None:
    os.environ["LANGSMITH_TRACING"] = "false"  # its traces would hold what is recalled
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("kitchen", "ana")
        [noted] = bank.insert("Ana can't eat shellfish.").ids
        agent = create_agent(
            ScriptedModel(messages=iter(answers(noted))),
            system_prompt="You are a cook.",
            tools=memory_tools(bank),
            middleware=[MemoryMiddleware(bank)],
            checkpointer=InMemorySaver(),
        )
        run(agent, "may", "I can't eat nuts.")
        run(agent, "june", "I can eat shellfish again. What of nuts, and what can I cook?")
        print("\nWhat is held true now:")
        for memory in bank.list(kinds=["thought"]):
            print(f"  {memory.text}")


if __name__ == "__main__":
    main()
