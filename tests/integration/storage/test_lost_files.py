"""Files that vanish, change hands or may not be written, and clocks that jump: nothing is lost, errors are clear."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import NetworkPathError, ReadOnlyError, ReplacedFileError, UnwritablePathError
from memkit.operations import Claim, CloseExchange
from memkit.storage.sqlite.filesystem import check_shareable, file_system
from memkit.testing import FrozenClock

NOBODY_UID = 65534
MOUNTS_FILE = r"""
/dev/vda / ext4 rw,relatime 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/vdb /home/local ext4 rw 0 0
//server/data /mnt/with\040space cifs rw 0 0
ana@host: /mnt/far fuse.sshfs rw 0 0
"""


def opened(path: Path, **options: object) -> memkit.MemoryStore:
    return memkit.open(path, encoder=HashingEncoder(), **options)  # type: ignore[arg-type]


def say(store: memkit.MemoryStore, *numbers: int) -> None:
    for number in numbers:
        store.bank("ana").observe([memkit.Turn(f"I moved to town{number}", "ana", id=f"t{number}")])


def stored_ids(store: memkit.MemoryStore) -> list[str]:
    return [m.id for m in store.bank("ana").list(limit=1000)]


def names(*numbers: int) -> list[str]:
    return [f"t{number}" for number in numbers]


KILLED_SCRIPT = """
import os, signal, sys, memkit
from memkit.encoders.hashing import HashingEncoder
store = memkit.open(sys.argv[1], encoder=HashingEncoder())
store.bank("ana").observe([memkit.Turn("I moved to town0", "ana", id="t0")])
os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_after_a_write(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_SCRIPT, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL


def test_without_its_shared_memory_a_killed_database_opens_with_all_that_was_written(path: Path) -> None:
    kill_after_a_write(path)
    path.with_name("memory.db-shm").unlink()
    with opened(path) as store:
        assert stored_ids(store) == names(0)
        assert store.doctor() == []


def test_without_its_log_a_killed_database_is_as_it_last_was_in_the_file_and_sound(path: Path) -> None:
    with opened(path) as store:
        say(store, 7)
    kill_after_a_write(path)
    path.with_name("memory.db-wal").unlink()
    with opened(path) as store:
        assert store.doctor(repair=True) == []
        assert stored_ids(store) == names(7)
        say(store, 1)
        assert stored_ids(store) == names(7, 1)


@pytest.mark.parametrize("lost", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_log_deleted_while_open_loses_nothing_for_anybody(path: Path, lost: tuple[str, ...]) -> None:
    with opened(path) as store:
        say(store, 0, 1)
        for suffix in lost:
            path.with_name(path.name + suffix).unlink()
        say(store, 2)
        with opened(path) as other:
            assert stored_ids(other) == names(0, 1, 2)
            say(other, 3)
        say(store, 4)
        assert stored_ids(store) == names(0, 1, 2, 3, 4)
        assert store.doctor() == []
    with opened(path) as store:
        assert stored_ids(store) == names(0, 1, 2, 3, 4)
        assert store.doctor() == []


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "deleted"])
def test_a_database_deleted_or_replaced_while_open_is_a_clear_error_not_a_lost_write(
    path: Path, tmp_path: Path, replaced: bool
) -> None:
    with opened(tmp_path / "other.db") as other:
        say(other, 9)
    store = opened(path)
    say(store, 0)
    for file in path.parent.glob("memory.db*"):
        file.unlink()
    if replaced:
        shutil.copy(tmp_path / "other.db", path)
    with pytest.raises(ReplacedFileError, match="open it again"):
        say(store, 1)
    store.close()
    if replaced:
        with opened(path) as store:
            assert stored_ids(store) == names(9)


@contextmanager
def without_rights() -> Iterator[None]:
    """Act as a user whom files' rights hold for."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY_UID)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="rights of another kind")
def test_in_a_folder_without_the_right_to_write_reading_works_and_writing_is_a_clear_error(
    path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = Path("/tmp" if os.geteuid() == 0 else tmp_path_factory.mktemp("kept")) / f"kept-{os.getpid()}"
    folder.mkdir()
    path = folder / "memory.db"
    try:
        with opened(path) as store:
            say(store, 0, 1)
        path.chmod(0o444)
        folder.chmod(0o555)
        with without_rights():
            with pytest.raises((UnwritablePathError, ReadOnlyError), match="read_only"):
                opened(path)
            with opened(path, read_only=True) as store:
                assert stored_ids(store) == names(0, 1)
                assert len(store.bank("ana").recall("Who moved to town1?")) > 0
                assert store.doctor() == []
                with pytest.raises(ReadOnlyError):
                    say(store, 2)
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/ana/memory.db", "nfs4"),
        ("/home/local/memory.db", "ext4"),
        ("/mnt/with space/memory.db", "cifs"),
        ("/mnt/far/deep/memory.db", "fuse.sshfs"),
        ("/mnt/farther/memory.db", "ext4"),
    ],
)
def test_network_file_systems_are_refused_by_name_of_their_mount(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS_FILE.strip()) == kind
    if kind == "ext4":
        check_shareable(Path(path), MOUNTS_FILE.strip())
    else:
        with pytest.raises(NetworkPathError, match=kind):
            check_shareable(Path(path), MOUNTS_FILE.strip())


@pytest.mark.parametrize("years", [-30, 30])
def test_clocks_that_jump_by_years_lose_nothing_and_keep_the_order_of_recording(path: Path, years: int) -> None:
    clock = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
    jump = timedelta(days=365 * years)
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        for number, by in enumerate((timedelta(0), jump, timedelta(hours=1), -jump, timedelta(hours=1))):
            clock.advance(by)
            say(store, number)
            store.bank("ana").think()
        assert [m.id for m in store.bank("ana").list(kinds=["turn"])] == names(0, 1, 2, 3, 4)
        hits = store.bank("ana").recall("Who moved to town3?", k=5, min_score=0)
        assert hits[0].memory.id == "t3"
        store.maintain(budget_s=5)  # what is dated thirty years ago has faded: it is archived, not lost
        assert store.doctor() == []
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        turns = store.bank("ana").list(kinds=["turn"], states=["active", "superseded", "merged", "archived"])
        assert [m.id for m in turns] == names(0, 1, 2, 3, 4)


def test_what_a_clock_years_ahead_kept_or_put_off_does_not_wait_for_years(path: Path) -> None:
    """A process with such a clock took a lease and an exchange, put off another one, and died."""
    clock = FrozenClock(datetime(2055, 6, 2, tzinfo=UTC))
    with memkit.open(path, encoder=HashingEncoder(), clock=clock) as store:
        say(store, 0, 1)
        context = store.bank("ana")._context
        bank = context.ensure().number
        context.storage.apply(bank, [CloseExchange(1), Claim(1, clock() + timedelta(minutes=2))], at=clock())
        assert context.storage.lease(bank, "gone", clock(), 120)
        clock.advance(timedelta(days=-365 * 30))
        assert store.maintain(budget_s=5).exchanges == 1
        assert store.stats()["banks"]["ana"]["queue"]["waiting"] == 0
