"""Stores that the LangGraph cases run over: how each is opened, and how time passes in it."""

import importlib
import math
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import aiosqlite
import pytest
from langgraph.store.base import BaseStore, IndexConfig, TTLConfig
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import AsyncSqliteStore, SqliteStore
from memkit_adapters.langgraph import MemkitStore

from memkit.encoders.hashing import HashingEncoder

KNOWN_WORDS = ("sun", "rain", "snow", "wind")
VECTOR_DIMENSION = len(KNOWN_WORDS) + 1

OpenStore = Callable[[Path, IndexConfig | None, TTLConfig | None], AbstractContextManager[BaseStore]]
OpenAsyncStore = Callable[[Path, IndexConfig | None, TTLConfig | None], AbstractAsyncContextManager[BaseStore]]
OpenConfigured = Callable[..., BaseStore]
LetSecondsPass = Callable[[BaseStore, float], None]


@dataclass(frozen=True)
class StoreUnderTest:
    """A store, by name: opened for sync callers, for async callers, and how seconds pass in it."""

    name: str
    open_sync: OpenStore
    open_async: OpenAsyncStore
    let_seconds_pass: Callable[[Any, float], None]


def embedding(text: str) -> list[float]:
    """Gives counts of the four known words, and 1 in the last place where there is none (d = 5)."""
    words = re.findall("[a-z]+", text.lower())
    counts = [float(words.count(word)) for word in KNOWN_WORDS]
    return [*counts, 0.0 if any(counts) else 1.0]


def cosine(left: str, right: str) -> float:
    """Gives the cosine of two texts' embeddings, in 0..1."""
    pairs = list(zip(embedding(left), embedding(right), strict=True))
    norms = [math.sqrt(sum(pair[side] ** 2 for pair in pairs)) for side in (0, 1)]
    return sum(one * other for one, other in pairs) / (norms[0] * norms[1])


def embed_texts(texts: Any) -> list[list[float]]:
    """Gives one vector a text."""
    return [embedding(text) for text in texts]


def index_of(*fields: str) -> IndexConfig:
    """Gives an index over the fields; SqliteStore reads them under a name of its own."""
    names = {"fields": list(fields), "text_fields": list(fields)}
    return cast("IndexConfig", {"dims": VECTOR_DIMENSION, "embed": embed_texts, **names})


@contextmanager
def in_memory(_: Path, index: IndexConfig | None, ttl: TTLConfig | None) -> Iterator[BaseStore]:
    """Opens LangGraph's dict store; it takes no times to live."""
    yield InMemoryStore(index=index)


@asynccontextmanager
async def in_memory_async(folder: Path, index: IndexConfig | None, ttl: TTLConfig | None) -> AsyncIterator[BaseStore]:
    """Opens LangGraph's dict store for async callers."""
    with in_memory(folder, index, ttl) as store:
        yield store


def sqlite_module(*, with_extensions: bool) -> Any:
    """Gives a sqlite3 that can do what is asked; skips the case where this Python has none."""
    if not with_extensions or hasattr(sqlite3.Connection, "enable_load_extension"):
        return sqlite3
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        pytest.skip("SqliteStore's vectors need a Python with loadable SQLite extensions")


@contextmanager
def in_sqlite(folder: Path, index: IndexConfig | None, ttl: TTLConfig | None) -> Iterator[BaseStore]:
    """Opens LangGraph's SQLite store on a file."""
    module = sqlite_module(with_extensions=index is not None)
    connection = module.connect(folder / "store.db", check_same_thread=False, isolation_level=None)
    store = SqliteStore(connection, index=cast("Any", index), ttl=ttl)
    store.setup()
    yield store
    connection.close()


@asynccontextmanager
async def in_sqlite_async(folder: Path, index: IndexConfig | None, ttl: TTLConfig | None) -> AsyncIterator[BaseStore]:
    """Opens LangGraph's async SQLite store on a file."""
    if index is not None:
        pytest.skip("AsyncSqliteStore's vectors need a Python with loadable SQLite extensions")
    file = folder / "store.db"
    async with aiosqlite.connect(file, isolation_level=None) as opened, AsyncSqliteStore(opened, ttl=ttl) as store:
        await store.setup()
        yield store


def let_a_moment_pass(_: BaseStore, __: float) -> None:
    """Waits as long as two times need to differ, in a store whose times are exact and end nothing."""
    time.sleep(0.01)


def shift_times_back(store: SqliteStore, seconds: float) -> None:
    """Moves all times of the store into the past, as if so many whole seconds had gone by."""
    shifted = ", ".join(f"{name} = DATETIME({name}, ?1)" for name in ("created_at", "updated_at", "expires_at"))
    with store.lock:
        store.conn.execute(f"UPDATE store SET {shifted}", (f"-{seconds} seconds",))


@contextmanager
def in_memkit(folder: Path, index: IndexConfig | None, ttl: TTLConfig | None) -> Iterator[BaseStore]:
    """Opens memkit's store, with a clock that is moved by hand."""
    options = {"clock": MovedClock(), **({"encoder": HashingEncoder()} if index is None else {})}
    with MemkitStore.from_conn_string(str(folder / "memory.db"), index=index, ttl=ttl, **options) as store:
        yield store


@asynccontextmanager
async def in_memkit_async(folder: Path, index: IndexConfig | None, ttl: TTLConfig | None) -> AsyncIterator[BaseStore]:
    """Opens memkit's store for async callers."""
    with in_memkit(folder, index, ttl) as store:
        yield store


class MovedClock:
    """A clock that is moved by hand, and goes on by a microsecond with each look."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now


def move_the_clock(store: MemkitStore, seconds: float) -> None:
    """Moves the clock of memkit's store on."""
    store._store._services.clock.now += timedelta(seconds=seconds)  # type: ignore[attr-defined]


IN_MEMORY_STORE = StoreUnderTest("InMemoryStore", in_memory, in_memory_async, let_a_moment_pass)
SQLITE_STORE = StoreUnderTest("SqliteStore", in_sqlite, in_sqlite_async, shift_times_back)
MEMKIT_STORE = StoreUnderTest("memkit", in_memkit, in_memkit_async, move_the_clock)
STORES_UNDER_TEST = (IN_MEMORY_STORE, SQLITE_STORE, MEMKIT_STORE)
