"""Processes: several on one file, an end by signal or by standard input's end, nothing on stdout but the protocol."""

import resource
import signal
import subprocess
from pathlib import Path

import pytest
from mcp_sessions import RawSession, call, command, environment, over_stdio

import memkit
from memkit.encoders.hashing import HashingEncoder

OPTIONS = ("--encoder", "hashing", "--bank", "acme/ana")


async def test_two_clients_on_one_file_see_each_others_memories(path: Path) -> None:
    async with (
        over_stdio("--db", str(path), *OPTIONS) as one,
        over_stdio("--db", str(path), *OPTIONS) as other,
    ):
        await call(one, "remember", facts=["The vault code is 4711."])
        assert "4711" in (await call(other, "recall", query="What is the vault code?"))["block"]
        await call(other, "remember", facts=["The alarm rings at seven."])
        assert "seven" in (await call(one, "recall", query="When does the alarm ring?"))["block"]
        plan = await call(one, "plan_erase", about="vault code")
        await call(one, "erase", plan_id=plan["plan_id"])
        assert "4711" not in (await call(other, "recall", query="What is the vault code?"))["block"]


@pytest.mark.parametrize("by", [None, signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_cleanly_and_what_waits_is_written(by: int | None, path: Path) -> None:
    session = RawSession("--db", str(path), *OPTIONS)
    session.begin()
    session.ask(1, "tools/call", name="remember", arguments={"facts": ["The vault code is 4711."]})
    assert not session.answer(1)["result"]["isError"]
    session.ask(2, "tools/call", name="recall", arguments={"query": "What is the vault code?"})
    assert "4711" in str(session.answer(2))
    assert session.end(by) == (0, "")
    with memkit.open(path, encoder=HashingEncoder(), read_only=True) as store:
        [memory] = store.bank("acme", "ana").list()
    assert memory.recall_count == 1


def test_a_server_that_nobody_speaks_to_ends_with_standard_input(path: Path) -> None:
    options = ("--db", str(path), *OPTIONS)
    result = subprocess.run(command(*options), input=b"", capture_output=True, env=environment(), timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_a_database_that_is_none_is_told_in_one_sentence_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database" * 100)
    options = ("--db", str(tmp_path / "notes.txt"), *OPTIONS)
    result = subprocess.run(command(*options), input=b"", capture_output=True, env=environment(), timeout=60)
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.startswith(b"memkit: ")
    assert b"Traceback" not in result.stderr


def test_a_server_that_only_reads_wants_a_database_that_is_there(tmp_path: Path) -> None:
    options = ("--db", str(tmp_path / "none.db"), "--read-only")
    result = subprocess.run(command(*options), input=b"", capture_output=True, env=environment(), timeout=60)
    assert result.returncode == 1
    assert b"there is no such database" in result.stderr
    assert not (tmp_path / "none.db").exists()


@pytest.mark.slow
def test_a_cold_server_recalls_after_two_seconds_of_work(path: Path) -> None:
    with memkit.open(path) as store:
        store.bank("acme", "ana").insert("The vault code is 4711.")
    assert min(seconds_of_a_session(path) for _ in range(3)) <= 2


def seconds_of_a_session(path: Path) -> float:
    """Processor time of a fresh server, from its start over the first recall to its end; idle cores take as long."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    session = RawSession("--db", str(path), "--bank", "acme/ana")
    session.begin()
    session.ask(1, "tools/call", name="recall", arguments={"query": "What is the vault code?"})
    assert "4711" in str(session.answer(1))
    assert session.end()[0] == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
