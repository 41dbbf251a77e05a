"""Calls: a verb as one request, and how its answer is read. Pure: whoever sends a call may wait for it or await it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from memkit.errors import MemkitError
from memkit.models import Memory
from memkit.protocols import BankName
from memkit.times import Moment

T = TypeVar("T")
S = TypeVar("S")


class WayBack(Protocol):
    """Way from an answer back to the server that it came from."""

    def strengthen(self, bank: BankName, ids: Sequence[str], now: Moment | None) -> None: ...
    def memories(self, bank: BankName, ids: Sequence[str]) -> Mapping[str, Memory]: ...


def unmended(error: MemkitError) -> MemkitError:
    """The error as it came."""
    return error


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request to a server.

    path: below its address
    read: makes the answer of the response's body
    bank: that it is about; () where it is about a store
    query, body: plain values; no body where all is in the query
    file: a file here that is the body
    key: under which the server knows a write that is sent again; None of what only reads
    mend: makes the error that the library would raise of the one that came
    patience_s: seconds that the verb may take beside those that any may
    """

    path: str
    read: Callable[[bytes, WayBack], T]
    bank: BankName = ()
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    file: Path | None = None
    key: str | None = None
    mend: Callable[[MemkitError], MemkitError] = unmended
    patience_s: float = 0.0

    @property
    def verb(self) -> str:
        """The verb's name."""
        return self.path.rpartition("/")[2]

    def then(self, change: Callable[[T, WayBack], S]) -> "Call[S]":
        """The same request, whose answer is changed."""
        earlier: Call[Any] = self
        return replace(earlier, read=lambda content, back: change(self.read(content, back), back))

    def asking(self, **fields: Any) -> "Call[T]":
        """The same request with other fields in its body."""
        return replace(self, body={**(self.body or {}), **fields})
