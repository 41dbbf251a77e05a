"""An agent loop on LangChain: memory as a tool, memory as context, thinking after each answer.

What it is: a loop that lets a model call tools until it answers. The model here is scripted, so that the demo
runs anywhere; put any tool-calling chat model in its place.
How to run: python demos/langchain_agent.py
What you will see: each step of the loop, what was recalled for it, and the thoughts that came of it.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from memkit_adapters.langchain import MemkitRetriever, PostThinking

import memkit
from memkit.encoders import HashingEncoder

SCRIPT = [
    AIMessage("", tool_calls=[{"name": "remember", "args": {"about": "what Ana can't eat"}, "id": "1"}]),
    AIMessage("A lemon risotto would suit both of you: there are no nuts in it, and Rita likes rice."),
]
PAST = [
    ("Ana", "I moved to Lisbon in May 2024. I can't eat nuts."),
    ("Ana", "My sister Rita loves risotto and anything else with rice."),
    ("Ana", "The weather was terrible all week."),
]


def tools_of(bank: memkit.MemoryBank) -> list[BaseTool]:
    """What the agent may call."""
    retriever = MemkitRetriever(bank=bank, k=2)

    @tool
    def remember(about: str) -> str:
        """Look up what the person said earlier."""
        return "\n".join(document.page_content for document in retriever.invoke(about)) or "nothing"

    return [remember]


def answer(model: Any, bank: memkit.MemoryBank, question: str) -> str:
    """The loop: recall, ask the model, run its tools, until it answers; then observe and think."""
    tools = {each.name: each for each in tools_of(bank)}
    block = bank.recall(question).prompt(max_tokens=300)
    messages: list[BaseMessage] = [
        SystemMessage(f"You are a helpful cook.\n{block}"),
        HumanMessage(question, name="Ana"),
    ]
    print(f"asked     {question}\nrecalled  {block.count(chr(10)) + 1 if block else 0} lines for the prompt")
    while True:
        said: AIMessage = model.invoke(messages)
        messages.append(said)
        if not said.tool_calls:
            break
        messages += run(said.tool_calls, tools)
    receipt = PostThinking(bank).invoke(messages[1:])
    print(f"answered  {said.text}\nthought   {receipt.count('added')} new thoughts")
    return str(said.text)


def run(calls: Sequence[Any], tools: dict[str, BaseTool]) -> list[ToolMessage]:
    """The results of the model's tool calls."""
    results = []
    for call in calls:
        result = tools[call["name"]].invoke(call["args"])
        print(f"called    {call['name']}({call['args']['about']!r}) -> {result!r}")
        results.append(ToolMessage(result, tool_call_id=call["id"]))
    return results


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("kitchen", "ana")
        bank.observe(PAST)
        answer(GenericFakeChatModel(messages=iter(SCRIPT)), bank, "What can I cook when Rita comes?")
        print("\nWhat it holds true now:")
        for head, relations in bank.beliefs().items():
            for relation, thoughts in relations.items():
                print(f"  {head} | {relation} | {thoughts[-1].text}")


if __name__ == "__main__":
    main()
