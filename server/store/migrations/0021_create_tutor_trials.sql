-- readable from 20
CREATE TABLE tutor_trials (
	trial_id    TEXT PRIMARY KEY,
	model       TEXT NOT NULL,
	prompt      TEXT NOT NULL,
	state       TEXT NOT NULL CONSTRAINT tutor_trials_state_known CHECK (state IN ('running', 'done', 'failed')),
	total       INTEGER NOT NULL,
	done        INTEGER NOT NULL,
	passed      INTEGER NOT NULL,
	failed      TEXT NOT NULL CONSTRAINT tutor_trials_failed_json CHECK (json_valid(failed)),
	error       TEXT NOT NULL,
	started_by  TEXT NOT NULL,
	started_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	accepted_by TEXT,
	accepted_at INTEGER
) STRICT;

CREATE INDEX tutor_trials_by_start ON tutor_trials (started_at);

CREATE INDEX tutor_calls_by_month ON tutor_calls (asked_at, course_id, tokens);
