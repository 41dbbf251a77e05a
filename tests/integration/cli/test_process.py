"""The command line as a process of its own: streams, exit codes, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

HEAVY = ("torch", "faiss", "sentence_transformers", "langchain_core")


def memkit(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "memkit", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def test_the_database_is_memkit_db_in_the_working_directory_unless_said_otherwise(tmp_path: Path) -> None:
    done = memkit("add", "acme/ana", "Ana bakes bread", "--encoder", "hashing", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "memkit.db").exists()
    assert json.loads(memkit("banks", "--json", cwd=tmp_path).stdout) == ["acme/ana"]


def test_erase_takes_no_answer_as_a_no(tmp_path: Path) -> None:
    memkit("add", "ana", "Ana bakes bread", "--encoder", "hashing", cwd=tmp_path)
    done = memkit("erase", "ana", "--since", "2020-01-01", cwd=tmp_path)
    assert done.returncode == 1
    assert len(json.loads(memkit("show", "ana", "--json", cwd=tmp_path).stdout)) == 1


def test_a_reader_that_goes_away_leaves_no_traceback(tmp_path: Path) -> None:
    memkit("add", "ana", "Ana bakes bread", "--encoder", "hashing", cwd=tmp_path)
    line = f"{sys.executable} -m memkit show ana | true"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom memkit.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_stops_cleanly_and_what_was_stored_stays(tmp_path: Path) -> None:
    file = tmp_path / "long.jsonl"
    turn = {"speaker": "Ana", "text": "word " * 150}
    file.write_text(
        "".join(json.dumps(turn | {"id": f"t{i}", "text": f"{i} {turn['text']}"}) + "\n" for i in range(60_000))
    )
    command = [sys.executable, "-m", "memkit", "observe", str(file), "ana", "--encoder", "hashing"]
    with _interruptible(command, tmp_path) as running:
        _wait_for_memories(tmp_path, running)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert json.loads(memkit("doctor", "--json", cwd=tmp_path).stdout)["problems"] == []
    assert len(json.loads(memkit("show", "ana", "--json", cwd=tmp_path).stdout)) > 0


@contextmanager
def _interruptible(command: list[str], folder: Path) -> "Iterator[subprocess.Popen[str]]":
    """A process that heeds Ctrl-C even where the tests run in a background job, and that never outlives them."""
    pipe, default = subprocess.PIPE, partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True, preexec_fn=default) as running:
        try:
            yield running
        finally:
            running.kill()


def _wait_for_memories(folder: Path, running: "subprocess.Popen[str]") -> None:
    """Until the first chunk is stored, as another process sees it."""
    for _ in range(100):
        assert running.poll() is None, "it was done before it could be stopped"
        shown = memkit("show", "ana", "--limit", "1", "--json", cwd=folder)
        if shown.returncode == 0 and json.loads(shown.stdout):
            return
        time.sleep(0.1)
    pytest.fail("nothing was stored in time")
