"""An AutoGen agent that remembers from one conversation to the next.

What it is: an AssistantAgent whose memory is a memkit bank. Its model is scripted, so that the demo runs anywhere: it
answers with what memkit put before it. Take a client of autogen-ext for a real one.
How to run: python demos/with_autogen.py
What you will see: two conversations, what the model was shown in the second, and what the bank has observed.
"""

import argparse
import asyncio
from typing import Any

from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import ChatCompletionClient, CreateResult, ModelInfo, RequestUsage, SystemMessage
from memkit_adapters.autogen import MemkitMemory

import memkit
from memkit.encoders.hashing import HashingEncoder

WITHOUT_USAGE = RequestUsage(0, 0)


class RepeatingModel(ChatCompletionClient):
    """A model that answers with what memkit wrote for it."""

    component_type, component_config_schema = "model", None  # type: ignore[assignment]

    async def create(self, messages: Any, **options: Any) -> CreateResult:
        known = [message.content for message in messages[1:] if isinstance(message, SystemMessage)]
        answer = f"I was shown:\n{known[0]}" if known else "Noted."
        return CreateResult(finish_reason="stop", content=answer, usage=WITHOUT_USAGE, cached=False)

    def create_stream(self, *rest: Any, **options: Any) -> Any:
        raise NotImplementedError

    async def close(self) -> None: ...

    def actual_usage(self) -> RequestUsage:
        return WITHOUT_USAGE

    def total_usage(self) -> RequestUsage:
        return WITHOUT_USAGE

    def count_tokens(self, *rest: Any, **options: Any) -> int:
        return 0

    def remaining_tokens(self, *rest: Any, **options: Any) -> int:
        return 0

    @property
    def capabilities(self) -> Any:
        return self.model_info

    @property
    def model_info(self) -> ModelInfo:
        return ModelInfo(
            vision=False, function_calling=False, json_output=False, family="unknown", structured_output=False
        )


async def converse(bank: memkit.MemoryBank, name: str, text: str) -> None:
    """One conversation with a new agent."""
    memory = MemkitMemory(bank, session=name, people={"user": "Ana"})
    agent = AssistantAgent("cook", model_client=RepeatingModel(), memory=[memory])
    result = await agent.run(task=text)
    await memory.observe(agent.model_context)  # the answer, too
    print(f"{name}\nAna       {text}\ncook      {result.messages[-1].content}\n")


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        bank = store.bank("kitchen", "ana")
        asyncio.run(converse(bank, "monday", "I can't eat nuts."))
        asyncio.run(converse(bank, "friday", "Which cake with nuts can I eat?"))
        print(f"observed  {len(bank.list(kinds=['turn']))} turns")


if __name__ == "__main__":
    main()
