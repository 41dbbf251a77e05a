"""Files of this machine: exports that are written as a whole or not at all, files that are sent, threads that share."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from serving import serving

import memkit
from memkit.errors import InputError, MemkitError, UnreachableServerError, UnwritablePathError
from memkit.serve.client.store import RemoteStore


@contextmanager
def exporting(*lines: bytes, length: int) -> Iterator[RemoteStore]:
    """A client of a server that answers an export of these lines, of which it says how long they are."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = [(b"content-length", str(length).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"".join(lines)})

    with serving(app) as url, memkit.connect(url, tries=1) as remote:
        yield remote


@pytest.mark.parametrize(("length", "kind"), [(2, InputError), (999, UnreachableServerError)])
def test_an_export_that_breaks_off_leaves_the_file_that_was_there(
    length: int, kind: type[MemkitError], tmp_path: Path
) -> None:
    (tmp_path / "all.jsonl").write_text("the one before")
    with exporting(b"{}"[:length], length=length) as remote, pytest.raises(kind, match="broke off"):
        remote.export(tmp_path / "all.jsonl")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("all.jsonl", "the one before")]


def test_an_export_that_cannot_be_written_says_where(remote: RemoteStore, tmp_path: Path) -> None:
    with pytest.raises(UnwritablePathError, match="nowhere"):
        remote.export(tmp_path / "nowhere" / "all.jsonl")


def test_files_that_cannot_be_read_say_which(remote: RemoteStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"load: .*nowhere"):
        remote.load(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"import_from: .*nowhere"):
        remote.import_from("jsonl", tmp_path / "nowhere", bank=("ana",))
    with pytest.raises(InputError, match=r"erasures: .*nowhere"):
        remote.repeat_erasures(tmp_path / "nowhere")


def test_several_threads_share_a_client(remote: RemoteStore) -> None:
    ana = remote.bank("ana")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: ana.observe([memkit.Turn(f"turn {n}", "ana", id=f"t{n}")]), range(20)))
    assert {memory.id for memory in ana.list()} == {f"t{n}" for n in range(20)}


def test_maintenance_is_asked_for_now_and_then(remote: RemoteStore) -> None:
    ana = remote.bank("ana")
    ana.session("s").extend([("user", "I live in Lisbon."), ("assistant", "Noted.")])
    with remote.background(every_s=60.0, budget_s=5.0) as thread:
        assert thread.flush(20.0)
    assert ana.beliefs() != {}
