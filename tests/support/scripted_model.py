"""A chat model that answers by a script, for tests: any function from the messages to an answer."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

Answering = Callable[[list[BaseMessage]], str]


class ScriptedModel(BaseChatModel):
    """Answers with `answering`; counts its calls, and which of them were awaited."""

    answering: Any
    delay: float = 0.0  # seconds of an awaited call
    calls: int = 0
    awaited: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.calls += 1
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.answering(messages)))])

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.awaited += 1
        await asyncio.sleep(self.delay)
        return self._generate(messages)


def facts_in(messages: list[BaseMessage]) -> list[str]:
    """The numbers of the facts ("fact number 7") that the exchange in a prompt tells."""
    exchange = str(messages[1].text).partition("<exchange>")[2]
    return re.findall(r"fact number (\d+)", exchange)


def inserting(messages: list[BaseMessage], suffix: str = "") -> str:
    """A good answer: one thought for each fact of the exchange."""
    found = [
        {"op": "insert", "text": f"Ana knows fact {fact}{suffix}.", "head": "Ana", "relation": "knows", "tail": fact}
        for fact in facts_in(messages)
    ]
    return json.dumps(found)
