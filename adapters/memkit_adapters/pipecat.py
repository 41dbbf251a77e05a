"""memkit in Pipecat's pipelines: recalled before the model is asked, observed as it was said.

    from memkit_adapters.pipecat import MemkitProcessor

    memory = MemkitProcessor(store.bank("acme", "ana"), conversation="call 7", speaker="Ana")
    Pipeline([..., stt, aggregators.user(), memory, llm, tts, transport.output(), aggregators.assistant()])

It stands before the model. A turn waits for its memories for 50 ms at most. What is stored is what Pipecat's context
holds: of an answer that somebody broke into, the part that was spoken.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import memkit
from memkit_adapters.voice import VoiceMemory, VoiceOptions

try:
    from pipecat.frames.frames import (
        Frame,
        LLMContextAssistantTurnFrame,
        LLMContextFrame,
        LLMContextUserTurnFrame,
        StartFrame,
    )
    from pipecat.processors.aggregators.llm_context import LLMContext, LLMSpecificMessage, standard_message_text
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
except ModuleNotFoundError as error:
    raise ImportError("memkit_adapters.pipecat needs Pipecat: pip install 'memkit-agents[pipecat]'") from error

BankOf = Callable[[], memkit.Bank]

SAYING_ROLES = ("user", "assistant")
TURN_MARKERS = "●◐○"  # by which a model says whether the person's turn was complete


class MemkitProcessor(FrameProcessor):
    """A processor with a memory; it stands between the user's context aggregator and the model.

    `bank`: one bank, or a function without arguments to the bank of whoever is there. `conversation`: its name in the
    bank, by default one of its own; `speaker`: the person's name; `context`: the aggregators', by default the one that
    comes with the first turn. `budget_ms`, `k` and `max_tokens` bound what is recalled within a turn. Where the memory
    fails, or is late, the pipeline goes on without it.
    """

    def __init__(
        self, bank: memkit.Bank | BankOf, *, conversation: str | None = None, speaker: str = "user",
        context: LLMContext | None = None, budget_ms: float = 50, k: int = 10, max_tokens: int = 500, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        bank_of: BankOf = bank if callable(bank) else lambda: bank
        name = conversation or f"pipecat {uuid4().hex}"
        self._voice = VoiceMemory(bank_of, name, VoiceOptions(speaker, budget_ms, k, max_tokens))
        self._context = context
        self._heard: list[Any] = []  # messages of the context that were handed in, the objects themselves

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Show the model what was recalled for a context's last question, and observe what the context holds."""
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._voice.warm()
        elif isinstance(frame, LLMContextFrame):
            frame = await self._with_memories(frame)
        elif isinstance(frame, LLMContextUserTurnFrame | LLMContextAssistantTurnFrame):
            self._hear()
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        """Observe what the last answer added."""
        self._hear()
        await super().cleanup()

    async def written(self) -> None:
        """Wait until what was said so far is stored; before the store is closed."""
        await self._voice.written()

    async def _with_memories(self, frame: LLMContextFrame) -> LLMContextFrame:
        """The same frame, or one with a copy of its context that holds the block before the question."""
        if not frame.speculation:  # else it is a copy with words that may not be the last ones
            self._context = frame.context
            self._hear()
        messages = list(frame.context.messages)
        places = [place for place, message in enumerate(messages) if _is_said(message) and message["role"] == "user"]
        if not places:
            return frame
        block = await self._voice.block(_words(messages[places[-1]]), _said(messages), f"{places[-1]} of the context")
        if not block:
            return frame
        messages.insert(places[-1], {"role": "developer", "content": block})
        shown = LLMContext(messages, frame.context.tools, frame.context.tool_choice)
        return LLMContextFrame(shown, speculation=frame.speculation)

    def _hear(self) -> None:
        """Observe the context's messages, beside the event loop; those that stand before known ones are summaries."""
        messages = [] if self._context is None else self._context.messages
        known_ids = {id(message) for message in self._heard}
        last = max((place for place, message in enumerate(messages) if id(message) in known_ids), default=-1)
        heard = [message for place, message in enumerate(messages) if place > last or id(message) in known_ids]
        if len(heard) > sum(id(message) in known_ids for message in heard):
            said, self._heard = _said(heard), heard
            self._voice.hear(said, [f"{number} of {len(said)} in {self._voice.session}" for number in range(len(said))])


def _said(messages: Sequence[Any]) -> list[dict[str, Any]]:
    """Words of the person and the agent; tools, instructions and messages of a service's own form are none."""
    return [{"role": message["role"], "content": _words(message)} for message in messages if _is_said(message)]


def _is_said(message: Any) -> bool:
    if isinstance(message, LLMSpecificMessage) or message.get("role") not in SAYING_ROLES:
        return False
    return bool(_words(message))


def _words(message: Any) -> str:
    text: str = standard_message_text(message).strip()
    return text.lstrip(TURN_MARKERS).strip() if message.get("role") == "assistant" else text
