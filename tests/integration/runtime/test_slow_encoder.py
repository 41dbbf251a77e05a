"""Encoders that are slow, hang or fail: no call ends for it, words find what was stored, the vectors follow."""

import json
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memkit
from memkit.cli import main
from memkit.cli.start.scenes import DemoFiles, play
from memkit.encoders import sentence_transformer
from memkit.encoders.hashing import HashingEncoder
from memkit.flows.reencode import ENCODE_BATCH, encode_pending
from memkit.models import Receipt, Turn
from memkit.protocols import FloatArray
from memkit.settings import RuntimeSettings

HASTY = memkit.Settings(runtime=RuntimeSettings(encode_timeout=0.02))  # seconds for each text
FACTS = ["The key lies under the green flowerpot", "Rita flies to Oslo in August", "The boiler was mended on Friday"]
TURNS = [("ana", fact) for fact in FACTS]
LONG = " ".join(f"In week {week} the lighthouse keeper of Skagen painted boat number {week}." for week in range(40))


class Held(HashingEncoder):
    """An encoder that waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.asked = threading.Event(), 0

    def encode(self, texts: list[str]) -> FloatArray:
        self.asked += 1
        assert self.open.wait(60)
        return super().encode(texts)


class Flaky(HashingEncoder):
    """An encoder that fails so many times, or (None) always, and then where it is told."""

    def __init__(self, failures: int | None, fails: Callable[[list[str]], bool] = lambda texts: False) -> None:
        super().__init__()
        self.failures, self.fails = failures, fails

    def encode(self, texts: list[str]) -> FloatArray:
        if self.failures is None or self.failures or self.fails(texts):
            self.failures = self.failures and self.failures - 1
            raise ConnectionError("unreachable")
        return super().encode(texts)


def unencoded(store: memkit.MemoryStore) -> int:
    return int(store.stats()["banks"]["ana"]["unencoded"])


def test_what_a_hanging_encoder_does_not_make_in_time_is_found_by_words_and_made_when_it_comes_back() -> None:
    encoder = Held()
    with memkit.open(":memory:", encoder=encoder, settings=HASTY) as store:
        bank = store.bank("ana")
        receipt = bank.observe(TURNS)
        assert (receipt.unencoded, receipt.count("added")) == (3, 3)
        assert receipt.remark == (
            "Not encoded yet: 3. Words find them meanwhile, and their vectors follow by themselves."
        )
        assert bank.recall("Where is the green flowerpot?")[0].memory.text == FACTS[0]
        assert not store.flush(timeout_s=30)  # not asked again while it hangs
        encoder.open.set()
        deadline = time.monotonic() + 30
        while not store.flush(timeout_s=30) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert unencoded(store) == 0
        assert bank.recall("Where is the green flowerpot?")[0].why["cosine"]


def test_a_receipt_says_nothing_where_all_was_encoded(bank: memkit.MemoryBank) -> None:
    receipt = bank.observe([*TURNS, ("ana", "!!!")])
    assert (receipt.unencoded, receipt.remark) == (0, "")


CHANGES: list[tuple[str, Callable[[memkit.MemoryBank], Receipt]]] = [
    ("observe", lambda bank: bank.observe([("ana", "I moved to Lisbon in May 2024.")])),
    ("insert", lambda bank: bank.insert("Ana keeps bees.")),
    ("think", lambda bank: bank.think()),
    ("reflect", lambda bank: bank.reflect()),
    ("supersede", lambda bank: bank.supersede(bank.list(kinds=["turn"])[0].id, "Ana moved to Porto.")),
    ("merge", lambda bank: bank.merge([memory.id for memory in bank.list(kinds=["turn"])], "Ana moved.")),
]


@pytest.mark.parametrize(("verb", "change"), CHANGES)
def test_every_verb_that_stores_texts_goes_through_tells_what_follows_and_has_it_made(
    verb: str, change: Callable[[memkit.MemoryBank], Receipt]
) -> None:
    encoder = Flaky(0)
    with memkit.open(":memory:", encoder=encoder) as store:
        bank = store.bank("ana")
        bank.observe([("ana", "I live in Lisbon and I work as a baker."), ("ana", "I like figs.")])
        encoder.failures = None
        receipt = change(bank)
        assert receipt.unencoded >= 1, verb
        assert unencoded(store) == receipt.unencoded
        encoder.failures = 0
        assert store.flush(timeout_s=30)
        assert unencoded(store) == 0


@pytest.mark.parametrize("failures", [1, 2, 5])
def test_an_encoder_that_fails_again_is_asked_again(failures: int) -> None:
    with memkit.open(":memory:", encoder=Flaky(failures)) as store:
        store.bank("ana").observe(TURNS)
        rounds = [store.flush(timeout_s=30) for _ in range(failures)]
        assert rounds == [False] * (failures - 1) + [True]
        assert unencoded(store) == 0


def test_a_long_session_keeps_what_was_made_before_the_encoder_failed() -> None:
    texts = [f"Parcel {n} went from shelf {n} to shelf {n + 1}." for n in range(300)]
    fails = threading.Event()
    fails.set()
    encoder = Flaky(0, lambda part: fails.is_set() and any("Parcel 200 " in text for text in part))
    batches = memkit.Settings(runtime=RuntimeSettings(encode_batch=64))
    with memkit.open(":memory:", encoder=encoder, settings=batches) as store:
        receipt = store.bank("ana").observe([("ana", text) for text in texts])
        assert 0 < receipt.unencoded < 120  # all but the batch that failed and what comes after it
        fails.clear()
        assert store.flush(timeout_s=30)
        assert unencoded(store) == 0


def test_a_long_text_gets_its_vectors_all_or_none() -> None:
    encoder = Flaky(0, lambda texts: any("number 30" in text and len(text) < 400 for text in texts))
    with memkit.open(":memory:", encoder=encoder) as store:
        bank = store.bank("ana")
        assert bank.observe([("ana", FACTS[0]), ("ana", LONG), ("ana", FACTS[1])]).unencoded >= 1
        assert bank.recall("painted boat number 30")[0].memory.text == LONG
        encoder.fails = lambda texts: False
        assert store.flush(timeout_s=30)
    with memkit.open(":memory:", encoder=HashingEncoder()) as at_once:
        at_once.bank("ana").observe([("ana", LONG)])
        [whole] = at_once.bank("ana").recall("painted boat number 30")
    assert whole.why["cosine"]


@pytest.mark.parametrize("late", [False, True])
def test_the_next_opening_makes_what_an_earlier_one_left(path: Path, late: bool) -> None:
    with memkit.open(path, encoder=Flaky(None)) as store:
        for name in ("ana", "bob"):
            store.bank(name).observe(TURNS)
    settings = memkit.Settings(runtime=RuntimeSettings(encode_late=late))
    with memkit.open(path, encoder=HashingEncoder(), settings=settings) as store:
        assert store.flush(timeout_s=30)
        assert [bank["unencoded"] for bank in store.stats()["banks"].values()] == [0, 0]
        assert store.doctor() == []


def test_a_turn_that_is_encoded_again_brings_the_others_along() -> None:
    encoder = Flaky(1)
    with memkit.open(":memory:", encoder=encoder) as store:
        bank = store.bank("ana")
        assert bank.observe(TURNS).unencoded == 3
        assert bank.observe([("ana", "The lamp in the hall is broken.")]).unencoded == 0
        assert store.flush(timeout_s=30)
        assert unencoded(store) == 0


def test_leaving_a_store_waits_neither_for_a_hanging_encoder_nor_for_one_that_fails(path: Path) -> None:
    for encoder in (Held(), Flaky(None)):
        with memkit.open(path, encoder=encoder, settings=HASTY) as store:
            store.bank("ana").observe([("ana", f"{type(encoder).__name__} left this behind.")])
        if isinstance(encoder, Held):
            encoder.open.set()
    with memkit.open(path, encoder=HashingEncoder()) as store:
        assert store.maintain(budget_s=30).encoded == 2


def test_while_an_encoder_hangs_nobody_waits_for_it_again() -> None:
    encoder = Held()
    with memkit.open(":memory:", encoder=encoder, settings=HASTY) as store:
        bank = store.bank("ana")
        for turn in TURNS:
            bank.observe([turn])
        assert bank.recall("Who flies to Oslo?")[0].memory.text == FACTS[1]
        assert encoder.asked == 1
        encoder.open.set()


def test_maintenance_does_not_wait_for_a_hanging_encoder_in_every_bank() -> None:
    encoder = Held()
    with memkit.open(":memory:", encoder=encoder, settings=HASTY) as store:
        for number in range(50):
            store.bank(f"user{number}").observe([("ana", FACTS[0])])
        asked = encoder.asked
        assert store.maintain(budget_s=30).encoded == 0
        assert encoder.asked == asked
        encoder.open.set()


def test_maintenance_encodes_within_its_budget_and_goes_on_next_time() -> None:
    encoder = Flaky(None)
    with memkit.open(":memory:", encoder=encoder) as store:
        store.bank("ana").observe([("ana", f"Parcel {n} went from shelf {n} to shelf {n + 1}.") for n in range(600)])
        encoder.failures = 0
        turns = iter([True, True])
        encoded = encode_pending(store.bank("ana")._context, may_go_on=lambda: next(turns, False))
        assert (encoded, unencoded(store)) == (2 * ENCODE_BATCH, 600 - 2 * ENCODE_BATCH)
        assert store.maintain(budget_s=60).encoded == 600 - encoded


def test_a_store_that_is_read_only_makes_no_vectors(path: Path) -> None:
    with memkit.open(path, encoder=Flaky(None)) as store:
        store.bank("ana").observe(TURNS)
    with memkit.open(path, encoder=HashingEncoder(), read_only=True) as store:
        assert store.flush(timeout_s=30)
        assert unencoded(store) == 3


def test_the_log_tells_that_a_model_is_loaded_and_for_how_long(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sentence_transformer, "_load", lambda location, device: object())
    with caplog.at_level(logging.INFO, logger="memkit"):
        encoder = sentence_transformer.SentenceTransformerEncoder("some-model")
        encoder.load()
        encoder.load()
    first, second = caplog.messages
    assert first == "memkit: loading the encoder some-model …"
    assert second.startswith("memkit: loaded the encoder some-model in ")


# the command line


class Sleepy(HashingEncoder):
    """An encoder of a slow machine: loading takes longer than a text may, and each text its time."""

    def __init__(self, load_s: float, text_s: float) -> None:
        super().__init__()
        self.load_s, self.text_s, self.loaded = load_s, text_s, False

    def load(self) -> None:
        if not self.loaded:
            logging.getLogger("memkit").info("memkit: loading a sleepy encoder …")
            time.sleep(self.load_s)
            self.loaded = True

    def encode(self, texts: list[str]) -> FloatArray:
        self.load()
        time.sleep(self.text_s * len(texts))
        return super().encode(texts)


def demo_files(folder: Path) -> DemoFiles:
    turns = [
        Turn(fact, "Ana", at=f"2025-0{month}-03T10:00:00+00:00", id=f"t{month}", session=f"s{month}")
        for month, fact in enumerate(FACTS, start=1)
    ]
    questions = [("Where does the key lie?", "t1"), ("When does Rita fly to Oslo?", "t2")]
    conversation, asked = folder / "conversation.jsonl", folder / "questions.jsonl"
    conversation.write_text("".join(json.dumps({**vars(turn), "at": str(turn.at)}) + "\n" for turn in turns))
    lines = [
        {"id": id, "category": "c", "question": question, "evidence": [id], "demo": True} for question, id in questions
    ]
    asked.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return DemoFiles(conversation, asked, folder / "out", folder / "out" / "year.png")


@pytest.mark.parametrize(
    ("encoder", "left"),
    [(Sleepy(0.3, 0.002), 0), (Flaky(0, lambda texts: any(FACTS[1] in text for text in texts)), 1)],
    ids=["slow", "failing"],
)
def test_the_demo_ends_well_on_a_slow_machine_and_says_what_is_left(
    encoder: HashingEncoder,
    left: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    patience = memkit.Settings(runtime=RuntimeSettings(encode_timeout=0.2))
    monkeypatch.setattr(memkit, "open", partial(memkit.open, settings=patience))
    figures = play(demo_files(tmp_path), encoder)
    assert (figures.asked, figures.answered, figures.unencoded) == (2, 2, left)
    assert ("Not encoded yet: 1." in capsys.readouterr().out) == bool(left)


@pytest.fixture
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[HashingEncoder], None]:
    """Has the command line encode with a given encoder."""

    def use(encoder: HashingEncoder) -> None:
        monkeypatch.setattr("memkit.cli.options.encoder_from_option", lambda name: encoder)

    return use


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0)


def test_a_command_shows_that_the_encoder_loads_and_says_in_a_line_what_follows(
    slow_machine: Callable[[HashingEncoder], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = tmp_path / "turns.jsonl"
    turns.write_text("".join(json.dumps({"speaker": "Ana", "text": fact}) + "\n" for fact in FACTS))
    db = ["--db", str(tmp_path / "m.db"), "--encoder", "hashing"]
    slow_machine(Sleepy(0.05, 0.0))
    assert run("observe", str(turns), "ana", *db) == 0
    assert "loading a sleepy encoder" in capsys.readouterr().err
    slow_machine(Flaky(0, lambda texts: "Tom" in texts[0]))
    assert run("add", "ana", "Tom repairs the piano.", *db) == 0
    assert "Not encoded yet: 1." in capsys.readouterr().err
    turns.write_text(json.dumps({"speaker": "Tom", "text": "I repair pianos."}) + "\n")
    assert run("observe", str(turns), "ana", *db) == 0
    assert "Not encoded yet: 1." in capsys.readouterr().err
    assert run("observe", str(turns), "bob", *db, "--json") == 0
    assert json.loads(capsys.readouterr().out)["unencoded"] == 1


def test_vectors_made_late_are_those_made_at_once(path: Path) -> None:
    vectors: list[Any] = []
    for encoder in (HashingEncoder(), Flaky(1)):
        with memkit.open(":memory:", encoder=encoder) as store:
            bank = store.bank("ana")
            bank.observe([*TURNS, ("ana", LONG)])
            assert store.flush(timeout_s=30)
            state = bank._context.state()
            assert state is not None
            with store._storage.view(state.number) as view:
                vectors.append([*view.with_passages([1, 2, 3, 4])[0], *view.with_passages([4])[1].vectors])
    assert (np.array(vectors[0]) == np.array(vectors[1])).all()
