"""A store that is served over HTTP, and a client of it."""

from collections.abc import Iterator

import pytest
from serving import serving

import memkit
from memkit.serve.client.bank import RemoteBank
from memkit.serve.client.store import RemoteStore
from memkit.serve.http.app import create_app


@pytest.fixture
def url(store: memkit.MemoryStore) -> Iterator[str]:
    with serving(create_app(store)) as address:
        yield address


@pytest.fixture
def remote(url: str) -> Iterator[RemoteStore]:
    with memkit.connect(url) as connected:
        yield connected


@pytest.fixture
def ana(remote: RemoteStore) -> RemoteBank:
    return remote.bank("acme", "ana")
