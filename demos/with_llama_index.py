"""A LlamaIndex chat engine that remembers: what it is told in one session, and one process, it knows in the next.

What it is: a SimpleChatEngine whose Memory has a block of memkit. The model is scripted and says whatever it was shown
of the past, so that the demo runs anywhere; put any of LlamaIndex's models in its place.
How to run: python demos/with_llama_index.py, or with sentences of your own and --db FILE, as often as you like
What you will see: for each sentence, told in a session of its own, what the model was shown and what it answered.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import CompletionResponse, CompletionResponseGen, LLMMetadata
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import CustomLLM
from llama_index.core.memory import Memory
from memkit_adapters.llama_index import MemkitMemoryBlock

import memkit
from memkit.encoders.hashing import HashingEncoder

SENTENCES = ["I can't eat nuts.", "What can't I eat?"]


class ScriptedModel(CustomLLM):
    """A model that tells what it was shown of the past."""

    @property
    def metadata(self) -> LLMMetadata:
        """What it says of itself."""
        return LLMMetadata(model_name="scripted")

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """The answer."""
        past = [line.strip() for line in prompt.splitlines() if ' user: "' in line]
        print("shown    " + ("\n         ".join(past) or "nothing of the past"))
        return CompletionResponse(text=f"You said {past[0].partition('user: ')[2]}" if past else "Noted.")

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """The same in one piece."""
        yield self.complete(prompt)


def talk(bank: memkit.MemoryBank, sentence: str, session_id: str) -> None:
    """One session with the chat engine."""
    block = MemkitMemoryBlock(bank)
    memory = Memory.from_defaults(session_id=session_id, memory_blocks=[block])
    print(f"said     {sentence}")
    print("answered", SimpleChatEngine.from_defaults(llm=ScriptedModel(), memory=memory).chat(sentence).response)
    block.observe(memory)  # the last answer, too


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", nargs="*", default=SENTENCES)
    parser.add_argument("--db", type=Path, help="the memory's file; by default one that is gone afterwards")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number, sentence in enumerate(args.sentences):  # each after the store was closed and opened again
            with memkit.open(args.db or Path(folder) / "memory.db", encoder=HashingEncoder()) as store:
                talk(store.bank("demo", "ana"), sentence, f"session {number}")


if __name__ == "__main__":
    main()
