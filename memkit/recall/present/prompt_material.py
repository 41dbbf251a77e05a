"""Material of a prompt's block: hits with what belongs to them, and memories that may get a line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from memkit.models import Hit, Memory
from memkit.recall.present.asides import StandingInstruction, UpcomingPlan
from memkit.recall.present.quoting import local

Key = tuple[tuple[str, ...], str]  # bank and id
Order = tuple[datetime, datetime, int, str]


@dataclass
class Entry:
    """A memory that may get a line. `parents`: the memories that it may be shown under.

    `last_said`: the moment by which it is dated, where that isn't the first at which it was said.
    """

    memory: Memory
    key: Key
    zone: ZoneInfo
    parents: list[Key] = field(default_factory=list)
    last_said: datetime | None = None

    @property
    def order(self) -> Order:
        """In time; then in order of recording; ids numbered or made in a row decide ties."""
        memory = self.memory
        return memory.occurred_at, memory.recorded_at, len(memory.id), memory.id

    @property
    def place(self) -> Order:
        """Its place in the block: that of when it was said last."""
        return self.last_said or self.memory.occurred_at, *self.order[1:]

    @property
    def local(self) -> datetime:
        """Time at which it happened, or was said last, on the bank's clocks."""
        return local(self.last_said or self.memory.occurred_at, self.zone)


@dataclass
class PromptMaterial:
    """Memories that a block may be made of: hits, best first, each with its bank's zone and the turns beside it."""

    hits: Sequence[Hit]
    zones: Sequence[ZoneInfo]
    beside: Sequence[Sequence[Memory]]
    portrait: Memory | None = None
    summaries: Sequence[Memory] = ()
    standing: Sequence[StandingInstruction] = ()
    upcoming: Sequence[UpcomingPlan] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    gathered: int = 0  # turns that answer a question which asks for all of them; as many as fit are shown
