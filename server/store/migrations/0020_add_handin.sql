-- readable from 19
ALTER TABLE assignments ADD COLUMN grade_by_at INTEGER;

ALTER TABLE assignments ADD COLUMN always_show INTEGER;

ALTER TABLE assignments ADD COLUMN allow_url INTEGER;

ALTER TABLE assignments ADD COLUMN on_paper INTEGER;

ALTER TABLE assignments ADD COLUMN honour TEXT;

ALTER TABLE assignments ADD COLUMN hand_in_drafts INTEGER;

ALTER TABLE assignments ADD COLUMN archived_at INTEGER;

ALTER TABLE assignments ADD COLUMN archived_published INTEGER;

ALTER TABLE submissions ADD COLUMN url TEXT;

ALTER TABLE submissions ADD COLUMN honour TEXT;

ALTER TABLE submissions ADD COLUMN from_draft INTEGER;

ALTER TABLE submissions ADD COLUMN returned_at INTEGER;

ALTER TABLE submissions ADD COLUMN returned_by TEXT;

ALTER TABLE submissions ADD COLUMN chosen_at INTEGER;

ALTER TABLE questions ADD COLUMN assignment_id TEXT;

CREATE TABLE work_drafts (
	assignment_id TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	course_id     TEXT NOT NULL,
	text          TEXT NOT NULL,
	url           TEXT NOT NULL,
	files         TEXT NOT NULL CONSTRAINT work_drafts_files_json CHECK (json_valid(files)),
	saved_at      INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT work_drafts_version_positive CHECK (version > 0),
	PRIMARY KEY (assignment_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX work_drafts_by_user ON work_drafts (user_id);

CREATE INDEX questions_by_assignment ON questions (assignment_id) WHERE assignment_id IS NOT NULL;

CREATE INDEX files_incomplete ON files (course_id) WHERE complete_at IS NULL;

CREATE INDEX assignments_handing_in ON assignments (assignment_id) WHERE hand_in_drafts = 1;
