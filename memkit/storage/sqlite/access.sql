-- Tables of format 2: those who call a server in front of the database. No bank leads them: they belong to the database
-- itself, and are neither exported nor moved.

-- A token that was revoked stays: a database that ever had one goes on asking for one.
CREATE TABLE access_token (
    digest BLOB PRIMARY KEY,         -- SHA-256 of the secret, which is stored nowhere
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    prefixes TEXT NOT NULL,          -- a JSON array of arrays of strings
    rights TEXT NOT NULL,            -- a JSON array of strings
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) WITHOUT ROWID;

-- Requests that were begun under a key, for 24 hours. Rows are added and removed in the order in which they came.
CREATE TABLE keyed_request (
    digest BLOB NOT NULL,            -- SHA-256 of caller and key, neither of which is stored
    request BLOB NOT NULL,           -- HMAC of the request, under the key
    ticket INTEGER NOT NULL,         -- a random number of whoever began it
    name_hash INTEGER,               -- of the bank whose erasures take the answer away
    leased_until INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    answer TEXT,                     -- of receipts; never text of a memory
    UNIQUE (digest)
);

CREATE INDEX keyed_request_expiry ON keyed_request (expires_at);

CREATE INDEX keyed_request_name ON keyed_request (name_hash) WHERE name_hash IS NOT NULL;
