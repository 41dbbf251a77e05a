"""Fixtures of the LangGraph cases: each store, plain or with vectors or with times to live."""

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from langgraph.store.base import BaseStore, IndexConfig, TTLConfig
from langgraph_stores import STORES_UNDER_TEST, LetSecondsPass, OpenConfigured, StoreUnderTest, index_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        parameters = getattr(item, "callspec", None)
        under_test = parameters.params.get("under_test") if parameters else None
        for mark in item.iter_markers("fails_on"):
            if under_test and under_test.name in mark.args[0]:
                item.add_marker(pytest.mark.xfail(reason=mark.args[1], strict=True))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> None:
    """Collect what a failed case left: its futures log errors when they go, which breaks a report's own parsing."""
    if call.excinfo is not None:
        gc.collect()


@pytest.fixture(params=STORES_UNDER_TEST, ids=lambda store: store.name)
def under_test(request: pytest.FixtureRequest) -> StoreUnderTest:
    chosen: StoreUnderTest = request.param
    return chosen


@pytest.fixture
def open_store(under_test: StoreUnderTest, tmp_path: Path) -> Iterator[OpenConfigured]:
    with ExitStack() as stack:

        def open_configured(index: IndexConfig | None = None, ttl: TTLConfig | None = None) -> BaseStore:
            return stack.enter_context(under_test.open_sync(tmp_path, index, ttl))

        yield open_configured


@pytest.fixture
def store(open_store: OpenConfigured) -> BaseStore:
    return open_store()


@pytest.fixture
def vector_store(open_store: OpenConfigured) -> BaseStore:
    return open_store(index=index_of("text"))


@pytest.fixture
async def async_store(under_test: StoreUnderTest, tmp_path: Path) -> AsyncIterator[BaseStore]:
    async with under_test.open_async(tmp_path, None, None) as opened:
        yield opened


@pytest.fixture
def let_seconds_pass(under_test: StoreUnderTest) -> LetSecondsPass:
    return under_test.let_seconds_pass
