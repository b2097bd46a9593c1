CREATE TABLE courses (
	course_id  TEXT PRIMARY KEY,
	code       TEXT NOT NULL,
	title      TEXT NOT NULL,
	summary    TEXT NOT NULL,
	zone       TEXT NOT NULL,
	state      TEXT NOT NULL CONSTRAINT courses_state_known CHECK (state IN ('unpublished', 'published', 'ended', 'archived')),
	created_by TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	version    INTEGER NOT NULL CONSTRAINT courses_version_positive CHECK (version > 0)
) STRICT;

CREATE TABLE enrolments (
	course_id TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	role      TEXT NOT NULL CONSTRAINT enrolments_role_known CHECK (role IN ('instructor', 'ta', 'student', 'observer')),
	active    INTEGER NOT NULL CONSTRAINT enrolments_active_bool CHECK (active IN (0, 1)),
	joined_at INTEGER NOT NULL,
	PRIMARY KEY (course_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX enrolments_by_user ON enrolments (user_id);

CREATE TABLE invites (
	invite_id   TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	code        TEXT NOT NULL,
	code_normal TEXT NOT NULL CONSTRAINT invites_code_unique UNIQUE,
	role        TEXT NOT NULL CONSTRAINT invites_role_known CHECK (role IN ('instructor', 'ta', 'student', 'observer')),
	max_uses    INTEGER NOT NULL CONSTRAINT invites_max_uses_not_negative CHECK (max_uses >= 0),
	uses        INTEGER NOT NULL CONSTRAINT invites_uses_within CHECK (uses >= 0 AND (max_uses = 0 OR uses <= max_uses)),
	expires_at  INTEGER,
	revoked_at  INTEGER,
	created_by  TEXT NOT NULL,
	created_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX invites_by_course ON invites (course_id);

CREATE TABLE invite_uses (
	invite_id TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	used_at   INTEGER NOT NULL,
	PRIMARY KEY (invite_id, user_id)
) STRICT, WITHOUT ROWID;
