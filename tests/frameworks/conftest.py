"""Ground of the tests that run frameworks: without its framework a file isn't collected, unless all are wanted."""

import os
from importlib.util import find_spec

import pytest

PACKAGES_BY_FILE = {
    "langgraph_store": ("langgraph", "aiosqlite", "langchain"),
    "test_agent_framework.py": ("agent_framework",),
    "test_agno.py": ("agno",),
    "test_anthropic.py": ("anthropic",),
    "test_anthropic_answers.py": ("anthropic",),
    "test_autogen.py": ("autogen_core", "autogen_agentchat"),
    "test_crewai.py": ("crewai",),
    "test_google_adk.py": ("google", "google.adk"),
    "test_haystack.py": ("haystack",),
    "test_hermes_agent.py": ("hermes_constants",),
    "test_langchain_agents.py": ("langchain",),
    "test_livekit.py": ("livekit", "livekit.agents"),
    "test_llama_index.py": ("llama_index",),
    "test_openai_agents.py": ("agents",),
    "test_pipecat.py": ("pipecat",),
    "test_pydantic_ai.py": ("pydantic_ai",),
    "test_strands.py": ("strands",),
}
IS_COMPLETE = os.environ.get("MEMKIT_FRAMEWORKS") == "all"  # then what is missing is an error
collect_ignore = [name for name, needed in PACKAGES_BY_FILE.items() if not (IS_COMPLETE or all(map(find_spec, needed)))]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "frameworks" in item.path.parts:
            item.add_marker(pytest.mark.frameworks)
            item.add_marker(pytest.mark.filterwarnings("default"))  # frameworks warn of each other
