"""A store on disk with the small encoder, and a clock that stands still until it is moved."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing import FrozenClock


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of `written.c`, which sees what a process writes and can fill its disk."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler")
    made = tmp_path_factory.mktemp("shim") / "written.so"
    source = Path(__file__).parents[1] / "support" / "written.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def store(path: Path, clock: FrozenClock) -> Iterator[memkit.MemoryStore]:
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as opened:
        yield opened


@pytest.fixture
def bank(store: memkit.MemoryStore) -> memkit.MemoryBank:
    return store.bank("acme", "ana")
