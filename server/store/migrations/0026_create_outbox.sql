-- readable from 25
CREATE TABLE outbox (
	mail_id    TEXT PRIMARY KEY,
	kind       TEXT NOT NULL,
	object_id  TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	queued_at  INTEGER NOT NULL,
	next_at    INTEGER NOT NULL,
	tries      INTEGER NOT NULL,
	holder     TEXT,
	held_until INTEGER,
	message_id TEXT,
	error      TEXT,
	sent_at    INTEGER,
	sent_to    TEXT,
	failed_at  INTEGER,
	CONSTRAINT outbox_once UNIQUE (kind, object_id, user_id)
) STRICT;

CREATE INDEX outbox_open ON outbox (next_at) WHERE sent_at IS NULL AND failed_at IS NULL;

CREATE INDEX outbox_by_age ON outbox (queued_at);

CREATE TABLE mailers (
	node_id TEXT PRIMARY KEY,
	until   INTEGER NOT NULL
) STRICT;
