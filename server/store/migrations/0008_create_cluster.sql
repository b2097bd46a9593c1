CREATE TABLE nodes (
	node_id    TEXT PRIMARY KEY,
	address    TEXT NOT NULL,
	origin     TEXT NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE join_tokens (
	token_hash BLOB PRIMARY KEY,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	used_by    TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
	name       TEXT PRIMARY KEY,
	value      TEXT NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE kv_entries (
	key     TEXT PRIMARY KEY,
	value   TEXT NOT NULL,
	version INTEGER NOT NULL CONSTRAINT kv_entries_version_positive CHECK (version > 0)
) STRICT;
