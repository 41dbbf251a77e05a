-- The tables of one bank, read and written row by row when it moves to another database; see `core/tables.py`, which
-- has the columns of each in the order of `read_rows.*`.

-- columns: content_row
id, text, payload, vector, passages, tokens, checksum

-- columns: memory_row
seq, id, ref, content, vector, wanted, kind, state, author, role, speaker, head, label, session, episode, occurred_at,
       recorded_at, valid_from, valid_until

-- columns: memory_row_after_links
strength, recalled_at, recall_count, salience, pinned, length, asks, hash_group, text_key, change

-- columns: block_row
part, number, first_seq, last_seq, change, data

-- columns: history_row
number, seq, change, event, at, author, content

-- columns: exchange_row
number, session, closed, attempts, error, due_at, last_at

-- columns: bank_counters
change, epoch, size, next_seq, next_history, next_exchange, next_block, next_content, unsealed_sketches, unsealed_terms

-- name: read_rows.content
SELECT {content_row} FROM content WHERE bank = :bank AND id > :id ORDER BY id LIMIT :limit

-- name: write_rows.content
INSERT INTO content (bank, {content_row})
VALUES (:bank, :id, :text, :payload, :vector, :passages, :tokens, :checksum) ON CONFLICT DO NOTHING

-- name: read_rows.memory
SELECT {memory_row}, CASE WHEN superseded_by < seq THEN superseded_by END, CASE WHEN echo_of < seq THEN echo_of END,
       {memory_row_after_links}
FROM memory WHERE bank = :bank AND seq > :seq ORDER BY seq LIMIT :limit

-- name: write_rows.memory
INSERT INTO memory (bank, {memory_row}, superseded_by, echo_of, {memory_row_after_links})
VALUES (:bank, :seq, :id, :ref, :content, :vector, :wanted, :kind, :state, :author, :role, :speaker, :head,
    :label, :session, :episode, :occurred_at, :recorded_at, :valid_from, :valid_until, :superseded_by, :echo_of,
    :strength, :recalled_at, :recall_count, :salience, :pinned, :length, :asks, :hash_group, :text_key, :change)
ON CONFLICT DO NOTHING

-- name: read_rows.link
SELECT superseded_by, echo_of, seq FROM memory
WHERE bank = :bank AND seq > :seq AND (superseded_by >= seq OR echo_of >= seq) ORDER BY seq LIMIT :limit

-- name: write_rows.link
UPDATE memory SET superseded_by = :superseded_by, echo_of = :echo_of WHERE bank = :bank AND seq = :seq

-- name: read_rows.source
SELECT seq, source FROM source WHERE bank = :bank AND (seq, source) > (:seq, :source) ORDER BY seq, source LIMIT :limit

-- name: write_rows.source
INSERT INTO source (bank, seq, source) VALUES (:bank, :seq, :source) ON CONFLICT DO NOTHING

-- name: read_rows.tag
SELECT tag, seq FROM tag WHERE bank = :bank AND (tag, seq) > (:tag, :seq) ORDER BY tag, seq LIMIT :limit

-- name: write_rows.tag
INSERT INTO tag (bank, tag, seq) VALUES (:bank, :tag, :seq) ON CONFLICT DO NOTHING

-- name: read_rows.mention
SELECT seq, kind, since, until FROM mention
WHERE bank = :bank AND (seq, kind, since, until) > (:seq, :kind, :since, :until)
ORDER BY seq, kind, since, until LIMIT :limit

-- name: write_rows.mention
INSERT INTO mention (bank, seq, kind, since, until) VALUES (:bank, :seq, :kind, :since, :until) ON CONFLICT DO NOTHING

-- name: read_rows.history
SELECT {history_row} FROM history WHERE bank = :bank AND number > :number ORDER BY number LIMIT :limit

-- name: write_rows.history
INSERT INTO history (bank, {history_row}) VALUES (:bank, :number, :seq, :change, :event, :at, :author, :content)
ON CONFLICT DO NOTHING

-- name: read_rows.exchange
SELECT {exchange_row} FROM exchange WHERE bank = :bank AND number > :number ORDER BY number LIMIT :limit

-- name: write_rows.exchange
INSERT INTO exchange (bank, {exchange_row})
VALUES (:bank, :number, :session, :closed, :attempts, :error, :due_at, :last_at) ON CONFLICT DO NOTHING

-- name: read_rows.exchange_turn
SELECT number, seq FROM exchange_turn WHERE bank = :bank AND (number, seq) > (:number, :seq)
ORDER BY number, seq LIMIT :limit

-- name: write_rows.exchange_turn
INSERT INTO exchange_turn (bank, number, seq) VALUES (:bank, :number, :seq) ON CONFLICT DO NOTHING

-- name: read_rows.index_entry
SELECT part, change, seq, data FROM index_entry WHERE bank = :bank AND (part, change, seq) > (:part, :change, :seq)
ORDER BY part, change, seq LIMIT :limit

-- name: write_rows.index_entry
INSERT INTO index_entry (bank, part, change, seq, data) VALUES (:bank, :part, :change, :seq, :data)
ON CONFLICT DO NOTHING

-- name: read_rows.block
SELECT {block_row} FROM block WHERE bank = :bank AND (part, number) > (:part, :number)
ORDER BY part, number LIMIT :limit

-- name: write_rows.block
INSERT INTO block (bank, {block_row}) VALUES (:bank, :part, :number, :first_seq, :last_seq, :change, :data)
ON CONFLICT DO NOTHING

-- name: read_rows.moved
SELECT seq FROM moved WHERE bank = :bank AND seq > :seq ORDER BY seq LIMIT :limit

-- name: write_rows.moved
INSERT INTO moved (bank, seq) VALUES (:bank, :seq) ON CONFLICT DO NOTHING

-- name: read_rows.removal
SELECT change, seqs FROM removal WHERE bank = :bank AND change > :change ORDER BY change LIMIT :limit

-- name: write_rows.removal
INSERT INTO removal (bank, change, seqs) VALUES (:bank, :change, :seqs) ON CONFLICT DO NOTHING

-- name: read_rows.fingerprint
SELECT mac FROM fingerprint WHERE bank = :bank AND mac > :mac ORDER BY mac LIMIT :limit

-- name: write_rows.fingerprint
INSERT INTO fingerprint (bank, mac) VALUES (:bank, :mac) ON CONFLICT DO NOTHING

-- name: read_rows.erasure
SELECT number, change, CASE WHEN name IS NULL THEN 0 ELSE 1 END, seqs, receipt, CASE pending WHEN 2 THEN 1 ELSE pending END
FROM erasure WHERE bank = :bank AND number > :number ORDER BY number LIMIT :limit

-- name: write_rows.erasure
INSERT INTO erasure (bank, number, change, seqs, receipt, pending, name)
VALUES (:bank, :number, :change, :seqs, :receipt, :pending, :name)

-- name: read_rows.meta
SELECT key, value FROM meta WHERE key = ANY(:meta_keys)

-- name: write_rows.meta
INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: read_rows.bank
SELECT zone, key, created_at, {bank_counters} FROM bank WHERE bank = :bank

-- name: write_rows.bank
UPDATE bank SET name = :name, zone = :zone, key = :key, created_at = :created_at, change = :change, epoch = :epoch,
    size = :size, next_seq = :next_seq, next_history = :next_history, next_exchange = :next_exchange,
    next_block = :next_block, next_content = :next_content, unsealed_sketches = :unsealed_sketches,
    unsealed_terms = :unsealed_terms
WHERE bank = :bank

-- name: last_receipt_number
SELECT coalesce(max(number), 0) FROM erasure WHERE bank = :bank

-- name: drop_bank_meta
DELETE FROM meta WHERE key = ANY(:meta_keys)

-- name: drop_meta
DELETE FROM meta WHERE key = :key

-- name: reopen_erasure
UPDATE erasure SET pending = 1 WHERE bank = :bank AND number = :number
