-- Every statement that runs on a path that matters, by name; in SQL that PostgreSQL reads, too, but for SQLite's hints
-- INDEXED BY and CROSS JOIN. `:name` is a value, `= ANY(:names)` a list of any length, `{name}` a list of columns.

-- columns: bank_row
bank, name, zone, key, change, epoch, created_at, size,
       next_seq, next_history, next_exchange, next_block, next_content,
       unsealed_sketches, unsealed_terms

-- columns: index_row
m.seq, m.kind, m.state, m.speaker, m.role, m.session, m.episode, m.occurred_at, m.recorded_at, m.valid_from,
       m.valid_until, m.strength, m.recalled_at, m.salience, m.pinned, m.length, m.asks, m.superseded_by, m.echo_of

-- columns: whole_memory
m.seq, m.id, m.kind, m.state, m.author, m.role, m.session, m.episode, m.occurred_at, m.recorded_at, m.valid_from,
       m.valid_until, m.recalled_at, m.superseded_by, m.echo_of, m.strength, m.recall_count, m.salience, m.pinned,
       c.text, c.payload, c.checksum

-- columns: last_turn
m.seq,
       (SELECT count(*) FROM memory t INDEXED BY memory_episode
        WHERE t.bank = :bank AND t.session = m.session AND t.episode = m.episode),
       (SELECT CAST(coalesce(sum(t.length), 0) AS BIGINT) FROM memory t INDEXED BY memory_episode
        WHERE t.bank = :bank AND t.session = m.session AND t.episode = m.episode),
       (SELECT max(e.number) FROM exchange e INDEXED BY exchange_session
        WHERE e.bank = :bank AND e.session = m.session AND e.closed = 0),
       (SELECT count(*) FROM exchange_turn t WHERE t.bank = :bank AND t.number =
        (SELECT max(e.number) FROM exchange e INDEXED BY exchange_session
         WHERE e.bank = :bank AND e.session = m.session AND e.closed = 0))

-- columns: exchange
e.number, e.session, e.closed, e.attempts, e.error, e.due_at, e.last_at, t.seq
FROM exchange e LEFT JOIN exchange_turn t ON t.bank = e.bank AND t.number = e.number

-- name: bank
SELECT {bank_row} FROM bank WHERE bank = :bank

-- name: bank_by_name
SELECT {bank_row} FROM bank WHERE name = :name

-- name: banks_between
SELECT {bank_row} FROM bank WHERE name >= :start AND name < :end

-- name: banks_with_items
SELECT {bank_row} FROM bank WHERE name >= :start AND name < :end AND EXISTS (
    SELECT 1 FROM memory m INDEXED BY memory_derived WHERE m.bank = bank.bank AND m.kind = 4 AND m.kind <> 0 AND
        coalesce(m.valid_until > :moment, true))

-- name: unencoded_banks
WITH RECURSIVE each (number) AS (
    SELECT min(bank) FROM memory INDEXED BY memory_unencoded WHERE vector IS NULL AND wanted = 1
    UNION ALL
    SELECT (SELECT min(bank) FROM memory INDEXED BY memory_unencoded
            WHERE vector IS NULL AND wanted = 1 AND bank > each.number)
    FROM each WHERE each.number IS NOT NULL
)
SELECT {bank_row} FROM bank WHERE bank IN (SELECT number FROM each)

-- name: add_bank
INSERT INTO bank (bank, name, zone, key, created_at) VALUES (:bank, :name, :zone, :key, :created_at)

-- name: last_bank
SELECT max(coalesce((SELECT max(bank) FROM bank), 0), coalesce((SELECT max(bank) FROM erasure), 0),
           coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'bank.last'), 0))

-- name: update_bank
UPDATE bank SET zone = :zone, change = :change, epoch = :epoch, size = :size, next_seq = :next_seq,
    next_history = :next_history, next_exchange = :next_exchange, next_block = :next_block,
    next_content = :next_content, unsealed_sketches = :unsealed_sketches, unsealed_terms = :unsealed_terms
WHERE bank = :bank

-- name: rename_bank
UPDATE bank SET name = :name, zone = :zone, created_at = :created_at, change = :change, next_seq = :next_seq,
    next_exchange = :next_exchange WHERE bank = :bank

-- name: invalidate_banks
UPDATE bank SET epoch = epoch + 1, change = change + 1

-- name: drop_erasures
DELETE FROM erasure WHERE bank = :bank

-- name: drop_erasures_from
DELETE FROM erasure WHERE bank = :bank AND number >= :number

-- name: drop_fingerprints
DELETE FROM fingerprint WHERE bank = :bank

-- name: receipts_of
SELECT receipt, pending FROM erasure WHERE bank = :bank ORDER BY number

-- name: fingerprints_of_name
SELECT f.mac FROM fingerprint f WHERE f.bank = ANY(:banks)

-- name: banks_of_name
SELECT bank FROM bank WHERE name = :name UNION SELECT bank FROM erasure WHERE name = :name

-- name: get_meta
SELECT value FROM meta WHERE key = :key

-- name: set_meta
INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: seqs_by_uid
SELECT id, seq FROM memory WHERE bank = :bank AND id = ANY(:uids)

-- name: seqs_by_ref
SELECT ref, seq FROM memory WHERE bank = :bank AND ref = ANY(:refs)

-- name: memories
SELECT {whole_memory}
FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.content
WHERE m.bank = :bank AND m.seq = ANY(:seqs)

-- name: ids
SELECT m.seq, m.id, CASE WHEN m.ref IS NULL THEN NULL ELSE c.payload END
FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.content
WHERE m.bank = :bank AND m.seq = ANY(:seqs)

-- name: sources
SELECT seq, source FROM source WHERE bank = :bank AND seq = ANY(:seqs)

-- name: index_rows
SELECT {index_row} FROM memory m WHERE bank = :bank ORDER BY seq

-- name: index_rows_unblocked
SELECT {index_row} FROM memory m WHERE bank = :bank AND seq >
    coalesce((SELECT last_seq FROM block WHERE bank = :bank AND part = :part ORDER BY number DESC LIMIT 1), 0)
ORDER BY seq

-- name: index_rows_between
SELECT {index_row} FROM memory m WHERE bank = :bank AND seq BETWEEN :first AND :last ORDER BY seq LIMIT :limit

-- name: index_rows_of
SELECT {index_row} FROM memory m WHERE bank = :bank AND seq = ANY(:seqs)

-- name: index_rows_moved
SELECT {index_row} FROM moved o CROSS JOIN memory m ON m.bank = o.bank AND m.seq = o.seq
WHERE o.bank = :bank ORDER BY o.seq

-- name: index_rows_since
SELECT {index_row} FROM memory m INDEXED BY memory_change WHERE bank = :bank AND change > :since ORDER BY seq

-- name: index_rows_of_sessions
SELECT {index_row} FROM memory m INDEXED BY memory_episode
WHERE bank = :bank AND session IS NOT NULL AND session = ANY(:sessions)

-- name: sessions_of
SELECT DISTINCT session FROM memory WHERE bank = :bank AND session IS NOT NULL AND seq = ANY(:seqs)

-- name: erased_since
SELECT seqs FROM erasure WHERE bank = :bank AND change > :since
UNION ALL SELECT seqs FROM removal WHERE bank = :bank AND change > :since

-- name: add_removal
INSERT INTO removal (bank, change, seqs) VALUES (:bank, :change, :seqs)

-- name: drop_removals
DELETE FROM removal WHERE bank = :bank AND change <= :before

-- name: expiring
SELECT seq FROM memory INDEXED BY memory_expiry
WHERE bank = :bank AND kind = 4 AND valid_until IS NOT NULL AND valid_until <= :until ORDER BY valid_until LIMIT :limit

-- name: images_after
SELECT h.seq, c.payload FROM history h INDEXED BY history_at JOIN content c ON c.bank = h.bank AND c.id = h.content
WHERE h.bank = :bank AND h.at > :moment ORDER BY h.number

-- name: reasons
SELECT DISTINCT h.seq, c.text FROM history h JOIN content c ON c.bank = h.bank AND c.id = h.content
WHERE h.bank = :bank AND h.author = :author AND c.text IS NOT NULL

-- name: links
SELECT seq, source FROM source WHERE bank = :bank ORDER BY seq, source

-- name: links_since
SELECT s.seq, s.source
FROM memory m INDEXED BY memory_change CROSS JOIN source s ON s.bank = m.bank AND s.seq = m.seq
WHERE m.bank = :bank AND m.change > :since ORDER BY s.seq, s.source

-- name: blocks
SELECT data FROM block WHERE bank = :bank AND part = :part AND change > :since ORDER BY number

-- name: unsealed
SELECT seq, change, data FROM index_entry WHERE bank = :bank AND part = :part AND change > :since

-- name: unsealed_of
SELECT seq, change, data FROM index_entry WHERE bank = :bank AND part = :part AND seq = ANY(:seqs)

-- name: block
SELECT data FROM block WHERE bank = :bank AND part = :part AND number = :number

-- name: blocks_around
SELECT number, data FROM block WHERE bank = :bank AND part = :part AND first_seq <= :last AND last_seq >= :first

-- name: last_in_blocks
SELECT coalesce((SELECT last_seq FROM block WHERE bank = :bank AND part = :part ORDER BY number DESC LIMIT 1), 0)

-- name: last_block
SELECT number, data FROM block WHERE bank = :bank AND part = :part ORDER BY number DESC LIMIT 1

-- name: moved
SELECT seq FROM moved WHERE bank = :bank

-- name: count_moved
SELECT count(*) FROM moved WHERE bank = :bank

-- name: block_most_moved
SELECT number, first_seq, last_seq FROM block WHERE bank = :bank AND part = :part ORDER BY
    (SELECT count(*) FROM moved o WHERE o.bank = :bank AND o.seq BETWEEN first_seq AND last_seq) DESC LIMIT 1

-- name: block_counters
SELECT change, next_seq, next_block FROM bank WHERE bank = :bank

-- name: vectors
SELECT m.seq, c.vector FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.vector
WHERE m.bank = :bank AND m.seq = ANY(:seqs)

-- name: vectors_with_passages
SELECT m.seq, c.vector, c.passages FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.vector
WHERE m.bank = :bank AND m.seq = ANY(:seqs)

-- name: vectors_between
SELECT m.seq, c.vector, c.passages FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.vector
WHERE m.bank = :bank AND m.seq BETWEEN :first AND :last

-- name: encoded
SELECT m.seq, c.vector, c.passages, c.tokens FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.vector
WHERE m.bank = :bank AND m.seq = ANY(:seqs)

-- name: tokens
SELECT m.seq, c.tokens FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.vector
WHERE m.bank = :bank AND c.tokens IS NOT NULL AND m.seq = ANY(:seqs)

-- name: any_vector
SELECT c.vector FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.vector WHERE m.bank = :bank LIMIT 1

-- name: unencoded
SELECT seq FROM memory INDEXED BY memory_unencoded
WHERE bank = :bank AND vector IS NULL AND wanted = 1 ORDER BY seq LIMIT :limit

-- name: same_text
SELECT firsts.text_key, m.id, CASE WHEN m.ref IS NULL THEN NULL ELSE c.payload END
FROM (SELECT text_key, min(seq) AS seq FROM memory INDEXED BY memory_text
      WHERE bank = :bank AND echo_of IS NULL AND state = 0 AND text_key = ANY(:text_keys) GROUP BY text_key) firsts
CROSS JOIN memory m ON m.bank = :bank AND m.seq = firsts.seq JOIN content c ON c.bank = m.bank AND c.id = m.content

-- name: same_thoughts
SELECT text_key, min(seq) FROM memory INDEXED BY memory_thought
WHERE bank = :bank AND kind = 1 AND echo_of IS NULL AND state = 0 AND speaker = :speaker AND
    text_key = ANY(:text_keys)
GROUP BY text_key

-- name: same_thoughts_of_nobody
SELECT text_key, min(seq) FROM memory INDEXED BY memory_thought
WHERE bank = :bank AND kind = 1 AND echo_of IS NULL AND state = 0 AND speaker IS NULL AND
    text_key = ANY(:text_keys)
GROUP BY text_key

-- name: in_group
SELECT seq FROM memory INDEXED BY memory_group
WHERE bank = :bank AND hash_group = :hash_group AND kind <> 0 AND state = 0 AND kind = ANY(:kinds) ORDER BY seq DESC LIMIT :limit

-- name: with_head
SELECT seq FROM memory INDEXED BY memory_head
WHERE bank = :bank AND head = :head AND state = 0 AND kind = ANY(:kinds) ORDER BY seq DESC LIMIT :limit

-- name: first_of_each_speaker
WITH RECURSIVE each (speaker) AS (
    SELECT min(speaker) FROM memory WHERE bank = :bank AND speaker IS NOT NULL
    UNION ALL
    SELECT (SELECT min(speaker) FROM memory WHERE bank = :bank AND speaker > each.speaker)
    FROM each WHERE each.speaker IS NOT NULL
)
SELECT each.speaker, {whole_memory}
FROM each JOIN memory m ON m.bank = :bank AND m.seq =
    (SELECT min(seq) FROM memory WHERE bank = :bank AND speaker = each.speaker)
JOIN content c ON c.bank = m.bank AND c.id = m.content

-- name: with_tags
SELECT seq FROM tag WHERE bank = :bank AND tag = ANY(:tags)

-- name: mentions_between
SELECT seq, kind, since, until FROM mention
WHERE bank = :bank AND kind = ANY(:kinds) AND until > :since AND since < :until

-- name: mentions_of
SELECT seq, kind, since, until FROM mention WHERE bank = :bank AND seq = ANY(:seqs)

-- name: all_seqs
SELECT seq FROM memory WHERE bank = :bank ORDER BY seq

-- name: last_placed
SELECT {last_turn} FROM memory m INDEXED BY memory_placed
WHERE bank = :bank AND session IS NOT NULL ORDER BY seq DESC LIMIT 1

-- name: last_saliences
SELECT salience FROM memory NOT INDEXED
WHERE bank = :bank AND session IS NOT NULL ORDER BY seq DESC LIMIT :limit

-- name: last_labelled
SELECT {last_turn} FROM memory m INDEXED BY memory_label
WHERE bank = :bank AND label = :label AND session IS NOT NULL ORDER BY seq DESC LIMIT 1

-- name: labelled
SELECT seq FROM memory INDEXED BY memory_label WHERE bank = :bank AND label = :label ORDER BY seq

-- name: newest_labelled
SELECT seq FROM memory INDEXED BY memory_label WHERE bank = :bank AND label = :label AND kind = 0 AND state = 0 AND
    session IS NOT NULL ORDER BY seq DESC LIMIT :limit

-- name: turns_of
SELECT seq FROM memory INDEXED BY memory_episode WHERE bank = :bank AND session = :session AND seq > :after AND
    kind = 0 ORDER BY seq

-- name: visible_turns
SELECT seq, length, salience FROM memory INDEXED BY memory_episode WHERE bank = :bank AND session = :session AND
    kind = 0 AND state = ANY(:states)

-- name: resting_on
SELECT seq FROM source INDEXED BY source_back WHERE bank = :bank AND source = ANY(:seqs)

-- name: page
SELECT seq FROM memory WHERE bank = :bank AND seq > :after AND occurred_at >= :since AND occurred_at < :until
AND state = ANY(:states) AND kind = ANY(:kinds) ORDER BY seq LIMIT :limit

-- name: page_back
SELECT seq FROM memory WHERE bank = :bank AND seq < :after AND occurred_at >= :since AND occurred_at < :until
AND state = ANY(:states) AND kind = ANY(:kinds) ORDER BY seq DESC LIMIT :limit

-- name: page_of_derived
SELECT seq FROM memory INDEXED BY memory_derived
WHERE bank = :bank AND kind <> 0 AND kind = :kind AND seq > :after AND occurred_at >= :since AND occurred_at < :until
AND state = ANY(:states) ORDER BY seq LIMIT :limit

-- name: page_of_derived_back
SELECT seq FROM memory INDEXED BY memory_derived
WHERE bank = :bank AND kind <> 0 AND kind = :kind AND seq < :after AND occurred_at >= :since AND occurred_at < :until
AND state = ANY(:states) ORDER BY seq DESC LIMIT :limit

-- name: page_by_time
SELECT occurred_at, seq FROM memory INDEXED BY memory_occurred
WHERE bank = :bank AND kind = :kind AND (occurred_at, seq) > (:at, :after) AND occurred_at >= :since
AND occurred_at < :until AND state = ANY(:states) ORDER BY occurred_at, seq LIMIT :limit

-- name: page_by_time_back
SELECT occurred_at, seq FROM memory INDEXED BY memory_occurred
WHERE bank = :bank AND kind = :kind AND (occurred_at, seq) < (:at, :after) AND occurred_at >= :since
AND occurred_at < :until AND state = ANY(:states) ORDER BY occurred_at DESC, seq DESC LIMIT :limit

-- name: history_rows
SELECT h.seq, h.change, h.event, h.at, h.author, c.text, c.payload
FROM history h INDEXED BY history_seq JOIN content c ON c.bank = h.bank AND c.id = h.content
WHERE h.bank = :bank AND h.seq = ANY(:seqs) ORDER BY h.seq, h.number

-- name: superseded_by_any
SELECT seq FROM memory INDEXED BY memory_superseded WHERE bank = :bank AND superseded_by = ANY(:seqs)

-- name: echoes
SELECT seq FROM memory WHERE bank = :bank AND echo_of = ANY(:seqs)

-- name: index_columns
SELECT seq, text_key, hash_group, wanted FROM memory WHERE bank = :bank AND seq = ANY(:seqs)

-- name: exchanges
SELECT {exchange} WHERE e.bank = :bank ORDER BY e.number, t.seq

-- name: exchanges_numbered
SELECT {exchange} WHERE e.bank = :bank AND e.number = ANY(:numbers) ORDER BY e.number, t.seq

-- name: add_text
INSERT INTO content (bank, id, text, payload, checksum) VALUES (:bank, :id, :text, :payload, :checksum)

-- name: add_vector
INSERT INTO content (bank, id, vector, passages, tokens, checksum)
VALUES (:bank, :id, :vector, :passages, :tokens, :checksum)

-- name: add_memory
INSERT INTO memory (bank, seq, id, ref, content, vector, wanted, kind, state, author, role, speaker, head,
    label, session, episode, occurred_at, recorded_at, valid_from, valid_until, superseded_by, echo_of,
    strength, recalled_at, recall_count, salience, pinned, length, asks, hash_group, text_key, change)
VALUES (:bank, :seq, :id, :ref, :content, :vector, :wanted, :kind, :state, :author, :role, :speaker, :head,
    :label, :session, :episode, :occurred_at, :recorded_at, :valid_from, :valid_until, :superseded_by, :echo_of,
    :strength, :recalled_at, :recall_count, :salience, :pinned, :length, :asks, :hash_group, :text_key, :change)

-- name: change_memory
UPDATE memory SET state = :state, valid_from = :valid_from, valid_until = :valid_until, superseded_by = :superseded_by,
    echo_of = :echo_of, strength = :strength, recalled_at = :recalled_at, recall_count = :recall_count,
    pinned = :pinned, session = :session, episode = :episode, salience = :salience, change = :change
WHERE bank = :bank AND seq = :seq

-- name: replace_memory
UPDATE memory SET content = :content, state = :state, author = :author, role = :role, speaker = :speaker,
    head = :head, occurred_at = :occurred_at, valid_from = :valid_from, valid_until = :valid_until,
    superseded_by = :superseded_by, echo_of = :echo_of, strength = :strength, recalled_at = :recalled_at,
    recall_count = :recall_count, salience = :salience, pinned = :pinned, label = :label, session = :session,
    episode = :episode, length = :length, asks = :asks, change = :change
WHERE bank = :bank AND seq = :seq

-- name: contents_of
SELECT seq, content FROM memory WHERE bank = :bank AND seq = ANY(:seqs)

-- name: vector_lengths
SELECT m.seq, m.vector, length(c.vector), coalesce(length(c.passages), 0), coalesce(length(c.tokens), 0)
FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.vector
WHERE m.bank = :bank AND m.seq = ANY(:seqs)

-- name: index_memory
UPDATE memory SET vector = :vector, wanted = :wanted, hash_group = :hash_group, text_key = :text_key
WHERE bank = :bank AND seq = :seq

-- name: overwrite_vector
UPDATE content SET vector = :vector, passages = :passages, tokens = :tokens, checksum = :checksum
WHERE bank = :bank AND id = :id

-- name: drop_content
DELETE FROM content WHERE bank = :bank AND id = :id

-- name: add_source
INSERT INTO source (bank, seq, source) VALUES (:bank, :seq, :source)

-- name: drop_sources
DELETE FROM source WHERE bank = :bank AND seq = ANY(:seqs)

-- name: drop_source_links
DELETE FROM source WHERE bank = :bank AND source = ANY(:seqs)

-- name: add_tag
INSERT INTO tag (bank, tag, seq) VALUES (:bank, :tag, :seq)

-- name: drop_tags
DELETE FROM tag WHERE bank = :bank AND seq = ANY(:seqs)

-- name: add_mention
INSERT INTO mention (bank, seq, kind, since, until) VALUES (:bank, :seq, :kind, :since, :until)

-- name: drop_mentions
DELETE FROM mention WHERE bank = :bank AND seq = ANY(:seqs)

-- name: add_index_entry
INSERT INTO index_entry (bank, part, change, seq, data) VALUES (:bank, :part, :change, :seq, :data)

-- name: drop_index_entries
DELETE FROM index_entry WHERE bank = :bank AND part = :part AND seq = ANY(:seqs)

-- name: oldest_unsealed
SELECT seq, change, data FROM index_entry WHERE bank = :bank AND part = :part ORDER BY change, seq LIMIT :limit

-- name: drop_flushed
DELETE FROM index_entry WHERE bank = :bank AND part = :part AND change = :change AND seq = :seq

-- name: add_block
INSERT INTO block (bank, part, number, first_seq, last_seq, change, data)
VALUES (:bank, :part, :number, :first_seq, :last_seq, :change, :data)

-- name: update_block
UPDATE block SET first_seq = :first_seq, last_seq = :last_seq, change = :change, data = :data
WHERE bank = :bank AND part = :part AND number = :number

-- name: drop_block
DELETE FROM block WHERE bank = :bank AND part = :part AND number = :number

-- name: drop_blocks
DELETE FROM block WHERE bank = :bank AND part = :part

-- name: set_next_block
UPDATE bank SET next_block = :next_block WHERE bank = :bank

-- name: add_moved
INSERT INTO moved (bank, seq) SELECT :bank, :seq
WHERE :seq <= (SELECT last_seq FROM block WHERE bank = :bank AND part = :part ORDER BY number DESC LIMIT 1)
ON CONFLICT DO NOTHING

-- name: drop_moved
DELETE FROM moved WHERE bank = :bank AND seq = ANY(:seqs)

-- name: drop_moved_between
DELETE FROM moved WHERE bank = :bank AND seq BETWEEN :first AND :last

-- name: drop_all_moved
DELETE FROM moved WHERE bank = :bank

-- name: add_history
INSERT INTO history (bank, number, seq, change, event, at, author, content)
VALUES (:bank, :number, :seq, :change, :event, :at, :author, :content)

-- name: history_contents
SELECT content FROM history INDEXED BY history_seq WHERE bank = :bank AND seq = ANY(:seqs)

-- name: drop_history
DELETE FROM history WHERE bank = :bank AND seq = ANY(:seqs)

-- name: put_exchange
INSERT INTO exchange (bank, number, session, closed, attempts, error, due_at, last_at)
VALUES (:bank, :number, :session, :closed, :attempts, :error, :due_at, :last_at)
ON CONFLICT (bank, number) DO UPDATE SET closed = excluded.closed, attempts = excluded.attempts, error =
    excluded.error, due_at = excluded.due_at, last_at = excluded.last_at

-- name: add_exchange_turn
INSERT INTO exchange_turn (bank, number, seq) VALUES (:bank, :number, :seq) ON CONFLICT DO NOTHING

-- name: drop_exchange
DELETE FROM exchange WHERE bank = :bank AND number = :number

-- name: drop_exchange_turns
DELETE FROM exchange_turn WHERE bank = :bank AND number = :number

-- name: drop_turns
DELETE FROM exchange_turn WHERE bank = :bank AND seq = ANY(:seqs)

-- name: drop_empty_exchanges
DELETE FROM exchange WHERE bank = :bank AND number NOT IN (SELECT number FROM exchange_turn WHERE bank = :bank)

-- name: clear_superseded
UPDATE memory SET superseded_by = NULL, change = :change WHERE bank = :bank AND seq = :seq

-- name: clear_echo
UPDATE memory SET echo_of = NULL, change = :change WHERE bank = :bank AND seq = :seq

-- name: mark_derived
UPDATE memory SET change = :change
WHERE bank = :bank AND seq IN (SELECT seq FROM source WHERE bank = :bank AND source = ANY(:seqs))

-- name: drop_memories
DELETE FROM memory WHERE bank = :bank AND seq = ANY(:seqs)

-- name: contents_of_removed
SELECT content FROM memory WHERE bank = :bank AND seq = ANY(:seqs)
UNION SELECT vector FROM memory WHERE bank = :bank AND seq = ANY(:seqs) AND vector IS NOT NULL
UNION SELECT content FROM history INDEXED BY history_seq WHERE bank = :bank AND seq = ANY(:seqs)

-- name: contents
SELECT text, payload, vector, passages, tokens FROM content WHERE bank = :bank AND id = ANY(:ids)

-- name: contents_of_bank
SELECT text, payload, vector, passages, tokens FROM content WHERE bank = :bank
ORDER BY (id * 7919) % 65521 LIMIT :limit

-- name: kinds_of_bank
SELECT kind, count(*) FROM memory WHERE bank = :bank GROUP BY kind ORDER BY kind

-- name: retained_words
SELECT bank, id, text, payload, checksum FROM content WHERE text IS NOT NULL OR payload IS NOT NULL

-- name: retained_notes
SELECT receipt FROM erasure UNION ALL SELECT value FROM meta UNION ALL SELECT name FROM bank

-- name: retained_vectors
SELECT bank, id, vector, passages, tokens, checksum FROM content WHERE vector IS NOT NULL

-- name: retained_entries
SELECT seq, data FROM index_entry UNION ALL SELECT change, data FROM block

-- name: add_erasure
INSERT INTO erasure (bank, number, change, seqs, receipt, pending, name)
VALUES (:bank, :number, :change, :seqs, :receipt, 1, :name)

-- name: receipts
SELECT receipt, pending FROM erasure WHERE number > :after ORDER BY bank, number

-- name: receipt
SELECT receipt, pending FROM erasure INDEXED BY erasure_change
WHERE bank = :bank AND change = :change ORDER BY number DESC LIMIT 1

-- name: last_receipt
SELECT receipt, pending FROM erasure WHERE bank = :bank ORDER BY number DESC LIMIT 1

-- name: pending_erasures
SELECT bank, number, receipt FROM erasure WHERE pending = 1

-- name: finish_erasure
UPDATE erasure SET pending = 0 WHERE bank = :bank AND number = :number

-- name: reopen_last_erasure
UPDATE erasure SET pending = 1 WHERE bank = :bank AND number =
    (SELECT number FROM erasure WHERE bank = :bank ORDER BY number DESC LIMIT 1)

-- name: erased_bank
SELECT bank FROM erasure WHERE name = :name LIMIT 1

-- name: take_over_erasures
UPDATE erasure SET bank = :bank, change = 0, seqs = x'', name = NULL WHERE bank = :erased

-- name: take_over_fingerprints
UPDATE fingerprint SET bank = :bank WHERE bank = :erased

-- name: add_fingerprint
INSERT INTO fingerprint (bank, mac) VALUES (:bank, :mac) ON CONFLICT DO NOTHING

-- name: fingerprints_among
SELECT mac FROM fingerprint WHERE bank = :bank AND mac = ANY(:macs)

-- name: take_lease
INSERT INTO lease (bank, owner, until) VALUES (:bank, :owner, :until)
ON CONFLICT (bank) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE lease.owner = excluded.owner OR lease.until <= :now OR lease.until > :farthest OR
    substr(lease.owner, 1, 5) = 'rest:'

-- name: rest
UPDATE lease SET owner = :rest, until = :until WHERE bank = :bank AND owner = :owner

-- name: due_banks
SELECT {bank_row} FROM bank WHERE bank > :after AND bank <= :last AND substr(name, 1, 4) <> '["",' AND NOT EXISTS (
    SELECT 1 FROM lease l WHERE l.bank = bank.bank AND l.until > :now AND
        CASE WHEN substr(l.owner, 1, 5) = 'rest:' THEN l.owner = :rest || bank.change AND l.until <= :longest
        ELSE l.until <= :farthest END
) ORDER BY bank LIMIT :limit

-- name: drop_lease
DELETE FROM lease WHERE bank = :bank AND owner = :owner

-- name: drop_bank
DELETE FROM bank WHERE bank = :bank

-- name: empty_bank.exchange_turn
DELETE FROM exchange_turn WHERE bank = :bank

-- name: empty_bank.exchange
DELETE FROM exchange WHERE bank = :bank

-- name: empty_bank.history
DELETE FROM history WHERE bank = :bank

-- name: empty_bank.removal
DELETE FROM removal WHERE bank = :bank

-- name: empty_bank.index_entry
DELETE FROM index_entry WHERE bank = :bank

-- name: empty_bank.block
DELETE FROM block WHERE bank = :bank

-- name: empty_bank.moved
DELETE FROM moved WHERE bank = :bank

-- name: empty_bank.mention
DELETE FROM mention WHERE bank = :bank

-- name: empty_bank.tag
DELETE FROM tag WHERE bank = :bank

-- name: empty_bank.source
DELETE FROM source WHERE bank = :bank

-- name: empty_bank.lease
DELETE FROM lease WHERE bank = :bank

-- name: empty_bank.superseded_by
UPDATE memory SET superseded_by = NULL WHERE bank = :bank AND superseded_by IS NOT NULL

-- name: empty_bank.echo_of
UPDATE memory SET echo_of = NULL WHERE bank = :bank AND echo_of IS NOT NULL

-- name: empty_bank.memory
DELETE FROM memory WHERE bank = :bank

-- name: empty_bank.content
DELETE FROM content WHERE bank = :bank

-- name: size_of_text
SELECT coalesce(sum(length(CAST(c.text AS BLOB)) + length(CAST(c.payload AS BLOB))), 0)
FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.content WHERE CAST(:bank AS BIGINT) IS NULL OR m.bank = :bank

-- name: size_of_vectors
SELECT coalesce(sum(length(c.vector) + coalesce(length(c.passages), 0)), 0)
FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.vector WHERE CAST(:bank AS BIGINT) IS NULL OR m.bank = :bank

-- name: size_of_tokens
SELECT coalesce(sum(length(c.tokens)), 0)
FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.vector WHERE CAST(:bank AS BIGINT) IS NULL OR m.bank = :bank

-- name: size_of_entries
SELECT coalesce((SELECT sum(length(data)) FROM index_entry WHERE part = :part AND (CAST(:bank AS BIGINT) IS NULL OR bank = :bank)), 0)
     + coalesce((SELECT sum(length(data)) FROM block WHERE part = :part AND (CAST(:bank AS BIGINT) IS NULL OR bank = :bank)), 0)

-- name: size_of_history
SELECT coalesce(sum(coalesce(length(CAST(c.text AS BLOB)), 0) + coalesce(length(CAST(c.payload AS BLOB)), 0)), 0)
FROM history h JOIN content c ON c.bank = h.bank AND c.id = h.content WHERE CAST(:bank AS BIGINT) IS NULL OR h.bank = :bank
