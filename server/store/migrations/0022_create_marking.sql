-- readable from 21
CREATE TABLE markings (
	assignment_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	posting       TEXT NOT NULL CONSTRAINT markings_posting_known CHECK (posting IN ('manual', 'automatic')),
	opened_at     INTEGER,
	rubric_id     TEXT,
	rubric_shown  INTEGER NOT NULL CONSTRAINT markings_rubric_shown_bool CHECK (rubric_shown IN (0, 1)),
	version       INTEGER NOT NULL CONSTRAINT markings_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX markings_by_rubric ON markings (rubric_id) WHERE rubric_id IS NOT NULL;

CREATE TABLE rubrics (
	rubric_id   TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	title       TEXT NOT NULL,
	created_by  TEXT NOT NULL,
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	archived_at INTEGER,
	version     INTEGER NOT NULL CONSTRAINT rubrics_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX rubrics_by_course ON rubrics (course_id, title);

CREATE TABLE rubric_versions (
	rubric_id  TEXT NOT NULL,
	version    INTEGER NOT NULL,
	body       TEXT NOT NULL CONSTRAINT rubric_versions_body_json CHECK (json_valid(body)),
	created_by TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (rubric_id, version)
) STRICT, WITHOUT ROWID;

ALTER TABLE grades ADD COLUMN draft_grade TEXT;

ALTER TABLE grades ADD COLUMN draft_marks TEXT CONSTRAINT grades_draft_marks_json CHECK (draft_marks IS NULL OR json_valid(draft_marks));

ALTER TABLE grades ADD COLUMN posted_grade TEXT;

ALTER TABLE grades ADD COLUMN posted_marks TEXT CONSTRAINT grades_posted_marks_json CHECK (posted_marks IS NULL OR json_valid(posted_marks));

ALTER TABLE grades ADD COLUMN revised_at INTEGER;

ALTER TABLE grade_changes ADD COLUMN old_grade TEXT;

ALTER TABLE grade_changes ADD COLUMN new_grade TEXT;

CREATE TABLE grade_beginnings (
	submission_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	feedback      TEXT NOT NULL,
	marks         TEXT CONSTRAINT grade_beginnings_marks_json CHECK (marks IS NULL OR json_valid(marks)),
	changed_by    TEXT NOT NULL,
	changed_at    INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT grade_beginnings_version_positive CHECK (version > 0)
) STRICT;

CREATE TABLE submission_comments (
	comment_id    TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	assignment_id TEXT NOT NULL,
	submission_id TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	author_id     TEXT NOT NULL,
	staff         INTEGER NOT NULL CONSTRAINT submission_comments_staff_bool CHECK (staff IN (0, 1)),
	body          TEXT NOT NULL,
	created_at    INTEGER NOT NULL,
	posted_at     INTEGER,
	deleted_at    INTEGER,
	feedback_id   TEXT
) STRICT;

CREATE INDEX submission_comments_by_work ON submission_comments (assignment_id, user_id, created_at);

CREATE INDEX submission_comments_by_feedback ON submission_comments (feedback_id) WHERE feedback_id IS NOT NULL;

CREATE TABLE submission_comment_files (
	comment_id TEXT NOT NULL,
	file_id    TEXT NOT NULL,
	position   INTEGER NOT NULL,
	PRIMARY KEY (comment_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX submission_comment_files_by_file ON submission_comment_files (file_id);

CREATE TABLE annotations (
	annotation_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	assignment_id TEXT NOT NULL,
	submission_id TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	file_id       TEXT,
	anchor        TEXT NOT NULL CONSTRAINT annotations_anchor_json CHECK (json_valid(anchor)),
	body          TEXT NOT NULL,
	author_id     TEXT NOT NULL,
	created_at    INTEGER NOT NULL,
	changed_at    INTEGER NOT NULL,
	posted_at     INTEGER,
	deleted_at    INTEGER,
	version       INTEGER NOT NULL CONSTRAINT annotations_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX annotations_by_work ON annotations (assignment_id, user_id);
