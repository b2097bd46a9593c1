package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errCourseExists = lms.FieldErrorf(lms.KindConflict, "id", "This course exists already. Load your courses again.")
)

// ?1 user who asks. Counts are for staff.
const courseColumns = `c.course_id, c.code, c.title, c.summary, c.zone, c.state, c.created_at, c.version,
	coalesce((SELECT e.role FROM enrolments e WHERE e.course_id = c.course_id AND e.user_id = ?1 AND e.active = 1), ''),
	(SELECT count(*) FROM enrolments e WHERE e.course_id = c.course_id AND e.active = 1),
	(SELECT count(*) FROM enrolments e WHERE e.course_id = c.course_id AND e.active = 1 AND e.role = 'student')`

// ?1 user, ?2 course
const selectCourse = `SELECT ` + courseColumns + ` FROM courses c WHERE c.course_id = ?2`

// scanCourse leaves the counts out unless the reader is staff.
func scanCourse(actor lms.Actor) scanner[lms.Course] {
	return func(row consensus.Row) (c lms.Course, err error) {
		err = row.Scan(&c.ID, &c.Code, &c.Title, &c.Summary, &c.Zone, &c.State, &c.CreatedAt, &c.Version, &c.MyRole, &c.Members, &c.Students)
		if !actor.Admin && !c.MyRole.Staff() {
			c.Members, c.Students = 0, 0
		}
		return c, err
	}
}

// Role returns the user's active role in the course, "" when there is none or no such course.
func (s *Store) Role(ctx context.Context, courseID, userID string) (lms.Role, error) {
	rows, err := s.query(ctx, `SELECT role FROM enrolments WHERE course_id = ?1 AND user_id = ?2 AND active = 1`, courseID, userID)
	role, err := one(rows, err, scanString)
	if lms.KindOf(err) == lms.KindNotFound {
		return "", nil
	}
	return lms.Role(role), err
}

// Courses lists the actor's courses, for an administrator all of them. Those that are not published are listed to their
// staff only, archived ones to administrators and instructors.
func (s *Store) Courses(ctx context.Context, actor lms.Actor) ([]lms.Course, error) {
	const q = `
		SELECT ` + courseColumns + `
		FROM courses c
		LEFT JOIN enrolments m ON m.course_id = c.course_id AND m.user_id = ?1 AND m.active = 1
		WHERE ` + userAdmin + `
			OR m.role = 'instructor'
			OR m.role = 'ta' AND c.state <> 'archived'
			OR m.role IN ('student', 'observer') AND c.state IN ('published', 'ended')
		ORDER BY CASE c.state WHEN 'published' THEN 0 WHEN 'unpublished' THEN 1 WHEN 'ended' THEN 2 ELSE 3 END, c.code, c.title, c.course_id`
	rows, err := s.query(ctx, q, actor.UserID)
	return collect(rows, err, scanCourse(actor))
}

// CreateCourse makes a course with the actor as instructor.
func (s *Store) CreateCourse(ctx context.Context, actor lms.Actor, c lms.Course) (lms.Course, error) {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Require(lms.ErrForbidden, `EXISTS(SELECT 1 FROM users WHERE user_id = ?1 AND (admin = 1 OR may_create_courses = 1))`, actor.UserID)
	b.Require(errCourseExists, `NOT EXISTS(SELECT 1 FROM courses WHERE course_id = ?1)`, c.ID)
	b.Exec(`
		INSERT INTO courses (course_id, code, title, summary, zone, state, created_by, created_at, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 1)`,
		c.ID, c.Code, c.Title, c.Summary, c.Zone, c.State, actor.UserID, consensus.Stamp{})
	b.Exec(`INSERT INTO enrolments (course_id, user_id, role, active, joined_at) VALUES (?, ?, 'instructor', 1, ?)`, c.ID, actor.UserID, consensus.Stamp{})
	b.Return(selectCourse, actor.UserID, c.ID)
	b.Notify(topicCourse(c.ID), topicUser(actor.UserID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanCourse(actor))
}

// Course returns a course of the actor.
func (s *Store) Course(ctx context.Context, actor lms.Actor, id string) (lms.Course, error) {
	if _, err := s.scope(ctx, actor, id); err != nil {
		return lms.Course{}, err
	}
	rows, err := s.query(ctx, selectCourse, actor.UserID, id)
	return one(rows, err, scanCourse(actor))
}

// UpdateCourse replaces the fields of the course if it still has the version. It also works on a course that has ended,
// because this is how it is opened again.
func (s *Store) UpdateCourse(ctx context.Context, actor lms.Actor, c lms.Course) (lms.Course, error) {
	var b consensus.Batch
	requireAccess(&b, actor, c.ID, lms.InstructorOfCourse)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM courses WHERE course_id = ?1 AND version = ?2)`, c.ID, c.Version)
	b.Exec(`
		UPDATE courses
		SET code = ?2, title = ?3, summary = ?4, zone = ?5, state = ?6, updated_at = ?7, version = version + 1
		WHERE course_id = ?1`,
		c.ID, c.Code, c.Title, c.Summary, c.Zone, c.State, consensus.Stamp{})
	b.Return(selectCourse, actor.UserID, c.ID)
	b.Notify(topicCourse(c.ID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanCourse(actor))
}
