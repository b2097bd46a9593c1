CREATE TABLE assignments (
	assignment_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	title         TEXT NOT NULL,
	description   TEXT NOT NULL,
	points        INTEGER NOT NULL CONSTRAINT assignments_points_not_negative CHECK (points >= 0),
	opens_at      INTEGER,
	due_at        INTEGER,
	cutoff_at     INTEGER,
	allow_text    INTEGER NOT NULL CONSTRAINT assignments_allow_text_bool CHECK (allow_text IN (0, 1)),
	max_files     INTEGER NOT NULL CONSTRAINT assignments_max_files_not_negative CHECK (max_files >= 0),
	max_file_size INTEGER NOT NULL CONSTRAINT assignments_max_file_size_not_negative CHECK (max_file_size >= 0),
	allowed_types TEXT NOT NULL CONSTRAINT assignments_allowed_types_json CHECK (json_valid(allowed_types)),
	max_attempts  INTEGER NOT NULL CONSTRAINT assignments_max_attempts_not_negative CHECK (max_attempts >= 0),
	published     INTEGER NOT NULL CONSTRAINT assignments_published_bool CHECK (published IN (0, 1)),
	created_by    TEXT NOT NULL,
	created_at    INTEGER NOT NULL,
	updated_at    INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT assignments_version_positive CHECK (version > 0),
	CONSTRAINT assignments_opens_before_due CHECK (opens_at <= due_at),
	CONSTRAINT assignments_due_before_cutoff CHECK (due_at <= cutoff_at),
	CONSTRAINT assignments_opens_before_cutoff CHECK (opens_at <= cutoff_at)
) STRICT;

CREATE INDEX assignments_by_course ON assignments (course_id);

CREATE TABLE assignment_attachments (
	assignment_id TEXT NOT NULL,
	file_id       TEXT NOT NULL,
	position      INTEGER NOT NULL,
	PRIMARY KEY (assignment_id, file_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX assignment_attachments_by_file ON assignment_attachments (file_id);
