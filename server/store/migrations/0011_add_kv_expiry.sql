ALTER TABLE kv_entries ADD COLUMN expires_at INTEGER;

CREATE INDEX kv_entries_by_expiry ON kv_entries (expires_at, key) WHERE expires_at IS NOT NULL;

CREATE TABLE api_tokens (
	token_id   TEXT PRIMARY KEY,
	token_hash BLOB NOT NULL UNIQUE,
	name       TEXT NOT NULL,
	created_by TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	revoked_at INTEGER
) STRICT;
