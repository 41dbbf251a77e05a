"""Material of a prompt's block: hits with what belongs to them, and memories that may get a line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from memkit.models import Hit, Memory
from memkit.recall.present.asides import StandingInstruction, UpcomingPlan
from memkit.recall.present.quoting import DAY_NAMES, label, local

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

    @cached_property
    def order(self) -> Order:
        """In time; then in order of recording; ids numbered or made in a row decide ties."""
        memory = self.memory
        return memory.occurred_at, memory.recorded_at, len(memory.id), memory.id

    @cached_property
    def place(self) -> Order:
        """Its place in the block: that of when it was said last."""
        return self.last_said or self.memory.occurred_at, *self.order[1:]

    @cached_property
    def local(self) -> datetime:
        """Time at which it happened, or was said last, on the bank's clocks."""
        return local(self.last_said or self.memory.occurred_at, self.zone)

    @cached_property
    def day(self) -> str:
        """Its day on the bank's calendar."""
        return f"{self.local.date()} {DAY_NAMES[self.local.weekday()]}"

    @cached_property
    def start(self) -> str:
        """The words before its quote: the time, and who spoke."""
        return f"{self.local:%H:%M} {label(self.memory)}: "


@dataclass
class PromptMaterial:
    """Memories that a block may be made of: hits, best first, each with its bank's zone.

    `find_beside`: gives the turns beside the hit at a place; asked for no more hits than find room.
    """

    hits: Sequence[Hit]
    zones: Sequence[ZoneInfo]
    find_beside: Callable[[int], Sequence[Memory]]
    portrait: Memory | None = None
    summaries: Sequence[Memory] = ()
    standing: Sequence[StandingInstruction] = ()
    upcoming: Sequence[UpcomingPlan] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    gathered: int = 0  # turns that answer a question which asks for all of them; as many as fit are shown
