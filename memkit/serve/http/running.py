"""Running a server: one process or several on one database, each with a store of its own; how it begins and ends."""

import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from types import FrameType

import uvicorn
from fastapi import FastAPI
from prometheus_client.multiprocess import mark_process_dead
from starlette.concurrency import run_in_threadpool
from uvicorn.supervisors import Multiprocess

from memkit.encoders import encoder_of_choice
from memkit.errors import InputError
from memkit.serve.http.app import create_app
from memkit.serve.http.around.metrics import SHARED_FOLDER_VARIABLE
from memkit.serve.http.around.request_log import log_config
from memkit.serve.http.serve_settings import LogFormat, WorkerSettings
from memkit.serve.origins import is_loopback
from memkit.store import MemoryStore, open_store

SETTINGS_VARIABLE = "MEMKIT_SERVE"  # of the environment: WorkerSettings as JSON
FACTORY_PLACE = "memkit.serve.http.running:worker_app"
HEADER_BYTES = 2**15  # of a request's line and headers
WAITING_CONNECTIONS = 2048  # that were not accepted yet
SHUTDOWN_SECONDS = 60  # for requests at work, once a server is asked to end
SILENT_SECONDS = 30  # of a worker, after which it counts as dead
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ListeningPlace:
    """A place to listen at, with whom: `root_path` is what a proxy takes off, `proxies` are those that are believed."""

    host: str = "127.0.0.1"
    port: int = 8000
    root_path: str = ""
    proxies: tuple[str, ...] = ()
    workers: int = 1
    log_format: LogFormat = "text"


def serve(worker: WorkerSettings, place: ListeningPlace, *, listening: Callable[[str, bool], None]) -> None:
    """Serve a database until a signal ends it; `listening` is told the address, and whether callers need a token.

    SIGTERM or Ctrl-C lets requests at work be answered and writes what waits; the second ends at once. Raises
    InputError where the place can't be listened at, or others would reach a database that has no tokens.
    """
    needs_tokens = _needs_tokens(worker)
    if not (needs_tokens or is_loopback(place.host)):
        raise InputError(
            f"--host {place.host}: others would reach a database that has no access tokens. "
            "Make one first: memkit access create."
        )
    with _socket(place) as at, _shared_metrics(place.workers):
        os.environ[SETTINGS_VARIABLE] = worker.model_dump_json()
        config = _config(place)
        listening(_url(at), needs_tokens)
        if place.workers > 1:
            Supervisor(config, sockets=[at]).run()
        else:
            GracefulServer(config).run(sockets=[at])


def _needs_tokens(worker: WorkerSettings) -> bool:
    """Whether callers need a token; a database that can't be served is an error here, before any process begins."""
    with _open(worker) as store:
        return store.access.required


def worker_app() -> FastAPI:
    """The application of one process, with a store that it opens and closes; for `uvicorn --factory`, too."""
    settings = WorkerSettings.model_validate_json(os.environ[SETTINGS_VARIABLE])
    store = _open(settings)
    return create_app(store, settings.app, lifespan=partial(_opened, store, settings.maintain_seconds))


def _open(worker: WorkerSettings) -> MemoryStore:
    return open_store(worker.db, encoder=None if worker.encoder is None else encoder_of_choice(worker.encoder))


@asynccontextmanager
async def _opened(store: MemoryStore, maintain_seconds: float | None, app: FastAPI) -> AsyncIterator[None]:
    """Maintain a store beside its requests; at the end write what waits, and close it."""
    if maintain_seconds is not None:
        store.background(every_s=maintain_seconds, budget_s=maintain_seconds)
    try:
        yield
    finally:
        await run_in_threadpool(store.close)


def _config(place: ListeningPlace) -> uvicorn.Config:
    return uvicorn.Config(
        FACTORY_PLACE, factory=True, workers=place.workers, http="h11", ws="none", access_log=False,
        log_config=log_config(place.log_format), root_path=place.root_path, server_header=False,
        proxy_headers=bool(place.proxies), forwarded_allow_ips=list(place.proxies),
        backlog=WAITING_CONNECTIONS, h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS, timeout_worker_healthcheck=SILENT_SECONDS,
    )  # fmt: skip


@contextmanager
def _socket(place: ListeningPlace) -> Iterator[socket.socket]:
    """A socket that listens at a place. Raises InputError."""
    try:
        family = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0][0]
        at = socket.create_server((place.host, place.port), family=family, backlog=WAITING_CONNECTIONS)
        at.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else an answer's body waits 40 ms for its head's ACK
    except OSError as error:
        raise InputError(
            f"{place.host}:{place.port}: can't be listened at ({error.strerror}). Give another --host or --port; "
            "--port 0 takes a free one."
        ) from None
    with at:
        yield at


def _url(at: socket.socket) -> str:
    host, port = at.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """The folder in which several workers count their requests together."""
    if workers == 1:
        yield
        return
    with TemporaryDirectory(prefix="memkit-metrics-") as folder:
        os.environ[SHARED_FOLDER_VARIABLE] = folder
        yield


class GracefulServer(uvicorn.Server):
    """A server that ends as success once it was asked to, and at once when it is asked again."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End after the requests at work; the second time, at once."""
        if self.should_exit:
            os._exit(128 + sig)
        self.should_exit = True


class Supervisor(Multiprocess):
    """Worker processes; one that dies is replaced."""

    def keep_subprocess_alive(self) -> None:
        """Replace those that died, whose requests are no longer at work."""
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]

    def join_all(self) -> None:
        """Wait until all have ended; a second signal ends them at once."""
        while any(process.process.is_alive() for process in self.processes):
            if self.signal_queue:
                self._kill_all()
            time.sleep(POLL_SECONDS)

    def _kill_all(self) -> None:
        for process in self.processes:
            process.kill()
        sys.exit(128 + self.signal_queue[0])
