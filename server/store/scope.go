package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

// Whom a member of staff reaches: a TA who has sections of the course in staff_sections reaches the students of those and no
// others; every other member of staff reaches all. These conditions are the only place that says so.
const (
	// ?1 user, ?2 course
	unlimited = `(NOT EXISTS(SELECT 1 FROM staff_sections l JOIN enrolments m ON m.course_id = l.course_id AND m.user_id = l.user_id AND m.role = 'ta'
		WHERE l.course_id = ?2 AND l.user_id = ?1) OR ` + userAdmin + `)`
	// ?1 user, ?2 course: the students of the sections that limit a TA
	reached = `SELECT e.user_id FROM staff_sections l JOIN enrolments e ON e.course_id = l.course_id AND e.section_id = l.section_id
		WHERE l.course_id = ?2 AND l.user_id = ?1`

	// ?1 member of the staff of course c, who looks after the author of the submission s
	taught = `NOT EXISTS(SELECT 1 FROM staff_sections x JOIN enrolments m ON m.course_id = x.course_id AND m.user_id = x.user_id AND m.role = 'ta'
			WHERE x.course_id = c.course_id AND x.user_id = ?1)
		OR EXISTS(SELECT 1 FROM staff_sections x JOIN enrolments e ON e.course_id = x.course_id AND e.section_id = x.section_id
			WHERE x.course_id = c.course_id AND x.user_id = ?1 AND e.user_id = s.user_id)`

	// The author of a question q is not a course's test student.
	notTestAuthor = `NOT EXISTS(SELECT 1 FROM test_students x WHERE x.user_id = q.author_id)`

	// ?1 user, ?2 course, ?3 student
	reachesStudent = unlimited + ` OR ?3 IN (` + reached + `)`
	// ?1 user, ?2 course, ?3 submission
	reachesSubmission = unlimited + ` OR EXISTS(SELECT 1 FROM submissions WHERE submission_id = ?3 AND user_id IN (` + reached + `))`
	// ?1 user, ?2 course, ?3 JSON list of submissions
	reachesSubmissions = unlimited + ` OR NOT EXISTS(SELECT 1 FROM submissions WHERE submission_id IN (SELECT value FROM json_each(?3))
		AND user_id NOT IN (` + reached + `))`
)

// errOtherSection refuses a TA who is limited to sections the work of a student outside of them.
var errOtherSection = lms.Errorf(lms.KindForbidden, "This student is in a section that you do not look after. An instructor can give you the section.")

// requireReachOf demands that the actor, who must be staff by a guard before it, looks after the student of a submission.
func requireReachOf(b *consensus.Batch, actor lms.Actor, courseID, submissionID string) {
	b.Require(errOtherSection, reachesSubmission, actor.UserID, courseID, submissionID)
}

// subject is whose own work the reader sees as a student does: the student's, for an observer that of the linked student,
// for others nobody's.
func (s scope) subject(actor lms.Actor) string {
	switch s.role {
	case lms.RoleStudent:
		return actor.UserID
	case lms.RoleObserver:
		return s.linked
	}
	return ""
}

// mayRead decides whether the reader may see the work and the grades of a student.
func (s *Store) mayRead(ctx context.Context, sc scope, actor lms.Actor, courseID, studentID string) error {
	switch {
	case studentID == actor.UserID, sc.subject(actor) == studentID:
		return nil
	case !sc.staff():
		return lms.ErrNotYours
	case sc.sections == "":
		return nil
	}
	n, err := s.number(ctx, `SELECT `+reachesStudent, actor.UserID, courseID, studentID)
	if err == nil && n == 0 {
		err = errOtherSection
	}
	return err
}

// staffReach is staffScope for those who look after the student of the submission.
func (s *Store) staffReach(ctx context.Context, actor lms.Actor, courseID, submissionID string) error {
	sc, err := s.staffScope(ctx, actor, courseID)
	if err != nil || sc.sections == "" {
		return err
	}
	rows, err := s.query(ctx, `SELECT user_id FROM submissions WHERE submission_id = ?1 AND course_id = ?2`, submissionID, courseID)
	student, err := one(rows, err, scanString)
	if err != nil {
		return err
	}
	return s.mayRead(ctx, sc, actor, courseID, student)
}
