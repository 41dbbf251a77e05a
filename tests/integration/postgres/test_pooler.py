"""A store behind PgBouncer, which gives each transaction another connection of the server's."""

import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from postgres_server import PostgresServer, database_of, running

import memkit
from memkit.encoders import HashingEncoder
from memkit.errors import UnsafeServerWarning

pytestmark = [
    pytest.mark.engines,
    pytest.mark.filterwarnings(f"ignore::{UnsafeServerWarning.__module__}.{UnsafeServerWarning.__name__}"),
]
PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin") or "pgbouncer"
START_SECONDS = 20
CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = transaction
default_pool_size = 3
logfile = {log}
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running("15") as started:
        yield started


@pytest.fixture
def address(server: PostgresServer) -> Iterator[str]:
    """Address of a new database, through a pooler with three connections to the server."""
    folder, name, port = server.folder, database_of(server.new_database()), free_port()
    users, configuration = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"memkit" "{server.password}"\n')
    values = {"server_port": server.port, "port": port, "users": users, "log": folder / "pgbouncer.log"}
    configuration.write_text(CONFIGURATION.format(**values))
    for file in (users, configuration):
        file.chmod(0o644)
    process = server.spawn([PGBOUNCER, str(configuration)])
    try:
        wait_for(port, folder / "pgbouncer.log")
        yield f"postgresql://memkit:{server.password}@127.0.0.1:{port}/{name}"
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(log.read_text() if log.exists() else "PgBouncer didn't start")


@pytest.mark.parametrize("option", ["", "?prepare=off", "?prepare=on"])
def test_all_verbs_work_and_many_threads_share_its_few_connections(address: str, option: str) -> None:
    with memkit.open(address + option, encoder=HashingEncoder()) as store:
        for round_number in range(3):  # a statement is prepared once it was run a few times
            bank = store.bank("acme", f"ana{round_number}")
            bank.observe([memkit.Turn("I moved to Lisbon in May.", "Ana", id="t1"), memkit.Turn("Hm.", "Ana", id="t2")])
            bank.think()
            bank.reflect()
            bank.put("settings", {"units": "metric"})
            assert bank.recall("moved to Lisbon", kinds=["turn"], min_score=0)[0].memory.id == "t1"
            bank.erase(ids=["t1"])
            store.maintain(2)
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: life(store, number), range(48)))
        assert all(store.bank("many", str(number)).get(f"t{number}") for number in range(48))
        assert all("erased bytes" in problem for problem in store.doctor())


def life(store: memkit.MemoryStore, number: int) -> None:
    bank = store.bank("many", str(number))
    bank.observe([memkit.Turn(f"My number is {number}.", "Ana", id=f"t{number}")])
    assert bank.recall("What is the number?", min_score=0)[0].memory.id == f"t{number}"
