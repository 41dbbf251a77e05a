"""A Google ADK agent that remembers: what it is told in one session, and one process, it knows in the next.

What it is: an agent with ADK's preload_memory and a callback that adds each session to memkit. The model is scripted
and says whatever it was shown of the past, so that the demo runs anywhere; put any of ADK's models in its place.
How to run: python demos/with_google_adk.py, or with sentences of your own and --db FILE, as often as you like
What you will see: for each sentence, told in a session of its own, what the model was shown and what it answered.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from google.adk.agents import LlmAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools import preload_memory
from google.genai import types
from memkit_adapters.google_adk import MemkitMemoryService

import memkit
from memkit.encoders.hashing import HashingEncoder

SENTENCES = ["I can't eat nuts.", "What can't I eat?"]


class ScriptedModel(BaseLlm):
    """A model that tells what it was shown of the past."""

    model: str = "scripted"

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        texts = [part.text or "" for content in llm_request.contents for part in content.parts or ()]
        past = [line for text in texts if "<PAST_CONVERSATIONS>" in text for line in text.splitlines() if ': "' in line]
        print("shown    " + ("\n         ".join(past) or "nothing of the past"))
        answer = f"You said {past[0].partition(': ')[2]}" if past else "Noted."
        yield LlmResponse(content=types.Content(role="model", parts=[types.Part(text=answer)]))


async def remember(callback_context: CallbackContext) -> None:
    """Add the session to memory after each answer."""
    await callback_context.add_session_to_memory()


async def talk(store: memkit.MemoryStore, sentence: str) -> None:
    """One session with the agent."""
    agent = LlmAgent(name="helper", model=ScriptedModel(), tools=[preload_memory], after_agent_callback=remember)
    runner = Runner(
        app_name="demo",
        agent=agent,
        session_service=InMemorySessionService(),
        memory_service=MemkitMemoryService(store),
        auto_create_session=True,
    )
    said = types.Content(role="user", parts=[types.Part(text=sentence)])
    print(f"said     {sentence}")
    async for event in runner.run_async(user_id="ana", session_id="today", new_message=said):
        print("answered", *(part.text for part in (event.content and event.content.parts) or () if part.text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", nargs="*", default=SENTENCES)
    parser.add_argument("--db", type=Path, help="the memory's file; by default one that is gone afterwards")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for sentence in args.sentences:  # each in a session of its own, after the store was closed and opened again
            with memkit.open(args.db or Path(folder) / "memory.db", encoder=HashingEncoder()) as store:
                asyncio.run(talk(store, sentence))


if __name__ == "__main__":
    main()
