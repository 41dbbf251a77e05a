"""Claims about the table of `tests/frameworks/environments.py`."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[1] / "frameworks" / "environments.py"


@pytest.fixture(scope="module")
def environments() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environments", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("line", "status", "good"),
    [
        ("3 passed in 1.20s", 0, True),
        ("3 passed, 94 xfailed in 1.20s", 0, True),
        ("2 passed, 1 failed in 1.20s", 1, False),
        ("no line of pytest's", 1, False),
    ],
)
def test_the_exit_status_of_a_command_alone_decides_whether_it_failed(
    environments: ModuleType, line: str, status: int, good: bool
) -> None:
    command = [sys.executable, "-c", f"print({line!r}); raise SystemExit({status})"]
    cell = environments.run(command, r"\d+ (?:passed|failed).*")
    assert environments.Outcome("some-extra", "ok", "none", cell, 1.0).is_good is good
