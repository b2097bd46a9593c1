CREATE TABLE schema_migrations (
	version    INTEGER PRIMARY KEY,
	name       TEXT NOT NULL,
	applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
	user_id            TEXT PRIMARY KEY,
	login              TEXT NOT NULL,
	login_normal       TEXT NOT NULL CONSTRAINT users_login_unique UNIQUE,
	name               TEXT NOT NULL,
	password_hash      TEXT NOT NULL,
	admin              INTEGER NOT NULL CONSTRAINT users_admin_bool CHECK (admin IN (0, 1)),
	may_create_courses INTEGER NOT NULL CONSTRAINT users_may_create_bool CHECK (may_create_courses IN (0, 1)),
	disabled           INTEGER NOT NULL CONSTRAINT users_disabled_bool CHECK (disabled IN (0, 1)),
	created_at         INTEGER NOT NULL,
	updated_at         INTEGER NOT NULL,
	version            INTEGER NOT NULL CONSTRAINT users_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX users_by_admin ON users (admin) WHERE admin = 1;

CREATE TABLE setup_tokens (
	token_hash BLOB PRIMARY KEY,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
	session_id TEXT PRIMARY KEY,
	user_id    TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	seen_at    INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE session_tokens (
	token_hash BLOB PRIMARY KEY,
	session_id TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX session_tokens_by_session ON session_tokens (session_id);

CREATE TABLE session_tickets (
	ticket_hash BLOB PRIMARY KEY,
	session_id  TEXT NOT NULL,
	expires_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX session_tickets_by_session ON session_tickets (session_id);

CREATE TABLE sign_in_failures (
	subject    TEXT NOT NULL,
	failure_id TEXT NOT NULL,
	failed_at  INTEGER NOT NULL,
	PRIMARY KEY (subject, failure_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_failures_by_time ON sign_in_failures (failed_at);
