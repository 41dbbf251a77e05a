"""Vectors that follow: observe returns without them, words find the turns at once, and a kill loses none."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.protocols import FloatArray
from memkit.settings import RuntimeSettings

LATE = memkit.Settings(runtime=RuntimeSettings(encode_late=True))


class Held(HashingEncoder):
    """An encoder that waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.asked = threading.Event(), threading.Event()

    def encode(self, texts: list[str]) -> FloatArray:
        self.asked.set()
        assert self.open.wait(30)
        return super().encode(texts)


def unencoded(store: memkit.MemoryStore, bank: str = "ana") -> int:
    return int(store.stats()["banks"][bank]["unencoded"])


def test_observe_returns_before_the_encoder_does_and_words_find_the_turn_at_once() -> None:
    encoder = Held()
    with memkit.open(":memory:", encoder=encoder, settings=LATE) as store:
        bank = store.bank("ana")
        bank.observe([("ana", "The key lies under the green flowerpot"), ("ana", "Tomorrow it will rain all day")])
        assert encoder.asked.wait(30)
        assert unencoded(store) == 2
        encoder_is_held = not store.flush(timeout_s=0.01)
        encoder.open.set()
        assert encoder_is_held
        assert bank.recall("green flowerpot")[0].memory.text.startswith("The key")


def test_after_a_flush_every_turn_has_its_vector_in_every_bank() -> None:
    with memkit.open(":memory:", encoder=HashingEncoder(), settings=LATE) as store:
        for name in ("ana", "bob"):
            for number in range(30):
                store.bank(name).observe([(name, f"I moved to city number {number}")])
        assert store.flush(timeout_s=30)
        assert (unencoded(store, "ana"), unencoded(store, "bob")) == (0, 0)
        assert store.doctor() == []


def test_leaving_a_store_finishes_what_waits(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder(), settings=LATE) as store:
        store.bank("ana").observe([("ana", f"I moved to city number {number}") for number in range(600)])
    with memkit.open(path, encoder=HashingEncoder()) as store:
        assert unencoded(store) == 0


def test_without_the_setting_a_flush_has_nothing_to_wait_for(store: memkit.MemoryStore) -> None:
    assert store.flush(timeout_s=0)


def test_recall_comes_to_the_same_as_with_vectors_made_at_once() -> None:
    turns = [memkit.Turn(f"I bought {thing} in town", "ana", id=thing) for thing in ("bread", "a lamp", "shoes", "tea")]
    found = []
    for settings in (LATE, memkit.Settings()):
        with memkit.open(":memory:", encoder=HashingEncoder(), settings=settings) as store:
            store.bank("ana").observe(turns)
            assert store.flush(timeout_s=30)
            hits = store.bank("ana").recall("Which lamp did she buy?", min_score=0)
            found.append([(hit.memory.id, round(hit.score, 6)) for hit in hits])
    assert found[0] == found[1]


WRITER = """
import sys, time, memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RuntimeSettings
class Slow(HashingEncoder):
    def encode(self, texts):
        time.sleep(60)
late = memkit.Settings(runtime=RuntimeSettings(encode_late=True))
with memkit.open(sys.argv[1], encoder=Slow(), settings=late) as store:
    store.bank("ana").observe([("ana", "The key lies under the green flowerpot"), ("ana", "It will rain all day")])
    print("stored", flush=True)
    time.sleep(60)
"""


def killed_before_it_encoded(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "stored\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()


def test_what_a_killed_process_did_not_encode_is_found_at_the_next_opening(path: Path) -> None:
    killed_before_it_encoded(path)
    with memkit.open(path, encoder=HashingEncoder()) as store:
        assert unencoded(store) == 2
    with memkit.open(path, encoder=HashingEncoder(), settings=LATE) as store:
        assert store.flush(timeout_s=30)
        assert unencoded(store) == 0
        assert store.doctor() == []


def test_what_a_killed_process_did_not_encode_is_found_by_maintenance(path: Path) -> None:
    killed_before_it_encoded(path)
    with memkit.open(path, encoder=HashingEncoder()) as store:
        assert store.maintain(budget_s=30).encoded == 2
        assert unencoded(store) == 0


def test_what_is_erased_while_it_is_encoded_gets_no_vector(path: Path) -> None:
    encoder = Held()
    with memkit.open(path, encoder=encoder, settings=LATE) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn("The key lies under the green flowerpot", "ana", id="t1")])
        assert encoder.asked.wait(30)
        bank.erase(ids=["t1"])
        encoder.open.set()
        assert store.flush(timeout_s=30)
        assert bank.list() == []
        assert store.doctor() == []


class Counting(HashingEncoder):
    """An encoder that counts what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def encode(self, texts: list[str]) -> FloatArray:
        self.texts += texts
        return super().encode(texts)


def test_an_id_that_gets_another_text_while_the_first_is_encoded_gets_the_vector_of_the_other() -> None:
    encoder = Held()
    with memkit.open(":memory:", encoder=encoder, settings=LATE) as store:
        bank = store.bank("ana")
        bank.observe([memkit.Turn("The key lies under the green flowerpot", "ana", id="t1")])
        assert encoder.asked.wait(30)
        bank.erase(ids=["t1"])
        bank.observe([memkit.Turn("Rita flies to Oslo in August", "ana", id="t1")])
        encoder.open.set()
        assert store.flush(timeout_s=30)
        state = bank._context.state()
        assert state is not None
        with store._storage.view(state.number) as view:
            [held] = view.vectors(list(view.locate(["t1"]).values()))
    expected = HashingEncoder().encode(["ana: Rita flies to Oslo in August"])[0]
    assert float(held @ expected) > 0.99


def test_a_text_is_encoded_once_in_a_bank_and_again_in_another() -> None:
    encoder, text = Counting(), "The key lies under the green flowerpot"
    with memkit.open(":memory:", encoder=encoder) as store:
        for name in ("one", "one", "two"):
            store.bank(name).observe([("ana", text)])
            store.bank(name).observe([("ana", text), ("ana", text)])
    assert encoder.texts == [f"ana: {text}"] * 2


def test_a_forked_child_encodes_with_a_thread_of_its_own(path: Path) -> None:
    with memkit.open(path, encoder=HashingEncoder(), settings=LATE) as store:
        store.bank("ana").observe([("ana", "The key lies under the green flowerpot")])
        assert store.flush(timeout_s=30)
        child = os.fork()
        if child == 0:
            store.bank("ana").observe([("ana", "Tomorrow it will rain all day")])
            os._exit(0 if store.flush(timeout_s=30) and unencoded(store) == 0 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert (len(store.bank("ana").list()), unencoded(store)) == (2, 0)
