"""Scripted chat models of LangChain, and people who talk with its agents."""

import asyncio
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from memkit_adapters.langchain import MemoryMiddleware

import memkit
from memkit.testing.adapters import Shown


class ScriptedModel(GenericFakeChatModel):
    """A chat model that gives its answers in turn and keeps what it was shown; the first `failures` calls fail."""

    shown: list[list[BaseMessage]] = []
    failures: int = 0

    def bind_tools(self, tools: Any, **kwargs: Any) -> "ScriptedModel":
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.shown.append(messages)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the model is out of reach")
        return super()._generate(messages, *args, **kwargs)

    @property
    def prompts(self) -> list[str]:
        """What it was shown, as one text for each call."""
        return ["\n".join(str(message.content) for message in messages) for messages in self.shown]


class WaitingModel(ScriptedModel):
    """A chat model that says when it is asked, and never answers."""

    asked: Any = None

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.asked.set()
        await asyncio.sleep(60)


def scripted(*answers: str | AIMessage, failures: int = 0) -> ScriptedModel:
    messages = iter([AIMessage(each) if isinstance(each, str) else each for each in answers])
    return ScriptedModel(messages=messages, shown=[], failures=failures)


def calling(name: str, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call {name}"}])


class ThreadTalk:
    """People who talk with an agent in threads that a checkpointer keeps."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store, self.saver = store, InMemorySaver()
        self.middleware = MemoryMiddleware(lambda runtime: self.bank(runtime.context["user"]))

    def agent(self, model: ScriptedModel) -> Any:
        return create_agent(model, middleware=[self.middleware], checkpointer=self.saver, context_schema=dict)

    def config(self, user: str, session: str) -> dict[str, Any]:
        return {"configurable": {"thread_id": f"{user} {session}", "speaker": user}}

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        model = scripted(answer)
        given = self.run(self.agent(model), {"messages": [HumanMessage(text)]}, self.config(user, session), user)
        return Shown(model.prompts[-1], str(given["messages"][-1].content))

    def run(self, agent: Any, given: Any, config: dict[str, Any], user: str) -> Any:
        return agent.invoke(given, config, context={"user": user})

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        """Run the end of the last run again, from its checkpoint, as after a crash."""
        agent, config = self.agent(scripted()), self.config(user, session)
        end = next(state for state in agent.get_state_history(config) if "MemoryMiddleware.after_agent" in state.next)
        self.run(agent, None, end.config, user)

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def break_off() -> None:
            model = WaitingModel(messages=iter([]), asked=asyncio.Event())
            given, config = {"messages": [HumanMessage(text)]}, self.config(user, session)
            run = asyncio.create_task(self.agent(model).ainvoke(given, config, context={"user": user}))
            await model.asked.wait()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

        asyncio.run(break_off())

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        state = self.agent(scripted()).get_state(self.config(user, session))
        return [str(message.content) for message in state.values["messages"]]

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("acme", user)


class HandedInTalk(ThreadTalk):
    """People whose app hands their messages in with every call, without ids; awaited."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        super().__init__(store)
        self.kept: dict[tuple[str, str], list[dict[str, str]]] = {}

    def agent(self, model: ScriptedModel) -> Any:
        return create_agent(model, middleware=[self.middleware], context_schema=dict)

    def config(self, user: str, session: str) -> dict[str, Any]:
        return {"configurable": {"session_id": session, "speaker": user}}

    def run(self, agent: Any, given: Any, config: dict[str, Any], user: str) -> Any:
        return asyncio.run(agent.ainvoke(given, config, context={"user": user}))

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        model, kept = scripted(answer), self.kept.setdefault((user, session), [])
        kept.append({"role": "user", "content": text})
        given = self.run(self.agent(model), {"messages": kept}, self.config(user, session), user)
        kept.append({"role": "assistant", "content": str(given["messages"][-1].content)})
        return Shown(model.prompts[-1], kept[-1]["content"])

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        """Hand the messages in again without the answer, which didn't reach the app."""
        kept = self.kept[(user, session)]
        self.run(self.agent(scripted(kept[-1]["content"])), {"messages": kept[:-1]}, self.config(user, session), user)

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return [message["content"] for message in self.kept[(user, session)]]
