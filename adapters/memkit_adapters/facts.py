"""Facts that a framework hands in as sentences of their own: thoughts, dated and with what is told beside them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import memkit


def fact(
    text: str, *, id: str | None = None, speaker: str | None = None, at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> memkit.Memory:  # fmt: skip
    """A sentence as the memory that `bank.insert` takes; said now where no moment is given."""
    now = datetime.now(UTC)
    return memkit.Memory(
        id=id or str(uuid4()), kind="thought", text=text, speaker=speaker, author="user", occurred_at=at or now,
        recorded_at=now, metadata=dict(metadata or {}),
    )  # fmt: skip
