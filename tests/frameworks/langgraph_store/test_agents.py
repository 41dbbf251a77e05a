"""MemkitStore under LangGraph's agents: langmem's tools run on it, and the next process has what an agent put."""

import asyncio
import runpy
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_talks import calling, scripted
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph_stores import VECTOR_DIMENSION, embed_texts
from memkit_adapters.langgraph import MemkitStore

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what langmem imports from where it was
    from langmem import create_manage_memory_tool, create_search_memory_tool

DEMO = Path(__file__).parents[3] / "demos" / "with_langgraph.py"
NAMESPACE = ("memories", "{langgraph_user_id}")
INDEX: Any = {"dims": VECTOR_DIMENSION, "embed": embed_texts}


@pytest.fixture(params=["in memory", "memkit"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseStore]:
    if request.param == "in memory":
        yield InMemoryStore(index=INDEX)
    else:
        with MemkitStore.from_conn_string(str(tmp_path / "m.db"), index=INDEX) as opened:
            yield opened


@pytest.mark.parametrize("is_awaited", [False, True], ids=["called", "awaited"])
class TestLangmem:
    """langmem's tools, called by an agent."""

    def use(self, store: BaseStore, user: str, *calls: Any, is_awaited: bool) -> list[str]:
        """What the tools answered, in order."""
        tools = [create_manage_memory_tool(NAMESPACE), create_search_memory_tool(NAMESPACE)]
        agent = create_agent(scripted(*calls, "Done."), tools=tools, store=store)
        config: Any = {"configurable": {"langgraph_user_id": user}}
        given = {"messages": [HumanMessage("go on")]}
        state = asyncio.run(agent.ainvoke(given, config)) if is_awaited else agent.invoke(given, config)
        return [str(message.content) for message in state["messages"] if message.type == "tool"]

    def test_a_memory_is_made_found_changed_and_deleted(self, store: BaseStore, is_awaited: bool) -> None:
        manage, search = "manage_memory", calling("search_memory", query="pizza")
        [made, found] = self.use(
            store, "ana", calling(manage, content="likes pizza", action="create"), search, is_awaited=is_awaited
        )
        id = made.removeprefix("created memory ")
        assert ("likes pizza" in found, id in found) == (True, True)
        change = calling(manage, content="likes figs", action="update", id=id)
        [_, found] = self.use(store, "ana", change, search, is_awaited=is_awaited)
        assert ("likes figs" in found, "likes pizza" in found) == (True, False)
        [_, found] = self.use(store, "ana", calling(manage, action="delete", id=id), search, is_awaited=is_awaited)
        assert found == "[]"

    def test_each_user_has_a_namespace(self, store: BaseStore, is_awaited: bool) -> None:
        made = calling("manage_memory", content="likes pizza", action="create")
        self.use(store, "ana", made, is_awaited=is_awaited)
        assert self.use(store, "bo", calling("search_memory", query="pizza"), is_awaited=is_awaited) == ["[]"]
        assert store.list_namespaces() == [("memories", "ana")]


def test_what_an_agent_told_the_store_in_one_process_it_knows_in_the_next(tmp_path: Path) -> None:
    run = """
import sys, memkit
from langchain.agents import create_agent
from langchain_talks import calling, scripted
from langmem import create_manage_memory_tool, create_search_memory_tool
from memkit.encoders.hashing import HashingEncoder
from memkit_adapters.langgraph import MemkitStore

path, name, field, text, *action = sys.argv[1:]
tools = [create_manage_memory_tool(("ana",)), create_search_memory_tool(("ana",))]
call = calling(name, **{field: text}, **({"action": action[0]} if action else {}))
with memkit.open(path, encoder=HashingEncoder()) as memory:
    agent = create_agent(scripted(call, "Done."), tools=tools, store=MemkitStore(memory, index={"fields": ["content"]}))
    print(agent.invoke({"messages": "go on"})["messages"][2].content)
"""
    path = str(tmp_path / "memory.db")
    told = ["manage_memory", "content", "My hamster is called Quillfeather.", "create"]
    asked = ["search_memory", "query", "What is my hamster called?"]
    support = Path(__file__).parents[2] / "support"
    shown = [
        subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path.append({str(support)!r})\n{run}", path, *words],
            capture_output=True, text=True, check=True,
        ).stdout
        for words in (told, asked)
    ]  # fmt: skip
    assert shown[0].startswith("created memory")
    assert "Quillfeather" in shown[1]


def test_without_langgraph_the_error_names_the_extra() -> None:
    run = """
import sys
sys.modules["langgraph.store.base"] = sys.modules["langgraph"] = None
try:
    import memkit_adapters.langgraph
except ImportError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    assert "pip install 'memkit-agents[langgraph]'" in told.stdout


def test_the_demo_finds_after_a_restart_what_was_said_before(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(DEMO), run_name="__main__")
    shown = capsys.readouterr().out
    assert "known  nothing" in shown
    assert "known  I can't eat nuts." in shown
    assert "questions, by a filter: ['Can I eat nuts, or what else?']" in shown
