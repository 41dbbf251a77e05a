-- Statements of PostgreSQL alone, and those that take the place of the ones for all engines.

-- name: bank_by_name
SELECT bank, name, zone, key, change, epoch, created_at, size, next_seq, next_history, next_exchange, next_block,
       next_content, unsealed_sketches, unsealed_terms
FROM bank WHERE substr(name, 1, 500) = substr(:name, 1, 500) AND name = :name

-- name: banks_between
SELECT bank, name, zone, key, change, epoch, created_at, size, next_seq, next_history, next_exchange, next_block,
       next_content, unsealed_sketches, unsealed_terms
FROM bank WHERE substr(name, 1, 500) >= substr(:start, 1, 500) AND substr(name, 1, 500) <= substr(:end, 1, 500) AND
    name >= :start AND name < :end

-- name: banks_of_name
SELECT bank FROM bank WHERE substr(name, 1, 500) = substr(:name, 1, 500) AND name = :name
UNION SELECT bank FROM erasure WHERE substr(name, 1, 500) = substr(:name, 1, 500) AND name = :name

-- name: erased_bank
SELECT bank FROM erasure WHERE substr(name, 1, 500) = substr(:name, 1, 500) AND name = :name LIMIT 1

-- name: claim_banks
WITH due AS (
    SELECT bank FROM bank WHERE bank > :after AND bank <= :last AND substr(name, 1, 4) <> '["",' AND NOT EXISTS (
        SELECT 1 FROM lease l WHERE l.bank = bank.bank AND l.until > :now AND
            CASE WHEN substr(l.owner, 1, 5) = 'rest:' THEN l.owner = :rest || bank.change AND l.until <= :longest
            ELSE l.until <= :farthest END
    ) ORDER BY bank LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
), leased AS (
    INSERT INTO lease (bank, owner, until) SELECT bank, :owner, :until FROM due
    ON CONFLICT (bank) DO UPDATE SET owner = excluded.owner, until = excluded.until
    WHERE lease.until <= :now OR lease.until > :farthest OR substr(lease.owner, 1, 5) = 'rest:'
    RETURNING bank
)
SELECT bank, name, zone, key, change, epoch, created_at, size, next_seq, next_history, next_exchange, next_block,
       next_content, unsealed_sketches, unsealed_terms
FROM bank WHERE bank IN (SELECT bank FROM leased) ORDER BY bank

-- name: bank_for_change
SELECT bank, name, zone, key, change, epoch, created_at, size, next_seq, next_history, next_exchange, next_block,
       next_content, unsealed_sketches, unsealed_terms
FROM bank WHERE bank = :bank FOR NO KEY UPDATE

-- name: bank_named
SELECT bank, name, zone, key, change, epoch, created_at, size, next_seq, next_history, next_exchange, next_block,
       next_content, unsealed_sketches, unsealed_terms
FROM bank WHERE bank = :bank AND name = :name

-- name: bank_named_for_change
SELECT bank, name, zone, key, change, epoch, created_at, size, next_seq, next_history, next_exchange, next_block,
       next_content, unsealed_sketches, unsealed_terms
FROM bank WHERE bank = :bank AND name = :name FOR NO KEY UPDATE

-- name: name_of_bank
SELECT name FROM bank WHERE bank = :bank

-- name: erased_name
SELECT name FROM erasure WHERE bank = :bank AND name IS NOT NULL LIMIT 1

-- name: add_applied
INSERT INTO applied (bank, change, token) VALUES (:bank, :change, :token)

-- name: drop_applied
DELETE FROM applied WHERE bank = :bank AND change <= :before

-- name: is_applied
SELECT count(*) FROM applied WHERE bank = :bank AND change = :change AND token = :token

-- name: lock_name
SELECT pg_advisory_xact_lock(:number)

-- name: audited_banks
SELECT bank, next_seq FROM bank ORDER BY name

-- name: audited_texts
SELECT c.checksum, c.text, c.payload, m.id, m.kind, m.author, m.role, m.occurred_at
FROM memory m LEFT JOIN content c ON c.bank = m.bank AND c.id = m.content WHERE m.bank = :bank

-- name: audited_notes
SELECT c.checksum, c.text, c.payload
FROM history h LEFT JOIN content c ON c.bank = h.bank AND c.id = h.content WHERE h.bank = :bank

-- name: audited_vectors
SELECT checksum, vector, passages, tokens FROM content WHERE bank = :bank AND vector IS NOT NULL

-- name: audited_blocks
SELECT part, data FROM block WHERE bank = :bank

-- name: audited_strays
SELECT count(*) FROM content c WHERE c.bank = :bank
AND NOT EXISTS (SELECT 1 FROM memory m WHERE m.bank = :bank AND m.content = c.id)
AND NOT EXISTS (SELECT 1 FROM memory m WHERE m.bank = :bank AND m.vector = c.id)
AND NOT EXISTS (SELECT 1 FROM history h WHERE h.bank = :bank AND h.content = c.id)

-- name: audited_counters
SELECT CAST(size = (SELECT count(*) FROM memory WHERE bank = :bank) AS INTEGER),
       CAST(unsealed_sketches = (SELECT count(*) FROM index_entry WHERE bank = :bank AND part = 0) AS INTEGER),
       CAST(unsealed_terms = (SELECT count(*) FROM index_entry WHERE bank = :bank AND part = 1) AS INTEGER),
       CAST(next_seq > (SELECT coalesce(max(seq), 0) FROM memory WHERE bank = :bank) AS INTEGER),
       CAST(next_history > (SELECT coalesce(max(number), 0) FROM history WHERE bank = :bank) AS INTEGER),
       CAST(next_exchange > (SELECT coalesce(max(number), 0) FROM exchange WHERE bank = :bank) AS INTEGER),
       CAST(next_block > (SELECT coalesce(max(number), 0) FROM block WHERE bank = :bank) AS INTEGER),
       CAST(next_content > (SELECT coalesce(max(id), 0) FROM content WHERE bank = :bank) AS INTEGER)
FROM bank WHERE bank = :bank

-- name: any_pending_erasure
SELECT 1 FROM erasure WHERE pending = 1 LIMIT 1

-- name: mark_erasure
UPDATE erasure SET pending = :state WHERE bank = :bank AND number = :number

-- name: settle_erasures
UPDATE erasure SET pending = :after WHERE pending = :before

-- name: meta_for_change
SELECT value FROM meta WHERE key = :key FOR UPDATE

-- name: linked_ids
SELECT m.seq, m.id, CASE WHEN m.ref IS NULL THEN NULL ELSE c.payload END
FROM memory m JOIN content c ON c.bank = m.bank AND c.id = m.content
WHERE m.bank = :bank AND m.seq = ANY(ARRAY(
    SELECT unnest(ARRAY[superseded_by, echo_of]) FROM memory WHERE bank = :bank AND seq = ANY(:seqs) AND
        (superseded_by IS NOT NULL OR echo_of IS NOT NULL)
    UNION ALL SELECT source FROM source WHERE bank = :bank AND seq = ANY(:seqs)))
