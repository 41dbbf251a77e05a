"""A Strands agent that remembers: what it is told in one conversation, and one process, it knows in the next.

What it is: an agent whose memory manager has a store of memkit. The model is scripted and says whatever it was shown of
the past, so that the demo runs anywhere; put any of Strands' models in its place.
How to run: python demos/with_strands.py, or with sentences of your own and --db FILE, as often as you like
What you will see: for each sentence, told to a new agent, what the model was shown and what it answered.
"""

import argparse
import html
import re
import tempfile
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

from memkit_adapters.strands import MemkitMemoryStore
from strands import Agent
from strands.memory import MemoryManager
from strands.models import Model

import memkit
from memkit.encoders.hashing import HashingEncoder

SENTENCES = ["I can't eat nuts.", "What can't I eat?"]
ENTRY_PATTERN = re.compile("<entry[^>]*>(.*?)</entry>")


class ScriptedModel(Model):
    """A model that tells what it was shown of the past."""

    def update_config(self, **config: Any) -> None:
        """It has none."""

    def get_config(self) -> dict[str, Any]:
        """What it says of itself."""
        return {"model_id": "scripted"}

    async def structured_output(self, *args: Any, **kwargs: Any) -> AsyncIterable[Any]:
        """It gives texts alone."""
        raise NotImplementedError
        yield

    async def stream(self, messages: Any, *args: Any, **kwargs: Any) -> AsyncIterable[Any]:
        """The answer, as a model's stream."""
        shown = "".join(block.get("text", "") for message in messages for block in message["content"])
        past = [html.unescape(entry) for entry in ENTRY_PATTERN.findall(shown)]
        print("shown    " + ("\n         ".join(past) or "nothing of the past"))
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": {}}}
        yield {"contentBlockDelta": {"delta": {"text": f"I know: {past[0]}" if past else "Noted."}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}


def talk(bank: memkit.MemoryBank, sentence: str) -> None:
    """One conversation with a new agent."""
    manager = MemoryManager(stores=[MemkitMemoryStore(bank)])
    print(f"said     {sentence}")
    agent = Agent(model=ScriptedModel(), memory_manager=manager, callback_handler=None)
    print(f"answered {agent(sentence)}".strip())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", nargs="*", default=SENTENCES)
    parser.add_argument("--db", type=Path, help="the memory's file; by default one that is gone afterwards")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for sentence in args.sentences:  # each after the store was closed and opened again
            with memkit.open(args.db or Path(folder) / "memory.db", encoder=HashingEncoder()) as store:
                talk(store.bank("demo", "ana"), sentence)


if __name__ == "__main__":
    main()
