package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

// Conditions of guards. They are complete SQL expressions, so that batches can put them together.
const (
	// ?1 user
	userEnabled = `EXISTS(SELECT 1 FROM users WHERE user_id = ?1 AND disabled = 0)`
	userAdmin   = `EXISTS(SELECT 1 FROM users WHERE user_id = ?1 AND disabled = 0 AND admin = 1)`

	// ?1 user, ?2 course
	courseMember     = `(EXISTS(SELECT 1 FROM enrolments WHERE user_id = ?1 AND course_id = ?2 AND active = 1) OR ` + courseTest + `)`
	courseStudent    = `(EXISTS(SELECT 1 FROM enrolments WHERE user_id = ?1 AND course_id = ?2 AND active = 1 AND role = 'student') OR ` + courseTest + `)`
	courseInstructor = `EXISTS(SELECT 1 FROM enrolments WHERE user_id = ?1 AND course_id = ?2 AND active = 1 AND role = 'instructor')`
	courseStaff      = `EXISTS(SELECT 1 FROM enrolments WHERE user_id = ?1 AND course_id = ?2 AND active = 1 AND role IN ('instructor', 'ta'))`
	courseObserver   = `EXISTS(SELECT 1 FROM enrolments WHERE user_id = ?1 AND course_id = ?2 AND active = 1 AND role = 'observer')`

	// A course's test student has no enrolment, so that no list, count, statistic or export of members can have it.
	courseTest = `EXISTS(SELECT 1 FROM test_students WHERE user_id = ?1 AND course_id = ?2)`

	memberOrAdmin     = `(` + courseMember + ` OR ` + userAdmin + `)`
	staffOrAdmin      = `(` + courseStaff + ` OR ` + userAdmin + `)`
	instructorOrAdmin = `(` + courseInstructor + ` OR ` + userAdmin + `)`
	notObserver       = `(NOT ` + courseObserver + ` OR ` + userAdmin + `)`

	// A course that is not published is there for its staff only.
	courseVisible = `(EXISTS(SELECT 1 FROM courses WHERE course_id = ?2 AND state IN ('published', 'ended')) OR ` + staffOrAdmin + `)`

	// ?1 course
	courseExists   = `EXISTS(SELECT 1 FROM courses WHERE course_id = ?1)`
	courseWritable = `EXISTS(SELECT 1 FROM courses WHERE course_id = ?1 AND state IN ('unpublished', 'published'))`
)

// requireAdmin demands a site administrator, or the operator of a node, who has no account and whom the operator token
// has proven. No account has the operator's id.
func requireAdmin(b *consensus.Batch, actor lms.Actor) {
	if actor.UserID == lms.OperatorID {
		return
	}
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Require(lms.ErrForbidden, userAdmin, actor.UserID)
}

// requireAccess demands the access to the course, and that the course is there for the actor.
func requireAccess(b *consensus.Batch, actor lms.Actor, courseID string, access lms.Access) {
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Require(lms.ErrNotYourCourse, memberOrAdmin, actor.UserID, courseID)
	b.Require(lms.ErrNotFound, courseExists, courseID)
	switch access {
	case lms.MemberOfCourse:
	case lms.StudentOfCourse:
		b.Require(lms.ErrForbidden, courseStudent, actor.UserID, courseID)
	case lms.StaffOfCourse:
		b.Require(lms.ErrForbidden, staffOrAdmin, actor.UserID, courseID)
	case lms.InstructorOfCourse:
		b.Require(lms.ErrForbidden, instructorOrAdmin, actor.UserID, courseID)
	default:
		b.Require(lms.ErrForbidden, `0`)
	}
	b.Require(lms.ErrNotFound, courseVisible, actor.UserID, courseID)
}

// requireWrite is requireAccess in a course that has not ended.
func requireWrite(b *consensus.Batch, actor lms.Actor, courseID string, access lms.Access) {
	requireAccess(b, actor, courseID, access)
	b.Require(lms.ErrCourseOver, courseWritable, courseID)
}

// scope is what a reader is in a course, as the database has it.
type scope struct {
	role     lms.Role
	admin    bool
	state    lms.CourseState
	sections string // JSON list of the sections that a TA is limited to; empty: not limited
	linked   string // the student whose work an observer reads
}

func (s scope) staff() bool { return s.admin || s.role.Staff() }

// scope looks up what the actor is in the course. It refuses those who are not members, and hides a course that is not
// published from all but staff.
func (s *Store) scope(ctx context.Context, actor lms.Actor, courseID string) (scope, error) {
	const q = `
		SELECT u.admin, coalesce(c.state, ''), coalesce(e.role, iif(t.user_id IS NULL, '', 'student')), 
			coalesce((SELECT k.user_id FROM enrolments k WHERE k.course_id = e.course_id AND k.user_id = e.linked_id AND k.active = 1 AND k.role = 'student'), ''),
			CASE WHEN e.role = 'ta' AND u.admin = 0 THEN coalesce((SELECT nullif(json_group_array(l.section_id), '[]') FROM staff_sections l
				WHERE l.course_id = ?2 AND l.user_id = ?1), '') ELSE '' END
		FROM users u
		LEFT JOIN courses c ON c.course_id = ?2
		LEFT JOIN enrolments e ON e.course_id = c.course_id AND e.user_id = u.user_id AND e.active = 1
		LEFT JOIN test_students t ON t.course_id = c.course_id AND t.user_id = u.user_id
		WHERE u.user_id = ?1 AND u.disabled = 0`
	rows, err := s.query(ctx, q, actor.UserID, courseID)
	found, err := collect(rows, err, func(row consensus.Row) (sc scope, err error) {
		return sc, row.Scan(&sc.admin, &sc.state, &sc.role, &sc.linked, &sc.sections)
	})
	if err != nil {
		return scope{}, err
	}
	if len(found) == 0 {
		return scope{}, lms.ErrSignIn
	}
	sc := found[0]
	switch {
	case sc.role == "" && !sc.admin:
		return scope{}, lms.ErrNotYourCourse
	case sc.state == "":
		return scope{}, lms.ErrNotFound
	case !sc.staff() && sc.state != lms.CoursePublished && sc.state != lms.CourseEnded:
		return scope{}, lms.ErrNotFound
	}
	return sc, nil
}

// staffScope is scope for those who must be staff.
func (s *Store) staffScope(ctx context.Context, actor lms.Actor, courseID string) (scope, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err == nil && !sc.staff() {
		err = lms.ErrForbidden
	}
	return sc, err
}

func topicCourse(id string) string   { return "course/" + id }
func topicQuestion(id string) string { return "question/" + id }
func topicUser(id string) string     { return "user/" + id }

// TopicCluster tells that the nodes, where they are, or a setting of the site changed.
const TopicCluster = "cluster"

// TopicFiles tells that a file became complete: every node now fetches what it lacks of it.
const TopicFiles = "files"
