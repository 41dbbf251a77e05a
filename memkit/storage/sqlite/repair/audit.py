"""Audit of a database: damage and contradictions, mended on request where that is possible."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from memkit.errors import CorruptError
from memkit.storage.core.banks import BankRow
from memkit.storage.core.blocks import ROW_PART, SKETCH_PART, TERM_PART, VECTOR_PART, Block, unpack_terms
from memkit.storage.core.checksums import DECODING_ERRORS, is_memory_intact, is_text_intact, is_vector_intact
from memkit.storage.core.unit_of_work import ChangeSet
from memkit.storage.sql.entry_blocks import drop_vector_block, put_vector_block, vector_block
from memkit.storage.sql.queries import run
from memkit.storage.sql.row_blocks import is_true, rebuild
from memkit.storage.sql.view import SqlView
from memkit.storage.sql.writer import Writer
from memkit.storage.sqlite.connections import Connections
from memkit.storage.sqlite.repair.reconcile import IMPOSSIBLE_NUMBERS, MISPLACED_TEXTS


class Check(NamedTuple):
    """A rule: a sentence about rows that break it, a query that counts them, and a statement that mends them."""

    words: str
    broken_rows: str
    repair: str


IN_USE = (
    "SELECT bank, content FROM memory UNION ALL SELECT bank, vector FROM memory WHERE vector IS NOT NULL "
    "UNION ALL SELECT bank, content FROM history"
)
LOST_VECTOR = (
    "vector IS NOT NULL AND NOT EXISTS (SELECT 1 FROM content c "
    "WHERE c.id = memory.vector AND c.bank = memory.bank AND c.vector IS NOT NULL)"
)
SHARED_VECTOR = (
    "(bank, vector) IN (SELECT bank, vector FROM memory WHERE vector IS NOT NULL "
    "GROUP BY bank, vector HAVING count(*) > 1)"
)
NO_PLACE = (
    "(SELECT next_seq FROM bank b WHERE b.bank = memory.bank) <= max(coalesce(session, 0), coalesce(episode, 0)) "
    "OR min(coalesce(session, 0), coalesce(episode, 0)) < 0"
)
LOST_NOTE = "NOT EXISTS (SELECT 1 FROM content c WHERE c.bank = history.bank AND c.id = history.content)"
NO_TURNS = "NOT EXISTS (SELECT 1 FROM exchange_turn t WHERE t.bank = exchange.bank AND t.number = exchange.number)"


def _ahead(counter: str, table: str, column: str) -> Check:
    """A bank's counter must lie above every number that is in use."""
    used = f"(SELECT coalesce(max({column}), 0) FROM {table} t WHERE t.bank = bank.bank)"  # noqa: S608
    false = f"({counter} <= {used} OR typeof({counter}) <> 'integer')"
    return Check(
        f"banks would give a number of {table} again",
        f"SELECT count(*) FROM bank WHERE {false}",  # noqa: S608
        f"UPDATE bank SET {counter} = {used} + 1 WHERE {false}",  # noqa: S608
    )


def _dangling(table: str, column: str) -> Check:
    """Rows that belong to memories which aren't there."""
    lost = f"NOT EXISTS (SELECT 1 FROM memory m WHERE m.bank = {table}.bank AND m.seq = {table}.{column})"  # noqa: S608
    return Check(
        f"rows of {table} belong to memories that are not there",
        f"SELECT count(*) FROM {table} WHERE {lost}",  # noqa: S608
        f"DELETE FROM {table} WHERE {lost}",  # noqa: S608
    )


def _pointer(column: str) -> Check:
    lost = (
        f"{column} IS NOT NULL AND NOT EXISTS "  # noqa: S608
        f"(SELECT 1 FROM memory m WHERE m.bank = memory.bank AND m.seq = memory.{column})"
    )
    return Check(
        f"memories point ({column}) at memories that are not there",
        f"SELECT count(*) FROM memory WHERE {lost}",  # noqa: S608
        f"UPDATE memory SET {column} = NULL WHERE {lost}",  # noqa: S608
    )


def _unsealed(column: str, part: int) -> Check:
    counted = f"(SELECT count(*) FROM index_entry t WHERE t.bank = bank.bank AND t.part = {part})"  # noqa: S608
    return _counting(f"banks count the rows of their index wrongly ({column})", column, counted)


def _counting(words: str, column: str, counted: str) -> Check:
    """A bank's count must be what is counted."""
    false = f"({column} IS NOT {counted} OR typeof({column}) <> 'integer')"
    return Check(
        words,
        f"SELECT count(*) FROM bank WHERE {false}",  # noqa: S608
        f"UPDATE bank SET {column} = {counted} WHERE {false}",  # noqa: S608
    )


ALL_CHECKS = (
    _dangling("source", "seq"),
    _dangling("source", "source"),
    _dangling("tag", "seq"),
    _dangling("band", "seq"),
    _dangling("moved", "seq"),
    _dangling("index_entry", "seq"),
    _dangling("history", "seq"),
    _dangling("exchange_turn", "seq"),
    Check(
        "memories lie in sessions or episodes that can't be",
        f"SELECT count(*) FROM memory WHERE {NO_PLACE}",  # noqa: S608
        f"UPDATE memory SET session = NULL, episode = NULL WHERE {NO_PLACE}",  # noqa: S608
    ),
    _pointer("superseded_by"),
    _pointer("echo_of"),
    Check(
        "memories point at vectors that are not there",
        f"SELECT count(*) FROM memory WHERE {LOST_VECTOR}",  # noqa: S608
        f"UPDATE memory SET vector = NULL WHERE {LOST_VECTOR}",  # noqa: S608
    ),
    Check(
        "memories share a vector",
        f"SELECT count(*) FROM memory WHERE {SHARED_VECTOR}",  # noqa: S608
        f"UPDATE memory SET vector = NULL WHERE {SHARED_VECTOR}",  # noqa: S608
    ),
    Check(
        "entries of history have lost what they held",
        f"SELECT count(*) FROM history WHERE {LOST_NOTE}",  # noqa: S608
        f"DELETE FROM history WHERE {LOST_NOTE}",  # noqa: S608
    ),
    Check(
        "exchanges wait without turns",
        f"SELECT count(*) FROM exchange WHERE {NO_TURNS}",  # noqa: S608
        f"DELETE FROM exchange WHERE {NO_TURNS}",  # noqa: S608
    ),
    Check(
        "texts or vectors belong to no memory",
        f"SELECT count(*) FROM content WHERE (bank, id) NOT IN ({IN_USE})",  # noqa: S608
        f"DELETE FROM content WHERE (bank, id) NOT IN ({IN_USE})",  # noqa: S608
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
        problems = [problem for bank in _banks(connection) for problem in _bank(connection, bank, repair)]
        problems += [problem for check in ALL_CHECKS for problem in _checked(connection, check, repair)]
        blocks = (_vector_blocks, _row_blocks)  # made of data that is mended by now
        return problems + [
            p for bank in _banks(connection) for check in blocks for p in check(connection, bank, repair)
        ]


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
    rows = connection.execute(
        "SELECT c.checksum, c.text, c.payload, m.id, m.kind, m.author, m.role, m.occurred_at "
        "FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.content WHERE c.checksum IS NOT NULL"
    )
    memories = sum(not is_memory_intact(checksum, text, payload, numbers) for checksum, text, payload, *numbers in rows)
    rows = connection.execute(
        "SELECT c.checksum, c.text, c.payload FROM history h JOIN content c ON c.bank = h.bank AND c.id = h.content "
        "WHERE c.checksum IS NOT NULL"
    )
    notes = sum(not is_text_intact(*row) for row in rows)
    counts = {"memories": memories, "notes of the history": notes}
    problems = [f"{count} {name} are not what was written" for name, count in counts.items() if count]
    misplaced = len(connection.execute(MISPLACED_TEXTS).fetchall())
    return problems + ([f"{misplaced} memories lie in another bank than their texts"] if misplaced else [])


def _vectors(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT checksum, vector, passages FROM content WHERE vector IS NOT NULL AND checksum IS NOT NULL"
    )
    false = sum(not is_vector_intact(*row) for row in rows)
    return [f"{false} vectors are not what was written"] if false else []


def _checked(connection: sqlite3.Connection, check: Check, repair: bool) -> Iterator[str]:
    number = connection.execute(check.broken_rows).fetchone()[0]
    if number:
        yield f"{number} {check.words}."
        if repair:
            connection.execute(check.repair)


def _banks(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT bank FROM bank ORDER BY bank")]


def _bank(connection: sqlite3.Connection, bank: int, repair: bool) -> Iterator[str]:
    steps: tuple[Callable[[sqlite3.Connection, int, bool], Iterator[str]], ...]
    steps = (_blocks, _texts, _sketches)
    for step in steps:
        for problem in step(connection, bank, repair):
            yield f"bank {bank}: {problem}"


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
    there, wanted = (
        {row[0] for row in run(connection, "block_numbers", bank=bank, part=p)} for p in (VECTOR_PART, SKETCH_PART)
    )
    false = [number for number in wanted if not _fits(connection, bank, number)]
    if false or there - wanted:
        yield f"bank {bank}: {len(false) + len(there - wanted)} blocks of vectors do not hold what they are made from."
        if repair:
            for number in there - wanted:
                drop_vector_block(connection, bank, number)
            for number in false:
                _renew(connection, bank, number)


def _row_blocks(connection: sqlite3.Connection, bank: int, repair: bool) -> Iterator[str]:
    """Blocks of rows: they hold the same as the table of memories."""
    end = BankRow(*run(connection, "bank", bank=bank).fetchone()).next_seq
    if not is_true(connection, bank, end):
        yield f"bank {bank}: the blocks of its rows do not hold what they are made from."
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


def _renew(connection: sqlite3.Connection, bank: int, number: int) -> None:
    drop_vector_block(connection, bank, number)
    with suppress(*DECODING_ERRORS):
        put_vector_block(connection, bank, number, _sketches_of(connection, bank, number))


def _sketches_of(connection: sqlite3.Connection, bank: int, number: int) -> Block:
    return Block.parse(run(connection, "block", bank=bank, part=SKETCH_PART, number=number).fetchone()[0])


def _parses(part: int, data: bytes) -> bool:
    try:
        rows = list(Block.parse(data).rows())
        if part == TERM_PART:
            for row in rows:
                unpack_terms(row.data)
    except ValueError:
        return False
    return True


def _texts(connection: sqlite3.Connection, bank: int, repair: bool) -> Iterator[str]:
    lost = [row[0] for row in connection.execute(LOST_TEXT, (bank,))]
    if lost:
        yield f"{len(lost)} memories have lost their text; nothing of them can be kept."
        if repair:
            _remove(connection, bank, lost)


def _remove(connection: sqlite3.Connection, bank: int, seqs: list[int]) -> None:
    row = BankRow(*run(connection, "bank", bank=bank).fetchone())
    changes = ChangeSet(removed=seqs, next_seq=row.next_seq, next_exchange=row.next_exchange)
    Writer(SqlView(connection, row), changes).write()


def _sketches(connection: sqlite3.Connection, bank: int, repair: bool) -> Iterator[str]:
    """Sketches and terms: every vector has its sketch, every index entry its memory, each once."""
    view = SqlView(connection, BankRow(*run(connection, "bank", bank=bank).fetchone()))
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
    if repair:
        _forget_entries(connection, view, stray)
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


def _forget_entries(connection: sqlite3.Connection, view: SqlView, seqs: set[int]) -> None:
    if seqs:
        writer = Writer(view, ChangeSet(next_seq=view.next_seq, next_exchange=view.next_exchange))
        writer.forget_entries(sorted(seqs))
