"""`bank.aio` of a bank that a server holds: its verbs, awaitable."""

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from memkit.bank import MemoryBank
from memkit.flows.sessions import checked_count
from memkit.models import Memory, Receipt
from memkit.serve.client.verbs import Scope
from memkit.session import Session
from memkit.store import MemoryStore

if TYPE_CHECKING:
    from memkit.serve.client.store import RemoteStore

P = ParamSpec("P")
T = TypeVar("T")


class Awaiting(Protocol):
    """Somewhere whose verbs are called, and whose answers are awaited."""

    @property
    def store(self) -> "RemoteStore": ...
    @property
    def scope(self) -> Scope: ...


def awaitable(verb: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Awaiting, P], Awaitable[T]]:
    """A method of the library's own, as a request whose answer is awaited."""

    @functools.wraps(verb)
    async def run(self: Awaiting, *args: P.args, **kwargs: P.kwargs) -> T:
        return cast("T", await self.store.arun(self.scope.call(verb, args, kwargs)))

    return cast("Callable[Concatenate[Awaiting, P], Awaitable[T]]", run)


class AsyncRemoteBank:
    """The verbs of a bank that a server holds, awaitable."""

    def __init__(self, store: "RemoteStore", scope: Scope) -> None:
        self.store, self.scope = store, scope

    def session(self, id: str | None = None) -> "AsyncRemoteSession":
        """The session with that name, or the bank's last; its verbs are awaitable."""
        return AsyncRemoteSession(self.store, self.scope.session(id))

    change_zone = awaitable(MemoryBank.change_zone)
    observe = awaitable(MemoryBank.observe)
    repeated = awaitable(MemoryBank.repeated)
    think = awaitable(MemoryBank.think)
    requests = awaitable(MemoryBank.requests)
    reflect = awaitable(MemoryBank.reflect)
    recall = awaitable(MemoryBank.recall)
    explain = awaitable(MemoryBank.explain)
    reinforce = awaitable(MemoryBank.reinforce)
    window = awaitable(MemoryBank.window)
    portrait = awaitable(MemoryBank.portrait)
    mood = awaitable(MemoryBank.mood)
    beliefs = awaitable(MemoryBank.beliefs)
    standing = awaitable(MemoryBank.standing)
    upcoming = awaitable(MemoryBank.upcoming)
    insert = awaitable(MemoryBank.insert)
    merge = awaitable(MemoryBank.merge)
    supersede = awaitable(MemoryBank.supersede)
    correct = awaitable(MemoryBank.correct)
    pin = awaitable(MemoryBank.pin)
    forget = awaitable(MemoryBank.forget)
    restore = awaitable(MemoryBank.restore)
    undo = awaitable(MemoryBank.undo)
    rename_speaker = awaitable(MemoryBank.rename_speaker)
    put = awaitable(MemoryBank.put)
    put_many = awaitable(MemoryBank.put_many)
    get_item = awaitable(MemoryBank.get_item)
    delete_item = awaitable(MemoryBank.delete_item)
    get = awaitable(MemoryBank.get)
    list = awaitable(MemoryBank.list)
    history = awaitable(MemoryBank.history)
    decay = awaitable(MemoryBank.decay)
    prune = awaitable(MemoryBank.prune)
    plan_erase = awaitable(MemoryBank.plan_erase)
    erase = awaitable(MemoryBank.erase)
    erase_all = awaitable(MemoryBank.erase_all)


class AsyncRemoteSession:
    """The verbs of a session that a server holds, awaitable."""

    def __init__(self, store: "RemoteStore", scope: Scope) -> None:
        self.store, self.scope = store, scope

    async def last(self, count: int | None = None) -> list[Memory]:
        """The newest turns, as `Session.last` gives them."""
        return await self.store.arun(self.scope.turns(None if count is None else checked_count(count)))

    async def count(self) -> int:
        """Number of its turns."""
        return len(await self.last())

    async def append(self, *turns: Any) -> Receipt:
        """Observe turns as the next ones, as `Session.append` does."""
        return await self.extend(turns)

    extend = awaitable(Session.extend)
    catch_up = awaitable(Session.catch_up)
    clear = awaitable(Session.clear)

    async def pop(self) -> Memory:
        """Erase the last turn and give it back, as `Session.pop` does."""
        return await self.store.arun(self.scope.popped())


class AsyncRemoteStore:
    """The verbs of a store that a server holds, awaitable; but for those about files, which wait."""

    def __init__(self, store: "RemoteStore") -> None:
        self.store, self.scope = store, store.scope

    banks = awaitable(MemoryStore.banks)
    recall = awaitable(MemoryStore.recall)
    maintain = awaitable(MemoryStore.maintain)
    flush = awaitable(MemoryStore.flush)
    doctor = awaitable(MemoryStore.doctor)
    audit = awaitable(MemoryStore.audit)
    stats = awaitable(MemoryStore.stats)
    erase_all = awaitable(MemoryStore.erase_all)
    receipts = awaitable(MemoryStore.receipts)
    purge = awaitable(MemoryStore.purge)
