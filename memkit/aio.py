"""`bank.aio`: a bank's verbs, awaitable. Each runs once, in the store's bounded executor; a model is awaited."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from memkit.bank import MemoryBank
from memkit.flows.think import ThinkProgress, athink, checked_batch, untold
from memkit.forget.requests import ThinkingReceipt
from memkit.models import Memory, Receipt
from memkit.session import Session

P = ParamSpec("P")
T = TypeVar("T")


def _awaitable(
    verb: Callable[Concatenate[MemoryBank, P], T],
) -> Callable[Concatenate["AsyncBank", P], Awaitable[T]]:
    @functools.wraps(verb)
    async def run(self: "AsyncBank", *args: P.args, **kwargs: P.kwargs) -> T:
        return await _in_executor(self.executor, verb, self.bank, *args, **kwargs)

    return cast("Callable[Concatenate[AsyncBank, P], Awaitable[T]]", run)


async def _in_executor(executor: Executor, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, functools.partial(verb, *args, **kwargs))


class AsyncBank:
    """The verbs of a bank, awaitable."""

    def __init__(self, bank: MemoryBank, executor: Executor) -> None:
        self.bank, self.executor = bank, executor

    change_zone = _awaitable(MemoryBank.change_zone)
    observe = _awaitable(MemoryBank.observe)
    repeated = _awaitable(MemoryBank.repeated)

    async def think(self, *, batch: int | None = None, progress: ThinkProgress = untold) -> ThinkingReceipt:
        """Think as `bank.think` does; a chat model's own async call is awaited. `progress` is called in a thread."""
        return await athink(self.bank._context, batch=checked_batch(batch), progress=progress)

    requests = _awaitable(MemoryBank.requests)
    reflect = _awaitable(MemoryBank.reflect)
    recall = _awaitable(MemoryBank.recall)
    explain = _awaitable(MemoryBank.explain)
    reinforce = _awaitable(MemoryBank.reinforce)
    window = _awaitable(MemoryBank.window)
    standing = _awaitable(MemoryBank.standing)
    upcoming = _awaitable(MemoryBank.upcoming)

    def session(self, id: str | None = None) -> "AsyncSession":
        """The session with that name, or the bank's last; its verbs are awaitable."""
        return AsyncSession(self.bank.session(id), self.executor)

    portrait = _awaitable(MemoryBank.portrait)
    mood = _awaitable(MemoryBank.mood)
    beliefs = _awaitable(MemoryBank.beliefs)
    insert = _awaitable(MemoryBank.insert)
    merge = _awaitable(MemoryBank.merge)
    supersede = _awaitable(MemoryBank.supersede)
    correct = _awaitable(MemoryBank.correct)
    pin = _awaitable(MemoryBank.pin)
    rename_speaker = _awaitable(MemoryBank.rename_speaker)
    forget = _awaitable(MemoryBank.forget)
    restore = _awaitable(MemoryBank.restore)
    undo = _awaitable(MemoryBank.undo)
    put = _awaitable(MemoryBank.put)
    put_many = _awaitable(MemoryBank.put_many)
    get_item = _awaitable(MemoryBank.get_item)
    delete_item = _awaitable(MemoryBank.delete_item)
    get = _awaitable(MemoryBank.get)
    list = _awaitable(MemoryBank.list)
    history = _awaitable(MemoryBank.history)
    decay = _awaitable(MemoryBank.decay)
    prune = _awaitable(MemoryBank.prune)
    plan_erase = _awaitable(MemoryBank.plan_erase)
    erase = _awaitable(MemoryBank.erase)
    erase_all = _awaitable(MemoryBank.erase_all)


class AsyncSession:
    """The verbs of a session, awaitable."""

    def __init__(self, session: Session, executor: Executor) -> None:
        self.session, self.executor = session, executor

    async def last(self, count: int | None = None) -> list[Memory]:
        """The newest turns, as `Session.last` gives them."""
        return await _in_executor(self.executor, self.session.last, count)

    async def count(self) -> int:
        """Number of its turns."""
        return await _in_executor(self.executor, self.session.__len__)

    async def append(self, *turns: Any) -> Receipt:
        """Observe turns as the next ones, as `Session.append` does."""
        return await _in_executor(self.executor, self.session.append, *turns)

    async def extend(self, turns: Iterable[Any]) -> Receipt:
        """Observe many turns as the next ones, as `Session.extend` does."""
        return await _in_executor(self.executor, self.session.extend, turns)

    async def catch_up(self, turns: Iterable[Any], *, leaving: int = 0) -> Receipt:
        """Observe what is new of turns that are handed in again and again, as `Session.catch_up` does."""
        return await _in_executor(self.executor, self.session.catch_up, turns, leaving=leaving)

    async def pop(self) -> Memory:
        """Erase the last turn and give it back, as `Session.pop` does."""
        return await _in_executor(self.executor, self.session.pop)

    async def clear(self) -> int:
        """Erase all turns, as `Session.clear` does."""
        return await _in_executor(self.executor, self.session.clear)
