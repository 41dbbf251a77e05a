"""LangChain's adapter keeps the contract of memory adapters: a chain around a scripted model, with memory."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from memkit_adapters.langchain import with_memory

import memkit
from memkit.testing.adapters import AdapterContract, Shown


class ChainTalk:
    """People who talk with one chain."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store = store

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        shown: list[str] = []

        def model(messages: list[BaseMessage]) -> AIMessage:
            shown.extend(str(message.content) for message in messages)
            return AIMessage(answer)

        chat = with_memory(RunnableLambda(model), self.bank(user), session=session)
        given = chat.invoke([HumanMessage(text)], {"configurable": {"speaker": user}})
        return Shown("\n".join(shown), str(given.content))

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        self.say(user, text, session=session)

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def break_off() -> None:
            asked = asyncio.Event()

            async def wait(messages: list[BaseMessage]) -> AIMessage:
                asked.set()
                await asyncio.sleep(60)
                raise AssertionError

            chat = with_memory(RunnableLambda(wait), self.bank(user), session=session)
            run = asyncio.create_task(chat.ainvoke(text, {"configurable": {"speaker": user}}))
            await asked.wait()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

        asyncio.run(break_off())

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return []

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("acme", user)


class TestWithMemory(AdapterContract):
    """`with_memory` around a model."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[ChainTalk]:
        with memkit.open(path, **options) as store:
            yield ChainTalk(store)
