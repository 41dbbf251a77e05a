"""MemkitStorage under CrewAI's memory, with a scripted model and a small embedder."""

import os
import runpy
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

os.environ |= {"OTEL_SDK_DISABLED": "true", "CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false"}
pytest.importorskip("crewai")  # also spares its import the warnings that are errors here

from crewai.memory.storage.backend import StorageBackend
from crewai.memory.types import MemoryRecord
from crewai.memory.unified_memory import Memory
from memkit_adapters.crewai import MemkitStorage

import memkit
from memkit.encoders.hashing import HashingEncoder

NOON = datetime(2025, 6, 2, 12)


def embedded(texts: list[str]) -> list[list[float]]:
    """Vectors of the small encoder."""
    return [[float(number) for number in row] for row in HashingEncoder(64).encode(texts)]


def record(id: str, content: str, scope: str = "/users/ana", **fields: Any) -> MemoryRecord:
    return MemoryRecord(id=id, content=content, scope=scope, embedding=embedded([content])[0], **fields)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[MemkitStorage]:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as store:
        yield MemkitStorage(store.bank("acme", "crew"))


def test_it_is_a_storage_of_crewais(storage: MemkitStorage) -> None:
    assert isinstance(storage, StorageBackend)


def test_a_record_comes_back_as_it_was_saved_and_later_ones_take_its_place(storage: MemkitStorage) -> None:
    first = record("1", "Ana likes figs.", categories=["food"], metadata={"n": 1}, importance=0.3, created_at=NOON)
    storage.save([first])
    back = storage.get_record("1")
    assert back is not None
    assert back.model_dump() == first.model_dump()
    assert back.embedding == pytest.approx(first.embedding, abs=1e-6)
    storage.update(first.model_copy(update={"content": "Ana likes dates."}))
    assert [r.content for r in storage.list_records()] == ["Ana likes dates."]
    assert storage.get_record("2") is None


def test_the_nearest_come_first_within_scope_category_and_filter(storage: MemkitStorage) -> None:
    storage.save(
        [
            record("1", "Ana likes figs.", categories=["food"]),
            record("2", "Ana lives in Lisbon.", "/users/ana/home", categories=["place"], metadata={"n": 2}),
            record("3", "Bo likes figs.", "/users/bo"),
            record("4", "Anna likes figs.", "/users/anab"),
        ]
    )
    query = embedded(["Ana likes figs."])[0]
    found = storage.search(query, scope_prefix="/users/ana")
    assert [r.id for r, _ in found][:1] == ["1"]
    assert found[0][1] == pytest.approx(1, abs=1e-5)
    assert {r.id for r, _ in storage.search(query, scope_prefix="/users/ana", min_score=-1)} == {"1", "2"}
    assert [r.id for r, _ in storage.search(query, categories=["place"], min_score=-1)] == ["2"]
    assert [r.id for r, _ in storage.search(query, metadata_filter={"n": 2}, min_score=-1)] == ["2"]
    assert len(storage.search(query, limit=2, min_score=-1)) == 2
    assert storage.search([1.0, 2.0]) == []


def test_scopes_categories_and_counts_are_told(storage: MemkitStorage) -> None:
    scopes = [f"/users/{who}/x" for who in ("ana", "bo")]
    storage.save([record(scope, "a note", scope, categories=["a"]) for scope in scopes])
    assert (storage.list_scopes(), storage.list_scopes("/users")) == (["/users"], ["/users/ana", "/users/bo"])
    assert (storage.count(), storage.count("/users/ana"), storage.list_categories()) == (2, 1, {"a": 2})
    info = storage.get_scope_info("/users")
    assert (info.record_count, info.child_scopes, info.categories) == (2, ["/users/ana", "/users/bo"], ["a"])


def test_records_are_deleted_by_age_scope_and_id(storage: MemkitStorage) -> None:
    storage.save([record(str(n), f"note {n}", created_at=NOON + timedelta(days=n)) for n in range(4)])
    assert storage.delete(older_than=NOON + timedelta(days=1)) == 1
    assert storage.delete(record_ids=["1", "nobody"]) == 1
    storage.reset("/users")
    assert storage.count() == 0


async def test_the_awaitable_forms_do_the_same(storage: MemkitStorage) -> None:
    await storage.asave([record("1", "Ana likes figs.")])
    assert [r.id for r, _ in await storage.asearch(embedded(["Ana likes figs."])[0])] == ["1"]
    assert await storage.adelete(record_ids=["1"]) == 1


def test_crewais_memory_remembers_and_recalls_over_a_restart(tmp_path: Path) -> None:
    for number in range(2):
        with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as store:
            memory = Memory(storage=MemkitStorage(store.bank("acme", "crew")), embedder=embedded)
            if number == 0:
                memory.remember("Ana likes figs.", scope="/users/ana", categories=["food"], importance=0.5)
                memory.drain_writes()
            found = memory.recall("Ana likes figs.", scope="/users/ana", depth="shallow", limit=3)
            assert [match.record.content for match in found] == ["Ana likes figs."]


def test_the_demo_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(Path(__file__).parents[2] / "demos" / "with_crewai.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert "Recalled after a restart: Ana can't eat nuts." in printed
    assert "Forgotten: 1, left: 1" in printed
