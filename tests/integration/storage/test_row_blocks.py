"""Blocks of rows: whatever happens to a bank, they and the rows that have moved hold what its table does."""

import ast
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from bank_steps import life, opened, view_of

import memkit
from memkit import Turn
from memkit.batches import ROW_FIELDS, RowBatch
from memkit.models import IndexRow
from memkit.protocols import BankView
from memkit.recall.index.columns import INT32_FIELDS, Columns
from memkit.storage.core.blocks import ROW_PART
from memkit.storage.sql import block_writer, row_blocks, writer
from memkit.storage.sql.queries import queries
from memkit.storage.sql.row_blocks import RENEWED_SHARE, RowBlocks, pack, unpack

SMALL_BLOCK_ROWS, SMALL_FLUSH_ROWS = 16, 5
DAMAGE_STATEMENTS = [
    "DELETE FROM block WHERE part = 3 AND number = (SELECT min(number) FROM block WHERE part = 3)",
    "UPDATE block SET data = zeroblob(1000) WHERE part = 3",
    "UPDATE block SET data = 'text' WHERE part = 3",
    "UPDATE block SET data = CAST(substr(data, 1, length(data) - 1) || x'07' AS BLOB) WHERE part = 3",
    "DELETE FROM moved",
    "INSERT INTO moved VALUES (1, 999)",
]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_writer, "BLOCK_ROWS", SMALL_BLOCK_ROWS)
    for module in (block_writer, writer):
        monkeypatch.setattr(module, "FLUSH_ROWS", SMALL_FLUSH_ROWS)
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", SMALL_BLOCK_ROWS)
    monkeypatch.setattr(row_blocks, "FLUSH_ROWS", SMALL_FLUSH_ROWS)


def as_loaded(view: BankView) -> dict[str, list[Any]]:
    columns = Columns()
    columns.put(view.row_batches())
    return {name: columns.column(name).tolist() for name in ROW_FIELDS} | {"sources": sorted(columns.sources.items())}


def as_in_table(view: BankView) -> dict[str, list[Any]]:
    rows = list(view.rows())
    batch = RowBatch.of(rows)
    fields = {name: batch.fields[name].tolist() for name in ROW_FIELDS}
    fields |= {name: [max(number, -1) for number in fields[name]] for name in INT32_FIELDS}
    return fields | {"sources": sorted((row.seq, row.sources) for row in rows if row.sources)}


def blocks(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM block WHERE part = ?", (ROW_PART,)).fetchone()[0])


@pytest.mark.parametrize("seed", range(3))
def test_what_is_loaded_from_blocks_is_what_the_table_holds_whatever_was_done(tmp_path: Path, seed: int) -> None:
    path, most = tmp_path / "store.db", 0
    for bank in life(path, seed):
        with view_of(bank) as view:
            assert as_loaded(view) == as_in_table(view)
        most = max(most, blocks(path))
    assert most > 3


def test_rows_that_changed_are_read_from_the_table_until_there_are_too_many(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    def moved() -> int:
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("SELECT count(*) FROM moved").fetchone()[0])

    with opened(path) as store:
        bank = store.bank("ana")
        ids = [o.id for o in bank.observe([Turn(f"Day {i}: sun.", "ana") for i in range(100)]).outcomes]
        for id in ids[: 100 // RENEWED_SHARE]:
            bank.pin(id)
        assert (blocks(path), moved()) == (6, 100 // RENEWED_SHARE)
        bank.pin(ids[SMALL_BLOCK_ROWS])
        assert moved() == 1  # the first block was made anew
        assert store.doctor() == []


def test_the_last_block_takes_in_what_comes_until_it_is_full(tmp_path: Path) -> None:
    path, sizes_after_each = tmp_path / "store.db", []
    with opened(path) as store:
        bank = store.bank("ana")
        for i in range(3 * SMALL_BLOCK_ROWS):
            bank.observe([Turn(f"Day {i}: sun.", "ana")])
            with view_of(bank) as view:
                assert as_loaded(view) == as_in_table(view)
                sizes_after_each.append(
                    [len(rows.seqs) for rows in row_blocks.rows_of_blocks(view.connection, view.bank)]
                )
        assert store.doctor() == []
    assert sizes_after_each[SMALL_FLUSH_ROWS - 2 : SMALL_FLUSH_ROWS] == [[], [SMALL_FLUSH_ROWS]]
    assert all(size == SMALL_BLOCK_ROWS for sizes in sizes_after_each for size in sizes[:-1])
    assert all(count - sum(sizes) < SMALL_FLUSH_ROWS for count, sizes in enumerate(sizes_after_each, 1))


def test_a_block_gives_back_what_was_packed_and_nothing_that_was_not() -> None:
    row = IndexRow(
        *(3, "thought", "superseded", -(2**62), None, 7, 8, 1, 2, None, 5, 1.5, None, None, True, 40, False, 9, None),
        sources=(1, 2),
    )
    rows = RowBatch.of([row, row._replace(seq=4, kind="turn", state="active", speaker=None, superseded_by=None)])
    data = pack(rows)
    for name, column in unpack(data).fields.items():
        assert column.dtype == ROW_FIELDS[name]
        assert column.tolist() == rows.fields[name].tolist()
    for place in range(len(data)):
        false = data[:place] + bytes([data[place] ^ 64]) + data[place + 1 :]
        with pytest.raises(ValueError, match="damaged"):
            unpack(false)
        with pytest.raises(ValueError, match="damaged"):
            unpack(data[:place])


@pytest.mark.parametrize("damage", DAMAGE_STATEMENTS)
def test_blocks_that_do_not_hold_what_they_should_are_told_and_made_again(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        bank = store.bank("ana")
        ids = [o.id for o in bank.observe([Turn(f"Day {i}: sun.", "ana") for i in range(100)]).outcomes]
        bank.pin(ids[2])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(damage)
    with opened(path) as store:
        assert store.doctor() != []
        store.doctor(repair=True)
        assert store.doctor() == []
        with view_of(store.bank("ana")) as view:
            assert as_loaded(view) == as_in_table(view)
    assert blocks(path) == 6


def test_every_statement_that_changes_what_blocks_hold_marks_the_rows_as_moved(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        store.bank("ana").observe([Turn(f"Day {i}: sun.", "ana") for i in range(35)])
        with store._storage._connections.writing() as connection:  # type: ignore[attr-defined]
            blocks = RowBlocks(connection, 1, 2, 36)
            for name in changing_statements():
                values = dict.fromkeys(queries()[name].names, 1)
                row = values | {"superseded_by": None, "echo_of": None, "content": 1}
                blocks.update(name, [row | {"bank": 1, "change": 2, "seq": seq} for seq in (3, 34)])
                assert connection.execute("SELECT seq FROM moved").fetchall() == [(3,)]  # 34 lies in no block
                connection.execute("DELETE FROM moved")


def changing_statements() -> list[str]:
    """Names of the queries that update columns of `memory` that blocks hold; a bank's removal aside."""
    updates = {
        name: re.search(r"UPDATE memory SET (.*)WHERE", query.sql, re.DOTALL) for name, query in queries().items()
    }
    columns = {name: set(re.findall(r"(\w+) =", match[1])) for name, match in updates.items() if match}
    return [name for name in columns if columns[name] & set(ROW_FIELDS) and not name.startswith("empty_bank.")]


def test_statements_that_change_what_blocks_hold_run_through_one_method_alone() -> None:
    assert len(changing_statements()) >= 4
    for file in Path(memkit.__file__).parent.rglob("*.py"):
        for call in [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]:
            named = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
            if set(named) & set(changing_statements()):
                assert ast.unparse(call.func) == "self._row_blocks.update", f"{file}:{call.lineno}"


def test_nothing_of_an_erased_bank_stays_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as store:
        ids = [o.id for o in store.bank("ana").observe([Turn(f"Day {i}: sun.", "ana") for i in range(100)]).outcomes]
        store.bank("ana").pin(ids[2])
        store.bank("ana").erase_all(confirm=("ana",))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM block").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM moved").fetchone() == (0,)
