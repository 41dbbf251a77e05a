-- Tables of one memkit database on PostgreSQL: the same tables and keys as in SQLite's schema, which a test compares.
-- `{schema}` is the schema's name. Where a database is made with partitions, each table that a bank's number leads is
-- split by its hash. Integers are BIGINT throughout: values are bound with one type, whatever their size.

CREATE TABLE {schema}.bank (
    bank BIGINT PRIMARY KEY,         -- a hash of its name, when it was made
    name TEXT COLLATE "C" NOT NULL,  -- a JSON array of strings
    zone TEXT NOT NULL,
    key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,     -- all times: microseconds since 1970, UTC
    change BIGINT NOT NULL DEFAULT 0,
    epoch BIGINT NOT NULL DEFAULT 0,
    size BIGINT NOT NULL DEFAULT 0,
    next_seq BIGINT NOT NULL DEFAULT 1,
    next_history BIGINT NOT NULL DEFAULT 1,
    next_exchange BIGINT NOT NULL DEFAULT 1,
    next_block BIGINT NOT NULL DEFAULT 1,
    next_content BIGINT NOT NULL DEFAULT 1,
    unsealed_sketches BIGINT NOT NULL DEFAULT 0,   -- rows in index_entry, by part
    unsealed_terms BIGINT NOT NULL DEFAULT 0
);

-- A name may be longer than what an index takes.
CREATE INDEX bank_name ON {schema}.bank (substr(name, 1, 500));

CREATE TABLE {schema}.memory (
    bank BIGINT NOT NULL REFERENCES {schema}.bank (bank),
    seq BIGINT NOT NULL,
    id BYTEA NOT NULL,                -- UUIDv7
    ref BIGINT,                     -- hash of the caller's own id
    content BIGINT NOT NULL,
    vector BIGINT,                  -- content row; NULL: none yet, or none wanted
    wanted BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    state BIGINT NOT NULL,
    author BIGINT NOT NULL,
    role BIGINT,
    speaker BIGINT,
    head BIGINT,
    label BIGINT,
    session BIGINT,
    episode BIGINT,
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    valid_from BIGINT,
    valid_until BIGINT,
    superseded_by BIGINT,
    echo_of BIGINT,
    strength DOUBLE PRECISION NOT NULL,
    recalled_at BIGINT,
    recall_count BIGINT NOT NULL,
    salience DOUBLE PRECISION,
    pinned BIGINT NOT NULL,
    length BIGINT NOT NULL,
    asks BIGINT NOT NULL,
    hash_group BIGINT,
    text_key BIGINT NOT NULL,
    change BIGINT NOT NULL,
    PRIMARY KEY (bank, seq),
    FOREIGN KEY (bank, superseded_by) REFERENCES {schema}.memory (bank, seq) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (bank, echo_of) REFERENCES {schema}.memory (bank, seq) DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX memory_change ON {schema}.memory (bank, change);

CREATE INDEX memory_derived ON {schema}.memory (bank, kind) WHERE kind <> 0;

CREATE INDEX memory_echo ON {schema}.memory (bank, echo_of) WHERE echo_of IS NOT NULL;

CREATE INDEX memory_episode ON {schema}.memory (bank, session, episode) WHERE session IS NOT NULL;

CREATE INDEX memory_expiry ON {schema}.memory (bank, valid_until) WHERE kind = 4 AND valid_until IS NOT NULL;

CREATE INDEX memory_group ON {schema}.memory (bank, hash_group, kind) WHERE hash_group IS NOT NULL AND kind <> 0;

CREATE INDEX memory_head ON {schema}.memory (bank, head) WHERE head IS NOT NULL;

CREATE UNIQUE INDEX memory_id ON {schema}.memory (bank, id);

CREATE INDEX memory_label ON {schema}.memory (bank, label) WHERE label IS NOT NULL;

CREATE INDEX memory_occurred ON {schema}.memory (bank, kind, occurred_at);

CREATE INDEX memory_placed ON {schema}.memory (bank) WHERE session IS NOT NULL;

CREATE UNIQUE INDEX memory_ref ON {schema}.memory (bank, ref) WHERE ref IS NOT NULL;

CREATE INDEX memory_speaker ON {schema}.memory (bank, speaker) WHERE speaker IS NOT NULL;

CREATE INDEX memory_superseded ON {schema}.memory (bank, superseded_by) WHERE superseded_by IS NOT NULL;

CREATE INDEX memory_text ON {schema}.memory (bank, text_key) WHERE echo_of IS NULL;

CREATE INDEX memory_thought ON {schema}.memory (bank, text_key, speaker) WHERE kind = 1;

CREATE INDEX memory_unencoded ON {schema}.memory (bank) WHERE vector IS NULL AND wanted = 1;

-- Blocks of sketches (part 0), of terms (1), of quantised vectors (2) and of index rows (3).
CREATE TABLE {schema}.block (
    bank BIGINT NOT NULL,
    part BIGINT NOT NULL,
    number BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    change BIGINT NOT NULL,         -- the latest of its rows
    data BYTEA NOT NULL,
    PRIMARY KEY (bank, part, number)
);

-- All text, payloads and vectors, in the order in which they came. Rows are added and removed, never grown.
-- Never: moving rows between pages was measured to leave bytes of erased ones behind.
CREATE TABLE {schema}.content (
    bank BIGINT NOT NULL,
    id BIGINT NOT NULL,
    text TEXT,
    payload TEXT,
    vector BYTEA,
    passages BYTEA,                   -- vectors of a long text's parts
    tokens BYTEA,                     -- signs of its words' vectors
    checksum BIGINT NOT NULL,
    PRIMARY KEY (bank, id)
);

-- Receipts of erasures, a chain for each bank. A bank that is made again takes over those of its name.
CREATE TABLE {schema}.erasure (
    bank BIGINT NOT NULL,
    number BIGINT NOT NULL,
    change BIGINT NOT NULL,
    seqs BYTEA NOT NULL,              -- of what went: int64, little-endian; empty where the bank went
    receipt TEXT NOT NULL,           -- JSON; never text of a memory
    pending BIGINT NOT NULL,        -- 1 until the files were found free of its bytes
    name TEXT,                       -- of a bank that isn't there (any more)
    PRIMARY KEY (bank, number)
);

CREATE INDEX erasure_name ON {schema}.erasure (substr(name, 1, 500)) WHERE name IS NOT NULL;

CREATE INDEX erasure_change ON {schema}.erasure (bank, change);

CREATE INDEX erasure_pending ON {schema}.erasure (pending) WHERE pending = 1;

CREATE TABLE {schema}.exchange (
    bank BIGINT NOT NULL REFERENCES {schema}.bank (bank),
    number BIGINT NOT NULL,
    session BIGINT NOT NULL,
    closed BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    error TEXT,                      -- class of the last error
    due_at BIGINT,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (bank, number)
);

CREATE INDEX exchange_session ON {schema}.exchange (bank, session) WHERE closed = 0;

CREATE TABLE {schema}.exchange_turn (
    bank BIGINT NOT NULL,
    number BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (bank, number, seq),
    FOREIGN KEY (bank, number) REFERENCES {schema}.exchange (bank, number),
    FOREIGN KEY (bank, seq) REFERENCES {schema}.memory (bank, seq)
);

CREATE INDEX exchange_turn_seq ON {schema}.exchange_turn (bank, seq);

-- Keyed digests (HMAC) of erased texts, under a key that is not in the file.
CREATE TABLE {schema}.fingerprint (
    bank BIGINT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (bank, mac)
);

CREATE TABLE {schema}.history (
    bank BIGINT NOT NULL,
    number BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    change BIGINT NOT NULL,
    event BIGINT NOT NULL,
    at BIGINT NOT NULL,
    author BIGINT NOT NULL,
    content BIGINT NOT NULL,        -- the reason, and what was there before
    PRIMARY KEY (bank, number),
    FOREIGN KEY (bank, seq) REFERENCES {schema}.memory (bank, seq)
);

CREATE INDEX history_at ON {schema}.history (bank, at);

CREATE INDEX history_seq ON {schema}.history (bank, seq);

-- Sketches (part 0) and terms (part 1) that lie in no block yet.
CREATE TABLE {schema}.index_entry (
    bank BIGINT NOT NULL,
    part BIGINT NOT NULL,
    change BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (bank, part, change, seq)
);

CREATE TABLE {schema}.lease (
    bank BIGINT PRIMARY KEY REFERENCES {schema}.bank (bank),
    owner TEXT NOT NULL,
    until BIGINT NOT NULL
);

-- Times that a turn's own words name, as intervals; and marks of standing instructions and of changed plans.
CREATE TABLE {schema}.mention (
    bank BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (bank, seq, kind, since, until),
    FOREIGN KEY (bank, seq) REFERENCES {schema}.memory (bank, seq)
);

CREATE INDEX mention_time ON {schema}.mention (bank, kind, until);

CREATE TABLE {schema}.meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

-- Items that were removed without a receipt, so that caches follow; only the latest removals.
CREATE TABLE {schema}.removal (
    bank BIGINT NOT NULL,
    change BIGINT NOT NULL,
    seqs BYTEA NOT NULL,              -- int64, little-endian
    PRIMARY KEY (bank, change)
);

-- Rows of `memory` that differ from what a block of rows holds.
CREATE TABLE {schema}.moved (
    bank BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (bank, seq)
);

CREATE TABLE {schema}.source (
    bank BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    source BIGINT NOT NULL,
    PRIMARY KEY (bank, seq, source),
    FOREIGN KEY (bank, seq) REFERENCES {schema}.memory (bank, seq),
    FOREIGN KEY (bank, source) REFERENCES {schema}.memory (bank, seq)
);

CREATE INDEX source_back ON {schema}.source (bank, source);

-- Hashes of metadata entries.
CREATE TABLE {schema}.tag (
    bank BIGINT NOT NULL,
    tag BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (bank, tag, seq),
    FOREIGN KEY (bank, seq) REFERENCES {schema}.memory (bank, seq)
);

CREATE INDEX tag_back ON {schema}.tag (bank, seq);

-- Applies of the latest changes, by which one whose answer was lost is told to be there or not.
CREATE TABLE {schema}.applied (
    bank BIGINT NOT NULL,
    change BIGINT NOT NULL,
    token BIGINT NOT NULL,
    PRIMARY KEY (bank, change, token)
);
