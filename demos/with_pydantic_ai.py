"""An agent of Pydantic AI with memory: a capability recalls and observes, conversations are saved in the same file.

What it is: two conversations of one person with an agent, the file closed and opened again in between. The model is
scripted, so that the demo runs anywhere; put any model in its place.
How to run: python demos/with_pydantic_ai.py   (needs: pip install 'memkit-agents[pydantic-ai]')
What you will see: what the model was shown beside its instructions, what it answered, and what the file holds then.
"""

import asyncio
import tempfile
from pathlib import Path

from memkit_adapters.pydantic_ai import MemkitConversationStore, MemkitMemory
from pydantic_ai import Agent
from pydantic_ai.conversation import Conversation
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

import memkit
from memkit.encoders import HashingEncoder

ANSWERS = ["Noted.", "A risotto, without nuts.", "With peas, then."]


def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """The scripted model: print what it is shown, and give the next answer."""
    for line in (info.instructions or "").splitlines():
        print("shown    ", line)
    return ModelResponse(parts=[TextPart(ANSWERS.pop(0))])


async def run(path: Path, id: str, said: str) -> None:
    """One run in a conversation, on the file, opened for it alone."""
    with memkit.open(path, encoder=HashingEncoder()) as store:
        memory = MemkitMemory(store.bank("kitchen", "ana"), speaker="Ana")
        agent = Agent(FunctionModel(answer), instructions="You are a cook.", capabilities=[memory])
        conversations = MemkitConversationStore(store.bank("kitchen", "conversations"))
        conversation = await conversations.load(id) or Conversation(conversation_id=id)
        print("asked    ", said)
        result = await agent.run(said, conversation=conversation)
        await conversations.save(result, scope="ana")
        print("answered ", result.output, "\n")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        await run(path, "may", "I can't eat nuts.")
        await run(path, "june", "What of nuts, and what can I cook?")
        await run(path, "june", "I have no rice.")
        with memkit.open(path, encoder=HashingEncoder()) as store:
            saved = MemkitConversationStore(store.bank("kitchen", "conversations"))
            for record in await saved.list_conversations(scope="ana"):
                print("saved    ", record.conversation_id, len(await saved.read_history(record.head_id)), "messages")
            for thought in store.bank("kitchen", "ana").list(kinds=["thought"]):
                print("believed ", thought.text)


if __name__ == "__main__":
    asyncio.run(main())
