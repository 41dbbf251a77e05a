-- Every statement that runs on a path that matters, by name. `?*` stands for a list of values; it comes last.

-- name: state
SELECT bank, name, zone, key, change, epoch, created_at, size,
       next_seq, next_history, next_exchange, next_block, code_tail, term_tail
FROM bank WHERE bank = ?

-- name: state_by_name
SELECT bank, name, zone, key, change, epoch, created_at, size,
       next_seq, next_history, next_exchange, next_block, code_tail, term_tail
FROM bank WHERE name = ?

-- name: states
SELECT bank, name, zone, key, change, epoch, created_at, size,
       next_seq, next_history, next_exchange, next_block, code_tail, term_tail
FROM bank WHERE name >= ? AND name < ?

-- name: add_bank
INSERT INTO bank (bank, name, zone, key, created_at) VALUES (?, ?, ?, ?, ?)

-- name: last_bank
SELECT max(coalesce((SELECT max(bank) FROM bank), 0),
           coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'storage.last_bank'), 0))

-- name: update_bank
UPDATE bank SET change = ?, epoch = ?, size = ?, next_seq = ?, next_history = ?, next_exchange = ?,
                next_block = ?, code_tail = ?, term_tail = ?
WHERE bank = ?

-- name: get_meta
SELECT value FROM meta WHERE key = ?

-- name: set_meta
INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: seqs_by_uid
SELECT id, seq FROM memory WHERE bank = ? AND id IN (?*)

-- name: seqs_by_ref
SELECT ref, seq FROM memory WHERE bank = ? AND ref IN (?*)

-- name: records
SELECT m.seq, m.id, m.kind, m.state, m.author, m.role, m.session, m.episode, m.occurred_at, m.recorded_at,
       m.valid_from, m.valid_until, m.superseded_by, m.echo_of, m.strength, m.recalled_at, m.recall_count,
       m.salience, m.pinned, c.text, c.payload, c.checksum, c.bank = m.bank
FROM memory m JOIN content c ON c.id = m.content
WHERE m.bank = ? AND m.seq IN (?*)

-- name: names
SELECT m.seq, m.id, CASE WHEN m.ref IS NULL THEN NULL ELSE c.payload END
FROM memory m JOIN content c ON c.id = m.content
WHERE m.bank = ? AND m.seq IN (?*)

-- name: sources
SELECT seq, source FROM source WHERE bank = ? AND seq IN (?*)

-- name: rows
SELECT seq, kind, state, speaker, role, session, episode, occurred_at, recorded_at, valid_from, valid_until,
       strength, recalled_at, salience, pinned, length, asks, superseded_by, echo_of
FROM memory WHERE bank = ? ORDER BY seq

-- name: rows_after
SELECT seq, kind, state, speaker, role, session, episode, occurred_at, recorded_at, valid_from, valid_until,
       strength, recalled_at, salience, pinned, length, asks, superseded_by, echo_of
FROM memory WHERE bank = ? AND seq > ? ORDER BY seq

-- name: rows_between
SELECT seq, kind, state, speaker, role, session, episode, occurred_at, recorded_at, valid_from, valid_until,
       strength, recalled_at, salience, pinned, length, asks, superseded_by, echo_of
FROM memory WHERE bank = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?

-- name: moved_rows
SELECT m.seq, m.kind, m.state, m.speaker, m.role, m.session, m.episode, m.occurred_at, m.recorded_at, m.valid_from,
       m.valid_until, m.strength, m.recalled_at, m.salience, m.pinned, m.length, m.asks, m.superseded_by, m.echo_of
FROM moved o CROSS JOIN memory m ON m.bank = o.bank AND m.seq = o.seq WHERE o.bank = ? ORDER BY o.seq

-- name: rows_since
SELECT seq, kind, state, speaker, role, session, episode, occurred_at, recorded_at, valid_from, valid_until,
       strength, recalled_at, salience, pinned, length, asks, superseded_by, echo_of
FROM memory INDEXED BY memory_change WHERE bank = ? AND change > ? ORDER BY seq

-- name: rows_of_sessions
SELECT seq, kind, state, speaker, role, session, episode, occurred_at, recorded_at, valid_from, valid_until,
       strength, recalled_at, salience, pinned, length, asks, superseded_by, echo_of
FROM memory INDEXED BY memory_episode WHERE bank = ? AND session IS NOT NULL AND session IN (?*)

-- name: sessions_of
SELECT DISTINCT session FROM memory WHERE bank = ? AND session IS NOT NULL AND seq IN (?*)

-- name: erased_since
SELECT seqs FROM erasure WHERE bank = ? AND change > ?

-- name: changed_after
SELECT h.seq, c.payload FROM history h INDEXED BY history_at JOIN content c ON c.id = h.content
WHERE h.bank = ? AND h.at > ? ORDER BY h.number

-- name: reasons
SELECT DISTINCT h.seq, c.text FROM history h JOIN content c ON c.id = h.content
WHERE h.bank = ? AND h.author = ? AND c.text IS NOT NULL

-- name: row_sources
SELECT seq, source FROM source WHERE bank = ? ORDER BY seq, source

-- name: row_sources_since
SELECT s.seq, s.source
FROM memory m INDEXED BY memory_change CROSS JOIN source s ON s.bank = m.bank AND s.seq = m.seq
WHERE m.bank = ? AND m.change > ? ORDER BY s.seq, s.source

-- name: blocks
SELECT data FROM block WHERE bank = ? AND part = ? AND change > ? ORDER BY number

-- name: tail
SELECT seq, change, data FROM trace WHERE bank = ? AND part = ? AND change > ?

-- name: tail_of
SELECT seq, change, data FROM trace WHERE bank = ? AND part = ? AND seq IN (?*)

-- name: block
SELECT data FROM block WHERE bank = ? AND part = ? AND number = ?

-- name: numbers_of_blocks
SELECT number FROM block WHERE bank = ? AND part = ?

-- name: blocks_around
SELECT number, data FROM block WHERE bank = ? AND part = ? AND first_seq <= ? AND last_seq >= ?

-- name: last_in_blocks
SELECT last_seq FROM block WHERE bank = ? AND part = ? ORDER BY number DESC LIMIT 1

-- name: last_block
SELECT number, data FROM block WHERE bank = ? AND part = ? ORDER BY number DESC LIMIT 1

-- name: moved
SELECT seq FROM moved WHERE bank = ?

-- name: count_moved
SELECT count(*) FROM moved WHERE bank = ?

-- name: most_moved
SELECT number, first_seq, last_seq FROM block WHERE bank = ? AND part = ? ORDER BY
    (SELECT count(*) FROM moved o WHERE o.bank = block.bank AND o.seq BETWEEN first_seq AND last_seq) DESC LIMIT 1

-- name: block_counters
SELECT change, next_seq, next_block FROM bank WHERE bank = ?

-- name: vectors
SELECT m.seq, c.vector FROM memory m JOIN content c ON c.id = m.vector
WHERE m.bank = ? AND m.seq IN (?*)

-- name: vectors_with_passages
SELECT m.seq, c.vector, c.passages FROM memory m JOIN content c ON c.id = m.vector
WHERE m.bank = ? AND m.seq IN (?*)

-- name: vectors_between
SELECT m.seq, c.vector, c.passages FROM memory m JOIN content c ON c.id = m.vector
WHERE m.bank = ? AND m.seq BETWEEN ? AND ?

-- name: passages
SELECT m.seq, c.passages FROM memory m JOIN content c ON c.id = m.vector
WHERE m.bank = ? AND c.passages IS NOT NULL AND m.seq IN (?*)

-- name: any_vector
SELECT c.vector FROM memory m JOIN content c ON c.id = m.vector WHERE m.bank = ? LIMIT 1

-- name: unencoded
SELECT seq FROM memory INDEXED BY memory_unencoded
WHERE bank = ? AND vector IS NULL AND wanted = 1 ORDER BY seq LIMIT ?

-- name: same_text
SELECT text_key, min(seq) FROM memory INDEXED BY memory_text
WHERE bank = ? AND echo_of IS NULL AND state = 0 AND text_key IN (?*) GROUP BY text_key

-- name: banded
SELECT seq FROM band WHERE bank = ? AND band IN (?*)

-- name: in_group
SELECT seq FROM memory INDEXED BY memory_group
WHERE bank = ? AND hash_group = ? AND state = 0 AND kind IN (?*) ORDER BY seq DESC

-- name: about
SELECT seq FROM memory INDEXED BY memory_head
WHERE bank = ? AND head = ? AND state = 0 AND kind IN (?*) ORDER BY seq DESC

-- name: first_of_each_speaker
WITH RECURSIVE each (speaker) AS (
    SELECT min(speaker) FROM memory WHERE bank = ?1 AND speaker IS NOT NULL
    UNION ALL
    SELECT (SELECT min(speaker) FROM memory WHERE bank = ?1 AND speaker > each.speaker)
    FROM each WHERE each.speaker IS NOT NULL
)
SELECT each.speaker, (SELECT min(seq) FROM memory WHERE bank = ?1 AND speaker = each.speaker)
FROM each WHERE each.speaker IS NOT NULL

-- name: tagged
SELECT seq FROM tag WHERE bank = ? AND tag IN (?*)

-- name: all_seqs
SELECT seq FROM memory WHERE bank = ? ORDER BY seq

-- name: last_placed
SELECT seq FROM memory INDEXED BY memory_placed
WHERE bank = ? AND session IS NOT NULL ORDER BY seq DESC LIMIT 1

-- name: last_saliences
SELECT salience FROM memory NOT INDEXED WHERE bank = ? AND session IS NOT NULL ORDER BY seq DESC LIMIT ?

-- name: last_labelled
SELECT seq FROM memory WHERE bank = ? AND label = ? ORDER BY seq DESC LIMIT 1

-- name: episode_size
SELECT count(*), coalesce(sum(length), 0) FROM memory INDEXED BY memory_episode
WHERE bank = ? AND session = ? AND episode = ?

-- name: turns_of
SELECT seq FROM memory INDEXED BY memory_episode WHERE bank = ? AND session = ? AND seq > ? AND kind = 0 ORDER BY seq

-- name: open_exchange
SELECT number, (SELECT count(*) FROM exchange_turn t WHERE t.bank = e.bank AND t.number = e.number)
FROM exchange e INDEXED BY exchange_session WHERE e.bank = ? AND e.session = ? AND e.closed = 0 ORDER BY number DESC LIMIT 1

-- name: derived
SELECT seq FROM source INDEXED BY source_back WHERE bank = ? AND source IN (?*)

-- name: page
SELECT seq FROM memory WHERE bank = ? AND seq > ? AND state IN (SELECT value FROM json_each(?))
ORDER BY seq LIMIT ?

-- name: page_of_kinds
SELECT seq FROM memory WHERE bank = ? AND seq > ? AND state IN (SELECT value FROM json_each(?))
AND kind IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?

-- name: page_of_derived
SELECT seq FROM memory INDEXED BY memory_derived
WHERE bank = ? AND kind <> 0 AND kind = ? AND seq > ? AND state IN (SELECT value FROM json_each(?))
ORDER BY seq LIMIT ?

-- name: history_rows
SELECT h.change, h.event, h.at, h.author, c.text, c.payload
FROM history h INDEXED BY history_seq JOIN content c ON c.id = h.content
WHERE h.bank = ? AND h.seq = ? ORDER BY h.number

-- name: superseded_by_any
SELECT seq FROM memory INDEXED BY memory_superseded WHERE bank = ? AND superseded_by IN (?*)

-- name: echoes
SELECT seq FROM memory WHERE bank = ? AND echo_of IN (?*)

-- name: trace_numbers
SELECT seq, text_key, hash_group, wanted FROM memory WHERE bank = ? AND seq IN (?*)

-- name: bands_of
SELECT seq, band FROM band WHERE bank = ? AND seq IN (?*)

-- name: exchanges
SELECT number, session, closed, attempts, error, due_at, last_at FROM exchange
WHERE bank = ? ORDER BY number

-- name: exchanges_numbered
SELECT number, session, closed, attempts, error, due_at, last_at FROM exchange
WHERE bank = ? AND number IN (?*)

-- name: exchange_turns
SELECT number, seq FROM exchange_turn WHERE bank = ? AND number IN (?*)

-- name: last_content
SELECT coalesce(max(id), 0) FROM content

-- name: add_text
INSERT INTO content (id, bank, text, payload, checksum) VALUES (?, ?, ?, ?, ?)

-- name: add_vector
INSERT INTO content (id, bank, vector, passages, checksum) VALUES (?, ?, ?, ?, ?)

-- name: add_memory
INSERT INTO memory (bank, seq, id, ref, content, vector, wanted, kind, state, author, role, speaker, head,
    label, session, episode, occurred_at, recorded_at, valid_from, valid_until, superseded_by, echo_of,
    strength, recalled_at, recall_count, salience, pinned, length, asks, hash_group, text_key, change)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: change_memory
UPDATE memory SET state = ?, valid_until = ?, superseded_by = ?, echo_of = ?, strength = ?, recalled_at = ?,
    recall_count = ?, pinned = ?, session = ?, episode = ?, salience = ?, change = ?
WHERE bank = ? AND seq = ?

-- name: replace_memory
UPDATE memory SET content = ?, state = ?, author = ?, role = ?, speaker = ?, head = ?, occurred_at = ?,
    valid_from = ?, valid_until = ?, superseded_by = ?, echo_of = ?, strength = ?, recalled_at = ?,
    recall_count = ?, salience = ?, pinned = ?, label = ?, session = ?, episode = ?, length = ?, asks = ?, change = ?
WHERE bank = ? AND seq = ?

-- name: contents_of
SELECT seq, content FROM memory WHERE bank = ? AND seq IN (?*)

-- name: vectors_of
SELECT m.seq, m.vector, length(c.vector), coalesce(length(c.passages), 0) FROM memory m JOIN content c ON c.id = m.vector
WHERE m.bank = ? AND m.seq IN (?*)

-- name: index_memory
UPDATE memory SET vector = ?, wanted = ?, hash_group = ?, text_key = ? WHERE bank = ? AND seq = ?

-- name: overwrite_vector
UPDATE content SET vector = ?, passages = ?, checksum = ? WHERE id = ?

-- name: drop_content
DELETE FROM content WHERE id = ?

-- name: add_source
INSERT INTO source (bank, seq, source) VALUES (?, ?, ?)

-- name: drop_sources
DELETE FROM source WHERE bank = ? AND seq IN (?*)

-- name: drop_source_links
DELETE FROM source WHERE bank = ? AND source IN (?*)

-- name: linked_sources
SELECT seq FROM source WHERE bank = ? AND source IN (?*)

-- name: add_tag
INSERT INTO tag (bank, tag, seq) VALUES (?, ?, ?)

-- name: drop_tags
DELETE FROM tag WHERE bank = ? AND seq IN (?*)

-- name: add_band
INSERT OR IGNORE INTO band (bank, band, seq) VALUES (?, ?, ?)

-- name: drop_bands
DELETE FROM band WHERE bank = ? AND seq IN (?*)

-- name: add_trace
INSERT INTO trace (bank, part, change, seq, data) VALUES (?, ?, ?, ?, ?)

-- name: drop_traces
DELETE FROM trace WHERE bank = ? AND part = ? AND seq IN (?*)

-- name: oldest_traces
SELECT seq, change, data FROM trace WHERE bank = ? AND part = ? ORDER BY change, seq LIMIT ?

-- name: drop_sealed
DELETE FROM trace WHERE bank = ? AND part = ? AND change = ? AND seq = ?

-- name: add_block
INSERT INTO block (bank, part, number, first_seq, last_seq, change, data) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: update_block
UPDATE block SET first_seq = ?, last_seq = ?, change = ?, data = ? WHERE bank = ? AND part = ? AND number = ?

-- name: drop_block
DELETE FROM block WHERE bank = ? AND part = ? AND number = ?

-- name: drop_blocks
DELETE FROM block WHERE bank = ? AND part = ?

-- name: set_next_block
UPDATE bank SET next_block = ? WHERE bank = ?

-- name: drop_moved
DELETE FROM moved WHERE bank = ? AND seq IN (?*)

-- name: drop_moved_between
DELETE FROM moved WHERE bank = ? AND seq BETWEEN ? AND ?

-- name: drop_all_moved
DELETE FROM moved WHERE bank = ?

-- name: add_history
INSERT INTO history (bank, number, seq, change, event, at, author, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: history_contents
SELECT content FROM history INDEXED BY history_seq WHERE bank = ? AND seq IN (?*)

-- name: drop_history
DELETE FROM history WHERE bank = ? AND seq IN (?*)

-- name: put_exchange
INSERT INTO exchange (bank, number, session, closed, attempts, error, due_at, last_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (bank, number) DO UPDATE SET closed = excluded.closed, attempts = excluded.attempts,
    error = excluded.error, due_at = excluded.due_at, last_at = excluded.last_at

-- name: add_exchange_turn
INSERT OR IGNORE INTO exchange_turn (bank, number, seq) VALUES (?, ?, ?)

-- name: drop_exchange
DELETE FROM exchange WHERE bank = ? AND number = ?

-- name: drop_exchange_turns
DELETE FROM exchange_turn WHERE bank = ? AND number = ?

-- name: drop_turns
DELETE FROM exchange_turn WHERE bank = ? AND seq IN (?*)

-- name: drop_empty_exchanges
DELETE FROM exchange WHERE bank = ?1 AND number NOT IN (SELECT number FROM exchange_turn WHERE bank = ?1)

-- name: clear_superseded
UPDATE memory SET superseded_by = NULL, change = ? WHERE bank = ? AND superseded_by IN (?*)

-- name: clear_echoes
UPDATE memory SET echo_of = NULL, change = ? WHERE bank = ? AND echo_of IN (?*)

-- name: touch
UPDATE memory SET change = ? WHERE bank = ? AND seq IN (?*)

-- name: drop_memories
DELETE FROM memory WHERE bank = ? AND seq IN (?*)

-- name: content_of_removed
SELECT content, vector FROM memory WHERE bank = ? AND seq IN (?*)

-- name: contents
SELECT text, payload, vector, passages FROM content WHERE id IN (?*)

-- name: contents_of_bank
SELECT text, payload, vector, passages FROM content WHERE bank = ?1
ORDER BY (id * 7919) % 65521 LIMIT ?2

-- name: kinds_of_bank
SELECT kind, count(*) FROM memory WHERE bank = ? GROUP BY kind ORDER BY kind

-- name: retained_words
SELECT bank, text, payload, checksum FROM content WHERE text IS NOT NULL OR payload IS NOT NULL

-- name: retained_notes
SELECT receipt FROM erasure UNION ALL SELECT value FROM meta UNION ALL SELECT name FROM bank

-- name: retained_vectors
SELECT bank, vector, passages, checksum FROM content WHERE vector IS NOT NULL

-- name: retained_traces
SELECT seq, data FROM trace UNION ALL SELECT change, data FROM block

-- name: add_erasure
INSERT INTO erasure (number, bank, change, seqs, receipt, pending) VALUES (?, ?, ?, ?, ?, 1)

-- name: receipts
SELECT receipt, pending FROM erasure WHERE number > ? ORDER BY number

-- name: receipt
SELECT receipt, pending FROM erasure WHERE bank = ? AND change = ? ORDER BY number DESC LIMIT 1

-- name: last_receipt
SELECT receipt, pending FROM erasure ORDER BY number DESC LIMIT 1

-- name: pending_erasures
SELECT json_extract(receipt, '$.hash') FROM erasure WHERE pending = 1

-- name: finish_erasure
UPDATE erasure SET pending = 0 WHERE pending = 1 AND json_extract(receipt, '$.hash') = ?

-- name: add_fingerprint
INSERT OR IGNORE INTO fingerprint (mac) VALUES (?)

-- name: known_fingerprints
SELECT mac FROM fingerprint WHERE mac IN (?*)

-- name: take_lease
INSERT INTO lease (bank, owner, until) VALUES (?1, ?2, ?3)
ON CONFLICT (bank) DO UPDATE SET owner = ?2, until = ?3 WHERE owner = ?2 OR until <= ?4 OR until > ?5

-- name: drop_lease
DELETE FROM lease WHERE bank = ? AND owner = ?

-- name: drop_bank
DELETE FROM bank WHERE bank = ?

-- name: empty_bank
DELETE FROM exchange_turn WHERE bank = ?1;
DELETE FROM exchange WHERE bank = ?1;
DELETE FROM history WHERE bank = ?1;
DELETE FROM trace WHERE bank = ?1;
DELETE FROM block WHERE bank = ?1;
DELETE FROM moved WHERE bank = ?1;
DELETE FROM band WHERE bank = ?1;
DELETE FROM tag WHERE bank = ?1;
DELETE FROM source WHERE bank = ?1;
DELETE FROM lease WHERE bank = ?1;
UPDATE memory SET superseded_by = NULL WHERE bank = ?1 AND superseded_by IS NOT NULL;
UPDATE memory SET echo_of = NULL WHERE bank = ?1 AND echo_of IS NOT NULL;
DELETE FROM memory WHERE bank = ?1;
DELETE FROM content WHERE bank = ?1

-- name: size_of_text
SELECT coalesce(sum(length(CAST(c.text AS BLOB)) + length(CAST(c.payload AS BLOB))), 0)
FROM memory m JOIN content c ON c.id = m.content WHERE ?1 IS NULL OR m.bank = ?1

-- name: size_of_vectors
SELECT coalesce(sum(length(c.vector) + coalesce(length(c.passages), 0)), 0)
FROM memory m JOIN content c ON c.id = m.vector WHERE ?1 IS NULL OR m.bank = ?1

-- name: size_of_traces
SELECT coalesce((SELECT sum(length(data)) FROM trace WHERE part = ?2 AND (?1 IS NULL OR bank = ?1)), 0)
     + coalesce((SELECT sum(length(data)) FROM block WHERE part = ?2 AND (?1 IS NULL OR bank = ?1)), 0)

-- name: size_of_history
SELECT coalesce(sum(coalesce(length(CAST(c.text AS BLOB)), 0) + coalesce(length(CAST(c.payload AS BLOB)), 0)), 0)
FROM history h JOIN content c ON c.id = h.content WHERE ?1 IS NULL OR h.bank = ?1
