"""Scripted models of Pydantic AI, and people who talk with its agents."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from memkit_adapters.pydantic_ai import MemkitMemory
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

import memkit
from memkit.testing.adapters import Shown


class Script:
    """A model that gives its answers in turn, each a text or parts, and keeps what it was shown."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.prompts = list(answers), list[str]()
        self.model = FunctionModel(self.answer, stream_function=self.stream)

    def answer(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.note(messages, info)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return ModelResponse(parts=[TextPart(answer)] if isinstance(answer, str) else answer)

    async def stream(self, messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        self.note(messages, info)
        for word in self.answers.pop(0).split(" "):
            yield word

    def note(self, messages: list[ModelMessage], info: AgentInfo) -> None:
        parts = [part for message in messages for part in message.parts]
        self.prompts.append("\n".join([info.instructions or "", *(str(getattr(p, "content", "")) for p in parts)]))


def run_sync(agent: Agent[Any, Any], said: Any, **options: Any) -> Any:
    """A run in an event loop of its own that is closed, which the framework's `run_sync` leaves open in each thread."""
    return asyncio.run(agent.run(said, **options))


class RunTalk:
    """People who talk with an agent whose app keeps the messages of each conversation."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store = store
        self.memory = MemkitMemory(lambda ctx: self.bank(ctx.deps), speaker=lambda ctx: str(ctx.deps))
        self.kept: dict[tuple[str, str], list[ModelMessage]] = {}

    def agent(self, model: FunctionModel) -> Agent[str, str]:
        return Agent(model, capabilities=[self.memory], deps_type=str)

    def run(self, user: str, text: str, session: str, answer: str) -> tuple[Script, Any]:
        script = Script(answer)
        agent = self.agent(script.model)
        history = self.kept.get((user, session), [])
        return script, run_sync(agent, text, deps=user, message_history=history, conversation_id=f"{user} {session}")

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        script, result = self.run(user, text, session, answer)
        self.kept[(user, session)] = result.all_messages()
        return Shown(script.prompts[-1], result.output)

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        """Run again without the messages of the last run, which didn't reach the app."""
        messages = self.kept[(user, session)]
        self.kept[(user, session)] = messages[:-2]
        self.run(user, text, session, "Noted.")
        self.kept[(user, session)] = messages

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def break_off() -> None:
            asked = asyncio.Event()

            async def wait(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
                asked.set()
                await asyncio.sleep(60)
                raise AssertionError

            agent = self.agent(FunctionModel(wait))
            run = asyncio.create_task(agent.run(text, deps=user, conversation_id=f"{user} {session}"))
            await asked.wait()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

        asyncio.run(break_off())

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return [str(message) for message in self.kept[(user, session)]]

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("acme", user)
