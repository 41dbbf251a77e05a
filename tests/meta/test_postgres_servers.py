"""The servers that tests run on: they start, survive a kill, keep strangers out, and end with the process."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import postgres_server
import psycopg
import pytest

SUPPORT_FOLDER = Path(__file__).parents[1] / "support"
WAIT_SECONDS = 20.0
ABANDONING_SCRIPT = """
import os, postgres_server
server = postgres_server.server("18")
print(server.folder, server.process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
UNREADABLE_SCRIPT = """
import os, sys, postgres_server
found = postgres_server._installed
postgres_server._installed = lambda version: __import__("pathlib").Path(sys.argv[1]) / "pginstall" / "bin"
server = postgres_server.server("18")
assert server.administer("SELECT 1") == [(1,)]
print(server.binaries.is_relative_to(server.folder))
"""


def rows(address: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address) as connection:
        return connection.execute(query.encode()).fetchall()


def comes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def outside(tmp_path: Path) -> dict[str, str]:
    """Environment of a process that finds the servers' module."""
    return {**os.environ, "PYTHONPATH": str(SUPPORT_FOLDER)}


def test_a_database_belongs_to_an_ordinary_role_and_its_name_is_new() -> None:
    server = postgres_server.server()
    first, second = server.new_database(), server.new_database()
    assert first != second
    assert rows(first, "SELECT usename, usesuper FROM pg_user WHERE usename = current_user") == [("memkit", False)]
    server.drop_database(first)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        rows(first, "SELECT 1")


def test_a_stranger_needs_the_password() -> None:
    address = postgres_server.server().address()
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        rows(address.replace(postgres_server.server().password, "guessed"), "SELECT 1")
    assert postgres_server.server().folder.stat().st_mode & 0o077 == 0


def test_what_a_durable_server_committed_is_there_after_a_kill_and_a_restart() -> None:
    with postgres_server.running(durable=True) as server:
        address = server.new_database()
        with psycopg.connect(address) as connection:
            connection.execute("CREATE TABLE kept (value int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            rows(address, "SELECT 1")
        server.start()
        assert rows(address, "SELECT value FROM kept") == [(7,)]
        assert server.administer("SHOW fsync") == [("on",)]
        server.restart(signal.SIGQUIT)
        assert rows(address, "SELECT value FROM kept") == [(7,)]


def test_a_server_and_its_folder_are_gone_after_its_process_was_killed(outside: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", ABANDONING_SCRIPT], env=outside, capture_output=True, text=True)
    folder, pid = done.stdout.split()
    assert done.returncode == -signal.SIGKILL
    assert comes_true(lambda: not Path(folder).exists() and not is_running(int(pid)))


def test_binaries_that_the_servers_user_may_not_read_are_copied(tmp_path: Path, outside: dict[str, str]) -> None:
    if os.geteuid() != 0:
        pytest.skip("the server runs as this user")
    package = Path(postgres_server._installed("18") or "").parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, tmp_path / part.name, ignore=shutil.ignore_patterns("include"))
    tmp_path.chmod(0o700)
    command = [sys.executable, "-c", UNREADABLE_SCRIPT, str(tmp_path / package.name)]
    done = subprocess.run(command, env=outside, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr
