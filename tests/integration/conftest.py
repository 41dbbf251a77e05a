"""A store on disk with the small encoder, and a clock that stands still until it is moved."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.testing import FrozenClock


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
