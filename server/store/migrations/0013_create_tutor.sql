CREATE TABLE tutor_policies (
	course_id    TEXT PRIMARY KEY,
	enabled      INTEGER NOT NULL CONSTRAINT tutor_policies_enabled_bool CHECK (enabled IN (0, 1)),
	modes        TEXT NOT NULL CONSTRAINT tutor_policies_modes_json CHECK (json_valid(modes)),
	mode         TEXT NOT NULL,
	instructions TEXT NOT NULL,
	avoid        TEXT NOT NULL,
	sources      TEXT NOT NULL CONSTRAINT tutor_policies_sources_json CHECK (json_valid(sources)),
	level        TEXT NOT NULL,
	language     TEXT NOT NULL,
	hourly_quota INTEGER NOT NULL CONSTRAINT tutor_policies_hourly_not_negative CHECK (hourly_quota >= 0),
	daily_quota  INTEGER NOT NULL CONSTRAINT tutor_policies_daily_not_negative CHECK (daily_quota >= 0),
	ask_anyway   INTEGER NOT NULL CONSTRAINT tutor_policies_ask_anyway_not_negative CHECK (ask_anyway >= 0),
	monthly_cap  INTEGER NOT NULL CONSTRAINT tutor_policies_cap_not_negative CHECK (monthly_cap >= 0),
	owner_id     TEXT NOT NULL,
	updated_by   TEXT NOT NULL,
	updated_at   INTEGER NOT NULL,
	version      INTEGER NOT NULL CONSTRAINT tutor_policies_version_positive CHECK (version > 0)
) STRICT;

CREATE TABLE tutor_items (
	assignment_id TEXT PRIMARY KEY,
	course_id     TEXT NOT NULL,
	mode          TEXT NOT NULL,
	notes         TEXT NOT NULL,
	answer        TEXT NOT NULL,
	canary        TEXT NOT NULL,
	updated_by    TEXT NOT NULL,
	updated_at    INTEGER NOT NULL,
	version       INTEGER NOT NULL CONSTRAINT tutor_items_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX tutor_items_by_course ON tutor_items (course_id);

CREATE TABLE tutor_notices (
	user_id     TEXT NOT NULL,
	notice      INTEGER NOT NULL,
	accepted_at INTEGER NOT NULL,
	PRIMARY KEY (user_id, notice)
) STRICT, WITHOUT ROWID;

CREATE TABLE tutor_choices (
	user_id   TEXT NOT NULL,
	course_id TEXT NOT NULL,
	mode      TEXT NOT NULL,
	level     TEXT NOT NULL,
	PRIMARY KEY (user_id, course_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tutor_hints (
	user_id       TEXT NOT NULL,
	assignment_id TEXT NOT NULL,
	step          INTEGER NOT NULL CONSTRAINT tutor_hints_step_known CHECK (step BETWEEN 1 AND 5),
	updated_at    INTEGER NOT NULL,
	PRIMARY KEY (user_id, assignment_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tutor_calls (
	reply_id  TEXT NOT NULL,
	request   INTEGER NOT NULL,
	course_id TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	asked_at  INTEGER NOT NULL,
	anyway    INTEGER NOT NULL CONSTRAINT tutor_calls_anyway_bool CHECK (anyway IN (0, 1)),
	counted   INTEGER NOT NULL CONSTRAINT tutor_calls_counted_bool CHECK (counted IN (0, 1)),
	tokens    INTEGER NOT NULL CONSTRAINT tutor_calls_tokens_not_negative CHECK (tokens >= 0),
	settled   INTEGER NOT NULL CONSTRAINT tutor_calls_settled_bool CHECK (settled IN (0, 1)),
	PRIMARY KEY (reply_id, request)
) STRICT, WITHOUT ROWID;

CREATE INDEX tutor_calls_by_user ON tutor_calls (user_id, asked_at) WHERE counted = 1;

CREATE INDEX tutor_calls_by_course ON tutor_calls (course_id, asked_at) WHERE counted = 1;

CREATE INDEX tutor_calls_by_time ON tutor_calls (asked_at) WHERE counted = 1;

CREATE TABLE reply_records (
	reply_id       TEXT PRIMARY KEY,
	question_id    TEXT NOT NULL,
	course_id      TEXT NOT NULL,
	mode           TEXT NOT NULL,
	level          TEXT NOT NULL,
	assignment_id  TEXT NOT NULL,
	hint           INTEGER NOT NULL,
	prompt_version TEXT NOT NULL,
	passages       TEXT NOT NULL CONSTRAINT reply_records_passages_json CHECK (json_valid(passages)),
	relevant       INTEGER NOT NULL CONSTRAINT reply_records_relevant_bool CHECK (relevant IN (0, 1)),
	calls          INTEGER NOT NULL,
	prompt_tokens  INTEGER NOT NULL,
	answer_tokens  INTEGER NOT NULL,
	estimated      INTEGER NOT NULL CONSTRAINT reply_records_estimated_bool CHECK (estimated IN (0, 1)),
	first_ms       INTEGER NOT NULL,
	total_ms       INTEGER NOT NULL,
	checked        TEXT NOT NULL
) STRICT;

CREATE INDEX reply_records_by_course ON reply_records (course_id);

CREATE TABLE reply_ratings (
	reply_id TEXT PRIMARY KEY,
	user_id  TEXT NOT NULL,
	helpful  INTEGER NOT NULL CONSTRAINT reply_ratings_helpful_bool CHECK (helpful IN (0, 1)),
	reason   TEXT NOT NULL,
	rated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE endorsements (
	reply_id    TEXT PRIMARY KEY,
	question_id TEXT NOT NULL,
	course_id   TEXT NOT NULL,
	asked       TEXT NOT NULL,
	body        TEXT NOT NULL,
	corrected   INTEGER NOT NULL CONSTRAINT endorsements_corrected_bool CHECK (corrected IN (0, 1)),
	endorsed_by TEXT NOT NULL,
	endorsed_at INTEGER NOT NULL,
	withdrawn   INTEGER NOT NULL CONSTRAINT endorsements_withdrawn_bool CHECK (withdrawn IN (0, 1)),
	version     INTEGER NOT NULL CONSTRAINT endorsements_version_positive CHECK (version > 0)
) STRICT;

CREATE INDEX endorsements_by_course ON endorsements (course_id) WHERE withdrawn = 0;

CREATE TABLE tutor_flags (
	flag_id     TEXT PRIMARY KEY,
	course_id   TEXT NOT NULL,
	question_id TEXT NOT NULL,
	reply_id    TEXT NOT NULL,
	kind        TEXT NOT NULL,
	severe      INTEGER NOT NULL CONSTRAINT tutor_flags_severe_bool CHECK (severe IN (0, 1)),
	created_at  INTEGER NOT NULL,
	seen_by     TEXT NOT NULL,
	seen_at     INTEGER,
	CONSTRAINT tutor_flags_once UNIQUE (reply_id, kind)
) STRICT;

CREATE INDEX tutor_flags_by_course ON tutor_flags (course_id, created_at);

CREATE TABLE transcript_reads (
	question_id TEXT NOT NULL,
	reader_id   TEXT NOT NULL,
	read_at     INTEGER NOT NULL,
	PRIMARY KEY (question_id, reader_id, read_at)
) STRICT, WITHOUT ROWID;

ALTER TABLE questions ADD COLUMN mode TEXT;

ALTER TABLE questions ADD COLUMN source_id TEXT;

CREATE UNIQUE INDEX questions_by_source ON questions (source_id) WHERE source_id IS NOT NULL;
