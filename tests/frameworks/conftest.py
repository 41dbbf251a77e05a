"""Ground of the tests that run frameworks: without a framework its tests aren't collected, unless all are wanted."""

import os
from importlib.util import find_spec

import pytest

IS_COMPLETE = os.environ.get("MEMKIT_FRAMEWORKS") == "all"  # then what is missing is an error
HAS_STORES = all(map(find_spec, ("aiosqlite", "langgraph")))  # those that memkit's is compared with
collect_ignore = [] if IS_COMPLETE or HAS_STORES else ["langgraph_store"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "frameworks" in item.path.parts:
            item.add_marker(pytest.mark.frameworks)
            item.add_marker(pytest.mark.filterwarnings("default"))  # frameworks warn of each other
