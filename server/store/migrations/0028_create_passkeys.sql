-- readable from 25
CREATE TABLE passkeys (
	passkey_id    TEXT PRIMARY KEY,
	user_id       TEXT NOT NULL,
	credential_id BLOB NOT NULL,
	public_key    BLOB NOT NULL,
	domain        TEXT NOT NULL,
	name          TEXT NOT NULL,
	transports    TEXT NOT NULL,
	synced        INTEGER NOT NULL CONSTRAINT passkeys_synced_bool CHECK (synced IN (0, 1)),
	sign_count    INTEGER NOT NULL,
	created_at    INTEGER NOT NULL,
	used_at       INTEGER
) STRICT;

CREATE UNIQUE INDEX passkeys_by_credential ON passkeys (credential_id);

CREATE INDEX passkeys_by_user ON passkeys (user_id);

CREATE TABLE used_challenges (
	challenge_hash BLOB PRIMARY KEY,
	expires_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
