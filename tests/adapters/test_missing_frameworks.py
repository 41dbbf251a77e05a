"""An adapter without its framework says exactly what is to be installed."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

ADAPTERS_FOLDER = Path(__file__).parents[2] / "adapters" / "memkit_adapters"
FRAMEWORK_BY_ADAPTER = {
    "agent_framework": "agent_framework",
    "agno": "agno",
    "anthropic": "anthropic",
    "autogen": "autogen_core",
    "crewai": "crewai",
    "google_adk": "google.adk",
    "haystack": "haystack",
    "hermes_agent": "agent.memory_provider",
    "langgraph": "langgraph",
    "livekit": "livekit.agents",
    "llama_index": "llama_index",
    "openai_agents": "agents",
    "pipecat": "pipecat",
    "pydantic_ai": "pydantic_ai",
    "strands": "strands",
}
ADAPTER_NAMES = sorted({path.stem for path in ADAPTERS_FOLDER.iterdir()} & FRAMEWORK_BY_ADAPTER.keys())


@pytest.mark.parametrize("name", ADAPTER_NAMES)
def test_an_adapter_without_its_framework_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    framework, adapter = FRAMEWORK_BY_ADAPTER[name], f"memkit_adapters.{name}"
    for module in [module for module in sys.modules if f"{module}.".startswith((f"{adapter}.", f"{framework}."))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, framework, None)
    with pytest.raises(ImportError, match=rf"pip install 'memkit-agents\[{name.replace('_', '-')}\]'"):
        import_module(adapter)
