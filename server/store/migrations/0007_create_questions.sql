CREATE TABLE questions (
	question_id TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	author_id   TEXT NOT NULL,
	addressee   TEXT NOT NULL CONSTRAINT questions_addressee_known CHECK (addressee IN ('staff', 'tutor')),
	title       TEXT NOT NULL,
	body        TEXT NOT NULL,
	material_id TEXT,
	visibility  TEXT NOT NULL CONSTRAINT questions_visibility_known CHECK (visibility IN ('staff', 'course')),
	state       TEXT NOT NULL CONSTRAINT questions_state_known CHECK (state IN ('pending', 'open', 'answered', 'resolved')),
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	version     INTEGER NOT NULL CONSTRAINT questions_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX questions_by_course ON questions (course_id, created_at);

CREATE INDEX questions_by_author ON questions (author_id);

CREATE TABLE replies (
	reply_id     TEXT PRIMARY KEY,
	question_id  TEXT NOT NULL,
	position     INTEGER NOT NULL CONSTRAINT replies_position_positive CHECK (position > 0),
	author_id    TEXT NOT NULL,
	author_role  TEXT NOT NULL,
	body         TEXT NOT NULL,
	state        TEXT NOT NULL CONSTRAINT replies_state_known CHECK (state IN ('pending', 'answering', 'done', 'stopped', 'failed')),
	note         TEXT NOT NULL,
	generated    INTEGER NOT NULL CONSTRAINT replies_generated_bool CHECK (generated IN (0, 1)),
	model        TEXT NOT NULL,
	citations    TEXT NOT NULL CONSTRAINT replies_citations_json CHECK (json_valid(citations)),
	created_at   INTEGER NOT NULL,
	requests     INTEGER NOT NULL,
	requested_at INTEGER NOT NULL,
	node_id      TEXT NOT NULL,
	heartbeat_at INTEGER,
	CONSTRAINT replies_position_unique UNIQUE (question_id, position)
) STRICT;

CREATE INDEX replies_unfinished ON replies (requested_at) WHERE state IN ('pending', 'answering');
