-- readable from 15
CREATE TABLE sections (
	section_id  TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	title       TEXT NOT NULL,
	position    INTEGER NOT NULL,
	created_at  INTEGER NOT NULL,
	archived_at INTEGER,
	version     INTEGER NOT NULL CONSTRAINT sections_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX sections_by_course ON sections (course_id, position);

ALTER TABLE enrolments ADD COLUMN section_id TEXT;

CREATE TABLE categories (
	category_id  TEXT PRIMARY KEY,
	course_id    TEXT NOT NULL,
	name         TEXT NOT NULL,
	weight       INTEGER NOT NULL CONSTRAINT categories_weight_not_negative CHECK (weight >= 0),
	drop_lowest  INTEGER NOT NULL CONSTRAINT categories_drop_lowest_not_negative CHECK (drop_lowest >= 0),
	drop_highest INTEGER NOT NULL CONSTRAINT categories_drop_highest_not_negative CHECK (drop_highest >= 0),
	position     INTEGER NOT NULL,
	created_at   INTEGER NOT NULL,
	version      INTEGER NOT NULL CONSTRAINT categories_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX categories_by_course ON categories (course_id, position);

ALTER TABLE courses ADD COLUMN late_policy TEXT CONSTRAINT courses_late_policy_json CHECK (late_policy IS NULL OR json_valid(late_policy));

ALTER TABLE assignments ADD COLUMN late_policy TEXT CONSTRAINT assignments_late_policy_json CHECK (late_policy IS NULL OR json_valid(late_policy));

ALTER TABLE assignments ADD COLUMN grade_type TEXT
	CONSTRAINT assignments_grade_type_known CHECK (grade_type IS NULL OR grade_type IN ('points', 'percent', 'letter', 'passfail', 'ungraded'));

ALTER TABLE assignments ADD COLUMN category_id TEXT;

ALTER TABLE assignments ADD COLUMN extra_credit INTEGER;

ALTER TABLE assignments ADD COLUMN never_drop INTEGER;

CREATE TABLE overrides (
	override_id   TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	assignment_id TEXT NOT NULL,
	target        TEXT NOT NULL CONSTRAINT overrides_target_known CHECK (target IN ('student', 'section')),
	target_id     TEXT NOT NULL,
	opens_at      INTEGER,
	due_at        INTEGER,
	cutoff_at     INTEGER,
	max_attempts  INTEGER CONSTRAINT overrides_max_attempts_not_negative CHECK (max_attempts IS NULL OR max_attempts >= 0),
	granted_by    TEXT NOT NULL,
	granted_at    INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT overrides_version_positive CHECK (version > 0),
	CONSTRAINT overrides_once UNIQUE (assignment_id, target, target_id)
) STRICT;

CREATE INDEX overrides_by_course ON overrides (course_id);
