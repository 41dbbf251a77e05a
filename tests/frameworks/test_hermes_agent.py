"""Hermes Agent with memkit's provider: its own agents, found by its folder, over a scripted model behind HTTP."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

os.environ["HERMES_HOME"] = tempfile.mkdtemp()  # before the import

from adapter_pages import shown_and_printed
from agent.memory_manager import MemoryManager
from memkit_adapters.hermes_agent import SEARCH_TOOL, MemkitProvider
from plugins.memory import load_memory_provider
from run_agent import AIAgent

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing.adapters import AdapterContract, Shown

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).parents[2]
HOME = Path(os.environ["HERMES_HOME"])
CONFIG_TEXT = "memory: {provider: memkit, memory_enabled: false, user_profile_enabled: false}\n"
PET_TEXT = "My hamster is called Quillfeather."
QUESTION_TEXT = "What is my hamster called?"
BANKS = sys.modules["hermes_test_banks"] = ModuleType("hermes_test_banks")
PLUGIN_TEXT = """
import hermes_test_banks
from memkit_adapters.hermes_agent import MemkitProvider  # a MemoryProvider


def register(ctx):
    ctx.register_memory_provider(MemkitProvider(lambda told: hermes_test_banks.bank_of(told)))
"""


@pytest.fixture(autouse=True, scope="module")
def _home() -> None:
    """A folder of Hermes with the provider."""
    (HOME / "plugins" / "memkit").mkdir(parents=True)
    (HOME / "plugins" / "memkit" / "__init__.py").write_text(PLUGIN_TEXT)
    (HOME / "config.yaml").write_text(CONFIG_TEXT)


class ScriptedModel(ThreadingHTTPServer):
    """A server that answers like a model, and keeps what it was shown by the mark in the system's message.

    answers: by the beginning of the question; asked: set once a question that hangs has come; released: lets it go on
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ScriptedAnswer)
        self.answers: dict[str, str] = {}
        self.shown: dict[str, str] = {}
        self.asked, self.released, self.hangs = threading.Event(), threading.Event(), False
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ScriptedAnswer(BaseHTTPRequestHandler):
    """One answer, streamed or whole, as Hermes asks for it."""

    server: ScriptedModel

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        messages = body.get("messages") or [{"content": ""}]
        question = str(messages[-1]["content"])
        mark = str(messages[0]["content"]).rpartition("mark:")[2].strip()
        self.server.shown[mark] = "\n".join(str(message["content"]) for message in messages)
        if self.server.hangs:
            self.server.asked.set()
            self.server.released.wait(20)
        answer = next((text for start, text in self.server.answers.items() if question.startswith(start)), "Noted.")
        self._send(answer, is_stream=bool(body.get("stream")))

    def _send(self, answer: str, *, is_stream: bool) -> None:
        message = {"role": "assistant", "content": answer}
        choice = {"index": 0, "finish_reason": "stop", "delta" if is_stream else "message": message}
        kind = "chat.completion.chunk" if is_stream else "chat.completion"
        text = json.dumps({"id": "1", "object": kind, "created": 1, "model": "scripted", "choices": [choice]})
        data = f"data: {text}\n\ndata: [DONE]\n\n" if is_stream else text
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
        self.end_headers()
        self.wfile.write(data.encode())

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


class HermesTalk:
    """People who talk with Hermes' agents, one for each of their conversations."""

    def __init__(self, store: memkit.MemoryStore) -> None:
        self.store, self.model = store, ScriptedModel()
        self.agents: dict[tuple[str, str], AIAgent] = {}
        self.histories: dict[tuple[str, str], list[dict[str, Any]]] = {}
        BANKS.bank_of = lambda told: self.bank(told["user_id"])  # type: ignore[attr-defined]

    def close(self) -> None:
        for agent in self.agents.values():
            agent.shutdown_memory_provider()
        self.model.shutdown()
        self.model.server_close()

    def agent(self, user: str, session: str) -> AIAgent:
        if (user, session) not in self.agents:
            self.agents[user, session] = AIAgent(
                base_url=f"http://127.0.0.1:{self.model.server_port}/v1", api_key="none", provider="custom",
                model="scripted", enabled_toolsets=["memory"], quiet_mode=True, skip_context_files=True,
                session_id=f"{user} {session}", user_id=user, user_name=user, platform="telegram", max_iterations=3,
                ephemeral_system_prompt=f"mark:{user}/{session}",
            )  # fmt: skip
        return self.agents[user, session]

    def say(self, user: str, text: str, *, session: str = "first", answer: str = "Noted.") -> Shown:
        self.model.answers[text] = answer
        agent, before = self.agent(user, session), self.histories.get((user, session), [])
        done = agent.run_conversation(text, conversation_history=before)
        self.histories[user, session] = done["messages"]
        agent._memory_manager.flush_pending(10)
        return Shown(self.model.shown[f"{user}/{session}"], done["final_response"])

    def cancel(self, user: str, text: str, *, session: str = "first") -> None:
        agent, self.model.hangs = self.agent(user, session), True
        run = threading.Thread(target=agent.run_conversation, args=(text,))
        run.start()
        self.model.asked.wait(20)
        agent.interrupt()
        self.model.hangs = False
        self.model.released.set()
        run.join()

    def repeat(self, user: str, text: str, *, session: str = "first") -> None:
        manager = self.agent(user, session)._memory_manager
        manager.sync_all(text, "Noted.", session_id=f"{user} {session}")
        manager.flush_pending(10)

    def messages(self, user: str, *, session: str = "first") -> list[str]:
        return [str(message["content"]) for message in self.histories[user, session]]

    def bank(self, user: str) -> memkit.MemoryBank:
        return self.store.bank("app", user)


class TestProvider(AdapterContract):
    """`MemkitProvider` in Hermes' agents, with a function to a bank.

    Of a message its content is looked at: beside it Hermes keeps what it sent for it, with what was recalled.
    """

    @contextmanager
    def opened(self, path: Path, **options: Any) -> Iterator[HermesTalk]:
        with memkit.open(path, **options) as store:
            talk = HermesTalk(store)
            try:
                yield talk
            finally:
                talk.close()


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[MemkitProvider]:
    provider = MemkitProvider(encoder=HashingEncoder())
    provider.initialize("first", hermes_home=str(tmp_path), agent_identity="coder", user_id="ana", user_name="Ana")
    yield provider
    provider.shutdown()


def test_hermes_finds_the_provider_by_its_folder() -> None:
    assert type(load_memory_provider("memkit")).__name__ == "MemkitProvider"


def test_without_a_bank_each_profile_and_person_has_one_in_hermes_folder(
    provider: MemkitProvider, tmp_path: Path
) -> None:
    provider.sync_turn(PET_TEXT, "Noted.")
    provider.shutdown()
    with memkit.open(tmp_path / "memkit.db", encoder=HashingEncoder()) as store:
        assert store.banks() == [("hermes", "coder", "ana")]
        assert [turn.speaker for turn in store.bank("hermes", "coder", "ana").session("first")] == ["Ana", "assistant"]


def test_the_model_can_search(provider: MemkitProvider) -> None:
    manager = MemoryManager()
    manager.add_provider(provider)
    provider.sync_turn(PET_TEXT, "Noted.")
    found = json.loads(manager.handle_tool_call(SEARCH_TOOL, {"query": QUESTION_TEXT}))["found"]
    assert any("Quillfeather" in line for line in found)
    assert json.loads(manager.handle_tool_call(SEARCH_TOOL, {"query": " "})) == {"found": []}


def test_what_this_conversation_holds_is_not_recalled(provider: MemkitProvider) -> None:
    provider.sync_turn(PET_TEXT, "Noted.")
    assert provider.prefetch(QUESTION_TEXT) == ""
    provider.on_session_switch("second")
    assert "Quillfeather" in provider.prefetch(QUESTION_TEXT)


@pytest.mark.parametrize("context", ["cron", "subagent"])
def test_what_schedules_and_agents_of_agents_say_is_nobodys_talk(tmp_path: Path, context: str) -> None:
    provider = MemkitProvider(encoder=HashingEncoder())
    provider.initialize("first", hermes_home=str(tmp_path), agent_context=context)
    provider.sync_turn(PET_TEXT, "Noted.")
    provider.shutdown()
    with memkit.open(tmp_path / "memkit.db", encoder=HashingEncoder()) as store:
        assert store.banks() == []


def test_an_agent_goes_on_where_its_memory_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "memkit.db").write_text("no database")
    provider = MemkitProvider(encoder=HashingEncoder())
    provider.initialize("first", hermes_home=str(tmp_path))
    assert provider.prefetch(QUESTION_TEXT) == ""
    provider.sync_turn(PET_TEXT, "Noted.")
    assert json.loads(provider.handle_tool_call(SEARCH_TOOL, {"query": "hamster"})) == {"found": []}
    provider.shutdown()


def test_the_page_shows_what_its_code_prints() -> None:
    shown, printed = shown_and_printed("hermes_agent")
    assert printed == shown


def test_the_demo_knows_in_the_second_chat_what_it_was_told_in_the_first() -> None:
    command = [sys.executable, str(ROOT / "demos/with_hermes_agent.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180)
    assert "I can't eat nuts." in done.stdout.partition("friday")[2].partition("agent")[2]
