"""A slow encoder or model holds no connection: of a pool of one, others have it meanwhile."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from postgres_server import server

import memkit
from memkit.encoders import HashingEncoder
from memkit.errors import UnsafeServerWarning
from memkit.operations import Proposal
from memkit.protocols import Task

pytestmark = pytest.mark.filterwarnings(f"ignore::{UnsafeServerWarning.__module__}.{UnsafeServerWarning.__name__}")
MAX_WAIT_SECONDS = 30.0


class Gate:
    """A point that a call reaches and waits at until it is let through; open at first."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.opened.set()

    def pass_through(self) -> None:
        self.reached.set()
        assert self.opened.wait(MAX_WAIT_SECONDS)

    @contextmanager
    def closed(self) -> Iterator[None]:
        self.reached.clear()
        self.opened.clear()
        try:
            yield
        finally:
            self.opened.set()


class GatedEncoder:
    """An encoder that waits at a gate."""

    name, dimension = "gated", 256

    def __init__(self, gate: Gate) -> None:
        self._gate, self._encoder = gate, HashingEncoder()

    def encode(self, texts: list[str]) -> np.ndarray:
        self._gate.pass_through()
        return self._encoder.encode(texts)


class GatedThinker:
    """A thinker that waits at a gate, and proposes nothing."""

    name = "gated"

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def think(self, task: Task) -> list[Proposal]:
        self._gate.pass_through()
        return []


@pytest.mark.parametrize(
    ("at", "call"),
    [
        ("encoder", lambda bank: bank.observe([memkit.Turn("I sold my boat.", "Ana", id="t9")])),
        ("encoder", lambda bank: bank.recall("Who has a boat?")),
        ("encoder", lambda bank: bank.correct("t1", "I moved to Porto in May.")),
        ("thinker", lambda bank: bank.think()),
    ],
    ids=["observe", "recall", "correct", "think"],
)
def test_a_call_that_waits_for_a_model_keeps_no_connection(
    at: str, call: Callable[[memkit.MemoryBank], object]
) -> None:
    gates = {"encoder": Gate(), "thinker": Gate()}
    settings = memkit.Settings.model_validate({"runtime": {"busy_timeout": 10, "encode_timeout": 60}})
    address = f"{server().new_database()}?pool=1"
    encoder, thinker = GatedEncoder(gates["encoder"]), GatedThinker(gates["thinker"])
    with memkit.open(address, encoder=encoder, thinker=thinker, settings=settings) as store:
        bank, other = store.bank("acme", "ana"), store.bank("acme", "bob")
        for each in (bank, other):
            each.observe([memkit.Turn("I moved to Lisbon in May. I have a boat.", "Ana", id="t1")])
        with gates[at].closed():
            waiting = threading.Thread(target=call, args=(bank,))
            waiting.start()
            assert gates[at].reached.wait(MAX_WAIT_SECONDS)
            assert [memory.id for memory in other.list()] == ["t1"]
            assert waiting.is_alive()
        waiting.join(MAX_WAIT_SECONDS)
        assert not waiting.is_alive()
