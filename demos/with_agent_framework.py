"""Microsoft's Agent Framework with a memory: an agent that is shown what a person said in earlier sessions.

What it is: a history provider and a context provider in one bank. The chat client is scripted, so that the demo runs
anywhere. The framework's telemetry is OpenTelemetry: it sends nothing without an exporter, and is switched off here.
How to run: python demos/with_agent_framework.py (needs the extra agent-framework)
What you will see: what the model was shown in each session, and what the memory holds.
"""

import argparse
import asyncio
import os
from collections.abc import Awaitable
from typing import Any

os.environ["ENABLE_INSTRUMENTATION"] = "false"

from agent_framework import Agent, BaseChatClient, ChatResponse, Message
from memkit_adapters.agent_framework import MemkitContextProvider, MemkitHistoryProvider

import memkit
from memkit.encoders import HashingEncoder

TALK = [
    ("first", "I can't eat nuts.", "I'll remember."),
    ("first", "And I like rice.", "Good to know."),
    ("second", "Can I eat nuts?", "No: you told me."),
]


class ScriptedClient(BaseChatClient):
    """Stands where a chat client stands: answers as it is told, and prints what it was shown."""

    def __init__(self, answers: list[str]) -> None:
        super().__init__()
        self.answers = answers

    def _inner_get_response(self, *, messages: Any, stream: bool, options: Any, **kwargs: Any) -> Awaitable[Any]:
        async def answer() -> ChatResponse:
            lines = [options.get("instructions") or "", *(f"{each.role}: {each.text}" for each in messages)]
            print("shown     " + "\n          ".join("\n".join(filter(None, lines)).splitlines()))
            return ChatResponse(messages=[Message("assistant", [self.answers.pop(0)])])

        return answer()


async def talk(bank: memkit.MemoryBank) -> None:
    """Two sessions with one agent."""
    client = ScriptedClient([answer for _, _, answer in TALK])
    agent = Agent(client, context_providers=[MemkitHistoryProvider(bank), MemkitContextProvider(bank, speaker="Ana")])
    for session, question, _ in TALK:
        print(f"\nsession {session}\nasked     {question}")
        await agent.run(question, session=agent.create_session(session_id=session))


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("acme", "ana")
        asyncio.run(talk(bank))
        print("\nremembered")
        for turn in bank.list(kinds=["turn"]):
            print(f"  {turn.session} | {turn.speaker}: {turn.text}")


if __name__ == "__main__":
    main()
