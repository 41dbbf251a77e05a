"""What LangGraph's own stores hold comes over to MemkitStore as it was: dumped as JSON lines, or its SQLite file."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore
from memkit_adapters.langgraph import MemkitStore

import memkit
from memkit.encoders.hashing import HashingEncoder

NAMESPACES = [("ana", "memories"), ("ana", "profile"), ("bo",)]
VALUES = [{"text": "Likes mint tea."}, {"tags": ["night", 3, None], "deep": {"a": 1.5}}, {"text": "ñandú"}]


def dumped(path: Path) -> Path:
    store = InMemoryStore()
    for namespace, value in zip(NAMESPACES, VALUES, strict=True):
        store.put(namespace, "k", value)
    items = [item for namespace in store.list_namespaces() for item in store.search(namespace)]
    path.write_text("".join(json.dumps(item.dict()) + "\n" for item in items))
    return path


def kept_in_sqlite(path: Path) -> Path:
    with SqliteStore.from_conn_string(str(path)) as store:
        store.setup()
        for namespace, value in zip(NAMESPACES, VALUES, strict=True):
            store.put(namespace, "k", value)
    return path


@pytest.mark.parametrize("write", [dumped, kept_in_sqlite])
def test_an_imported_store_gives_the_same_values_under_the_same_keys(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    source = write(tmp_path / "store.jsonl")
    with memkit.open(":memory:", encoder=HashingEncoder()) as store:
        report = store.import_from("langgraph", source)
        assert report.new == {"item": 3}
        assert store.import_from("langgraph", source).present == 3
        imported = MemkitStore(store)
        assert sorted(imported.list_namespaces()) == NAMESPACES
        for namespace, value in zip(NAMESPACES, VALUES, strict=True):
            item = imported.get(namespace, "k")
            assert item is not None
            assert item.value == value
