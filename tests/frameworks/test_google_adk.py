"""Google ADK's memory service on memkit, under ADK's own runner with a scripted model."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from adapter_pages import shown_and_printed
from google.adk.agents import LlmAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.events import Event
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService, Session
from google.adk.tools import load_memory, preload_memory
from google.genai import types
from memkit_adapters.google_adk import MemkitMemoryService

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import MemkitError
from memkit.testing.adapters import AdapterContract, Shown
from memkit.testing.adapters.contract import damage

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).parents[2]
PET_TEXT = "My hamster is called Quillfeather."
QUESTION_TEXT = "What is my hamster called?"


class ScriptedModel(BaseLlm):
    """A model that gives the parts that it was given, and keeps what it was shown."""

    model: str = "scripted"
    parts: list[types.Part] = []
    shown: list[str] = []
    asked: asyncio.Event | None = None  # set where it never answers, once it was asked

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        self.shown.append(f"{llm_request.config.system_instruction}")
        self.shown += [part_text(part) for content in llm_request.contents for part in content.parts or ()]
        if self.asked is not None:
            self.asked.set()
            await asyncio.Event().wait()
        yield LlmResponse(content=types.Content(role="model", parts=[self.parts.pop(0)]))


def part_text(part: types.Part) -> str:
    return part.text or f"{part.function_call or part.function_response}"


async def remember(callback_context: CallbackContext) -> None:
    await callback_context.add_session_to_memory()


class AgentTalk:
    """People who talk with one agent, whose memory is searched before each answer."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store, self.sessions = store, InMemorySessionService()
        self.service = MemkitMemoryService(store)

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        return self.run(user, text, session, [types.Part(text=answer)], [preload_memory])

    def run(self, user: str, text: str, session: str, parts: list[types.Part], tools: list[Any]) -> Shown:
        model = ScriptedModel(parts=parts, shown=[])
        answer = asyncio.run(self.answered(user, text, session, model, tools))[-1]
        return Shown("\n".join(model.shown), answer)

    async def answered(self, user: str, text: str, session: str, model: ScriptedModel, tools: list[Any]) -> list[str]:
        agent = LlmAgent(name="helper", model=model, tools=tools, after_agent_callback=remember)
        runner = Runner(
            app_name="app",
            agent=agent,
            session_service=self.sessions,
            memory_service=self.service,
            auto_create_session=True,
        )
        asked = types.Content(role="user", parts=[types.Part(text=text)])
        events = runner.run_async(user_id=user, session_id=session, new_message=asked)
        return [part.text or "" async for event in events if event.content for part in event.content.parts or ()]

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        async def break_off() -> None:
            model = ScriptedModel(asked=(asked := asyncio.Event()), shown=[])
            run = asyncio.create_task(self.answered(user, text, session, model, [preload_memory]))
            await asked.wait()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

        asyncio.run(break_off())

    def session(self, user: str, session: str) -> Session:
        found = asyncio.run(self.sessions.get_session(app_name="app", user_id=user, session_id=session))
        assert found is not None
        return found

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        asyncio.run(self.service.add_session_to_memory(self.session(user, session)))

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        events = self.session(user, session).events
        return [part_text(part) for event in events if event.content for part in event.content.parts or ()]

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("app", user)


class TestMemoryService(AdapterContract):
    """`MemkitMemoryService` under a runner, with preload_memory and a callback that adds the session."""

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[AgentTalk]:
        with memkit.open(path, **options) as store:
            yield AgentTalk(store)


@pytest.fixture
def talk() -> Iterator[AgentTalk]:
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        yield AgentTalk(store)


def event_of(id: str, text: str, author: str = "user", **fields: Any) -> Event:
    return Event(id=id, author=author, content=types.Content(role="user", parts=[types.Part(text=text)]), **fields)


def session_of(*events: Event, id: str = "first") -> Session:
    return Session(id=id, app_name="app", user_id="ana", events=list(events))


def texts(talk: AgentTalk, user: str = "ana") -> list[str]:
    return [memory.text for memory in talk.bank(user).list(kinds=["turn"])]


async def found(talk: AgentTalk, query: str) -> list[MemoryEntry]:
    response = await talk.service.search_memory(app_name="app", user_id="ana", query=query)
    return response.memories


async def test_a_session_that_grew_is_added_without_doubles(talk: AgentTalk) -> None:
    first, second = event_of("e1", "I have two cats."), event_of("e2", "I have two cats.")
    await talk.service.add_session_to_memory(session_of(first))
    await talk.service.add_session_to_memory(session_of(first))
    await talk.service.add_session_to_memory(session_of(first, second))
    assert [memory.id for memory in talk.bank("ana").list(kinds=["turn"])] == ["e1", "e2"]


async def test_events_and_their_session_are_the_same_turns(talk: AgentTalk) -> None:
    events = [event_of("e1", PET_TEXT), event_of("e2", "It is two years old.")]
    await talk.service.add_events_to_memory(app_name="app", user_id="ana", events=events, session_id="first")
    await talk.service.add_events_to_memory(app_name="app", user_id="ana", events=events[1:], session_id="first")
    await talk.service.add_session_to_memory(session_of(*events))
    assert texts(talk) == [PET_TEXT, "It is two years old."]


async def test_a_turn_has_its_events_author_time_session_and_metadata(talk: AgentTalk) -> None:
    event = event_of("e1", "Rita is fine.", author="helper", timestamp=1_700_000_000.5)
    await talk.service.add_events_to_memory(
        app_name="app", user_id="ana", events=[event], session_id="s", custom_metadata={"source": "phone"}
    )
    [turn] = talk.bank("ana").list(kinds=["turn"])
    assert (turn.speaker, turn.role, turn.session) == ("helper", "assistant", "s")
    assert turn.metadata == {"source": "phone", "message_id": "e1"}
    assert turn.occurred_at.timestamp() == 1_700_000_000.5


async def test_reasoning_tool_calls_parts_of_streams_and_empty_events_are_no_turns(talk: AgentTalk) -> None:
    call = types.Part(function_call=types.FunctionCall(name="look", args={"about": "cats"}))
    parts = [types.Part(text="She may mean cats.", thought=True), call, types.Part(text="Two cats.")]
    answer = Event(id="e1", author="helper", content=types.Content(role="model", parts=parts))
    silent = Event(id="e2", author="helper", content=types.Content(role="model", parts=[call]))
    part = event_of("e3", "Two", author="helper", partial=True)
    await talk.service.add_session_to_memory(session_of(answer, silent, part, Event(id="e4", author="helper")))
    assert texts(talk) == ["Two cats."]


async def test_an_event_that_cant_be_stored_is_named_and_the_rest_is_remembered(
    talk: AgentTalk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "memkit"):
        await talk.service.add_session_to_memory(session_of(event_of("e1", "bad\0"), event_of("e2", PET_TEXT)))
    assert texts(talk) == [PET_TEXT]
    assert "message e1 was not remembered" in caplog.text


async def test_what_was_deleted_doesnt_come_back_with_its_session_or_its_event(talk: AgentTalk) -> None:
    event = event_of("e1", PET_TEXT)
    await talk.service.add_session_to_memory(session_of(event))
    [entry] = await found(talk, QUESTION_TEXT)
    await talk.service.delete_memory(app_name="app", user_id="ana", memory_id=entry.id)
    await talk.service.add_session_to_memory(session_of(event, event_of("e2", "It is two years old.")))
    await talk.service.add_events_to_memory(app_name="app", user_id="ana", events=[event])
    assert texts(talk) == ["It is two years old."]


async def test_what_was_erased_in_the_bank_doesnt_come_back_with_its_session(talk: AgentTalk) -> None:
    event = event_of("e1", PET_TEXT)
    await talk.service.add_session_to_memory(session_of(event))
    talk.bank("ana").erase(ids=["e1"])
    await talk.service.add_session_to_memory(session_of(event, event_of("e2", "It is two years old.")))
    assert texts(talk) == ["It is two years old."]


async def test_what_was_erased_in_the_bank_doesnt_come_back_with_its_sessions_events(talk: AgentTalk) -> None:
    event = event_of("e1", PET_TEXT)
    for _ in range(2):
        await talk.service.add_events_to_memory(app_name="app", user_id="ana", events=[event], session_id="first")
        talk.bank("ana").erase(ids=[memory.id for memory in talk.bank("ana").list(kinds=["turn"])])
        assert texts(talk) == []


@pytest.mark.parametrize("id", [None, "", "unknown", "item:note"])
async def test_deleting_what_is_no_memory_is_silent(talk: AgentTalk, id: str | None) -> None:
    await talk.service.add_session_to_memory(session_of(event_of("e1", PET_TEXT)))
    talk.bank("ana").put("note", "an item of somebody else")
    await talk.service.delete_memory(app_name="app", user_id="ana", memory_id=id)
    assert texts(talk) == [PET_TEXT]
    assert talk.bank("ana").get_item("note") is not None


async def test_facts_are_thoughts_and_the_same_fact_is_stored_once(talk: AgentTalk) -> None:
    fact = types.Content(parts=[types.Part(text="Ana can't eat nuts.")])
    entries = [MemoryEntry(content=fact, author="ana", timestamp="2025-06-02T10:00:00+00:00")]
    for _ in range(2):
        await talk.service.add_memory(app_name="app", user_id="ana", memories=entries, custom_metadata={"by": "form"})
    [thought] = talk.bank("ana").list(kinds=["thought"])
    assert (thought.text, thought.speaker, thought.metadata) == ("Ana can't eat nuts.", "ana", {"by": "form"})
    assert thought.occurred_at.isoformat() == "2025-06-02T10:00:00+00:00"
    assert [entry.id for entry in await found(talk, "What can Ana eat, nuts?")] == [thought.id]


async def test_an_entry_tells_who_said_it_when_and_quotes_it(talk: AgentTalk) -> None:
    talk.store.bank("app", "ana").observe([memkit.Turn("The hamster runs.", "Ana", "user", "2025-06-02T10:00:00Z")])
    [entry] = await found(talk, "Does the hamster run?")
    assert (entry.author, entry.timestamp) == ("Ana", "2025-06-02T10:00+00:00")
    assert entry.content.parts == [types.Part(text='"The hamster runs."')]
    assert entry.custom_metadata["kind"] == "turn"


async def test_a_search_gives_no_more_than_its_budget(talk: AgentTalk) -> None:
    talk.bank("ana").observe([("ana", f"{PET_TEXT} It ran {'on and ' * 500}{n} times.") for n in range(20)])
    small = MemkitMemoryService(talk.store, k=5, max_tokens=200)
    entries = (await small.search_memory(app_name="app", user_id="ana", query=QUESTION_TEXT)).memories
    assert 1 <= len(entries) <= 5
    assert sum(len(part.text or "") for entry in entries for part in entry.content.parts or ()) < 800


async def test_a_bank_may_be_chosen_by_app_and_user(talk: AgentTalk) -> None:
    service = MemkitMemoryService(lambda app, user: talk.store.bank("everybody"))
    await service.add_session_to_memory(session_of(event_of("e1", PET_TEXT)))
    assert len(talk.store.bank("everybody").list(kinds=["turn"])) == 1


async def test_the_event_loop_goes_on_while_the_memory_works(talk: AgentTalk) -> None:
    events = [event_of(f"e{n}", f"This is hamster number {n}.") for n in range(300)]
    adding = asyncio.create_task(talk.service.add_session_to_memory(session_of(*events)))
    ticks = 0
    while not adding.done():
        await asyncio.sleep(0)
        ticks += 1
    assert ticks > 10


async def test_a_session_whose_adding_was_cancelled_is_added_whole_and_once(talk: AgentTalk) -> None:
    session = session_of(*(event_of(f"e{n}", f"This is hamster number {n}.") for n in range(100)))
    adding = asyncio.create_task(talk.service.add_session_to_memory(session))
    await asyncio.sleep(0.005)
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    await talk.service.add_session_to_memory(session)
    assert [memory.id for memory in talk.bank("ana").session("first")] == [event.id for event in session.events]


def test_adks_runner_without_a_loop_remembers_too(talk: AgentTalk) -> None:
    agent = LlmAgent(
        name="helper", model=ScriptedModel(parts=[types.Part(text="Noted.")], shown=[]), after_agent_callback=remember
    )
    runner = Runner(
        app_name="app",
        agent=agent,
        session_service=talk.sessions,
        memory_service=talk.service,
        auto_create_session=True,
    )
    asked = types.Content(role="user", parts=[types.Part(text=PET_TEXT)])
    assert len(list(runner.run(user_id="ana", session_id="first", new_message=asked))) == 1
    assert texts(talk) == [PET_TEXT, "Noted."]


def test_a_model_may_search_and_its_tools_result_is_not_remembered(talk: AgentTalk) -> None:
    talk.say("ana", PET_TEXT)
    call = types.Part(function_call=types.FunctionCall(name="load_memory", args={"query": QUESTION_TEXT}))
    shown = talk.run("ana", QUESTION_TEXT, "second", [call, types.Part(text="You told me.")], [load_memory])
    assert "Quillfeather" in shown.prompt
    assert texts(talk) == [PET_TEXT, "Noted.", QUESTION_TEXT, "You told me."]


def test_a_model_that_searches_a_failing_memory_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        talk = AgentTalk(store)
        talk.say("ana", "hello")
        stored = talk.bank("ana").list(kinds=["turn"])[0].id
        damage(path)
        call = types.Part(function_call=types.FunctionCall(name="load_memory", args={"query": "hello"}))
        assert talk.run("ana", "hi", "second", [call, types.Part(text="Hi.")], [load_memory]).answer == "Hi."
        with pytest.raises(MemkitError):
            asyncio.run(talk.service.delete_memory(app_name="app", user_id="ana", memory_id=stored))


def test_the_page_shows_what_its_code_prints() -> None:
    shown, printed = shown_and_printed("google_adk")
    assert printed == shown


def test_the_demo_knows_in_the_second_process_what_it_was_told_in_the_first(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "demos/with_google_adk.py"), "--db", str(tmp_path / "memory.db")]
    told = subprocess.run([*command, "I can't eat nuts."], capture_output=True, text=True, check=True, timeout=120)
    asked = subprocess.run([*command, "What can't I eat?"], capture_output=True, text=True, check=True, timeout=120)
    assert "shown    nothing of the past" in told.stdout
    assert "I can't eat nuts." in asked.stdout.partition("shown")[2]
