"""A bank that a server holds: the methods of `MemoryBank`, each a request."""

import builtins
import functools
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from memkit.bank import MemoryBank
from memkit.flows import observe
from memkit.identifiers import bank_path
from memkit.models import Memory, Receipt, Turn
from memkit.protocols import BankName
from memkit.serve.client.answers import reader
from memkit.serve.client.calls import Call
from memkit.serve.client.verbs import Scope
from memkit.session import Session, TurnSequence

if TYPE_CHECKING:
    from memkit.serve.client.aio import AsyncRemoteBank
    from memkit.serve.client.store import RemoteStore

P = ParamSpec("P")
T = TypeVar("T")


class Waiting(Protocol):
    """Somewhere whose verbs are called, and who waits for the answers."""

    @property
    def store(self) -> "RemoteStore": ...
    @property
    def scope(self) -> Scope: ...


def remote(verb: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Waiting, P], T]:
    """A method of the library's own, as a request whose answer is waited for."""

    @functools.wraps(verb)
    def run(self: Waiting, *args: P.args, **kwargs: P.kwargs) -> T:
        return cast("T", self.store.run(self.scope.call(verb, args, kwargs)))

    return cast("Callable[Concatenate[Waiting, P], T]", run)


class RemoteBank:
    """One namespace of a store that a server holds. Safe to use from several threads."""

    def __init__(self, store: "RemoteStore", name: BankName, zone: str | None) -> None:
        self.store, self.scope = store, Scope.of_bank(name, zone)

    def __repr__(self) -> str:
        return f"RemoteBank({self.store.host}, {bank_path(self.name)})"

    @property
    def name(self) -> BankName:
        """The parts of the bank's name."""
        return self.scope.bank

    @property
    def zone(self) -> str:
        """The IANA name of the time zone that decides what "day" means in it."""
        zone: Call[str] = self.scope.plain("zone", reader(str), {})
        return self.store.run(zone)

    @cached_property
    def aio(self) -> "AsyncRemoteBank":
        """The same verbs, awaitable; the event loop is never blocked."""
        from memkit.serve.client.aio import AsyncRemoteBank

        return AsyncRemoteBank(self.store, self.scope)

    def read(self, turns: Iterable[Any], *, speakers: Mapping[str, str] | None = None) -> builtins.list[Turn]:
        """Turns as `observe` reads them, here; the server isn't asked. Raises InputError for what is no turn."""
        return observe.read(turns, speakers)

    def session(self, id: str | None = None) -> "RemoteSession":
        """Turns of the session with that name, or of the bank's last, as a sequence: read, appended to, cleared."""
        return RemoteSession(self, id)

    change_zone = remote(MemoryBank.change_zone)
    observe = remote(MemoryBank.observe)
    repeated = remote(MemoryBank.repeated)
    think = remote(MemoryBank.think)
    requests = remote(MemoryBank.requests)
    reflect = remote(MemoryBank.reflect)
    recall = remote(MemoryBank.recall)
    explain = remote(MemoryBank.explain)
    reinforce = remote(MemoryBank.reinforce)
    window = remote(MemoryBank.window)
    portrait = remote(MemoryBank.portrait)
    mood = remote(MemoryBank.mood)
    beliefs = remote(MemoryBank.beliefs)
    standing = remote(MemoryBank.standing)
    upcoming = remote(MemoryBank.upcoming)
    insert = remote(MemoryBank.insert)
    merge = remote(MemoryBank.merge)
    supersede = remote(MemoryBank.supersede)
    correct = remote(MemoryBank.correct)
    pin = remote(MemoryBank.pin)
    forget = remote(MemoryBank.forget)
    restore = remote(MemoryBank.restore)
    undo = remote(MemoryBank.undo)
    rename_speaker = remote(MemoryBank.rename_speaker)
    put = remote(MemoryBank.put)
    put_many = remote(MemoryBank.put_many)
    get_item = remote(MemoryBank.get_item)
    delete_item = remote(MemoryBank.delete_item)
    get = remote(MemoryBank.get)
    list = remote(MemoryBank.list)
    history = remote(MemoryBank.history)
    decay = remote(MemoryBank.decay)
    prune = remote(MemoryBank.prune)
    plan_erase = remote(MemoryBank.plan_erase)
    erase = remote(MemoryBank.erase)
    erase_all = remote(MemoryBank.erase_all)


class RemoteSession(TurnSequence):
    """Turns of a session that a server holds; every look asks for what is stored then."""

    def __init__(self, bank: RemoteBank, id: str | None) -> None:
        super().__init__(id)
        self.bank, self.store, self.scope = bank, bank.store, bank.scope.session(id)

    def __repr__(self) -> str:
        return f"RemoteSession({self.store.host}, {bank_path(self.bank.name)}, {self.id!r})"

    def __len__(self) -> int:
        return len(self._turns(slice(None)))

    def _turns(self, part: slice) -> builtins.list[Memory]:
        is_end = part.stop is None and part.step is None and (part.start or 0) < 0
        return self.store.run(self.scope.turns(-part.start if is_end else None))[part]

    def append(self, *turns: Any) -> Receipt:
        """Observe turns, in any form that `bank.observe` takes, as the next ones of this session. Raises InputError."""
        return self.extend(turns)

    extend = remote(Session.extend)
    catch_up = remote(Session.catch_up)
    clear = remote(Session.clear)

    def pop(self) -> Memory:
        """Erase the last turn with all that rests on it, and give it back. Raises IndexError where there is none."""
        return self.store.run(self.scope.popped())
