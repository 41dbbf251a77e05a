"""The plot of a bank's retention."""

from datetime import datetime
from pathlib import Path

from memkit.bank import MemoryBank
from memkit.models import Memory
from memkit.settings import Settings

PAGE_MEMORIES = 10_000


def _fading_memories(bank: MemoryBank) -> list[Memory]:
    """All memories that fade or have faded."""
    memories: list[Memory] = []
    while batch := bank.list(
        after=memories[-1].id if memories else None, limit=PAGE_MEMORIES, states=("active", "archived")
    ):
        memories += batch
    return memories


def draw_retention(bank: MemoryBank, at: datetime, path: Path) -> None:
    """Write the plot of a bank's retention. Raises MissingExtraError without matplotlib."""
    from memkit.forget.plot import plot

    plot(_fading_memories(bank), at, Settings().decay, path, title=f"What {'/'.join(bank.name)} remembers")
