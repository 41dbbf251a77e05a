"""Dependencies of routes: the store, the caller, and what the request names with the right that it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.concurrency import run_in_threadpool

from memkit.access import Right
from memkit.bank import MemoryBank
from memkit.identifiers import bank_name
from memkit.models import checked_bank_name
from memkit.serve.guard import Caller
from memkit.store import MemoryStore

BankPath = Annotated[
    str,
    Query(
        description="The bank's name, its parts separated by slashes; %2F is a slash within one.", examples=["acme/ana"]
    ),
]
ZoneName = Annotated[
    str | None,
    Query(
        description="The IANA time zone with which the bank is made; refused where it has another.",
        examples=["Europe/Lisbon"],
    ),
]
PrefixPath = Annotated[
    str,
    Query(description="The beginning of banks' names, as a bank's name is written; empty: all.", examples=["acme"]),
]


def store_of(request: Request) -> MemoryStore:
    """The store that the application serves."""
    store: MemoryStore = request.app.state.store
    return store


def caller_of(request: Request) -> Caller:
    """Whoever the guard let in."""
    caller: Caller = request.state.caller
    return caller


ServedStore = Annotated[MemoryStore, Depends(store_of)]
RequestCaller = Annotated[Caller, Depends(caller_of)]


@dataclass(frozen=True)
class BankWith:
    """The dependency that gives the named bank to a caller who has a right in it.

    Whoever may write in it also says in which zone it is made.
    """

    right: Right

    async def __call__(
        self, store: ServedStore, caller: RequestCaller, bank: BankPath, zone: ZoneName = None
    ) -> MemoryBank:
        named = caller.bank(store, bank, self.right)
        if zone is None or not Grant(caller, "write").covers(named.name):
            return named
        return await run_in_threadpool(store.bank, *named.name, zone=zone)


@dataclass(frozen=True)
class StoreWith:
    """The dependency that gives the store to a caller who has a right in all of its banks."""

    right: Right

    async def __call__(self, store: ServedStore, caller: RequestCaller) -> MemoryStore:
        caller.check(self.right, ())
        return store


@dataclass(frozen=True)
class Grant:
    """A right of a caller, to be checked for the banks that a request turns out to name."""

    caller: Caller
    right: Right

    def check(self, prefix: Sequence[str]) -> None:
        """Raise ForbiddenError unless the caller has the right in all banks under a prefix."""
        self.caller.check(self.right, prefix)

    def covers(self, name: Sequence[str]) -> bool:
        """Whether the caller has the right in a bank."""
        return self.caller.token is None or self.caller.token.allows(self.right, name)


@dataclass(frozen=True)
class GrantOf:
    """The dependency that gives a caller's right, where the endpoint itself knows which banks it is about."""

    right: Right

    async def __call__(self, caller: RequestCaller) -> Grant:
        return Grant(caller, self.right)


ReadableBank = Annotated[MemoryBank, Depends(BankWith("read"))]
WritableBank = Annotated[MemoryBank, Depends(BankWith("write"))]
ErasableBank = Annotated[MemoryBank, Depends(BankWith("erase"))]
AdminStore = Annotated[MemoryStore, Depends(StoreWith("admin"))]
ReadGrant = Annotated[Grant, Depends(GrantOf("read"))]
WriteGrant = Annotated[Grant, Depends(GrantOf("write"))]
EraseGrant = Annotated[Grant, Depends(GrantOf("erase"))]
AdminGrant = Annotated[Grant, Depends(GrantOf("admin"))]


def prefix_name(path: str) -> tuple[str, ...]:
    """The parts of a prefix; none of an empty one. Raises InvalidNameError."""
    return checked_bank_name(bank_name(path)) if path else ()
