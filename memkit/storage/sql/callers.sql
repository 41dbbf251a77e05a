-- Statements on those who call a server in front of the database; see `queries.sql`.

-- columns: access_token
id, name, prefixes, rights, created_at, expires_at, revoked_at

-- columns: keyed_request
digest, request, ticket, name_hash, leased_until, expires_at, state, answer

-- name: add_access_token
INSERT INTO access_token (digest, id, name, prefixes, rights, created_at, expires_at)
VALUES (:digest, :id, :name, :prefixes, :rights, :created_at, :expires_at)

-- name: access_token
SELECT {access_token} FROM access_token WHERE digest = :digest

-- name: access_token_by_id
SELECT {access_token} FROM access_token WHERE id = :id

-- name: access_tokens
SELECT {access_token} FROM access_token ORDER BY id

-- name: revoke_access_token
UPDATE access_token SET revoked_at = :revoked_at WHERE id = :id AND revoked_at IS NULL

-- name: audited_tokens
SELECT digest, {access_token} FROM access_token

-- name: replace_access_token
UPDATE access_token SET id = :id, name = :name, prefixes = :prefixes, rights = :rights, created_at = :created_at,
    expires_at = :expires_at, revoked_at = :revoked_at
WHERE digest = :digest

-- name: audited_requests
SELECT {keyed_request} FROM keyed_request

-- name: drop_keyed_request
DELETE FROM keyed_request WHERE digest = :digest

-- name: keyed_request
SELECT {keyed_request} FROM keyed_request WHERE digest = :digest

-- name: begin_request
INSERT INTO keyed_request (digest, request, ticket, name_hash, leased_until, expires_at, state)
VALUES (:digest, :request, :ticket, :name_hash, :leased_until, :expires_at, :state)
ON CONFLICT (digest) DO NOTHING

-- name: drop_expired_request
DELETE FROM keyed_request WHERE digest = :digest AND expires_at <= :moment

-- name: drop_expired_requests
DELETE FROM keyed_request WHERE expires_at <= :moment

-- name: drop_request
DELETE FROM keyed_request WHERE digest = :digest AND ticket = :ticket AND state = :state

-- name: settle_request
INSERT INTO keyed_request (digest, request, ticket, name_hash, leased_until, expires_at, state, answer)
VALUES (:digest, :request, :ticket, :name_hash, :leased_until, :expires_at, :state, :answer)

-- name: drop_answers
UPDATE keyed_request SET state = CASE WHEN state = 0 THEN 1 ELSE state END, answer = NULL WHERE name_hash = :name_hash
