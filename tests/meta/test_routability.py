"""The lint of SQL for databases that are split by bank."""

import pytest
from routability import unpinned

TABLES = ("bank", "memory", "content", "exchange", "source")
PINNED = {
    "a condition": "SELECT seq FROM memory WHERE bank = $1 AND seq > $2",
    "an alias": "SELECT m.seq FROM memory m WHERE m.seq = ANY($2) AND $1 = m.bank",
    "a cast": "SELECT seq FROM memory WHERE bank = $1::bigint",
    "a join": "SELECT c.text FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.content WHERE m.bank = $1",
    "a left join": "SELECT * FROM exchange e LEFT JOIN source s ON s.bank = e.bank WHERE e.bank = $1",
    "a subquery with its own": "SELECT (SELECT 1 FROM source s WHERE s.bank = $1) FROM memory m WHERE m.bank = $1",
    "a union": "SELECT seq FROM memory WHERE bank = $1 UNION SELECT seq FROM source WHERE bank = $1",
    "an update": "UPDATE memory SET state = $2 WHERE bank = $1 AND seq IN (SELECT seq FROM source WHERE bank = $1)",
    "an update from arrays": "UPDATE memory m SET state = r.s FROM unnest($2, $3) AS r (q, s) WHERE m.bank = $1",
    "a deletion": "DELETE FROM source WHERE bank = $1",
    "an insertion": "INSERT INTO source (bank, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    "an insertion of arrays": "INSERT INTO source (seq, bank) SELECT r.seq, $1 FROM unnest($2) AS r (seq)",
    "a recursion": "WITH RECURSIVE e (s) AS (SELECT min(seq) FROM memory WHERE bank = $1 UNION ALL SELECT "
    "(SELECT min(seq) FROM memory WHERE bank = $1 AND seq > e.s) FROM e WHERE e.s IS NOT NULL) SELECT s FROM e",
    "other tables": "SELECT value FROM meta WHERE key = $1",
    "a lock": "SELECT 1 FROM memory WHERE bank = $1 FOR UPDATE",
}
UNPINNED = {
    "nothing": ("SELECT count(*) FROM memory", ["memory memory"]),
    "another column": ("SELECT seq FROM memory m WHERE m.seq = $1", ["memory m"]),
    "a join alone": ("SELECT 1 FROM memory m JOIN content c ON c.bank = m.bank", ["memory m", "content c"]),
    "one side of a join": (
        "SELECT 1 FROM memory m JOIN content c ON c.id = m.content WHERE m.bank = $1",
        ["content c"],
    ),
    "a full join": ("SELECT 1 FROM memory m FULL JOIN source s ON s.bank = m.bank WHERE m.bank = $1", ["source s"]),
    "a left join's left side": (
        "SELECT 1 FROM memory m LEFT JOIN source s ON m.bank = $1 AND s.bank = $1",
        ["memory m"],
    ),
    "a link to an outer level": (
        "SELECT (SELECT count(*) FROM source s WHERE s.bank = m.bank) FROM memory m WHERE m.bank = $1",
        ["source s"],
    ),
    "an existence by a link": (
        "DELETE FROM memory m WHERE m.bank = $1 AND EXISTS (SELECT 1 FROM source s WHERE s.bank = m.bank)",
        ["source s"],
    ),
    "alternatives": ("SELECT seq FROM memory WHERE bank = $1 OR $1 IS NULL", ["memory memory"]),
    "several banks": ("SELECT seq FROM memory WHERE bank = ANY($1)", ["memory memory"]),
    "a range": ("SELECT name FROM bank WHERE bank >= $1", ["bank bank"]),
    "an insertion elsewhere": (
        "INSERT INTO source (bank, seq) SELECT r.b, r.s FROM unnest($1, $2) AS r (b, s)",
        ["source (inserted)"],
    ),
    "an insertion without it": ("INSERT INTO source (seq) VALUES ($1)", ["source (inserted)"]),
    "rows that are copied": ("COPY source (bank, seq) FROM STDIN", ["source (copied)"]),
    "a truncation": ("TRUNCATE memory", ["memory (emptied)"]),
}


@pytest.mark.parametrize("sql", PINNED.values(), ids=PINNED)
def test_a_statement_that_names_its_bank_by_value_is_pinned(sql: str) -> None:
    assert unpinned(sql, TABLES) == []


@pytest.mark.parametrize(("sql", "flaws"), UNPINNED.values(), ids=UNPINNED)
def test_a_statement_that_leaves_a_table_to_any_bank_is_told(sql: str, flaws: list[str]) -> None:
    assert unpinned(sql, TABLES) == flaws
