"""Records of an export: a bank, and each of its memories with everything that is known of it.

Links are the numbers that memories have within their bank (their seqs), so that a file can be read from front to back.
"""

from base64 import b64decode, b64encode
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator

from memkit.identifiers import UUID7_PATTERN
from memkit.models import Action, Author, FrozenModel, Memory, Placement, State


def _decoded(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return b64decode(value, validate=True)
    raise ValueError("is no base64")


Base64 = Annotated[bytes, PlainValidator(_decoded), PlainSerializer(lambda data: b64encode(data).decode())]
Number = Annotated[int, Field(ge=1, lt=2**63)]


class ExportedState(FrozenModel):
    """Numbers of a memory before one of its changes."""

    state: State
    valid_until: datetime | None = None
    strength: float
    recalled_at: datetime | None = None
    recall_count: int
    pinned: bool
    superseded_by: Number | None = None
    echo_of: Number | None = None


class ExportedChange(FrozenModel):
    """One line of a memory's history."""

    event: Action
    at: datetime
    author: Author
    reason: str | None = None
    change: int
    before: ExportedState | None = None


class ExportedMemory(FrozenModel):
    """A memory with its number, its links, its place in the flow, its history, and its vector where it has one.

    `uuid`: of a memory with an id of the caller's own. `wanted`: a vector belongs to it. Vectors are float16,
    little-endian, in base64; `passages` are those of a long text's parts, one after the other; `tokens` are as
    `IndexEntry` has them.
    """

    number: Number
    content: Memory
    uuid: str | None = Field(default=None, pattern=f"^{UUID7_PATTERN.pattern}$")
    place: Placement | None = None
    sources: tuple[Number, ...] = ()
    superseded_by: Number | None = None
    echo_of: Number | None = None
    history: tuple[ExportedChange, ...] = ()
    wanted: bool = True
    vector: Base64 | None = None
    passages: Base64 | None = None
    tokens: Base64 | None = None

    @property
    def links(self) -> list[int]:
        """Numbers of all memories that this one points at."""
        pointers = (self.superseded_by, self.echo_of)
        return [*self.sources, *(number for number in pointers if number is not None)]

    def pointing_back(self) -> "ExportedMemory":
        """The same memory with those of its links that lead to lower numbers."""
        return self.model_copy(
            update={
                "sources": tuple(source for source in self.sources if source < self.number),
                "superseded_by": _lower(self.superseded_by, self.number),
                "echo_of": _lower(self.echo_of, self.number),
            }
        )


def _lower(link: int | None, number: int) -> int | None:
    return link if link is not None and link < number else None


class ExportedBank(FrozenModel):
    """A bank: its name and zone, and the counters that go on where they stand.

    `thinking`: what its thinker used today, as the file keeps it.
    """

    name: tuple[str, ...]
    zone: str
    created_at: datetime
    change: int = Field(ge=0)
    next_number: Number
    next_exchange: Number
    thinking: dict[str, Any] | None = None
