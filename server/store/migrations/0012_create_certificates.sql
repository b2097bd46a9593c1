CREATE TABLE certificate_items (
	key         TEXT PRIMARY KEY,
	box         BLOB NOT NULL,
	size        INTEGER NOT NULL,
	modified_at INTEGER NOT NULL
) STRICT;

CREATE TABLE certificate_locks (
	name       TEXT PRIMARY KEY,
	owner      TEXT NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;
