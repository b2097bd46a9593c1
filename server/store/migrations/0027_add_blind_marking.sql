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

ALTER TABLE book_changes ADD COLUMN after_grade INTEGER;

UPDATE grade_changes SET book_change_id = (
	SELECT min(b.book_change_id) FROM submissions s
	JOIN book_changes b ON b.course_id = s.course_id AND b.column_id = s.assignment_id AND b.user_id = s.user_id
	WHERE s.submission_id = grade_changes.submission_id AND b.changed_at = grade_changes.changed_at AND b.kind = grade_changes.kind
		AND b.changed_by IS grade_changes.changed_by AND b.new_points IS grade_changes.new_points);

CREATE INDEX grade_changes_by_book_change ON grade_changes (book_change_id) WHERE book_change_id IS NOT NULL;
