"""Blocks of sketches and terms: they and the unsealed rows hold what texts and vectors say, whatever was done."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bank_steps import life, opened, view_of

from memkit import MemoryBank, Turn
from memkit.protocols import BankView
from memkit.storage.core import blocks
from memkit.storage.core.blocks import SKETCH_PART, TERM_PART, VECTOR_PART, Block
from memkit.storage.sql import block_writer, writer

SMALL_BLOCK_ROWS, SMALL_FLUSH_ROWS = 16, 5
MAX_ROUNDED_BITS = 3  # bits of 512


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ROWS", SMALL_BLOCK_ROWS)
    monkeypatch.setattr(block_writer, "BLOCK_ROWS", SMALL_BLOCK_ROWS)
    for module in (block_writer, writer):
        monkeypatch.setattr(module, "FLUSH_ROWS", SMALL_FLUSH_ROWS)


def loaded(view: BankView, since: int = 0) -> dict[int, tuple[bytes | None, dict[int, int]]]:
    """Sketch and terms that an index loads, by seq."""
    pairs = (pair for batch in view.sketches(since) for pair in zip(batch.seqs.tolist(), batch.sketches, strict=True))
    sketches = {seq: sketch.tobytes() for seq, sketch in pairs}
    terms: dict[int, dict[int, int]] = {}
    for batch in view.terms(since):
        hashes, counts, ends = batch.terms.tolist(), batch.counts.tolist(), batch.starts.tolist()
        for seq, start, end in zip(batch.seqs.tolist(), ends[:-1], ends[1:], strict=True):
            terms[seq] = dict(zip(hashes[start:end], counts[start:end], strict=True))
    return {seq: (sketches.get(seq), terms.get(seq, {})) for seq in sketches.keys() | terms.keys()}


def remade(bank: MemoryBank, view: Any) -> dict[int, tuple[bytes | None, dict[int, int]]]:
    """The same made anew from stored texts and vectors, of what is no echo."""
    indexer, entries = bank._context.services.indexer, {}
    memories = view.memories(view.all_seqs())
    for seq, entry in view.entries(list(memories)).items():
        new = indexer.renewed(view.state, memories[seq], entry)
        if memories[seq].echo_of is None and (new.sketch or new.terms):
            entries[seq] = (new.sketch, dict(new.terms))
    return entries


def assert_holds(bank: MemoryBank, view: Any) -> None:
    """A bit that turns on the rounding of a stored vector may differ."""
    held, wanted = loaded(view), remade(bank, view)
    assert {seq: terms for seq, (_, terms) in held.items()} == {seq: terms for seq, (_, terms) in wanted.items()}
    for seq, (sketch, _) in held.items():
        bits = [np.unpackbits(np.frombuffer(part or b"", np.uint8)) for part in (sketch, wanted[seq][0])]
        assert np.sum(bits[0] != bits[1]) <= MAX_ROUNDED_BITS


def sizes(path: Path, part: int) -> list[int]:
    """Rows of each block, counted, in order."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT data FROM block WHERE part = ? ORDER BY number", (part,))
        return [len(Block.parse(data).seqs) for (data,) in rows]


@pytest.mark.parametrize("seed", range(3))
def test_what_indexes_are_loaded_from_is_what_texts_and_vectors_say_whatever_was_done(
    tmp_path: Path, seed: int
) -> None:
    path, most = tmp_path / "store.db", 0
    for bank in life(path, seed):
        with view_of(bank) as view:
            assert_holds(bank, view)
        most = max(most, len(sizes(path, TERM_PART)))
    assert most > 3


@pytest.mark.parametrize("part", [SKETCH_PART, TERM_PART])
def test_the_last_block_takes_in_what_comes_and_gets_vectors_beside_it_once_it_is_full(
    tmp_path: Path, part: int
) -> None:
    path, sizes_after_each = tmp_path / "store.db", []
    with opened(path) as store:
        bank = store.bank("ana")
        for i in range(3 * SMALL_BLOCK_ROWS):
            bank.observe([Turn(f"Day {i}: sun.", "ana")])
            sizes_after_each.append(sizes(path, part))
            assert sizes(path, VECTOR_PART) == [SMALL_BLOCK_ROWS] * sizes(path, SKETCH_PART).count(SMALL_BLOCK_ROWS)
        assert store.doctor() == []
    assert sizes_after_each[SMALL_FLUSH_ROWS - 2 : SMALL_FLUSH_ROWS] == [[], [SMALL_FLUSH_ROWS]]
    assert all(size == SMALL_BLOCK_ROWS for held in sizes_after_each for size in held[:-1])
    assert all(count - sum(held) < SMALL_FLUSH_ROWS for count, held in enumerate(sizes_after_each, 1))


def test_a_full_block_that_lost_rows_takes_in_others_and_its_vectors_follow(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        bank = store.bank("ana")
        ids = [o.id for o in bank.observe([Turn(f"Day {i}: sun.", "ana") for i in range(SMALL_BLOCK_ROWS)]).outcomes]
        assert sizes(path, VECTOR_PART) == [SMALL_BLOCK_ROWS]
        bank.erase(ids=[id for id in ids[:3] if id])
        assert (sizes(path, SKETCH_PART), sizes(path, VECTOR_PART)) == ([SMALL_BLOCK_ROWS - 3], [SMALL_BLOCK_ROWS - 3])
        bank.observe([Turn(f"Night {i}: rain.", "ana") for i in range(SMALL_FLUSH_ROWS)])
        assert (sizes(path, SKETCH_PART), sizes(path, VECTOR_PART)) == ([SMALL_BLOCK_ROWS], [SMALL_BLOCK_ROWS])
        assert store.doctor() == []


def test_a_block_that_is_not_full_again_has_no_vectors_that_could_be_false(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        bank = store.bank("ana")
        ids = [o.id for o in bank.observe([Turn(f"Day {i}: sun.", "ana") for i in range(SMALL_BLOCK_ROWS)]).outcomes]
        bank.erase(ids=[id for id in ids[4:] if id])
        bank.observe([Turn(f"Night {i}: rain.", "ana") for i in range(SMALL_FLUSH_ROWS)])
        assert (sizes(path, SKETCH_PART), sizes(path, VECTOR_PART)) == ([4 + SMALL_FLUSH_ROWS], [])
        assert store.doctor() == []


def test_a_memory_that_a_damaged_file_holds_twice_is_held_once_by_the_block(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        for count in (SMALL_FLUSH_ROWS, 2):
            store.bank("ana").observe([Turn(f"Day {count} {i}: sun.", "ana") for i in range(count)])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for seq in (2, SMALL_FLUSH_ROWS + 1):  # one lies in the block, one is unsealed
            rows = "SELECT bank, part, 9, ?, data FROM index_entry WHERE seq = ? AND change < 9"
            assert connection.execute(f"INSERT INTO index_entry {rows}", (seq, SMALL_FLUSH_ROWS + 2)).rowcount == 2
        connection.execute(
            "UPDATE bank SET unsealed_sketches = unsealed_sketches + 2, unsealed_terms = unsealed_terms + 2, change = 9"
        )
    with opened(path) as store:
        bank = store.bank("ana")
        bank.observe([Turn(f"Night {i}: rain.", "ana") for i in range(SMALL_FLUSH_ROWS)])
        with view_of(bank) as view:
            assert sorted(loaded(view)) == view.all_seqs()
        assert sizes(path, SKETCH_PART) == sizes(path, TERM_PART) == [2 * SMALL_FLUSH_ROWS + 2]


def test_who_reads_on_gets_each_row_once_though_it_moved_into_a_block(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        bank, seen, since = store.bank("ana"), list[int](), 0
        for i in range(3 * SMALL_BLOCK_ROWS):
            bank.observe([Turn(f"Day {i}: sun.", "ana")])
            if i % 3 == 0:
                with view_of(bank) as view:
                    seen += sorted(loaded(view, since))
                    since = view.state.change
    assert np.array_equal(seen, range(1, 3 * SMALL_BLOCK_ROWS - 1))


def test_a_block_that_is_damaged_is_left_alone_and_the_next_rows_go_into_another(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        store.bank("ana").observe([Turn(f"Day {i}: sun.", "ana") for i in range(SMALL_FLUSH_ROWS)])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE block SET data = zeroblob(100)")
    with opened(path) as store:
        store.bank("ana").observe([Turn(f"Night {i}: rain.", "ana") for i in range(SMALL_FLUSH_ROWS)])
        assert store.doctor() != []
        store.doctor(repair=True)
        assert store.doctor() == []
        with view_of(store.bank("ana")) as view:
            assert_holds(store.bank("ana"), view)
