"""Calls of foreign code in threads of their own: one that hangs keeps its thread, never the caller.

Workers are kept, because torch builds its threads anew for every thread that calls it; the one that was used last comes
first, so that a single caller always has the same. One that hangs is never waited for.
"""

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

MAX_IDLE_WORKERS = 4

Job = tuple[Callable[[], object], "Future[object]"]

_idle: list["queue.SimpleQueue[Job]"] = []
_lock = threading.Lock()


def submitted(call: Callable[[], object]) -> "Future[object]":
    """A call as it is made in a worker."""
    outcome: Future[object] = Future()
    _worker().put((call, outcome))
    return outcome


def _worker() -> "queue.SimpleQueue[Job]":
    with _lock:
        if _idle:
            return _idle.pop()
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_work, args=(jobs,), name="memkit-foreign", daemon=True).start()
    return jobs


def _work(jobs: "queue.SimpleQueue[Job]") -> None:
    is_idle = True
    while is_idle:
        call, outcome = jobs.get()
        report = _run_job(call, outcome)
        is_idle = _wait_idle(jobs)  # before the report: the caller's next call is to find this worker
        report()


def _run_job(call: Callable[[], object], outcome: "Future[object]") -> Callable[[], None]:
    """Do a job; the returned callable reports its outcome."""
    try:
        return partial(outcome.set_result, call())
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything; the caller reports its class
        return partial(outcome.set_exception, error)


def _wait_idle(jobs: "queue.SimpleQueue[Job]") -> bool:
    """Wait among the idle for the next call; False where enough do."""
    with _lock:
        if len(_idle) < MAX_IDLE_WORKERS:
            _idle.append(jobs)
            return True
    return False


def _forget_workers() -> None:
    """A forked process has the list of workers, but not their threads."""
    global _lock
    _lock = threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)
