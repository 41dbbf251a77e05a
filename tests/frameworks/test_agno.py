"""Agno's adapter against Agno: agents over a scripted model, sync and awaited, and the contract of memories."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

os.environ["AGNO_TELEMETRY"] = "false"

from agno.agent import Agent
from agno.db.in_memory import InMemoryDb
from agno.learn import LearningMachine
from agno.learn.stores.protocol import LearningStore
from agno.models.base import Model
from agno.models.message import Message
from agno.models.response import ModelResponse
from agno.run import RunContext
from agno.team import Team
from memkit_adapters.agno import MemkitLearning

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import InputError
from memkit.testing.adapters import AdapterContract, Shown

pytestmark = pytest.mark.frameworks
DEMOS = Path(__file__).parents[2] / "demos"


class ScriptedModel(Model):
    """A model that gives one answer after the other, or raises it, and notes what it was shown.

    An event instead of an answer is set, and then there is no answer ever.
    """

    def __init__(self, *answers: str | Exception | asyncio.Event) -> None:
        super().__init__(id="scripted")
        self.answers, self.shown = list(answers), list[str]()

    def invoke(self, messages: list[Message], **kwargs: Any) -> ModelResponse:
        self.shown.append("\n".join(message.get_content_string() for message in messages))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return ModelResponse(role="assistant", content=answer)

    async def ainvoke(self, messages: list[Message], **kwargs: Any) -> ModelResponse:
        await asyncio.sleep(0.01)  # as one that is asked over a network
        if isinstance(self.answers[0], asyncio.Event):
            self.answers[0].set()
            await asyncio.Event().wait()
        return self.invoke(messages)

    def invoke_stream(self, messages: list[Message], **kwargs: Any) -> Iterator[ModelResponse]:
        yield from (ModelResponse(role="assistant", content=letter) for letter in str(self.invoke(messages).content))

    async def ainvoke_stream(self, messages: list[Message], **kwargs: Any) -> AsyncIterator[ModelResponse]:
        for piece in self.invoke_stream(messages):
            yield piece

    def _parse_provider_response(self, response: Any, **kwargs: Any) -> Any:
        return response

    def _parse_provider_response_delta(self, response: Any) -> Any:
        return response


def agent_of(learning: MemkitLearning, model: ScriptedModel, db: Any = None, **options: Any) -> Agent:
    agent = Agent(model=model, db=db or InMemoryDb(), telemetry=False, **options)
    learning.attach(agent)
    return agent


class AgnoTalk:
    """People who talk with agents of one learning, whose bank is chosen by the user id."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store, self.db, self.last = store, InMemoryDb(), dict[tuple[str, str], Any]()
        self.learning = MemkitLearning(lambda context: self.bank(context["user_id"]))

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        model = ScriptedModel(answer)
        agent = agent_of(self.learning, model, self.db, add_history_to_context=True)
        given = agent.run(text, user_id=user, session_id=f"{user} {session}")
        self.last[user, session] = given
        return Shown("\n".join(model.shown), str(given.content))

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def break_off() -> None:
            asked = asyncio.Event()
            agent = agent_of(self.learning, ScriptedModel(asked), self.db)
            run = asyncio.create_task(agent.arun(text, user_id=user, session_id=f"{user} {session}"))
            await asked.wait()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await asyncio.to_thread(agent.background_executor.shutdown, wait=True)

        asyncio.run(break_off())

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        run = self.last[user, session]
        again = RunContext(run_id=run.run_id, session_id=run.session_id, user_id=user)
        self.learning.process(run.messages, user_id=user, session_id=run.session_id, run_context=again)

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        kept = Agent(db=self.db, telemetry=False).get_session(session_id=f"{user} {session}")
        return [message.get_content_string() for run in kept.runs for message in run.messages]

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("acme", user)


class TestMemkitLearning(AdapterContract):
    """Agents with a learning."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[AgnoTalk]:
        with memkit.open(path, **options) as store:
            yield AgnoTalk(store)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[memkit.MemoryBank]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as store:
        yield store.bank("acme", "ana")


def said(bank: memkit.MemoryBank) -> list[tuple[str, str]]:
    return [(memory.speaker or "", memory.text) for memory in bank.list(kinds=["turn"])]


def test_it_is_a_learning_store(bank: memkit.MemoryBank) -> None:
    assert isinstance(MemkitLearning(bank), LearningStore)


async def test_an_awaited_run_recalls_and_observes_beside_the_event_loop(bank: memkit.MemoryBank) -> None:
    model = ScriptedModel("Noted.", "Rice.")
    agent = agent_of(MemkitLearning(bank), model)
    await agent.arun("I can't eat nuts.", user_id="ana", session_id="first")
    await agent.arun("Can I eat nuts?", user_id="ana", session_id="second")
    assert "I can't eat nuts." in model.shown[1]
    await asyncio.to_thread(agent.background_executor.shutdown, wait=True)
    expected = [
        ("ana", "I can't eat nuts."),
        ("assistant", "Noted."),
        ("ana", "Can I eat nuts?"),
        ("assistant", "Rice."),
    ]
    assert said(bank) == expected


async def test_turns_of_awaited_runs_are_in_order(bank: memkit.MemoryBank) -> None:
    agent = agent_of(MemkitLearning(bank), ScriptedModel(*(f"answer {number}" for number in range(10))))
    for number in range(10):
        await agent.arun(f"question {number}", user_id="ana", session_id="first")
    await asyncio.to_thread(agent.background_executor.shutdown, wait=True)
    assert [text for _, text in said(bank)] == [f"{word} {n}" for n in range(10) for word in ("question", "answer")]


async def test_streams_are_remembered_whole(bank: memkit.MemoryBank) -> None:
    agent = agent_of(MemkitLearning(bank), ScriptedModel("Noted.", "Rice."))
    assert list(agent.run("I can't eat nuts.", user_id="ana", session_id="first", stream=True))
    stream = agent.arun("What can I eat?", user_id="ana", session_id="first", stream=True)
    assert [event async for event in stream]
    await asyncio.to_thread(agent.background_executor.shutdown, wait=True)
    assert [text for _, text in said(bank)] == ["I can't eat nuts.", "Noted.", "What can I eat?", "Rice."]


async def test_what_was_said_in_an_awaited_run_that_fails_or_is_cancelled_is_remembered(
    bank: memkit.MemoryBank,
) -> None:
    agent = agent_of(MemkitLearning(bank), ScriptedModel(ConnectionError("down"), "Noted.", "Rice."))
    await agent.arun("I can't eat nuts.", user_id="ana", session_id="first")
    run = asyncio.create_task(agent.arun("I like rice.", user_id="ana", session_id="second"))
    await asyncio.sleep(0.005)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await agent.arun("What can I eat?", user_id="ana", session_id="third")
    await asyncio.to_thread(agent.background_executor.shutdown, wait=True)
    texts = [text for _, text in said(bank)]
    assert (texts.count("I can't eat nuts."), texts.count("What can I eat?")) == (1, 1)
    assert texts.count("I like rice.") <= 1


async def test_a_team_recalls_and_observes_too(bank: memkit.MemoryBank) -> None:
    model = ScriptedModel("Noted.", "Rice.")
    team = Team(members=[], model=model, db=InMemoryDb(), telemetry=False)
    MemkitLearning(bank).attach(team)
    await team.arun("I can't eat nuts.", user_id="ana", session_id="first")
    await team.arun("Can I eat nuts?", user_id="ana", session_id="second")
    assert "I can't eat nuts." in model.shown[1]
    await asyncio.to_thread(team.background_executor.shutdown, wait=True)
    assert [text for _, text in said(bank)] == ["I can't eat nuts.", "Noted.", "Can I eat nuts?", "Rice."]


def test_what_a_person_said_before_a_model_failed_is_remembered_once(bank: memkit.MemoryBank) -> None:
    model = ScriptedModel(ConnectionError("down"), "Noted.")
    agent = agent_of(MemkitLearning(bank), model, retries=1, delay_between_retries=0)
    agent.run("I can't eat nuts.", user_id="ana", session_id="first")
    agent.background_executor.shutdown(wait=True)
    assert [text for _, text in said(bank)].count("I can't eat nuts.") == 1


def test_what_was_erased_does_not_come_back_with_the_history(bank: memkit.MemoryBank) -> None:
    agent = agent_of(MemkitLearning(bank), ScriptedModel("Noted.", "Rice."), add_history_to_context=True)
    agent.run("I can't eat nuts.", user_id="ana", session_id="first")
    bank.erase(ids=[memory.id for memory in bank.list(kinds=["turn"])])
    agent.run("What can I eat?", user_id="ana", session_id="first")
    assert [text for _, text in said(bank)] == ["What can I eat?", "Rice."]


def test_whom_the_function_names_no_bank_is_not_remembered(bank: memkit.MemoryBank) -> None:
    learning = MemkitLearning(lambda context: bank if context["user_id"] else None)
    agent_of(learning, ScriptedModel("Noted.")).run("I can't eat nuts.", session_id="first")
    assert said(bank) == []


def test_the_log_of_a_run_holds_no_memory(bank: memkit.MemoryBank, caplog: pytest.LogCaptureFixture) -> None:
    agent = agent_of(MemkitLearning(bank), ScriptedModel("Noted.", "Rice."), debug_mode=True, debug_level=1)
    agent.run("My code word is Quillfeather.", user_id="ana", session_id="first")
    caplog.clear()
    logger = logging.getLogger("agno")
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.DEBUG, logger="agno"):
            shown = LearningMachine(custom_stores={"memkit": MemkitLearning(bank)}).recall(
                message="What is my code word?"
            )
    finally:
        logger.removeHandler(caplog.handler)
    assert "Quillfeather" in shown["memkit"].text
    assert "RecalledBlock" in caplog.text
    assert "Quillfeather" not in caplog.text


def test_an_agent_without_a_database_is_refused_since_agno_would_ignore_it(bank: memkit.MemoryBank) -> None:
    with pytest.raises(InputError, match="db="):
        MemkitLearning(bank).attach(Agent(model=ScriptedModel(), telemetry=False))


def test_an_agent_that_has_a_learning_keeps_it(bank: memkit.MemoryBank) -> None:
    agent = agent_of(MemkitLearning(bank), ScriptedModel())
    with pytest.raises(InputError, match="custom_stores"):
        MemkitLearning(bank).attach(agent)


def test_the_demo_remembers_in_another_conversation_and_sends_nothing() -> None:
    script = str(DEMOS / "with_agno.py")
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "telemetry off" in result.stdout
    assert "I can't eat nuts." in result.stdout.split("second conversation")[1]
