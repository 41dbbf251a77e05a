"""Reconcile recovered rows: banks without a row get a new one, texts without a memory an archived one."""

import json
import secrets
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from pydantic import TypeAdapter

from memkit.errors import CorruptError
from memkit.identifiers import uuid7
from memkit.models import IndexEntry, Memory
from memkit.operations import Insert
from memkit.settings import IndexSettings, KeepRule, ObserveSettings
from memkit.storage.core.apply_operations import apply_operations
from memkit.storage.core.banks import BankRow
from memkit.storage.core.checksums import is_memory_intact, numbers_checksum
from memkit.storage.core.enum_codes import AUTHOR_CODES, STATE_CODES
from memkit.storage.core.hashing import Hasher
from memkit.storage.core.records import Payload
from memkit.storage.sql.queries import run, run_many
from memkit.storage.sql.row_blocks import forget, rebuild
from memkit.storage.sql.view import SqlView
from memkit.storage.sql.writer import Writer
from memkit.text.terms.keys import text_key
from memkit.times import from_micros, to_micros, utc_now

POSSIBLE_TIMES = (
    f"BETWEEN {to_micros(datetime.min.replace(tzinfo=UTC))} AND {to_micros(datetime.max.replace(tzinfo=UTC))}"
)
TIME_COLUMNS = ("occurred_at", "recorded_at", "valid_from", "valid_until", "recalled_at")
IMPOSSIBLE_NUMBERS = " OR ".join(
    (
        "NOT length BETWEEN 0 AND 2147483647",
        "NOT strength BETWEEN 0 AND 1e9",
        "NOT coalesce(salience, 0) BETWEEN 0 AND 1e9",
        "NOT seq BETWEEN 1 AND 2147483647",
        *(f"NOT coalesce({column}, 0) {POSSIBLE_TIMES}" for column in TIME_COLUMNS),
    )
)
CHECKED_COLUMNS = "c.checksum, c.text, c.payload, m.id, m.kind, m.author, m.role, m.occurred_at FROM memory m"
WITHOUT_SOURCES = (
    "SELECT count(*) FROM memory m WHERE bank = ? AND author = ? "
    "AND NOT EXISTS (SELECT 1 FROM source s WHERE s.bank = m.bank AND s.seq = m.seq)"
)
CONTENT_OF_MEMORY = "content c ON c.bank = m.bank AND c.id = m.content"
MISPLACED_TEXTS = (  # texts and memories of which one names another bank than was written
    "WITH lost AS MATERIALIZED (SELECT m.bank, m.seq, m.text_key, m.content FROM memory m "
    "WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.bank = m.bank AND c.id = m.content)) "
    "SELECT m.bank, m.seq, m.text_key, c.id, c.bank, c.text, c.payload "
    "FROM lost m CROSS JOIN content c ON c.id = m.content AND c.bank <> m.bank AND c.text IS NOT NULL "
    "WHERE (c.bank, c.id) NOT IN (SELECT bank, content FROM memory)"
)
COUNTERS_AHEAD = (  # of a bank, of all numbers in use
    "UPDATE bank SET next_seq = max(next_seq, "
    "(SELECT coalesce(max(seq), 0) + 1 FROM memory m WHERE m.bank = bank.bank)), next_history = max(next_history, "
    "(SELECT coalesce(max(number), 0) + 1 FROM history h WHERE h.bank = bank.bank)), "
    "next_content = max(next_content, (SELECT coalesce(max(id), 0) + 1 FROM content c WHERE c.bank = bank.bank)) "
    "WHERE bank = :bank"
)
DERIVED_TABLES = ("index_entry", "block", "tag")  # hashes under a bank's key, made again from the texts
ENCODER_KEY, DIMENSION_KEY, INDEX_KEY = "encoder.name", "encoder.dimension", "settings.index"
ANY_ADAPTER: TypeAdapter[Any] = TypeAdapter(Any)
SETTING_ADAPTERS: dict[str, TypeAdapter[Any]] = {  # what is no setting of its own is any JSON
    INDEX_KEY: TypeAdapter(IndexSettings),
    DIMENSION_KEY: TypeAdapter(int),
    "settings.observe": TypeAdapter(ObserveSettings),
    "settings.keep": TypeAdapter(tuple[KeepRule, ...]),
}


def reconcile(connection: sqlite3.Connection, names: dict[int, str]) -> list[str]:
    """Mend damage that only shows once all rows are in their tables; gives back the losses, one sentence each."""
    for bank in {row[0] for row in connection.execute("SELECT bank FROM block UNION SELECT bank FROM moved")}:
        forget(connection, bank)
    _reattach_texts(connection)
    losses = [*_settings(connection), *_encoder(connection), *_misplaced(connection), *_banks(connection, names)]
    expected = dict(connection.execute("SELECT bank, size FROM bank").fetchall())
    _drop_damaged(connection)
    for bank, size in expected.items():
        _drop_unreadable(connection, bank)
        losses += _bank(connection, bank, size)
        rebuild(connection, bank)
    connection.execute("UPDATE bank SET epoch = epoch + 1, change = change + 1")
    return losses


def _settings(connection: sqlite3.Connection) -> Iterator[str]:
    """Leave out settings that aren't what was written; without those of the index, nothing says how vectors lie."""
    rows = connection.execute("SELECT key, value FROM meta").fetchall()
    lost = {key for key, value in rows if not (key == ENCODER_KEY or _is_setting(key, value))}
    gone = {*lost, ENCODER_KEY} if lost & {INDEX_KEY, DIMENSION_KEY} else lost
    connection.executemany("DELETE FROM meta WHERE key = ?", [(key,) for key in gone])
    if lost:
        yield f"{len(lost)} settings of the file are lost: their defaults hold."


def _is_setting(key: str, value: str) -> bool:
    if key.startswith("encoder.") and key not in SETTING_ADAPTERS:
        return True
    try:
        SETTING_ADAPTERS.get(key, ANY_ADAPTER).validate_json(value)
    except ValueError:
        return False
    return True


def _encoder(connection: sqlite3.Connection) -> Iterator[str]:
    if run(connection, "get_meta", key=ENCODER_KEY).fetchone() is None:
        yield "which encoder made the vectors is lost: they must be made again."
        connection.execute("UPDATE memory SET vector = NULL")
        connection.execute("DELETE FROM content WHERE vector IS NOT NULL")


def _misplaced(connection: sqlite3.Connection) -> Iterator[str]:
    """Texts whose bank isn't that of their memory: the key that its hash was made with tells the right one."""
    rows = connection.execute(MISPLACED_TEXTS).fetchall()
    keys = dict(connection.execute("SELECT bank, key FROM bank").fetchall())
    lost = 0
    for bank, seq, hashed, content, other, text, payload in rows:
        connection.execute("DELETE FROM memory WHERE bank = ? AND seq = ?", (bank, seq))
        owner = next((b for b in (bank, other) if b in keys and _is_hashed_with(hashed, keys[b], text, payload)), None)
        if owner is None:
            lost += 1
            connection.execute("DELETE FROM content WHERE bank = ? AND id = ?", (other, content))
        else:
            connection.execute("UPDATE content SET bank = ? WHERE bank = ? AND id = ?", (owner, other, content))
    if lost:
        yield f"of {lost} texts it can't be told in whose bank they were; they are left out."


def _is_hashed_with(hashed: int, key: bytes, text: str, payload: str) -> bool:
    speaker = Payload.parse(payload).speaker
    return hashed in (text_key(key, text, None), text_key(key, text, speaker))


def _banks(connection: sqlite3.Connection, names: dict[int, str]) -> Iterator[str]:
    """Give banks that lost their row a new one; with its new key all their hashes are made again."""
    lost = connection.execute(
        "SELECT bank FROM (SELECT bank FROM memory UNION SELECT bank FROM content) "
        "WHERE bank NOT IN (SELECT bank FROM bank)"
    ).fetchall()
    for (bank,) in lost:
        name = names.get(bank) or json.dumps(["salvaged", str(bank)], separators=(",", ":"))
        yield f"bank {bank}: its time zone is lost and now UTC" + ("." if bank in names else "; so is its name.")
        key = secrets.token_bytes(16)
        first = connection.execute("SELECT coalesce(min(recorded_at), 0) FROM memory WHERE bank = ?", (bank,))
        columns = {"name": name, "zone": "UTC", "key": key, "created_at": int(first.fetchone()[0])}
        run(connection, "add_bank", bank=bank, **columns)
        connection.execute(
            "UPDATE bank SET change = (SELECT coalesce(max(change), 0) FROM memory m WHERE m.bank = bank.bank), "
            "next_seq = (SELECT coalesce(max(seq), 0) + 1 FROM memory m WHERE m.bank = bank.bank), "
            "next_content = (SELECT coalesce(max(id), 0) + 1 FROM content c WHERE c.bank = bank.bank) WHERE bank = ?",
            (bank,),
        )
        _rehash(connection, bank, Hasher(key))


def _rehash(connection: sqlite3.Connection, bank: int, hasher: Hasher) -> None:
    for table in DERIVED_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE bank = ?", (bank,))  # noqa: S608
    rows = connection.execute(
        f"SELECT m.seq, c.payload FROM memory m JOIN {CONTENT_OF_MEMORY} WHERE m.bank = ?",  # noqa: S608
        (bank,),
    ).fetchall()
    words = [(seq, Payload.parse(payload)) for seq, payload in rows]
    connection.executemany(
        "UPDATE memory SET ref = ?, speaker = ?, head = ?, label = ? WHERE bank = ? AND seq = ?",
        [(*_hashes(hasher, payload), bank, seq) for seq, payload in words],
    )
    tags = [
        {"bank": bank, "tag": tag, "seq": seq} for seq, payload in words for tag in hasher.tags(payload.metadata or {})
    ]
    run_many(connection, add_tag=tags)


def _hashes(hasher: Hasher, words: Payload) -> Iterator[int | None]:
    pairs = ((hasher.ref, words.id), (hasher.speaker, words.speaker))
    for hash, word in (*pairs, (hasher.head, words.head), (hasher.label, words.session)):
        yield None if word is None else hash(word)


def _reattach_texts(connection: sqlite3.Connection) -> None:
    """Reattach texts that were read under another number to their memories, by their checksums."""
    rows = connection.execute(f"SELECT m.bank, m.seq, c.id IS NULL, {CHECKED_COLUMNS} LEFT JOIN {CONTENT_OF_MEMORY}")
    textless = {
        (bank, numbers_checksum(numbers)): (bank, seq)
        for bank, seq, gone, checksum, text, payload, *numbers in rows
        if gone or not is_memory_intact(checksum, text, payload, numbers)
    }
    texts = connection.execute("SELECT id, bank, checksum FROM content WHERE text IS NOT NULL").fetchall()
    owners = [(id, *textless[key]) for id, bank, checksum in texts if (key := (bank, checksum >> 32)) in textless]
    connection.executemany("UPDATE memory SET content = ? WHERE bank = ? AND seq = ?", owners)


def _drop_damaged(connection: sqlite3.Connection) -> None:
    """Drop memories whose numbers are not what was written; their texts stay."""
    rows = connection.execute(f"SELECT m.bank, m.seq, m.state, {CHECKED_COLUMNS} JOIN {CONTENT_OF_MEMORY}")
    states = range(len(STATE_CODES.words))
    false = [
        (bank, seq)
        for bank, seq, state, checksum, text, payload, *numbers in rows
        if state not in states or not is_memory_intact(checksum, text, payload, numbers)
    ]
    connection.executemany("DELETE FROM memory WHERE bank = ? AND seq = ?", false)
    connection.execute(f"DELETE FROM memory WHERE {IMPOSSIBLE_NUMBERS}")  # noqa: S608


def bank_view(connection: sqlite3.Connection, bank: int) -> SqlView:
    """View of a bank whose counters may be wrong."""
    return SqlView(connection, BankRow(*run(connection, "bank", bank=bank).fetchone()))


def _drop_unreadable(connection: sqlite3.Connection, bank: int) -> None:
    """Drop memories whose other numbers are impossible; their texts stay, too."""
    view = bank_view(connection, bank)
    for seq in view.all_seqs():
        try:
            view.records([seq])
        except CorruptError:
            connection.execute("DELETE FROM memory WHERE bank = ? AND seq = ?", (bank, seq))


def _bank(connection: sqlite3.Connection, bank: int, size: int) -> Iterator[str]:
    texts = _texts_without_memory(connection, bank)
    if texts:
        _archive(connection, bank, texts)
        yield (
            f"bank {bank}: {len(texts)} texts have lost what was recorded of them (when, in which session, whether "
            'they still held). They are archived: bank.list(states=["archived"]), bank.restore(ids).'
        )
    there = connection.execute("SELECT count(*) FROM memory WHERE bank = ?", (bank,)).fetchone()[0]
    if there < size:
        yield f"bank {bank}: {size - there} of {size} memories can't be read; they are lost."
    without_sources = connection.execute(WITHOUT_SOURCES, (bank, AUTHOR_CODES.codes["thinker"])).fetchone()[0]
    if without_sources:
        yield f"bank {bank}: {without_sources} derived memories have lost which others they came from."


def _texts_without_memory(connection: sqlite3.Connection, bank: int) -> list[tuple[int, str, Payload]]:
    """Texts that no memory points at; reasons of the history aside."""
    rows = connection.execute(
        "SELECT id, text, payload FROM content WHERE bank = ? AND text IS NOT NULL AND payload IS NOT NULL "
        "AND id NOT IN (SELECT content FROM memory WHERE bank = ?) "
        "AND id NOT IN (SELECT content FROM history WHERE bank = ?) ORDER BY id",
        (bank, bank, bank),
    ).fetchall()
    return [(id, text, Payload.parse(payload)) for id, text, payload in rows if "n" not in json.loads(payload)]


def _archive(connection: sqlite3.Connection, bank: int, texts: Sequence[tuple[int, str, Payload]]) -> None:
    connection.execute(COUNTERS_AHEAD, {"bank": bank})
    view = bank_view(connection, bank)
    recorded = connection.execute("SELECT content, recorded_at FROM memory WHERE bank = ? ORDER BY content", (bank,))
    moments = recorded.fetchall()
    new = [Insert(_memory(text, words, _moment(moments, id)), IndexEntry(0)) for id, text, words in texts]
    changes, _ = apply_operations(new, view, at=utc_now())
    Writer(view, changes).write()


def _moment(recorded: Sequence[tuple[int, int]], content: int) -> datetime:
    """Estimated recording time of a content: that of the one before."""
    place = max(bisect_right(recorded, content, key=itemgetter(0)) - 1, 0)
    return from_micros(recorded[place][1]) if recorded else utc_now()


def _memory(text: str, words: Payload, at: datetime) -> Memory:
    return Memory(
        id=words.id or uuid7(at),
        kind="turn" if words.head is None else "thought",
        text=text,
        occurred_at=at,
        recorded_at=at,
        author="import",
        state="archived",
        speaker=words.speaker,
        session=words.session,
        head=words.head,
        relation=words.relation,
        tail=words.tail,
        metadata=words.metadata or {},
        key_phrases=words.key_phrases,
    )
