"""A pipeline of Pipecat that remembers from one call to the next.

What it is: a pipeline with the two context aggregators, a memory and a model. It runs in text, without a transport, and
its model is scripted, so that the demo runs anywhere: it answers with what memkit put before it. A real one has a
transport, stt and tts beside them.
How to run: python demos/with_pipecat.py
What you will see: two calls, what the model was shown beyond the second, and what was kept of an answer that was broken
into.
"""

import argparse
import asyncio
from typing import Any

from loguru import logger
from memkit_adapters.pipecat import MemkitProcessor
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMMessagesAppendFrame,
    LLMTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RuntimeSettings


class RepeatingModel(FrameProcessor):
    """A model that says what memkit wrote before the question; without that it speaks on until somebody breaks in."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        known = [message["content"] for message in frame.context.messages if message["role"] == "developer"]
        await self.push_frame(LLMFullResponseStartFrame())
        text = f"I was shown:\n{known[0]}" if known else "Noted. And what else I know of nuts:"
        await self.push_frame(LLMTextFrame(text))
        if not known:
            await asyncio.sleep(60)
        await self.push_frame(LLMFullResponseEndFrame())


async def call(bank: memkit.MemoryBank, name: str, text: str) -> None:
    """One call, in which a person says one thing, and breaks into an answer that takes longer than half a second."""
    context = LLMContext()
    aggregators = LLMContextAggregatorPair(context)
    memory = MemkitProcessor(bank, conversation=name, speaker="Ana")
    pipeline = Pipeline([aggregators.user(), memory, RepeatingModel(), aggregators.assistant()])
    worker, runner = PipelineWorker(pipeline, enable_rtvi=False), WorkerRunner()
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.5)  # nobody speaks at once; memkit loads its models meanwhile
    said: list[Any] = [{"role": "user", "content": text}]
    await worker.queue_frame(LLMMessagesAppendFrame(messages=said, run_llm=True))
    await asyncio.sleep(0.5)
    await worker.queue_frame(InterruptionFrame())
    await worker.queue_frame(EndFrame())
    await running
    await memory.written()
    print(f"{name}\nAna       {text}\nagent     {context.messages[-1]['content']}\n")


async def calls(bank: memkit.MemoryBank) -> None:
    """Two calls of one person."""
    await call(bank, "first call", "I can't eat nuts.")
    await call(bank, "second call", "Which cake with nuts can I eat?")
    print("kept of the first call:")
    for turn in bank.session("first call"):
        print(f"{turn.speaker:9} {turn.text}")


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    logger.remove()  # Pipecat's log tells each message
    settings = memkit.Settings(runtime=RuntimeSettings(encode_late=True))  # writing doesn't wait for the encoder
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=settings) as store:
        asyncio.run(calls(store.bank("kitchen", "ana")))


if __name__ == "__main__":
    main()
