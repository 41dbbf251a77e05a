"""Named queries: their plans, of which none that runs for a few memories may read a whole bank; their values."""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

import memkit
from memkit.encoders.hashing import HashingEncoder
from memkit.storage.sql.queries import QUERY_FILES, NamedQuery, queries, sections

WHOLE_BANK = re.compile(r"\(bank=\?\)$|^SCAN (?!each|firsts|CONSTANT|json_each)")
MAY_READ_IT = {
    *("index_rows", "links", "all_seqs", "index_rows_moved"),  # loading an index
    *("moved", "count_moved", "drop_all_moved"),  # what has changed since blocks of rows were made: a sixteenth at most
    *("drop_blocks", "exchanges"),  # a handful of rows for a bank
    *("last_placed", "unencoded", "any_vector", "first_of_each_speaker"),  # stop at the first they meet
    *("size_of_text", "size_of_tokens", "size_of_vectors", "size_of_entries", "size_of_history"),  # statistics
    *("drop_empty_exchanges", "kinds_of_bank", "contents_of_bank"),  # an erasure, of a whole bank
    *("retained_notes", "retained_entries", "retained_vectors", "retained_words"),  # its search of the files
    *("last_receipt", "last_receipt_number", "receipts"),  # stop at the first; is for all banks
    *("take_over_erasures", "take_over_fingerprints"),  # of a bank that is made again
    *("drop_erasures", "drop_fingerprints", "receipts_of", "fingerprints_of_name"),  # of a bank that is moved
    "reopen_last_erasure",  # stops at the first
    "invalidate_banks",  # after a database was set back
    "last_saliences",  # stops after as many as it is asked for
    "reasons",  # a thinker's, before an erasure
    *("access_tokens", "access_token_by_id", "revoke_access_token"),  # servers ask by digest
    *("audited_tokens", "audited_requests"),
}
BANK_REMOVALS = {name for name in queries() if name.startswith("empty_bank.")}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("queries") / "memory.db"
    with memkit.open(path, encoder=HashingEncoder()) as store:
        store.bank("ana").observe([("ana", "I moved to Lisbon.")])
    with closing(sqlite3.connect(Path(path))) as connection:
        yield connection


def plan(connection: sqlite3.Connection, query: NamedQuery) -> list[str]:
    values = (1,) * (len(query.names) + 2 * len(query.lists))
    sql = query.render([2] * len(query.lists))
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


@pytest.mark.parametrize("name", sorted(set(queries()) - MAY_READ_IT - BANK_REMOVALS))
def test_a_query_for_a_few_memories_reads_no_whole_bank(connection: sqlite3.Connection, name: str) -> None:
    assert [step for step in plan(connection, queries()[name]) if WHOLE_BANK.search(step)] == []


def test_each_name_is_that_of_one_query() -> None:
    texts = [files("memkit.storage.sql").joinpath(name).read_text(encoding="utf-8") for name in QUERY_FILES]
    names = Counter(name for text in texts for name, _ in sections(text))
    assert {name for name, count in names.items() if count > 1} == set()
