"""An agent of the OpenAI Agents SDK that remembers from one session to the next.

What it is: an Agent whose session lies in a memkit bank. Its model is scripted, so that the demo runs anywhere: it
answers with what memkit put before it. Take `model=` away, and set OPENAI_API_KEY, for a real one.
How to run: python demos/with_openai_agents.py
What you will see: two sessions, what the model was shown beyond the second, and the items that were kept of both.
"""

import argparse
import asyncio
from typing import Any

from agents import Agent, Runner, set_tracing_disabled
from agents.items import ModelResponse
from agents.models.interface import Model
from agents.usage import Usage
from memkit_adapters.openai_agents import MemkitSession
from openai.types.responses import ResponseOutputMessage, ResponseOutputText

import memkit
from memkit.encoders.hashing import HashingEncoder

set_tracing_disabled(True)  # else the SDK sends prompts to OpenAI as soon as a key is set


class RepeatingModel(Model):
    """A model that answers with the part of its instructions that memkit wrote."""

    async def get_response(self, system_instructions: Any, *rest: Any, **options: Any) -> ModelResponse:
        known = (system_instructions or "").partition("\n\n")[2]
        text = f"I was shown:\n{known}" if known else "Noted."
        content = [ResponseOutputText(annotations=[], text=text, type="output_text")]
        message = ResponseOutputMessage(id="1", role="assistant", status="completed", type="message", content=content)
        return ModelResponse(output=[message], usage=Usage(), response_id=None)

    def stream_response(self, *rest: Any, **options: Any) -> Any:
        raise NotImplementedError


async def answer(bank: memkit.MemoryBank, name: str, text: str) -> str:
    """One run of the agent in a session."""
    agent = Agent(name="cook", instructions="You are a cook.", model=RepeatingModel())
    session = MemkitSession(bank, name, speaker="Ana")
    result = await Runner.run(agent, text, session=session, run_config=session.run_config())
    return str(result.final_output)


def answer_of(path: str, name: str, text: str) -> str:
    """One run of the agent, with the memory in a file."""
    with memkit.open(path, encoder=HashingEncoder()) as store:
        return asyncio.run(answer(store.bank("kitchen", "ana"), name, text))


async def talk(bank: memkit.MemoryBank) -> None:
    """Two sessions of one person."""
    for name, text in (("monday", "I can't eat nuts."), ("friday", "Which cake with nuts can I eat?")):
        print(f"{name}\nAna       {text}\nagent     {await answer(bank, name, text)}\n")
    for name in ("monday", "friday"):
        items = await MemkitSession(bank, name).get_items()
        print(f"kept of {name}: {len(items)} items, the first {items[0]}")


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        asyncio.run(talk(store.bank("kitchen", "ana")))


if __name__ == "__main__":
    main()
