"""Verbs: a method of the library's own as a call, once for those who wait and those who await.

A verb's name is the route's, its arguments are the fields, and its result is how the answer is read; `shapes` has what
differs.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from memkit.identifiers import bank_path
from memkit.models import Memory
from memkit.protocols import BankName
from memkit.serve.client.answers import reader, reader_of
from memkit.serve.client.calls import Call, WayBack
from memkit.serve.client.shapes import shaped

ASKED_BY_GET = frozenset(
    "zone get list history portrait mood beliefs standing upcoming requests window get_item session banks receipts "
    "stats export".split()
)
ASKED_BY_POST = frozenset("recall explain plan_erase repeated doctor flush".split())  # which change nothing
STAYS_HERE = ("progress",)  # arguments that are functions

Verb = Callable[..., Any]
Answer = Callable[[bytes, WayBack], Any]


@dataclass(frozen=True)
class Scope:
    """Scope whose verbs are called: a store, one of its banks, or a session of a bank.

    `route`: what a verb's name follows; `query` and `body`: what each request says beside the verb's arguments.
    """

    route: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    bank: BankName = ()

    @classmethod
    def of_bank(cls, name: BankName, zone: str | None) -> Self:
        """A bank; `zone`: that with which it is made."""
        return cls("bank/", {"bank": bank_path(name), "zone": zone}, bank=name)

    def session(self, id: str | None) -> "Scope":
        """A session of this bank."""
        return replace(self, route="bank/session_", body={"session": id})

    def call(self, verb: Verb, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call[Any]:
        """A verb with its arguments as a call. Raises TypeError as the verb does, and InputError."""
        return self.plain(verb.__name__, reader_of(verb), arguments(verb, args, kwargs))

    def plain(self, name: str, answer: Answer, fields: Mapping[str, Any]) -> Call[Any]:
        """A call of the verb of this name. Raises InputError."""
        path = f"{self.route}{name}"
        if name in ASKED_BY_GET:
            return shaped(Call(path, answer, self.bank, query={**self.query, **self.body, **fields}))
        key = None if name in ASKED_BY_POST else uuid4().hex
        return shaped(Call(path, answer, self.bank, query=self.query, body={**self.body, **fields}, key=key))

    def uploading(self, name: str, answer: Answer, file: Path, query: Mapping[str, Any]) -> Call[Any]:
        """A call whose body is a file here, which can be sent again without harm."""
        return Call(f"{self.route}{name}", answer, query=query, file=file)

    def turns(self, count: int | None) -> Call[list[Memory]]:
        """The newest turns of a session."""
        query = {**self.query, **self.body, "last": count}
        return Call("bank/session", reader(list[Memory]), self.bank, query=query)

    def popped(self) -> Call[Memory]:
        """The last turn of a session, erased."""
        return self.plain("pop", reader(Memory | None), {})


@cache
def _signature(verb: Verb) -> inspect.Signature:
    return inspect.signature(verb)


def arguments(verb: Verb, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a method by name, those that were given. Raises TypeError."""
    given = _signature(verb).bind(None, *args, **kwargs).arguments
    names = [name for name, p in _signature(verb).parameters.items() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    named = {name: given[name] for name in names[1:] if name in given and name not in STAYS_HERE}
    return {**named, **given.get("options", {})}
