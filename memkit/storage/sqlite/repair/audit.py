"""Audit of a database: damage and contradictions, mended on request where that is possible."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from memkit.errors import CorruptError
from memkit.storage.core.blocks import ROW_PART, SKETCH_PART, TERM_PART, VECTOR_PART, Block
from memkit.storage.core.checksums import DECODING_ERRORS, is_memory_intact, is_text_intact, is_vector_intact
from memkit.storage.core.rows import unpack_terms
from memkit.storage.core.unit_of_work import ChangeSet
from memkit.storage.sql.block_writer import add_vector_block, drop_vector_block, vector_block
from memkit.storage.sql.callers import caller_flaws
from memkit.storage.sql.queries import run
from memkit.storage.sql.row_blocks import is_true, rebuild
from memkit.storage.sql.writer import Writer
from memkit.storage.sqlite.connections import Connections
from memkit.storage.sqlite.repair.reconcile import (
    CHECKED_COLUMNS,
    CONTENT_OF_MEMORY,
    IMPOSSIBLE_NUMBERS,
    MISPLACED_TEXTS,
    bank_view,
)


class Check(NamedTuple):
    """A rule: a sentence about rows that break it, their table, what is true of them, and how they are mended."""

    words: str
    table: str
    broken: str
    columns: str | None = None  # set to these values; None: such rows are deleted

    def problems(self, connection: sqlite3.Connection, repair: bool) -> Iterator[str]:
        """Problem of the rows that break it, in words; mended on request."""
        number = connection.execute(f"SELECT count(*) FROM {self.table} WHERE {self.broken}").fetchone()[0]  # noqa: S608
        if number:
            yield f"{number} {self.words}."
            if repair:
                change = f"UPDATE {self.table} SET {self.columns}" if self.columns else f"DELETE FROM {self.table}"  # noqa: S608
                connection.execute(f"{change} WHERE {self.broken}")


def _counting(words: str, counter: str, counted: str, comparison: str = "IS NOT") -> Check:
    """A bank's counter must be a whole number, and what is counted."""
    false = f"({counter} {comparison} {counted} OR typeof({counter}) <> 'integer')"
    return Check(words, "bank", false, f"{counter} = {counted}")


def _ahead(counter: str, table: str, column: str) -> Check:
    """A bank's counter must lie above every number that is in use."""
    unused = f"(SELECT coalesce(max({column}), 0) + 1 FROM {table} t WHERE t.bank = bank.bank)"  # noqa: S608
    return _counting(f"banks would give a number of {table} again", counter, unused, "<")


def _unsealed(column: str, part: int) -> Check:
    counted = f"(SELECT count(*) FROM index_entry t WHERE t.bank = bank.bank AND t.part = {part})"  # noqa: S608
    return _counting(f"banks count the rows of their index wrongly ({column})", column, counted)


def _lost(table: str, column: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM memory m WHERE m.bank = {table}.bank AND m.seq = {table}.{column})"  # noqa: S608


def _dangling(table: str, column: str) -> Check:
    """Rows that belong to memories which aren't there."""
    return Check(f"rows of {table} belong to memories that are not there", table, _lost(table, column))


def _pointer(column: str) -> Check:
    words = f"memories point ({column}) at memories that are not there"
    return Check(words, "memory", f"{column} IS NOT NULL AND {_lost('memory', column)}", f"{column} = NULL")


ALL_CHECKS = (
    _dangling("source", "seq"),
    _dangling("source", "source"),
    _dangling("tag", "seq"),
    _dangling("mention", "seq"),
    _dangling("moved", "seq"),
    _dangling("index_entry", "seq"),
    _dangling("history", "seq"),
    _dangling("exchange_turn", "seq"),
    Check(
        "memories lie in sessions or episodes that can't be",
        "memory",
        "(SELECT next_seq FROM bank b WHERE b.bank = memory.bank) <= max(coalesce(session, 0), coalesce(episode, 0)) "
        "OR min(coalesce(session, 0), coalesce(episode, 0)) < 0",
        "session = NULL, episode = NULL",
    ),
    _pointer("superseded_by"),
    _pointer("echo_of"),
    Check(
        "memories point at vectors that are not there",
        "memory",
        "vector IS NOT NULL AND NOT EXISTS (SELECT 1 FROM content c "
        "WHERE c.id = memory.vector AND c.bank = memory.bank AND c.vector IS NOT NULL)",
        "vector = NULL",
    ),
    Check(
        "memories share a vector",
        "memory",
        "(bank, vector) IN (SELECT bank, vector FROM memory WHERE vector IS NOT NULL "
        "GROUP BY bank, vector HAVING count(*) > 1)",
        "vector = NULL",
    ),
    Check(
        "entries of history have lost what they held",
        "history",
        "NOT EXISTS (SELECT 1 FROM content c WHERE c.bank = history.bank AND c.id = history.content)",
    ),
    Check(
        "exchanges wait without turns",
        "exchange",
        "NOT EXISTS (SELECT 1 FROM exchange_turn t WHERE t.bank = exchange.bank AND t.number = exchange.number)",
    ),
    Check(
        "texts or vectors belong to no memory",
        "content",
        "(bank, id) NOT IN (SELECT bank, content FROM memory UNION ALL SELECT bank, vector FROM memory "
        "WHERE vector IS NOT NULL UNION ALL SELECT bank, content FROM history)",
    ),
    _counting("banks count their memories wrongly", "size", "(SELECT count(*) FROM memory m WHERE m.bank = bank.bank)"),
    _ahead("next_seq", "memory", "seq"),
    _ahead("next_history", "history", "number"),
    _ahead("next_exchange", "exchange", "number"),
    _ahead("next_block", "block", "number"),
    _ahead("next_content", "content", "id"),
    _unsealed("unsealed_sketches", SKETCH_PART),
    _unsealed("unsealed_terms", TERM_PART),
)
BLOCK_NUMBERS = "SELECT DISTINCT number FROM block WHERE bank = ? AND part IN (?, ?) ORDER BY number"
LOST_TEXT = (
    "SELECT seq FROM memory WHERE bank = ? "
    "AND NOT EXISTS (SELECT 1 FROM content c "
    "WHERE c.bank = memory.bank AND c.id = memory.content AND c.text IS NOT NULL)"
)


def audit(connections: Connections, *, repair: bool) -> list[str]:
    """Problems, one sentence each, without any memory text; what can be mended is, on request."""
    opened = connections.writing if repair else connections.reading
    with opened() as connection:
        if repair:
            connection.execute("PRAGMA defer_foreign_keys = ON")
        problems = _of_banks(connection, (_blocks, _texts, _sketches), repair)
        problems += [problem for check in ALL_CHECKS for problem in check.problems(connection, repair)]
        problems += caller_flaws(connection, repair=repair)
        # these blocks are made of data that is mended by now
        return problems + _of_banks(connection, (_vector_blocks, _row_blocks), repair)


def damage(connections: Connections) -> list[str]:
    """Damage, one sentence each: pages, by SQLite's own check, and contents, by their checksums."""
    damages: list[str] = []
    try:
        with connections.reading() as connection:
            for check in (_pages, _types, _words, _vectors):
                damages += check(connection)
    except CorruptError:
        damages = damages or ["pages can't be read"]
    return [f"the file is damaged: {words}." for words in damages]


def _pages(connection: sqlite3.Connection) -> list[str]:
    lines = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
    return [" ".join(words.split()) for words in lines if words != "ok"]


def _types(connection: sqlite3.Connection) -> list[str]:
    """Numbers of impossible types or sizes: SQLite keeps whatever type a damaged row seems to have."""
    columns = connection.execute("SELECT name FROM pragma_table_info('memory') WHERE type IN ('INTEGER', 'REAL')")
    false = " OR ".join(f"typeof({name}) IN ('text', 'blob')" for (name,) in columns)
    count = connection.execute(f"SELECT count(*) FROM memory WHERE {false} OR {IMPOSSIBLE_NUMBERS}").fetchone()[0]  # noqa: S608
    return [f"{count} memories hold what can't be where numbers belong"] if count else []


def _words(connection: sqlite3.Connection) -> list[str]:
    memories = connection.execute(f"SELECT {CHECKED_COLUMNS} JOIN {CONTENT_OF_MEMORY}")
    notes = connection.execute(
        "SELECT c.checksum, c.text, c.payload FROM history h JOIN content c ON c.bank = h.bank AND c.id = h.content"
    )
    counts = {
        "memories are not what was written": sum(
            not is_memory_intact(checksum, text, payload, numbers) for checksum, text, payload, *numbers in memories
        ),
        "notes of the history are not what was written": sum(not is_text_intact(*row) for row in notes),
        "memories lie in another bank than their texts": len(connection.execute(MISPLACED_TEXTS).fetchall()),
    }
    return [f"{count} {words}" for words, count in counts.items() if count]


def _vectors(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT checksum, vector, passages, tokens FROM content WHERE vector IS NOT NULL")
    false = sum(not is_vector_intact(*row) for row in rows)
    return [f"{false} vectors are not what was written"] if false else []


def _of_banks(
    connection: sqlite3.Connection,
    steps: Sequence[Callable[[sqlite3.Connection, int, bool], Iterator[str]]],
    repair: bool,
) -> list[str]:
    banks = [row[0] for row in connection.execute("SELECT bank FROM bank ORDER BY bank")]
    return [f"bank {bank}: {words}" for bank in banks for step in steps for words in step(connection, bank, repair)]


def _blocks(connection: sqlite3.Connection, bank: int, repair: bool) -> Iterator[str]:
    """Blocks that can't be read; their contents are made again with the vectors of their memories."""
    rows = connection.execute(
        "SELECT part, number, first_seq, last_seq, data FROM block WHERE bank = ? AND part <> ?", (bank, ROW_PART)
    ).fetchall()
    for part, number, first, last, data in rows:
        if not _parses(part, data):
            yield "a block of the index can't be read; vectors and terms of its memories must be made again."
            if repair:
                run(connection, "drop_block", bank=bank, part=part, number=number)
            if repair and part != VECTOR_PART:
                connection.execute(
                    "UPDATE memory SET vector = NULL WHERE bank = ? AND seq BETWEEN ? AND ?",
                    (bank, first, last),
                )


def _vector_blocks(connection: sqlite3.Connection, bank: int, repair: bool) -> Iterator[str]:
    """Blocks of vectors: one beside every full block of sketches, of the same memories; beside others it may lack."""
    numbers = connection.execute(BLOCK_NUMBERS, (bank, SKETCH_PART, VECTOR_PART)).fetchall()
    false = [number for (number,) in numbers if not _fits(connection, bank, number)]
    if false:
        yield f"{len(false)} blocks of vectors do not hold what they are made from."
    for number in false if repair else ():
        drop_vector_block(connection, bank, number)
        with suppress(*DECODING_ERRORS):
            add_vector_block(connection, bank, number, _sketches_of(connection, bank, number))


def _row_blocks(connection: sqlite3.Connection, bank: int, repair: bool) -> Iterator[str]:
    """Blocks of rows: they hold the same as the table of memories."""
    if not is_true(connection, bank, bank_view(connection, bank).next_seq):
        yield "the blocks of its rows do not hold what they are made from."
        if repair:
            rebuild(connection, bank)


def _fits(connection: sqlite3.Connection, bank: int, number: int) -> bool:
    there = run(connection, "block", bank=bank, part=VECTOR_PART, number=number).fetchone()
    try:
        sketches = _sketches_of(connection, bank, number)
        if there is None and not sketches.is_full:
            return True
        block = vector_block(connection, bank, sketches)
        return bool(there == ((block.pack(),) if len(block.seqs) else None))
    except DECODING_ERRORS:
        return there is None  # of what is damaged none is made


def _sketches_of(connection: sqlite3.Connection, bank: int, number: int) -> Block:
    """A block of sketches. Raises one of DECODING_ERRORS where there is none, or a damaged one."""
    return Block.parse(run(connection, "block", bank=bank, part=SKETCH_PART, number=number).fetchone()[0])


def _parses(part: int, data: bytes) -> bool:
    with suppress(ValueError):
        rows = list(Block.parse(data).rows())
        return part != TERM_PART or all(unpack_terms(row.data) is not None for row in rows)
    return False


def _texts(connection: sqlite3.Connection, bank: int, repair: bool) -> Iterator[str]:
    lost = [row[0] for row in connection.execute(LOST_TEXT, (bank,))]
    if lost:
        yield f"{len(lost)} memories have lost their text; nothing of them can be kept."
        if repair:
            view = bank_view(connection, bank)
            changes = ChangeSet(removed=lost, next_seq=view.next_seq, next_exchange=view.next_exchange)
            Writer(view, changes).write()


def _sketches(connection: sqlite3.Connection, bank: int, repair: bool) -> Iterator[str]:
    """Sketches and terms: every vector has its sketch, every index entry its memory, each once."""
    view = bank_view(connection, bank)
    seqs = set(view.all_seqs())
    with_vector = {
        row[0] for row in connection.execute("SELECT seq FROM memory WHERE bank = ? AND vector IS NOT NULL", (bank,))
    }
    coded = _seqs_of(connection, bank, SKETCH_PART)
    worded = _seqs_of(connection, bank, TERM_PART)
    double = len(coded) - len(set(coded)) + len(worded) - len(set(worded))
    if double:
        yield f"{double} memories are indexed twice."
    stray = (set(coded) | set(worded)) - seqs
    if stray:
        yield f"{len(stray)} indexed memories are not there."
    unsketched = with_vector - set(coded)
    if unsketched:
        yield f"{len(unsketched)} vectors have no sketch."
    if repair and stray:
        changes = ChangeSet(next_seq=view.next_seq, next_exchange=view.next_exchange)
        Writer(view, changes).forget_entries(sorted(stray))
    if repair:
        rows = [(bank, seq) for seq in unsketched]
        connection.executemany("UPDATE memory SET vector = NULL WHERE bank = ? AND seq = ?", rows)


def _seqs_of(connection: sqlite3.Connection, bank: int, part: int) -> list[int]:
    unsealed = connection.execute("SELECT seq FROM index_entry WHERE bank = ? AND part = ?", (bank, part))
    seqs = [row[0] for row in unsealed]
    for (data,) in run(connection, "blocks", bank=bank, part=part, since=-1):
        try:
            seqs += Block.parse(data).seqs.tolist()
        except ValueError:
            continue  # reported already
    return seqs
