"""Each adapter has its parts: a section of the page, an extra, tests of the framework, a demo with telemetry off."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADAPTERS_FOLDER = ROOT / "adapters" / "memkit_adapters"
SHARED_MODULES = {"__init__", "anthropic_files", "facts", "sparing", "tool_answers", "voice"}  # no framework's
ADAPTER_NAMES = sorted({path.stem for path in ADAPTERS_FOLDER.iterdir()} - SHARED_MODULES - {"__pycache__", "py"})
LANGCHAIN_PARTS = {"langchain": ("langchain-agents", "with_langchain_agents", "test_langchain_agents")}
SWITCH_BY_DEMO = {
    "with_agno": 'os.environ["AGNO_TELEMETRY"] = "false"',
    "with_crewai": '"CREWAI_DISABLE_TELEMETRY": "true"',
    "with_haystack": 'os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"',
    "with_langchain_agents": 'os.environ["LANGSMITH_TRACING"] = "false"',
    "with_langgraph": 'os.environ["LANGSMITH_TRACING"] = "false"',
    "with_livekit": 'os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "false"',
    "with_openai_agents": "set_tracing_disabled(True)",
}
PAGE = (ROOT / "adapters" / "README.md").read_text("utf-8")
with (ROOT / "pyproject.toml").open("rb") as file:
    EXTRAS = tomllib.load(file)["project"]["optional-dependencies"]


def parts_of(name: str) -> tuple[str, str, str]:
    """Names of an adapter's extra, demo and tests."""
    return LANGCHAIN_PARTS.get(name, (name.replace("_", "-"), f"with_{name}", f"test_{name}"))


def test_the_adapters_are_looked_at() -> None:
    assert len(ADAPTER_NAMES) >= 16
    assert {"haystack", "langgraph", "pipecat"} <= set(ADAPTER_NAMES)


@pytest.mark.parametrize("name", ADAPTER_NAMES)
def test_an_adapter_has_a_section_that_tells_its_extra_and_its_telemetry(name: str) -> None:
    extra, _, _ = parts_of(name)
    sections = [part for part in PAGE.split("\n## ") if f"`memkit_adapters.{name}`" in part.splitlines()[0]]
    assert any(f"`{extra}`" in section.splitlines()[0] for section in sections)
    assert re.search("telemetry|tracing", " ".join(sections).casefold())


@pytest.mark.parametrize("name", ADAPTER_NAMES)
def test_an_adapter_has_tests_of_its_framework_and_a_demo(name: str) -> None:
    _, demo, tests = parts_of(name)
    assert (ROOT / "demos" / f"{demo}.py").exists()
    folder = ROOT / "tests" / "frameworks"
    assert (folder / f"{tests}.py").exists() or (folder / "langgraph_store").exists()


@pytest.mark.parametrize("name", ADAPTER_NAMES)
def test_an_adapters_extra_has_floors_and_is_among_those_that_install_together_or_apart(name: str) -> None:
    extra, _, _ = parts_of(name)
    assert all(">=" in requirement for requirement in EXTRAS[extra])
    together = {part for line in EXTRAS["frameworks"] for part in re.findall(r"[\w-]+", line)}
    assert (extra in together) is not (extra in apart())


def apart() -> tuple[str, ...]:
    """Extras that need an environment of their own."""
    path = ROOT / "tests" / "frameworks" / "environments.py"
    spec = importlib.util.spec_from_file_location("environments", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(module.EXTRAS_APART)


@pytest.mark.parametrize(("demo", "switch"), SWITCH_BY_DEMO.items())
def test_a_demo_switches_off_what_its_framework_sends_or_traces(demo: str, switch: str) -> None:
    assert switch in (ROOT / "demos" / f"{demo}.py").read_text("utf-8")
