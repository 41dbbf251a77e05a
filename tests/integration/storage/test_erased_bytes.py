"""Erased memories are in no file, neither text nor vector, whoever has the file open, and whenever a process dies."""

import random
import secrets
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from canaries import Dense, everything, left, opened, turns, wanted
from needles import forms, needles

import memkit
from memkit.storage.sqlite.secure_delete.search import Search

SUPPORT_FOLDER = Path(__file__).parents[2] / "support"


@pytest.mark.parametrize("count", [10, 2_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_no_window_of_erased_texts_and_no_part_of_their_vectors_is_left_in_the_folder(path: Path, count: int) -> None:
    chance = random.Random(count)
    with opened(path) as store:
        bank = store.bank("ana")
        said = list(turns(count, chance))
        for start in range(0, count, 5_000):
            bank.observe(said[start : start + 5_000])
        gone = [m for id in chance.sample([f"t{i}" for i in range(count)], min(8, count // 2)) if (m := bank.get(id))]
        ids = {m.id for m in gone}
        pieces = wanted(gone, [m for m in everything(bank) if m.id not in ids])
        assert left(path.parent, pieces) != []
        receipt = bank.erase(ids=sorted(ids))
        assert not receipt.bytes_pending
        assert left(path.parent, pieces) == []
        assert store.doctor() == []


def held(bank: memkit.MemoryBank, pieces: set[bytes]) -> set[bytes]:
    """Those of the pieces that stored memories hold, in any encoding."""
    texts = (text for m in everything(bank) for text in (m.text, *m.key_phrases, *m.metadata.values(), m.speaker or ""))
    return Search(pieces).matches(b"\0".join(form for text in texts for form in forms(text)))


def requests(path: Path, length: int, size: int) -> None:
    """A chain of erasures, with talk in between; the folder is searched after each tenth."""
    chance, erased = random.Random(7), set[bytes]()
    with opened(path) as store, opened(path) as other:
        bank = store.bank("ana")
        bank.observe(list(turns(size, chance)))
        there = [f"t{i}" for i in range(size)]
        for number in range(length):
            id = there.pop(chance.randrange(len(there)))
            memory = bank.get(id)
            assert memory is not None
            erased |= {w for w in needles([memory], stride=4) if any(48 <= byte < 58 for byte in w[:8])}
            assert not bank.erase(ids=[id]).bytes_pending
            assert other.bank("ana").get(id) is None
            if number % 10 == 9:
                assert left(path.parent, erased - held(bank, erased)) == []
                bank.observe(list(turns(2, chance, size + number)))
        receipts = store.receipts()
        assert [r.number for r in receipts] == list(range(1, length + 1))
        assert not any(r.bytes_pending for r in receipts)
        assert store.doctor() == []


def test_a_chain_of_erasures_leaves_nothing_while_another_store_has_the_file_open(path: Path) -> None:
    requests(path, 30, 200)


@pytest.mark.slow
def test_a_chain_of_two_hundred_erasures_leaves_nothing(path: Path) -> None:
    requests(path, 200, 3_000)


def test_a_whole_bank_leaves_nothing_and_all_banks_under_a_prefix_go_together(path: Path) -> None:
    chance = random.Random(3)
    with opened(path) as store:
        for name in (("acme", "ana"), ("acme", "bob"), ("acmeville", "eve")):
            store.bank(*name).observe(list(turns(60, chance)))
        going = [m for who in ("ana", "bob") for m in everything(store.bank("acme", who))]
        pieces = wanted(going, everything(store.bank("acmeville", "eve")))
        with pytest.raises(memkit.MemkitError):
            store.erase_all(under=("acme",), confirm=("acmeville",))
        receipts = store.erase_all(under=("acme",), confirm=("acme",), requested_by="the company")
        assert [(r.bank, r.whole, r.counts) for r in receipts] == [
            (("acme", "ana"), True, {"turn": 60}),
            (("acme", "bob"), True, {"turn": 60}),
        ]
        assert store.banks() == [("acmeville", "eve")]
        assert left(path.parent, pieces) == []
        assert store.doctor() == []


def test_receipts_are_chained_and_a_changed_one_is_noticed(path: Path) -> None:
    with opened(path) as store:
        bank = store.bank("ana")
        bank.observe(list(turns(20, random.Random(1))))
        for i in range(3):
            bank.erase(ids=[f"t{i}"], requested_by=f"letter {i}")
        first, second, third = store.receipts()
        assert (second.previous, third.previous) == (first.hash, second.hash)
        assert store.doctor() == []
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE erasure SET receipt = replace(receipt, 'letter 1', 'letter 9') WHERE number = 2")
    connection.close()
    with opened(path) as store:
        assert any("receipts is broken at number 2" in problem for problem in store.doctor())


def test_a_receipt_says_what_went_and_holds_no_text(path: Path) -> None:
    with opened(path) as store:
        bank = store.bank("Ana")
        bank.observe([memkit.Turn("I moved to Quetzaltenango in May 2024.", "Ana", id="t1")])
        bank.think()
        receipt = bank.erase(ids=["t1"], requested_by="Ana, by letter")
    assert (receipt.counts, receipt.chosen, len(receipt.derived)) == ({"thought": 1, "turn": 1}, 1, 1)
    assert receipt.requested_by == "Ana, by letter"
    assert "Quetzal" not in receipt.model_dump_json()


ERASER_SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[2])))
from canaries import opened
with opened(Path(sys.argv[1])) as store:
    bank = store.bank("ana")
    print("ready", flush=True)
    for number in range(int(sys.argv[3]), 10_000):
        bank.erase(ids=[f"t{number}"])
        print(number, flush=True)
"""


def killed_erasers(path: Path, times: int) -> None:
    """Kill a process while it erases one memory after the other; then nothing of what is gone may be left."""
    size = 40 * times + 50
    chance = random.Random(11)
    with opened(path) as store:
        store.bank("ana").observe(list(turns(size, chance)))
        texts = {m.id: m for m in everything(store.bank("ana"))}
    begin = 0
    for _ in range(times):
        begin = one_killed(path, begin, chance.uniform(0, 0.25))
        with opened(path) as store:
            there = everything(store.bank("ana"))
            gone = [m for id, m in texts.items() if id not in {t.id for t in there}]
            assert len(gone) >= begin
            begin = len(gone)
            assert not any(r.bytes_pending for r in store.receipts())
            canaries = {m.text.split()[9].encode()[:16] for m in gone} | {m.text[-16:].encode() for m in gone}
            assert left(path.parent, canaries) == []
            assert store.doctor() == []


def one_killed(path: Path, begin: int, after: float) -> int:
    """Number of memories erased for sure, when an eraser was killed after a while."""
    command = [sys.executable, "-c", ERASER_SCRIPT, str(path), str(SUPPORT_FOLDER), str(begin)]
    eraser = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert eraser.stdout is not None
    assert eraser.stdout.readline() == "ready\n"
    time.sleep(after)
    eraser.send_signal(signal.SIGKILL)
    said = [int(line) for line in eraser.stdout.read().split("\n")[:-1]]
    eraser.wait()
    eraser.stdout.close()
    return max(said, default=begin - 1) + 1


def test_after_a_kill_in_the_middle_of_an_erasure_the_next_to_open_finishes_it(path: Path) -> None:
    killed_erasers(path, 4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_after_a_hundred_kills_nothing_that_went_is_left(path: Path) -> None:
    killed_erasers(path, 100)


def test_bytes_that_a_reader_keeps_are_pending_until_the_next_one_opens_the_file(path: Path) -> None:
    with opened(path) as store:
        bank = store.bank("ana")
        bank.observe(list(turns(20, random.Random(2))))
        reader = sqlite3.connect(path)
        reader.execute("begin")
        reader.execute("select count(*) from content").fetchone()
        memory = bank.get("t3")
        assert memory is not None
        receipt = bank.erase(ids=["t3"])
        assert receipt.bytes_pending
        assert any("erased bytes" in problem for problem in store.doctor())
        reader.close()
    with opened(path) as store:
        assert [r.bytes_pending for r in store.receipts()] == [False]
        assert left(path.parent, {memory.text.split()[9].encode()[:16]}) == []


def test_erased_texts_are_known_when_they_are_brought_in_again_under_the_callers_key(path: Path) -> None:
    key = secrets.token_bytes(32)
    said = list(turns(10, random.Random(4)))
    with memkit.open(path, encoder=Dense(), erasure_key=key) as store:
        bank = store.bank("ana")
        bank.observe(said)
        store.export(path.with_suffix(".jsonl"))
        bank.erase(ids=["t4"])
        again = bank.observe(said)
        assert [o.reason for o in again.outcomes if o.action == "skipped"][4].startswith("was erased")  # type: ignore[union-attr]
        assert store.load(path.with_suffix(".jsonl")).new == 0
        assert bank.get("t4") is None
        bank.insert(said[4].text)
        assert said[4].text not in [m.text for m in everything(bank)]
        store.bank("bob").observe(said[4:5])  # another bank's own business
        assert store.bank("bob").get("t4") is not None
    with opened(path) as store:
        store.bank("ana").observe(said[4:5])
        assert store.bank("ana").get("t4") is not None


def test_in_a_large_file_the_search_is_left_to_maintenance(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memkit.storage.sqlite.purge.MAX_SEARCHED_BYTES", 10_000)
    with opened(path) as store:
        bank = store.bank("ana")
        bank.observe(list(turns(20, random.Random(2))))
        start = time.monotonic()
        assert bank.erase(ids=["t3"]).bytes_pending
        assert time.monotonic() - start < 1
        store.maintain(budget_s=1)
        assert [r.bytes_pending for r in store.receipts()] == [False]


def test_nothing_is_left_of_the_passages_of_a_long_text_nor_of_its_echoes_vector(path: Path) -> None:
    long = "The boat left late from the northern harbour. " * 6 + "The captain was called Ines. " * 6
    said = [("ana", long), ("bob", long), ("ana", "Something else"), ("ana", long + "Twice.")]
    with opened(path) as store:
        bank = store.bank("ana")
        first, second, _, _ = bank.observe(said).ids
        with store.bank("ana")._context.storage.view(1) as view:
            [entry] = view.entries([1]).values()
        assert entry.passages is not None
        pieces = {part[i : i + 32] for part in (entry.vector or b"", entry.passages) for i in range(0, len(part), 512)}
        assert left(path.parent, pieces) != []
        bank.erase(ids=[first])
        with store.bank("ana")._context.storage.view(1) as view:
            rest = view.entries([2, 3, 4])
        heir, held = rest[2], b"".join(part for t in rest.values() for part in (t.vector, t.passages) if part)
        own = Dense().encode([f"bob: {long}"]).astype("<f2").tobytes()
        assert (heir.vector, len(heir.passages or b"")) == (own, len(entry.passages))
        assert left(path.parent, {piece for piece in pieces if piece not in held}) == []
        assert bank.recall("Who was the captain of the boat?", k=1)[0].memory.id == second


def test_a_bank_whose_number_reads_like_a_line_end_is_erased_in_full_at_once(path: Path) -> None:
    """Before a text lies its bank's number: bank 10 reads like the line's end in a summary that quoted the text."""
    with opened(path) as store:
        for number in range(1, 11):
            store.bank(f"user{number}").observe([memkit.Turn("I moved to Lisbon with my cat.", "Ana", id="t0")])
        bank = store.bank("user10")
        bank.observe([memkit.Turn("I live in Porto by the river.", "Ana", id="t1")])
        bank.insert(["The first line is here,\nI live in Porto by the river."])
        line = bank.list(kinds=["thought"])[0]
        assert not bank.erase(ids=[line.id]).bytes_pending


def gap(data: bytes, room: int) -> int:
    """Start of a table's page that has this much room between its pointers and its cells (SQLite's file format)."""
    for start in range(4096, len(data), 4096):
        count, content = struct.unpack_from(">HH", data, start + 3)
        if data[start] == 13 and content - 8 - 2 * count >= room:
            return start + content - room
    raise AssertionError("no page has room")


def test_a_copy_that_an_earlier_split_left_in_another_page_goes_with_the_memory(path: Path) -> None:
    with opened(path) as store:
        bank = store.bank("ana")
        bank.observe(list(turns(60, random.Random(6))))
        memory = bank.get("t9")
        assert memory is not None
    copy = memory.text.split()[9].encode()  # its canary
    with path.open("r+b") as file:
        file.seek(gap(path.read_bytes(), len(copy)))
        file.write(copy)
    with opened(path) as store:
        assert store.doctor() == []
        assert path.read_bytes().count(copy) == 2
        assert not store.bank("ana").erase(ids=["t9"]).bytes_pending
        assert left(path.parent, {copy[i : i + 16] for i in range(len(copy) - 15)}) == []


def test_a_text_that_reads_like_the_schema_is_erased_without_a_rest(path: Path) -> None:
    """The file rightly holds its own schema, which is nobody's memory."""
    with opened(path) as store:
        bank = store.bank("ana")
        bank.observe([("ana", "CREATE TABLE bank ( is how it begins, bank INTEGER NOT NULL,"), ("bob", "I see.")])
        assert not bank.erase(ids=[bank.list()[0].id]).bytes_pending


def test_erasures_are_done_while_others_write_all_the_time(path: Path) -> None:
    done = threading.Event()
    with opened(path) as store, opened(path) as other:
        store.bank("ana").observe(list(turns(30, random.Random(8))))

        def write(to: memkit.MemoryStore, who: str) -> None:
            chance = random.Random(who)
            for number in range(0, 10_000, 2):
                if done.is_set():
                    return
                to.bank(who).observe(list(turns(2, chance, number)))

        with ThreadPoolExecutor() as pool:
            writers = [pool.submit(write, to, who) for to, who in ((store, "bob"), (other, "eve"))]
            try:
                pending = [store.bank("ana").erase(ids=[f"t{i}"]).bytes_pending for i in range(10)]
            finally:
                done.set()
            assert [writer.result() for writer in writers] == [None, None]
        assert pending == [False] * 10
