"""Audit of the tables: contents that aren't what was written, and contradictions between tables."""

from collections.abc import Iterator

from memkit.storage.core.blocks import ROW_PART, TERM_PART, Block
from memkit.storage.core.checksums import is_memory_intact, is_text_intact, is_vector_intact
from memkit.storage.core.rows import unpack_terms
from memkit.storage.sql.callers import caller_flaws
from memkit.storage.sql.queries import Connection, run
from memkit.storage.sql.row_blocks import is_true


def audit(connection: Connection) -> list[str]:
    """Problems, one sentence each, without any memory text."""
    banks = run(connection, "audited_banks").fetchall()
    problems = [f"bank {bank}: {words}" for bank, end in banks for words in _of_bank(connection, bank, end)]
    return problems + caller_flaws(connection, repair=False)


def _of_bank(connection: Connection, bank: int, end: int) -> Iterator[str]:
    yield from _contents(connection, bank)
    yield from _counters(connection, bank)
    if not all(_parses(part, data) for part, data in run(connection, "audited_blocks", bank=bank)):
        yield "a block of the index can't be read."
    if not is_true(connection, bank, end):
        yield "the blocks of its rows do not hold what they are made from."


def _contents(connection: Connection, bank: int) -> Iterator[str]:
    texts = run(connection, "audited_texts", bank=bank).fetchall()
    notes = run(connection, "audited_notes", bank=bank).fetchall()
    vectors = run(connection, "audited_vectors", bank=bank).fetchall()
    counts = {
        "memories are not what was written": sum(
            not is_memory_intact(checksum, text, payload, numbers) for checksum, text, payload, *numbers in texts
        ),
        "notes of the history are not what was written": sum(not is_text_intact(*row) for row in notes),
        "vectors are not what was written": sum(not is_vector_intact(*row) for row in vectors),
    }
    yield from (f"{count} {words}." for words, count in counts.items() if count)


def _counters(connection: Connection, bank: int) -> Iterator[str]:
    names = ("memories", "sketches", "terms", "seqs", "lines of history", "exchanges", "blocks", "contents")
    row = run(connection, "audited_counters", bank=bank).fetchone()
    yield from (f"it counts its {name} wrongly." for name, is_right in zip(names, row, strict=True) if not is_right)
    stray = run(connection, "audited_strays", bank=bank).fetchone()[0]
    if stray:
        yield f"{stray} texts or vectors belong to no memory."


def _parses(part: int, data: bytes) -> bool:
    if part == ROW_PART:
        return True  # compared with the table
    try:
        rows = list(Block.parse(data).rows())
        return part != TERM_PART or all(unpack_terms(row.data) is not None for row in rows)
    except ValueError:
        return False
