CREATE TABLE submissions (
	submission_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	assignment_id TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	attempt       INTEGER NOT NULL CONSTRAINT submissions_attempt_positive CHECK (attempt > 0),
	text          TEXT NOT NULL,
	submitted_at  INTEGER NOT NULL,
	log_index     INTEGER NOT NULL,
	CONSTRAINT submissions_attempt_unique UNIQUE (assignment_id, user_id, attempt)
) STRICT;

CREATE INDEX submissions_by_user ON submissions (user_id, course_id);

CREATE TABLE submission_files (
	submission_id TEXT NOT NULL,
	file_id       TEXT NOT NULL CONSTRAINT submission_files_used_once UNIQUE,
	position      INTEGER NOT NULL,
	PRIMARY KEY (submission_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE grades (
	submission_id     TEXT PRIMARY KEY,
	course_id         TEXT NOT NULL,
	assignment_id     TEXT NOT NULL,
	user_id           TEXT NOT NULL,
	draft_points      INTEGER NOT NULL CONSTRAINT grades_draft_points_not_negative CHECK (draft_points >= 0),
	draft_feedback    TEXT NOT NULL,
	draft_by          TEXT NOT NULL,
	draft_at          INTEGER NOT NULL,
	version           INTEGER NOT NULL CONSTRAINT grades_version_positive CHECK (version > 0),
	posted_points     INTEGER,
	posted_feedback   TEXT,
	posted_by         TEXT,
	posted_changed_at INTEGER,
	posted_at         INTEGER,
	posted_version    INTEGER,
	CONSTRAINT grades_posted_whole CHECK (
		(posted_at IS NULL) = (posted_points IS NULL)
		AND (posted_at IS NULL) = (posted_feedback IS NULL)
		AND (posted_at IS NULL) = (posted_by IS NULL)
		AND (posted_at IS NULL) = (posted_changed_at IS NULL)
		AND (posted_at IS NULL) = (posted_version IS NULL)
	)
) STRICT;

CREATE INDEX grades_by_assignment ON grades (assignment_id);

CREATE INDEX grades_by_user ON grades (user_id, posted_at) WHERE posted_at IS NOT NULL;

CREATE TABLE grade_changes (
	grade_change_id INTEGER PRIMARY KEY,
	submission_id   TEXT NOT NULL,
	kind            TEXT NOT NULL CONSTRAINT grade_changes_kind_known CHECK (kind IN ('draft', 'posted')),
	changed_by      TEXT NOT NULL,
	changed_at      INTEGER NOT NULL,
	old_points      INTEGER,
	old_feedback    TEXT,
	new_points      INTEGER NOT NULL,
	new_feedback    TEXT NOT NULL
) STRICT;

CREATE INDEX grade_changes_by_submission ON grade_changes (submission_id);
