"""The TypeScript client: generated, compiled strictly, and run by Node against `memkit serve`."""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from building import NODE_FOLDER, SOURCE_FOLDER, run_npm
from memkit_server import memkit_server
from node_line import NodeLine
from serving import serving
from verb_cases import CASES, outcome

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.serve.client.store import RemoteStore
from memkit.serve.http.app import create_app
from memkit.testing import FrozenClock

pytestmark = pytest.mark.clients
NOW = datetime(2025, 6, 3, 12, tzinfo=UTC)


def opened() -> memkit.MemoryStore:
    return memkit.open(":memory:", encoder=HashingEncoder(), clock=FrozenClock(NOW))


def test_its_own_tests_and_its_pages_example_hold_against_the_real_server(client_folder: Path, tmp_path: Path) -> None:
    db = tmp_path / "memory.db"
    memkit.open(db, encoder=HashingEncoder()).close()
    with memkit_server(db, tmp_path) as server:
        printed = run_npm(client_folder, "test", MEMKIT_URL=server.url)
    assert re.search(r"^. fail 0$", printed, re.MULTILINE), printed
    assert (passed := re.search(r"^. pass (\d+)$", printed, re.MULTILINE))
    assert int(passed[1]) >= 4


@pytest.fixture(scope="module")
def remote(client_folder: Path) -> Iterator[RemoteStore]:
    with opened() as store, serving(create_app(store)) as url, memkit.connect(url) as connected:
        connected._line.close()
        connected._line = NodeLine(str(NODE_FOLDER / "bin" / "node"), client_folder, url)  # type: ignore[assignment]
        yield connected


@pytest.mark.parametrize("name", CASES)
def test_a_verb_gives_the_same_as_in_the_library(name: str, remote: RemoteStore) -> None:
    with opened() as store:
        expected: Any = outcome(CASES[name], store.bank(name))
    assert outcome(CASES[name], remote.bank(name)) == expected


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((SOURCE_FOLDER / "package-lock.json").read_text("utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert "registry" not in json.dumps(lock)
    assert os.path.basename(lock["name"]) == "memkit-client"
