"""Files with a bank of more than a block: its vectors lie quantised beside the sketches, and only while they hold."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import memkit
from memkit import Settings, Turn
from memkit.encoders.hashing import HashingEncoder
from memkit.settings import RankingSettings
from memkit.storage.core.blocks import VECTOR_PART
from memkit.store import MemoryStore
from memkit.testing import FrozenClock

COMPACT_FROM_ROWS = Settings(ranking=RankingSettings(exact_up_to=100))
LONG_TEXT = "The boat left late in the evening. " * 12
ALL_TURNS = [
    Turn(f"{LONG_TEXT if i % 500 == 7 else ''}On day {i} I ate {i * 7 % 31} figs.", "ana", id=f"t{i}")
    for i in range(4_700)
]
QUESTION_TEXTS = ("How many figs on day 111?", "When did the boat leave?", "day 4207", "Who ate 30 figs?")


def opened(path: Path | str) -> MemoryStore:
    clock = FrozenClock(datetime(2025, 6, 2, 12, tzinfo=UTC))
    return memkit.open(path, encoder=HashingEncoder(), clock=clock, settings=COMPACT_FROM_ROWS)


@pytest.fixture(scope="module")
def template_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blocks") / "made.db"
    with opened(path) as store:
        store.bank("ana").observe(ALL_TURNS)
    return path


@pytest.fixture
def path(template_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template_path, tmp_path / "store.db"))


def blocks(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM block WHERE part = ? ORDER BY number", (VECTOR_PART,)).fetchall()


def results(store: MemoryStore) -> list[list[tuple[str, float]]]:
    bank = store.bank("ana")
    return [[(h.memory.id, h.score) for h in bank.recall(q, k=8, reinforce=False)] for q in QUESTION_TEXTS]


def test_a_file_and_the_twin_in_memory_find_the_same(path: Path) -> None:
    assert len(blocks(path)) == 1
    with opened(path) as store, opened(":memory:") as twin:
        twin.bank("ana").observe(ALL_TURNS)
        assert results(store) == results(twin)
        assert store.doctor() == []


def test_what_is_erased_leaves_the_block_and_what_is_encoded_anew_moves_out_of_it(path: Path) -> None:
    with opened(path) as store:
        store.bank("ana").erase(ids=["t111", "t507"])
        assert store.doctor() == []
        before, results_before = blocks(path), results(store)
        store.reencode(HashingEncoder())
        assert store.doctor() == []
        assert blocks(path) != before
    with opened(path) as store:
        assert results(store) == results_before


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM block WHERE part = 2",
        "UPDATE block SET number = 99 WHERE part = 2",
        "UPDATE block SET data = zeroblob(1000) WHERE part = 2",
        "UPDATE block SET data = CAST(substr(data, 1, length(data) - 4) || x'01020304' AS BLOB) WHERE part = 2",
    ],
)
def test_a_block_that_does_not_hold_what_it_should_is_told_and_made_again(path: Path, damage: str) -> None:
    with opened(path) as store:
        results_before = results(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE bank SET next_block = 100")
        connection.execute(damage)
    with opened(path) as store:
        assert any("block" in problem for problem in store.doctor())
        store.doctor(repair=True)
        assert store.doctor() == []
        assert results(store) == results_before
    assert len(blocks(path)) == 1


def test_vectors_of_many_neighbours_are_those_of_each_alone(path: Path) -> None:
    seqs = [seq for seq in range(400, 1_200) if seq % 7]
    with opened(path) as store:
        context = store.bank("ana")._context
        with context.storage.view(context.ensure().number) as view:
            together, (owners, parts) = view.with_passages(seqs)
            alone = [view.with_passages([seq]) for seq in seqs]
    assert np.array_equal(together, np.concatenate([vector for vector, _ in alone]))
    assert np.array_equal(owners, np.concatenate([passages.seqs for _, passages in alone]))
    assert len(owners) > 0
    assert np.array_equal(parts, np.concatenate([passages.vectors for _, passages in alone]))
