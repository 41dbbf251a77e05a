"""Marks and small words of the LangGraph cases."""

from collections.abc import Iterable

import pytest
from langgraph.store.base import BaseStore, Item

IN_MEMORY = "InMemoryStore"
SQLITE = "SqliteStore"
MEMKIT = "memkit"
USERS = ("users", "ana")


def fails_on(*stores: str, because: str) -> pytest.MarkDecorator:
    """Marks a case that the named stores don't meet, with the reason."""
    return pytest.mark.fails_on(stores, because)


def keys(items: Iterable[Item]) -> list[str]:
    """Gives the items' keys, sorted."""
    return sorted(item.key for item in items)


def value_of(store: BaseStore, key: str, namespace: tuple[str, ...] = USERS) -> object:
    """Gives the value under a key, None where nothing is."""
    item = store.get(namespace, key)
    return None if item is None else item.value
