"""Likeness: what a client's stores and banks can do is what the library's own can, argument by argument."""

import inspect
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest

from memkit import banks
from memkit.aio import AsyncBank, AsyncSession
from memkit.bank import MemoryBank
from memkit.recall.ranking.query import RecallKeywords
from memkit.serve.client.aio import AsyncRemoteBank, AsyncRemoteSession
from memkit.serve.client.bank import RemoteBank, RemoteSession
from memkit.serve.client.store import RemoteStore
from memkit.session import Session
from memkit.store import MemoryStore

LIKE: list[tuple[type, type, type]] = [
    (banks.Bank, MemoryBank, RemoteBank),
    (banks.BankSession, Session, RemoteSession),
    (banks.AwaitableBank, AsyncBank, AsyncRemoteBank),
    (banks.AwaitableSession, AsyncSession, AsyncRemoteSession),
    (banks.Store, MemoryStore, RemoteStore),
]
ONLY_HERE: dict[type, set[str]] = {
    MemoryBank: {"version"},  # by which servers name their answers
    Session: {"index", "count"},  # of every sequence
    MemoryStore: set("backup export_as move reencode settings waiting warm access idempotency after_fork".split()),
}  # of files, threads and keys of one's own machine


def members() -> Iterator[Any]:
    for protocol, *kinds in LIKE:
        for name, member in vars(protocol).items():
            if inspect.isfunction(member) and name[0] != "_":
                for kind in kinds:
                    yield pytest.param(member, kind, id=f"{kind.__name__}.{name}")


def arguments(function: Any) -> dict[str, tuple[Any, bool]]:
    """Names of arguments, each with its kind and whether it may be left out; options of a recall one by one."""
    parameters = dict(list(inspect.signature(function).parameters.items())[1:])
    options = parameters.pop("options", None)
    named = {name: (p.kind, p.default is not p.empty or p.kind is p.VAR_POSITIONAL) for name, p in parameters.items()}
    extra = dict.fromkeys(RecallKeywords.__annotations__, (inspect.Parameter.KEYWORD_ONLY, True)) if options else {}
    return named | extra


@pytest.mark.parametrize(("member", "kind"), list(members()))
def test_a_method_of_the_protocol_takes_the_same_arguments_in_both(member: Any, kind: type) -> None:
    own = arguments(getattr(kind, member.__name__))
    assert {name: own.get(name) for name in arguments(member)} == arguments(member)
    required = {name for name, (_, may_be_left_out) in own.items() if not may_be_left_out}
    assert required <= arguments(member).keys()


@pytest.mark.parametrize(("protocol", "here", "there"), LIKE, ids=lambda kind: kind.__name__)
def test_the_protocol_has_every_public_method_of_the_librarys_own(protocol: type, here: type, there: type) -> None:
    public = {name for name, member in inspect.getmembers(here) if name[0] != "_" and is_verb(member)}
    assert public - ONLY_HERE.get(here, set()) <= {name for name in dir(protocol) if name[0] != "_"}


def is_verb(member: object) -> bool:
    return inspect.isfunction(member) or isinstance(member, property)


@pytest.mark.parametrize(("here", "there"), [(MemoryBank, RemoteBank), (Session, RemoteSession)])
def test_a_clients_method_gives_the_type_of_the_librarys_own_and_its_words_of_help(here: type, there: type) -> None:
    methods = [name for name, member in vars(there).items() if inspect.isfunction(member) and hasattr(here, name)]
    public = [name for name in methods if name[0] != "_" and name not in ("session", "pop")]
    assert {name: get_type_hints(getattr(there, name))["return"] for name in public} == {
        name: get_type_hints(getattr(here, name))["return"] for name in public
    }
    assert [name for name in public if not getattr(there, name).__doc__] == []
