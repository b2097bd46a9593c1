-- readable from 25
ALTER TABLE assignments ADD COLUMN blind INTEGER CONSTRAINT assignments_blind_bool CHECK (blind IN (0, 1));

ALTER TABLE assignments ADD COLUMN revealed_at INTEGER;

ALTER TABLE assignments ADD COLUMN hide_markers INTEGER CONSTRAINT assignments_hide_markers_bool CHECK (hide_markers IN (0, 1));

CREATE TABLE participants (
	assignment_id TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	number        INTEGER NOT NULL CONSTRAINT participants_number_positive CHECK (number > 0),
	PRIMARY KEY (assignment_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX participants_by_number ON participants (assignment_id, number);

ALTER TABLE grade_changes ADD COLUMN book_change_id INTEGER;

CREATE INDEX grade_changes_by_book_change ON grade_changes (book_change_id) WHERE book_change_id IS NOT NULL;
