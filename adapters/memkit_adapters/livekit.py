"""memkit in LiveKit's voice agents: recalled before the model speaks, observed as it was said.

    from memkit_adapters.livekit import MemkitAgent

    await session.start(MemkitAgent(store.bank("acme", "ana"), instructions="You are a cook.", speaker="Ana"))

A turn waits for its memories for 50 ms at most. What is stored is what was heard and what was spoken: of an answer that
somebody broke into, the part up to there.
"""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import memkit
from memkit_adapters.voice import VoiceMemory, VoiceOptions

try:
    from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent, ModelSettings, llm
except ModuleNotFoundError as error:
    raise ImportError("memkit_adapters.livekit needs LiveKit Agents: pip install 'memkit-agents[livekit]'") from error

BankOf = Callable[[AgentSession[Any]], memkit.Bank]

SAYING_ROLES = ("user", "assistant")
_conversations: WeakKeyDictionary[AgentSession[Any], str] = WeakKeyDictionary()


class MemkitAgent(Agent):
    """An agent with a memory, to be used or subclassed as `Agent` is.

    `bank`: one bank, or a function from the AgentSession to the bank of whoever is there. `speaker`: the person's name;
    `conversation`: the session's name in the bank, by default one of its own for each AgentSession. `budget_ms`,
    `k` and `max_tokens` bound what is recalled within a turn. `options`: those of `Agent`.

    Where the memory fails, or is late, the agent speaks without it. A subclass with an `on_enter` or an `llm_node` of
    its own calls this one's.
    """

    def __init__(
        self, bank: memkit.Bank | BankOf, *, instructions: str, speaker: str = "user",
        conversation: str | None = None, budget_ms: float = 50, k: int = 10, max_tokens: int = 500, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(instructions=instructions, **options)
        self._bank_of: BankOf = bank if callable(bank) else lambda session: bank
        self._conversation = conversation
        self._voice_options = VoiceOptions(speaker, budget_ms, k, max_tokens)
        self._voices: WeakKeyDictionary[AgentSession[Any], VoiceMemory] = WeakKeyDictionary()

    async def on_enter(self) -> None:
        """Begin to listen, and have loaded ahead what the first turn needs."""
        self._voice().warm()

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncIterator[Any]:
        """The model's answer to the conversation and, in a copy of it, what was recalled for the last question."""
        shown = await self._with_memories(chat_ctx)
        async for chunk in Agent.default.llm_node(self, shown, tools, model_settings):
            yield chunk

    async def written(self) -> None:
        """Wait until what was said so far is stored; before the store is closed."""
        for voice in list(self._voices.values()):
            await voice.written()

    def _voice(self) -> VoiceMemory:
        """The memory of the session that the agent is in; it listens from the first call on."""
        session = self.session
        if session not in self._voices:
            name = self._conversation or _conversations.setdefault(session, f"livekit {uuid4().hex}")
            voice = VoiceMemory(partial(self._bank_of, session), name, self._voice_options)
            self._voices[session] = voice
            session.on("conversation_item_added", partial(_hear, voice))
        return self._voices[session]

    async def _with_memories(self, chat_ctx: llm.ChatContext) -> llm.ChatContext:
        said = [item for item in chat_ctx.items if _is_said(item)]
        question = next((item for item in reversed(said) if item.role == "user"), None)
        if question is None:
            return chat_ctx
        before = [{"role": item.role, "content": _words(item)} for item in said]
        block = await self._voice().block(_words(question), before, question.id)
        return _with_block(chat_ctx, block, question) if block else chat_ctx


def _with_block(chat_ctx: llm.ChatContext, block: str, question: llm.ChatMessage) -> llm.ChatContext:
    """A copy of the conversation with the block before the question."""
    items = list(chat_ctx.items)
    items.insert(items.index(question), llm.ChatMessage(role="system", content=[block]))
    return llm.ChatContext(items)


def _hear(voice: VoiceMemory, event: ConversationItemAddedEvent) -> None:
    """Observe an item of the conversation, beside the event loop."""
    item = event.item
    if _is_said(item):
        message = {
            "role": item.role, "content": _words(item), "at": item.created_at, "id": f"{voice.session}:{item.id}",
            "metadata": {"interrupted": True} if item.interrupted else None,
        }  # fmt: skip
        voice.hear([message], [item.id])


def _is_said(item: Any) -> bool:
    """Whether an item is what the person or the agent said."""
    return item.type == "message" and item.role in SAYING_ROLES and bool(_words(item))


def _words(message: llm.ChatMessage) -> str:
    return (message.text_content or "").strip()
