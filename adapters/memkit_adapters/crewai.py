"""memkit as the storage of CrewAI's memory: its records are items of a bank, there after a restart, erased for good.

    from memkit_adapters.crewai import MemkitStorage

    crew = Crew(agents=..., tasks=..., memory=Memory(storage=MemkitStorage(store.bank("acme", "crew")), llm=llm))

CrewAI encodes texts and weighs results itself: a storage is asked by vectors, so memkit's own recall has no part in it.
"""

import asyncio
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

import memkit

try:
    from crewai.memory.types import MemoryRecord, ScopeInfo
except ModuleNotFoundError as error:
    raise ImportError("memkit_adapters.crewai needs CrewAI: pip install 'memkit-agents[crewai]'") from error

PAGE_ITEMS = 1_000  # that are read at once
KEY_PREFIX = "crewai:"  # begins the keys of its items


class MemkitStorage:
    """Storage of CrewAI's memory in a bank. A prefix of a scope means itself and all below it, by whole parts."""

    def __init__(self, bank: memkit.Bank) -> None:
        self._bank = bank

    def save(self, records: Sequence[MemoryRecord]) -> None:
        """Store records, in the place of those with the same id."""
        puts = [{"key": f"{KEY_PREFIX}{record.id}", "value": _as_value(record), "index": False} for record in records]
        self._bank.put_many(puts)  # type: ignore[arg-type]

    def update(self, record: MemoryRecord) -> None:
        """Store a record in the place of the one with its id."""
        self.save([record])

    def get_record(self, record_id: str) -> MemoryRecord | None:
        """The record of an id, None where there is none."""
        item = self._bank.get_item(f"{KEY_PREFIX}{record_id}")
        return None if item is None else _as_record(item.value)

    def search(
        self, query_embedding: Sequence[float], scope_prefix: str | None = None,
        categories: Sequence[str] | None = None, metadata_filter: Mapping[str, Any] | None = None, limit: int = 10,
        min_score: float = 0.0,
    ) -> list[tuple[MemoryRecord, float]]:  # fmt: skip
        """Records by the cosine of their vectors with the query's, the nearest first, exactly."""
        records = [
            record for record in self._chosen(scope_prefix, categories, metadata_filter)
            if record.embedding is not None and len(record.embedding) == len(query_embedding)
        ]  # fmt: skip
        if not records:
            return []
        rows, query = np.array([r.embedding for r in records], np.float32), np.array(query_embedding, np.float32)
        lengths = np.linalg.norm(rows, axis=1) * max(float(np.linalg.norm(query)), 1e-9)
        scores = (rows @ query) / np.maximum(lengths, 1e-9)
        best = [i for i in np.argsort(-scores, kind="stable") if scores[i] >= min_score][:limit]
        return [(records[i], float(scores[i])) for i in best]

    def delete(
        self, scope_prefix: str | None = None, categories: Sequence[str] | None = None,
        record_ids: Sequence[str] | None = None, older_than: datetime | None = None,
        metadata_filter: Mapping[str, Any] | None = None,
    ) -> int:  # fmt: skip
        """Remove the records that all of this fits; gives back how many."""
        wanted = None if record_ids is None else set(record_ids)
        gone = [
            record.id for record in self._chosen(scope_prefix, categories, metadata_filter)
            if (wanted is None or record.id in wanted) and (older_than is None or record.created_at < older_than)
        ]  # fmt: skip
        self._bank.put_many([], delete=[f"{KEY_PREFIX}{id}" for id in gone])
        return len(gone)

    def reset(self, scope_prefix: str | None = None) -> None:
        """Remove all records of a scope."""
        self.delete(scope_prefix)

    def list_records(self, scope_prefix: str | None = None, limit: int = 200, offset: int = 0) -> list[MemoryRecord]:
        """A page of records, the newest first."""
        records = sorted(self._chosen(scope_prefix), key=lambda record: record.created_at, reverse=True)
        return records[offset : offset + limit]

    def count(self, scope_prefix: str | None = None) -> int:
        """Number of records of a scope."""
        return len(self._chosen(scope_prefix))

    def get_scope_info(self, scope: str) -> ScopeInfo:
        """Figures of a scope with all below it."""
        records = self._chosen(scope)
        times = sorted(record.created_at for record in records)
        return ScopeInfo(
            path=scope, record_count=len(records), categories=sorted({c for r in records for c in r.categories}),
            oldest_record=times[0] if times else None, newest_record=times[-1] if times else None,
            child_scopes=self.list_scopes(scope),
        )  # fmt: skip

    def list_scopes(self, parent: str = "/") -> list[str]:
        """Scopes just below a scope."""
        depth = len(_parts(parent))
        below = {_parts(record.scope)[: depth + 1] for record in self._chosen(parent)}
        return sorted(f"/{'/'.join(parts)}" for parts in below if len(parts) > depth)

    def list_categories(self, scope_prefix: str | None = None) -> dict[str, int]:
        """Categories of a scope, with how many records each has."""
        return dict(Counter(category for record in self._chosen(scope_prefix) for category in record.categories))

    async def asave(self, records: Sequence[MemoryRecord]) -> None:
        """`save`, awaited."""
        await asyncio.to_thread(self.save, records)

    async def asearch(self, query_embedding: Sequence[float], **options: Any) -> list[tuple[MemoryRecord, float]]:
        """`search`, awaited."""
        return await asyncio.to_thread(lambda: self.search(query_embedding, **options))

    async def adelete(self, **options: Any) -> int:
        """`delete`, awaited."""
        return await asyncio.to_thread(lambda: self.delete(**options))

    def _chosen(
        self, scope: str | None = None, categories: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[MemoryRecord]:  # fmt: skip
        wanted, labels = _parts(scope or "/"), set(categories or ())
        return [
            record for record in self._records()
            if _parts(record.scope)[: len(wanted)] == wanted
            and (not labels or not labels.isdisjoint(record.categories))
            and all(record.metadata.get(name) == value for name, value in (metadata or {}).items())
        ]  # fmt: skip

    def _records(self) -> Iterator[MemoryRecord]:
        after: str | None = None
        while True:
            page = self._bank.list(kinds=["item"], after=after, limit=PAGE_ITEMS)
            items = map(memkit.Item.of, page)
            yield from (_as_record(item.value) for item in items if item.key.startswith(KEY_PREFIX))
            after = page.next
            if after is None:
                return


def _parts(scope: str) -> tuple[str, ...]:
    return tuple(part for part in scope.split("/") if part)


def _as_value(record: MemoryRecord) -> dict[str, Any]:
    """A record as JSON; its vector as float32 in base64."""
    value: dict[str, Any] = record.model_dump(mode="json", exclude={"embedding"})
    if record.embedding is not None:
        value["embedding"] = b64encode(np.array(record.embedding, dtype="<f4").tobytes()).decode()
    return value


def _as_record(value: Mapping[str, Any]) -> MemoryRecord:
    fields = dict(value)
    vector = fields.pop("embedding", None)
    embedding = None if vector is None else np.frombuffer(b64decode(vector), dtype="<f4").tolist()
    return MemoryRecord(**fields, embedding=embedding)
