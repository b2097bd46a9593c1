package storetest

import (
	"context"
	"testing"

	"trivium/consensus"
	"trivium/server/store"
)

// FillBook adds so many students and assignments to a course, with work handed in and graded in nearly every cell, posted in
// every second column, and two categories of which one drops its lowest three. It writes the rows themselves: through the
// API it would take minutes.
func FillBook(t testing.TB, s *store.Store, courseID string, students, columns int) {
	t.Helper()
	for _, q := range BookRows {
		var b consensus.Batch
		b.Exec(q, courseID, students, columns)
		if _, err := s.DB().Apply(context.Background(), &b); err != nil {
			t.Fatalf("%v\n%s", err, q)
		}
	}
}

const (
	numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < max(?2, ?3)) `
	cells   = numbers + `, cell AS (SELECT s.i AS s, c.i AS c, printf('big-%d-%d', s.i, c.i) AS id FROM n s JOIN n c ON s.i <= ?2 AND c.i <= ?3 AND (s.i * 7 + c.i * 13) % 19 > 0) `
	numberc = ` WHERE i <= ?3 AND ?1 <> '' AND ?2 > 0`
)

// BookRows are the statements of FillBook: ?1 course, ?2 students, ?3 columns.
var BookRows = []string{
	numbers + `INSERT INTO users (user_id, login, login_normal, name, password_hash, admin, may_create_courses, disabled, created_at, updated_at, version)
		SELECT printf('big-%04d', i), printf('big%04d', i), printf('big%04d', i), printf('Student %04d', i), 'x', 0, 0, 0, i, i, 1 FROM n WHERE i <= ?2 AND ?1 <> ''`,
	numbers + `INSERT INTO enrolments (course_id, user_id, role, active, joined_at)
		SELECT ?1, printf('big-%04d', i), 'student', 1, i FROM n WHERE i <= ?2`,
	numbers + `INSERT INTO categories (category_id, course_id, name, weight, drop_lowest, drop_highest, position, created_at, version)
		SELECT printf('big-%d', i), ?1, iif(i = 1, 'Homework', 'Exams'), iif(i = 1, 4000, 6000), iif(i = 1, 3, 0), 0, i, i, 1 FROM n WHERE i <= 2 AND ?2 > 0`,
	numbers + `INSERT INTO assignments (assignment_id, course_id, title, description, points, allow_text, max_files, max_file_size, allowed_types,
			max_attempts, published, created_by, created_at, updated_at, version, due_at, category_id)
		SELECT printf('big-%02d', i), ?1, printf('Task %02d', i), '', 10000, 1, 0, 0, '[]', 0, 1, 'big-0001', i, i, 1, 1767225600000 + i * 86400000,
			iif(i % 4 = 0, 'big-2', 'big-1') FROM n` + numberc,
	cells + `INSERT INTO submissions (submission_id, course_id, assignment_id, user_id, attempt, text, submitted_at, log_index)
		SELECT id, ?1, printf('big-%02d', c), printf('big-%04d', s), 1, 'x', 1767139200000 + c * 86400000, 1 FROM cell`,
	cells + `INSERT INTO grades (submission_id, course_id, assignment_id, user_id, draft_points, draft_feedback, draft_by, draft_at, version,
			posted_points, posted_feedback, posted_by, posted_changed_at, posted_at, posted_version)
		SELECT id, ?1, printf('big-%02d', c), printf('big-%04d', s), 4000 + (s * 31 + c * 57) % 6001, '', 'big-0001', 1, 1,
			iif(c % 2 = 0, 4000 + (s * 31 + c * 57) % 6001, NULL), iif(c % 2 = 0, '', NULL), iif(c % 2 = 0, 'big-0001', NULL),
			iif(c % 2 = 0, 1, NULL), iif(c % 2 = 0, 1, NULL), iif(c % 2 = 0, 1, NULL) FROM cell`,
}
