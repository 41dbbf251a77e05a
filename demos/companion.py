"""A companion in the terminal that remembers you across restarts.

What it is: a chat around `with_memory`. With a model of yours it is a real companion; without one, a small
scripted one answers from nothing but its memories, so that you can see what it keeps.
How to run: python demos/companion.py --name Ana            (--db FILE, --model openai:gpt-5-mini)
What you will see: tell it something, leave with /quit, start it again and ask.
"""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable, RunnableGenerator
from memkit_adapters.langchain import with_memory

import memkit

NOTHING = "I don't remember anything about that. Tell me!"


def scripted(bank: memkit.MemoryBank) -> Runnable[Any, Any]:
    """A companion without a model: to a question it answers with what was said, else it listens."""

    def answer(inputs: Iterator[Any]) -> Iterator[AIMessageChunk]:
        for messages in inputs:
            for word in reply(bank, messages).split(" "):
                yield AIMessageChunk(word + " ")

    return RunnableGenerator(answer)


def reply(bank: memkit.MemoryBank, messages: list[BaseMessage]) -> str:
    """The best memory, with its date; or that there is none."""
    said = str(messages[-1].text)
    if not said.rstrip().endswith("?"):
        return "Noted."
    found = [hit.memory for hit in bank.recall(said, k=5) if hit.memory.role != "assistant"]
    told = [memory for memory in found if memory.text != said and not memory.text.endswith("?")]
    return f'You told me on {told[0].occurred_at:%d %B %Y}: "{told[0].text}"' if told else NOTHING


def real(name: str) -> Runnable[Any, Any]:
    """A model by "provider:name", through LangChain's own `init_chat_model`."""
    try:
        from langchain.chat_models import init_chat_model
    except ImportError:
        sys.exit("--model needs LangChain and its package for your provider: python -m pip install langchain")
    model: Runnable[Any, Any] = init_chat_model(name)
    return model


def chat(bank: memkit.MemoryBank, model: Runnable[Any, Any], name: str) -> None:
    """Read lines until /quit or the end; every answer streams."""
    companion = with_memory(model, bank)
    while (line := ask(f"{name}> ")) not in (None, "/quit"):
        if not line:
            continue
        print("companion> ", end="")
        for chunk in companion.stream(line, {"configurable": {"speaker": name}}):
            print(chunk.text if isinstance(chunk, AIMessage | AIMessageChunk) else chunk, end="", flush=True)
        print()
    thoughts = bank.think().count("added")
    print(f"\nGood bye. I keep {len(bank.list(limit=10_000))} memories, {thoughts} new thoughts among them.")


def ask(prompt: str) -> str | None:
    """A line from the person; None at the end."""
    try:
        return input(prompt).strip()
    except (EOFError, KeyboardInterrupt):
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="you", help="your name")
    parser.add_argument("--db", default="companion.db", help="where the memory is kept")
    parser.add_argument("--model", help='a LangChain model as "provider:name"; without it, the scripted one')
    parser.add_argument("--encoder", choices=["minilm", "hashing"], default="minilm", help="hashing needs no torch")
    args = parser.parse_args()
    with memkit.open(args.db, encoder=encoder(args.encoder)) as store:
        bank = store.bank("companion", args.name)
        print(f"I remember {len(bank.list(limit=10_000))} things from before. Leave with /quit.")
        chat(bank, real(args.model) if args.model else scripted(bank), args.name)


def encoder(name: str) -> Any:
    """None for the default one."""
    from memkit.encoders import HashingEncoder

    return HashingEncoder() if name == "hashing" else None


if __name__ == "__main__":
    main()
