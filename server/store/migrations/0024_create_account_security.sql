-- readable from 23
ALTER TABLE sessions ADD COLUMN agent TEXT;

ALTER TABLE session_tokens ADD COLUMN access_until INTEGER;

ALTER TABLE session_tokens ADD COLUMN next_key BLOB;

ALTER TABLE session_tokens ADD COLUMN next_hash BLOB;

ALTER TABLE session_tokens ADD COLUMN accepted_until INTEGER;

ALTER TABLE session_tokens ADD COLUMN unused INTEGER;

CREATE TABLE known_devices (
	device_hash BLOB NOT NULL,
	user_id     TEXT NOT NULL,
	seen_at     INTEGER NOT NULL,
	PRIMARY KEY (device_hash, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX known_devices_by_user ON known_devices (user_id);

CREATE TABLE resets (
	token_hash BLOB PRIMARY KEY,
	user_id    TEXT NOT NULL,
	by_mail    INTEGER NOT NULL CONSTRAINT resets_by_mail_bool CHECK (by_mail IN (0, 1)),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX resets_by_user ON resets (user_id);

CREATE TABLE totp (
	user_id      TEXT PRIMARY KEY,
	box          TEXT NOT NULL,
	last_step    INTEGER NOT NULL,
	created_at   INTEGER NOT NULL,
	confirmed_at INTEGER
) STRICT;

CREATE TABLE recovery_codes (
	user_id   TEXT NOT NULL,
	code_hash BLOB NOT NULL,
	used_at   INTEGER,
	PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;
