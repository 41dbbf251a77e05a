"""The same verbs over every door: what a client gives is what the library gives for the same, errors too."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from awaited import AwaitedBank
from serving import serving
from store_cases import STORE_CASES
from verb_cases import CASES, outcome, verbs_used

import memkit
from memkit.banks import BankSession
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.http.app import create_app
from memkit.testing import FrozenClock

NOW = datetime(2025, 6, 3, 12, tzinfo=UTC)


def opened() -> memkit.MemoryStore:
    return memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(NOW))


@cache
def expected_of(name: str) -> Any:
    """Outcome of a case in the library."""
    with opened() as store:
        return outcome(CASES[name], store.bank(name))


@pytest.fixture(scope="module", params=["waited for", "awaited"])
def there(request: Any) -> Iterator[Any]:
    with opened() as store, serving(create_app(store)) as url, memkit.connect(url) as remote:
        yield remote.bank if request.param == "waited for" else lambda name: AwaitedBank(remote.bank(name))


@pytest.mark.parametrize("name", CASES)
def test_a_verb_gives_the_same_as_in_the_library(name: str, there: Any) -> None:
    assert outcome(CASES[name], there(name)) == expected_of(name)


def test_the_cases_use_every_verb_of_a_bank_and_a_session() -> None:
    verbs = {name for protocol in (memkit.Bank, BankSession) for name in vars(protocol) if name[0] != "_"}
    assert verbs - set(verbs_used(CASES)) == {"aio", "id"}


@pytest.mark.parametrize("name", STORE_CASES)
def test_a_stores_verb_gives_the_same_as_in_the_library(name: str, tmp_path: Path) -> None:
    with opened() as store:
        expected = outcome(STORE_CASES[name], store, folder(tmp_path, "here"))
    with opened() as store, serving(create_app(store)) as url, memkit.connect(url) as remote:
        assert outcome(STORE_CASES[name], remote, folder(tmp_path, "there")) == expected


def folder(path: Path, name: str) -> Path:
    (path / name).mkdir()
    return path / name
