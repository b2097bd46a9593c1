-- readable from 18
ALTER TABLE courses ADD COLUMN term TEXT;

ALTER TABLE courses ADD COLUMN language TEXT;

ALTER TABLE courses ADD COLUMN archived_at INTEGER;

ALTER TABLE courses ADD COLUMN archived_from TEXT;

ALTER TABLE users ADD COLUMN external_id TEXT;

ALTER TABLE users ADD COLUMN mail TEXT;

CREATE UNIQUE INDEX users_by_external_id ON users (external_id) WHERE external_id IS NOT NULL;

CREATE UNIQUE INDEX users_by_mail ON users (mail) WHERE mail IS NOT NULL;

ALTER TABLE enrolments ADD COLUMN linked_id TEXT;

CREATE INDEX enrolments_by_section ON enrolments (section_id) WHERE section_id IS NOT NULL;

CREATE TABLE staff_sections (
	course_id  TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	section_id TEXT NOT NULL,
	PRIMARY KEY (course_id, user_id, section_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE test_students (
	course_id  TEXT PRIMARY KEY,
	user_id    TEXT NOT NULL CONSTRAINT test_students_user_unique UNIQUE,
	created_at INTEGER NOT NULL
) STRICT;

ALTER TABLE sessions ADD COLUMN view_course_id TEXT;

CREATE TABLE pending_accounts (
	user_id    TEXT PRIMARY KEY,
	course_id  TEXT NOT NULL,
	token_hash BLOB CONSTRAINT pending_accounts_token_unique UNIQUE,
	expires_at INTEGER,
	created_by TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX pending_accounts_by_course ON pending_accounts (course_id);

CREATE TABLE roster_imports (
	course_id   TEXT PRIMARY KEY,
	before      TEXT NOT NULL CONSTRAINT roster_imports_before_json CHECK (json_valid(before)),
	after_hash  TEXT NOT NULL,
	imported_by TEXT NOT NULL,
	imported_at INTEGER NOT NULL
) STRICT;
