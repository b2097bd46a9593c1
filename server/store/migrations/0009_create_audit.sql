CREATE TABLE audit_log (
	audit_id INTEGER PRIMARY KEY,
	at       INTEGER NOT NULL,
	actor_id TEXT NOT NULL,
	actor    TEXT NOT NULL,
	address  TEXT NOT NULL,
	action   TEXT NOT NULL,
	object   TEXT NOT NULL,
	details  TEXT NOT NULL,
	hash     TEXT NOT NULL CONSTRAINT audit_log_hash_whole CHECK (length(hash) = 64),
	CONSTRAINT audit_log_single_lines CHECK (instr(actor_id || actor || address || action || object || details, char(10)) = 0)
) STRICT;

CREATE INDEX audit_log_by_actor ON audit_log (actor);

CREATE INDEX audit_log_by_action ON audit_log (action);

CREATE TRIGGER audit_log_keeps_rows BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_log_keeps_content BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
