"""A bank whose verbs are awaited, for those that wait: each call has an event loop of its own."""

import asyncio
from collections.abc import Callable
from typing import Any

import memkit


class AwaitedBank:
    """The awaitable verbs of a bank, waited for; properties and sessions, too."""

    def __init__(self, bank: memkit.Bank) -> None:
        self._bank = bank

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._bank.aio, name, None)
        return getattr(self._bank, name) if verb is None else waiting(verb)

    def session(self, id: str | None = None) -> "AwaitedSession":
        return AwaitedSession(self._bank, id)


class AwaitedSession:
    """The awaitable verbs of a session, waited for; as a sequence it is the bank's own."""

    def __init__(self, bank: memkit.Bank, id: str | None) -> None:
        self._session, self._awaitable = bank.session(id), bank.aio.session(id)

    def __getattr__(self, name: str) -> Any:
        return waiting(getattr(self._awaitable, name))

    def __len__(self) -> int:
        return waiting(self._awaitable.count)()

    def __getitem__(self, place: Any) -> Any:
        return self._session[place]


def waiting(verb: Callable[..., Any]) -> Callable[..., Any]:
    """A verb that is run to its end."""

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return await verb(*args, **kwargs)

    return lambda *args, **kwargs: asyncio.run(awaited(*args, **kwargs))
