"""A voice agent of LiveKit that remembers from one call to the next.

What it is: an AgentSession whose agent has a memory. It runs in text, without a room, and its model is scripted, so
that the demo runs anywhere: it answers with what memkit put before it. Give the session stt=, llm= and tts= for a real
one.
How to run: python demos/with_livekit.py
What you will see: two calls, what the model was shown beyond the second, what was kept of an answer that was broken
into, and how long the memories took.
"""

import argparse
import asyncio
import os
import time
from typing import Any

os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "false"  # read at the import: no memory in traces

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, AgentSession, llm
from memkit_adapters.livekit import MemkitAgent

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RuntimeSettings


class RepeatingModel(llm.LLM):
    """A model that says what memkit wrote before the question, then speaks on until somebody breaks in."""

    def chat(self, *, chat_ctx: llm.ChatContext, tools: Any = None, **options: Any) -> llm.LLMStream:
        return RepeatingStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=DEFAULT_API_CONNECT_OPTIONS)


class RepeatingStream(llm.LLMStream):
    """The answer of a RepeatingModel."""

    async def _run(self) -> None:
        known = [item.text_content for item in self._chat_ctx.messages() if item.role == "system"][1:]
        self._say(f"I was shown:\n{known[0]}" if known else "Noted.")
        if not known:
            await asyncio.sleep(0.2)
            self._say(" And what else I know of nuts is this:")
            await asyncio.sleep(60)

    def _say(self, text: str) -> None:
        self._event_ch.send_nowait(llm.ChatChunk(id="answer", delta=llm.ChoiceDelta(role="assistant", content=text)))


async def call(bank: memkit.MemoryBank, name: str, text: str) -> None:
    """One call, in which a person says one thing, and breaks into an answer that takes longer than a second."""
    session: AgentSession[None] = AgentSession(llm=RepeatingModel())
    agent = MemkitAgent(bank, instructions="You are a cook.", speaker="Ana", conversation=name)
    await session.start(agent)
    start = time.perf_counter()
    handle = session.generate_reply(user_input=text)
    await asyncio.wait([asyncio.ensure_future(handle.wait_for_playout())], timeout=1)
    await session.interrupt()
    print(f"{name}\nAna       {text}\nagent     {agent.chat_ctx.messages()[-1].text_content}")
    print(f"          ({time.perf_counter() - start:.1f} s)\n")
    await agent.written()
    await session.aclose()


async def calls(bank: memkit.MemoryBank) -> None:
    """Two calls of one person."""
    await call(bank, "first call", "I can't eat nuts.")
    await call(bank, "second call", "Which cake with nuts can I eat?")
    print("kept of the first call:")
    for turn in bank.session("first call"):
        print(f"{turn.speaker:9} {turn.text}{' [broken into]' if turn.metadata.get('interrupted') else ''}")


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    settings = memkit.Settings(runtime=RuntimeSettings(encode_late=True))  # writing doesn't wait for the encoder
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=settings) as store:
        asyncio.run(calls(store.bank("kitchen", "ana")))


if __name__ == "__main__":
    main()
