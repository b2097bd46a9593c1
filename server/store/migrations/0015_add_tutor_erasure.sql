-- readable from 14
ALTER TABLE questions ADD COLUMN anonymous INTEGER;

ALTER TABLE questions ADD COLUMN erased_at INTEGER;

ALTER TABLE endorsements ADD COLUMN ordinal INTEGER;

ALTER TABLE endorsements ADD COLUMN verbatim INTEGER;

CREATE UNIQUE INDEX endorsements_by_ordinal ON endorsements (course_id, ordinal) WHERE ordinal IS NOT NULL;

CREATE INDEX tutor_flags_unseen ON tutor_flags (severe, created_at) WHERE seen_at IS NULL;

CREATE INDEX questions_erased ON questions (erased_at) WHERE erased_at IS NOT NULL;
