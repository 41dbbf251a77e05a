"""`memkit inspect` as a process: one address, for one browser, until Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder


@contextmanager
def inspecting(command: list[str], folder: Path) -> "Iterator[subprocess.Popen[str]]":
    """The command in a folder, with pipes that hold back what isn't flushed; gone at the end of the block."""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=buffered, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_it_opens_ones_own_file_to_one_browser_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    with memkit.open(tmp_path / "memory.db", encoder=HashingEncoder()) as store:
        store.bank("acme", "ana").observe([("ana", "I live in Lisbon.")])
    command = [sys.executable, "-m", "memkit", "inspect", "memory.db", "--no-browser", "--read-only", "--json"]
    with inspecting(command, tmp_path) as process:
        assert process.stdout is not None
        url = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")["url"]
        assert url.startswith("http://127.0.0.1:")
        with httpx.Client(follow_redirects=True, timeout=60) as browser:
            assert "acme/ana" in browser.get(url).text
            assert "Lisbon" in browser.get(url.split("?")[0] + "days", params={"bank": "acme/ana"}).text
        assert httpx.get(url, timeout=60).status_code == 403
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors
