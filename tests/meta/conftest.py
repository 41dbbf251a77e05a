"""Checking the types takes longest of all tests and needs one core: it starts with the run and goes on beside it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TYPE_CHECK_KEY = pytest.StashKey["subprocess.Popen[str]"]()


def pytest_collection_finish(session: pytest.Session) -> None:
    asked_for = any("type_check" in getattr(item, "fixturenames", ()) for item in session.items)
    if asked_for and not session.config.option.collectonly:
        session.config.stash[TYPE_CHECK_KEY] = subprocess.Popen(
            [sys.executable, "-m", "mypy"], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )


@pytest.fixture(scope="session")
def type_check(pytestconfig: pytest.Config) -> Iterator["subprocess.Popen[str]"]:
    """mypy over the packages, already running."""
    with pytestconfig.stash[TYPE_CHECK_KEY] as running:
        yield running


def pytest_unconfigure(config: pytest.Config) -> None:
    running = config.stash.get(TYPE_CHECK_KEY, None)
    if running is not None and running.poll() is None:
        running.kill()
        running.communicate()
