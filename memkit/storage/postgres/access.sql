-- Tables of format 2: those who call a server in front of the database. No bank leads them: they belong to the database
-- itself, and are neither exported nor moved.

-- A token that was revoked stays: a database that ever had one goes on asking for one.
CREATE TABLE {schema}.access_token (
    digest BYTEA PRIMARY KEY,         -- SHA-256 of the secret, which is stored nowhere
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    prefixes TEXT NOT NULL,          -- a JSON array of arrays of strings
    rights TEXT NOT NULL,            -- a JSON array of strings
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

-- Requests that were begun under a key, for 24 hours.
CREATE TABLE {schema}.keyed_request (
    digest BYTEA PRIMARY KEY,         -- SHA-256 of caller and key, neither of which is stored
    request BYTEA NOT NULL,           -- HMAC of the request, under the key
    ticket BIGINT NOT NULL,         -- a random number of whoever began it
    name_hash BIGINT,               -- of the bank whose erasures take the answer away
    leased_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state BIGINT NOT NULL,
    answer TEXT                     -- of receipts; never text of a memory
);

CREATE INDEX keyed_request_expiry ON {schema}.keyed_request (expires_at);

CREATE INDEX keyed_request_name ON {schema}.keyed_request (name_hash) WHERE name_hash IS NOT NULL;
