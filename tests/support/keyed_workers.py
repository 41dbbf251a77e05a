"""Processes that carry out one request under one idempotency key, at once or killed in the midst of it."""

import hashlib
import os
from datetime import datetime
from typing import Any

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.errors import RequestInProgressError
from memkit.idempotency import RequestTicket
from memkit.testing import FrozenClock

REQUEST = hashlib.sha256(b"observe").digest()
KEY = "5f2c1a9e-one-request"
BANK = ("acme", "ana")


def observe_once(location: str, now: datetime, me: int, ready: Any, report: Any) -> None:
    """Observe a turn without an id of its own, if this process is the first; report what it came to."""
    with memkit.open(location, encoder=HashingEncoder(), clock=FrozenClock(now)) as store:
        ready.wait(60)
        try:
            first = store.idempotency.begin(KEY, caller="c", request=REQUEST, bank=BANK)
        except RequestInProgressError:
            report.put("in progress")
        else:
            report.put(_carried_out(store, first, me) if isinstance(first, RequestTicket) else "answered")


def _carried_out(store: memkit.MemoryStore, ticket: RequestTicket, me: int) -> str:
    receipt = store.bank(*BANK).observe([("ana", f"Worker {me} was the first.")])
    store.idempotency.settle(ticket, receipt.model_dump_json())
    return "carried out"


def begin_and_die(location: str, now: datetime, is_done: bool) -> None:
    """Begin a request, do it or not, and die before it is settled."""
    with memkit.open(location, encoder=HashingEncoder(), clock=FrozenClock(now)) as store:
        store.idempotency.begin(KEY, caller="c", request=REQUEST, bank=BANK)
        if is_done:
            store.bank(*BANK).observe([("ana", "I moved to Lisbon.")])
        os._exit(9)
