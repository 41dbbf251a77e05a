"""Memories, index entries and steps that all contract tests share."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, TypeVar
from unittest import TestCase

from memkit.identifiers import uuid7
from memkit.models import HistoryEntry, IndexEntry, Kind, Memory, Receipt
from memkit.operations import (
    Step,
)
from memkit.protocols import BankView, PageOptions, Storage

Value = TypeVar("Value")

AT_NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)

refused = TestCase().assertRaises  # fails unless this error is raised within


def memory(text: str, *, id: str | None = None, kind: Kind = "turn", **fields: Any) -> Memory:
    """A memory for tests, recorded at a fixed moment."""
    values = {"occurred_at": AT_NOON, "recorded_at": AT_NOON, "speaker": "ana", **fields}
    return Memory(id=id or uuid7(AT_NOON), kind=kind, text=text, **values)


def entry(number: int = 1, **fields: Any) -> IndexEntry:
    """An index entry with a four-dimensional vector and a 64-bit sketch, for tests."""
    import numpy as np

    vector = np.zeros(4, dtype="<f2")
    vector[number % 4] = 1
    values = {"terms": {number: 2, -number: 1}, "sketch": bytes([number % 256] * 8), "group": number % 8, **fields}
    return IndexEntry(text_key=number, vector=vector.tobytes(), **values)


class ContractSteps:
    """Steps of the contract tests, on the bank ("acme", "ana")."""

    def put(self, storage: Storage, *steps: Step) -> Receipt:
        return storage.apply(storage.open_bank(("acme", "ana")).number, list(steps), at=AT_NOON)

    def each(self, storage: Storage, *steps: Step) -> list[Receipt]:
        """Receipts of steps that are applied one after the other."""
        return [self.put(storage, step) for step in steps]

    def actions(self, storage: Storage, *steps: Step) -> list[str]:
        """Outcomes of applying the steps."""
        return [outcome.action for outcome in self.put(storage, *steps).outcomes]

    def view(self, storage: Storage) -> AbstractContextManager[BankView]:
        return storage.view(storage.open_bank(("acme", "ana")).number)

    def read(self, storage: Storage, reading: Callable[[BankView], Value]) -> Value:
        """Value that is read of a view."""
        with self.view(storage) as view:
            return reading(view)

    def all(self, storage: Storage, *states: str) -> list[Memory]:
        return self.read(storage, lambda view: view.page(PageOptions(states=states or ("active",), limit=1000)))

    def stored(self, storage: Storage, id: str) -> Memory:
        [memory] = self.read(storage, lambda view: view.memories(list(view.locate([id]).values()))).values()
        return memory

    def history(self, storage: Storage, id: str) -> list[HistoryEntry]:
        return list(self.read(storage, lambda view: view.history(id)))

    def validity(self, storage: Storage, id: str) -> tuple[str, str | None, datetime | None]:
        """State of a memory, its successor, and until when it held."""
        memory = self.stored(storage, id)
        return memory.state, memory.superseded_by, memory.valid_until
