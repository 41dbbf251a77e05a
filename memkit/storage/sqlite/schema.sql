-- Tables of one memkit database, in the form of format 1; `access.sql` has those of format 2. `migrations.py`
-- creates new files from both.
-- The ledger of migrations, the table `migration`, is kept by sqlite-utils.

CREATE TABLE bank (
    bank INTEGER PRIMARY KEY,
    name TEXT NOT NULL,              -- a JSON array of strings
    zone TEXT NOT NULL,
    key BLOB NOT NULL,
    created_at INTEGER NOT NULL,     -- all times: microseconds since 1970, UTC
    change INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,
    next_seq INTEGER NOT NULL DEFAULT 1,
    next_history INTEGER NOT NULL DEFAULT 1,
    next_exchange INTEGER NOT NULL DEFAULT 1,
    next_block INTEGER NOT NULL DEFAULT 1,
    next_content INTEGER NOT NULL DEFAULT 1,
    unsealed_sketches INTEGER NOT NULL DEFAULT 0,   -- rows in index_entry, by part
    unsealed_terms INTEGER NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX bank_name ON bank (name);

-- Blocks of sketches (part 0), of terms (1), of quantised vectors (2) and of index rows (3).
CREATE TABLE block (
    bank INTEGER NOT NULL,
    part INTEGER NOT NULL,
    number INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    change INTEGER NOT NULL,         -- the latest of its rows
    data BLOB NOT NULL,
    PRIMARY KEY (bank, part, number)
);

-- All text, payloads and vectors, in the order in which they came. Rows are added and removed, never grown.
-- Never WITHOUT ROWID: moving rows between pages was measured to leave bytes of erased ones behind.
CREATE TABLE content (
    bank INTEGER NOT NULL,
    id INTEGER NOT NULL,
    text TEXT,
    payload TEXT,
    vector BLOB,
    passages BLOB,                   -- vectors of a long text's parts
    tokens BLOB,                     -- signs of its words' vectors
    checksum INTEGER NOT NULL,
    UNIQUE (bank, id)
);

-- Receipts of erasures, a chain for each bank. A bank that is made again takes over those of its name.
CREATE TABLE erasure (
    bank INTEGER NOT NULL,
    number INTEGER NOT NULL,
    change INTEGER NOT NULL,
    seqs BLOB NOT NULL,              -- of what went: int64, little-endian; empty where the bank went
    receipt TEXT NOT NULL,           -- JSON; never text of a memory
    pending INTEGER NOT NULL,        -- 1 until the files were found free of its bytes
    name TEXT,                       -- of a bank that isn't there (any more)
    PRIMARY KEY (bank, number)
);

CREATE INDEX erasure_name ON erasure (name) WHERE name IS NOT NULL;

CREATE INDEX erasure_change ON erasure (bank, change);

CREATE INDEX erasure_pending ON erasure (pending) WHERE pending = 1;

CREATE TABLE exchange (
    bank INTEGER NOT NULL REFERENCES bank (bank),
    number INTEGER NOT NULL,
    session INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT,                      -- class of the last error
    due_at INTEGER,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (bank, number)
) WITHOUT ROWID;

CREATE INDEX exchange_session ON exchange (bank, session) WHERE closed = 0;

CREATE TABLE exchange_turn (
    bank INTEGER NOT NULL,
    number INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (bank, number, seq),
    FOREIGN KEY (bank, number) REFERENCES exchange (bank, number),
    FOREIGN KEY (bank, seq) REFERENCES memory (bank, seq)
) WITHOUT ROWID;

CREATE INDEX exchange_turn_seq ON exchange_turn (bank, seq);

-- Keyed digests (HMAC) of erased texts, under a key that is not in the file.
CREATE TABLE fingerprint (
    bank INTEGER NOT NULL,
    mac BLOB NOT NULL,
    PRIMARY KEY (bank, mac)
) WITHOUT ROWID;

CREATE TABLE history (
    bank INTEGER NOT NULL,
    number INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    change INTEGER NOT NULL,
    event INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author INTEGER NOT NULL,
    content INTEGER NOT NULL,        -- the reason, and what was there before
    PRIMARY KEY (bank, number),
    FOREIGN KEY (bank, seq) REFERENCES memory (bank, seq)
) WITHOUT ROWID;

CREATE INDEX history_at ON history (bank, at);

CREATE INDEX history_seq ON history (bank, seq);

-- Sketches (part 0) and terms (part 1) that lie in no block yet.
CREATE TABLE index_entry (
    bank INTEGER NOT NULL,
    part INTEGER NOT NULL,
    change INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (bank, part, change, seq)
) WITHOUT ROWID;

CREATE TABLE lease (
    bank INTEGER PRIMARY KEY REFERENCES bank (bank),
    owner TEXT NOT NULL,
    until INTEGER NOT NULL
);

CREATE TABLE memory (
    bank INTEGER NOT NULL REFERENCES bank (bank),
    seq INTEGER NOT NULL,
    id BLOB NOT NULL,                -- UUIDv7
    ref INTEGER,                     -- hash of the caller's own id
    content INTEGER NOT NULL,
    vector INTEGER,                  -- content row; NULL: none yet, or none wanted
    wanted INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    author INTEGER NOT NULL,
    role INTEGER,
    speaker INTEGER,
    head INTEGER,
    label INTEGER,
    session INTEGER,
    episode INTEGER,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    valid_from INTEGER,
    valid_until INTEGER,
    superseded_by INTEGER,
    echo_of INTEGER,
    strength REAL NOT NULL,
    recalled_at INTEGER,
    recall_count INTEGER NOT NULL,
    salience REAL,
    pinned INTEGER NOT NULL,
    length INTEGER NOT NULL,
    asks INTEGER NOT NULL,
    hash_group INTEGER,
    text_key INTEGER NOT NULL,
    change INTEGER NOT NULL,
    PRIMARY KEY (bank, seq),
    FOREIGN KEY (bank, superseded_by) REFERENCES memory (bank, seq) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (bank, echo_of) REFERENCES memory (bank, seq) DEFERRABLE INITIALLY DEFERRED
) WITHOUT ROWID;

CREATE INDEX memory_change ON memory (bank, change);

CREATE INDEX memory_derived ON memory (bank, kind) WHERE kind <> 0;

CREATE INDEX memory_echo ON memory (bank, echo_of) WHERE echo_of IS NOT NULL;

CREATE INDEX memory_episode ON memory (bank, session, episode) WHERE session IS NOT NULL;

CREATE INDEX memory_expiry ON memory (bank, valid_until) WHERE kind = 4 AND valid_until IS NOT NULL;

CREATE INDEX memory_group ON memory (bank, hash_group, kind) WHERE hash_group IS NOT NULL AND kind <> 0;

CREATE INDEX memory_head ON memory (bank, head) WHERE head IS NOT NULL;

CREATE UNIQUE INDEX memory_id ON memory (bank, id);

CREATE INDEX memory_label ON memory (bank, label) WHERE label IS NOT NULL;

CREATE INDEX memory_occurred ON memory (bank, kind, occurred_at);

CREATE INDEX memory_placed ON memory (bank) WHERE session IS NOT NULL;

CREATE UNIQUE INDEX memory_ref ON memory (bank, ref) WHERE ref IS NOT NULL;

CREATE INDEX memory_speaker ON memory (bank, speaker) WHERE speaker IS NOT NULL;

CREATE INDEX memory_superseded ON memory (bank, superseded_by) WHERE superseded_by IS NOT NULL;

CREATE INDEX memory_text ON memory (bank, text_key) WHERE echo_of IS NULL;

CREATE INDEX memory_thought ON memory (bank, text_key, speaker) WHERE kind = 1;

CREATE INDEX memory_unencoded ON memory (bank) WHERE vector IS NULL AND wanted = 1;

-- Times that a turn's own words name, as intervals; and marks of standing instructions and of changed plans.
CREATE TABLE mention (
    bank INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (bank, seq, kind, since, until),
    FOREIGN KEY (bank, seq) REFERENCES memory (bank, seq)
) WITHOUT ROWID;

CREATE INDEX mention_time ON mention (bank, kind, until);

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Items that were removed without a receipt, so that caches follow; only the latest removals.
CREATE TABLE removal (
    bank INTEGER NOT NULL,
    change INTEGER NOT NULL,
    seqs BLOB NOT NULL,              -- int64, little-endian
    PRIMARY KEY (bank, change)
) WITHOUT ROWID;

-- Rows of `memory` that differ from what a block of rows holds.
CREATE TABLE moved (
    bank INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (bank, seq)
) WITHOUT ROWID;

CREATE TABLE source (
    bank INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    source INTEGER NOT NULL,
    PRIMARY KEY (bank, seq, source),
    FOREIGN KEY (bank, seq) REFERENCES memory (bank, seq),
    FOREIGN KEY (bank, source) REFERENCES memory (bank, seq)
) WITHOUT ROWID;

CREATE INDEX source_back ON source (bank, source);

-- Hashes of metadata entries.
CREATE TABLE tag (
    bank INTEGER NOT NULL,
    tag INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (bank, tag, seq),
    FOREIGN KEY (bank, seq) REFERENCES memory (bank, seq)
) WITHOUT ROWID;

CREATE INDEX tag_back ON tag (bank, seq);
