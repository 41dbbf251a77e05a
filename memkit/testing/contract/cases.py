"""Memories, index entries and steps that all contract tests share."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

from memkit.identifiers import uuid7
from memkit.models import IndexEntry, Kind, Memory, Receipt
from memkit.operations import (
    Step,
)
from memkit.protocols import BankView, Storage

AT_NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)


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


@contextmanager
def refused(error: type[Exception]) -> Iterator[None]:
    """Fail unless this error is raised within."""
    try:
        yield
    except error:
        return
    raise AssertionError(f"no {error.__name__} was raised")


class ContractSteps:
    """Steps of the contract tests, on the bank ("acme", "ana")."""

    def put(self, storage: Storage, *steps: Step) -> Receipt:
        bank = storage.open_bank(("acme", "ana"))
        return storage.apply(bank.number, list(steps), at=AT_NOON)

    def view(self, storage: Storage) -> AbstractContextManager[BankView]:
        return storage.view(storage.open_bank(("acme", "ana")).number)

    def all(self, storage: Storage, *states: str) -> list[Memory]:
        with self.view(storage) as view:
            return view.page(None, None, 1000, states or ("active",))

    def stored(self, storage: Storage, id: str) -> Memory:
        with self.view(storage) as view:
            [seq] = view.locate([id]).values()
            return view.memories([seq])[seq]
