"""Dependencies of routes: the store, the caller, and the bank that a request names."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Query, Request

from memkit.access import Right
from memkit.bank import MemoryBank
from memkit.serve.guard import Caller
from memkit.store import MemoryStore

BankPath = Annotated[
    str,
    Query(
        description="The bank's name, its parts separated by slashes; %2F is a slash within one.", examples=["acme/ana"]
    ),
]


def store_of(request: Request) -> MemoryStore:
    """The store that the application serves."""
    store: MemoryStore = request.app.state.store
    return store


def caller_of(request: Request) -> Caller:
    """Whoever the guard let in."""
    return Caller()


ServedStore = Annotated[MemoryStore, Depends(store_of)]
RequestCaller = Annotated[Caller, Depends(caller_of)]


def bank_with(right: Right) -> Callable[..., MemoryBank]:
    """The dependency that gives the named bank to a caller who has a right in it."""

    def find(store: ServedStore, caller: RequestCaller, bank: BankPath) -> MemoryBank:
        return caller.bank(store, bank, right)

    return find


WritableBank = Annotated[MemoryBank, Depends(bank_with("write"))]
