package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errCourseUndo   = lms.FieldErrorf(lms.KindRule, "state", "This course was archived more than 30 days ago. An administrator can restore it.")
	errCourseExists = lms.FieldErrorf(lms.KindConflict, "id", "This course exists already. Load your courses again.")
)

// ?1 user who asks. Counts are for staff.
const courseColumns = `c.course_id, c.code, c.title, c.summary, c.zone, c.state, c.created_at, c.version,
	coalesce(c.term, ''), coalesce(c.language, ''), c.archived_at,
	coalesce((SELECT e.role FROM enrolments e WHERE e.course_id = c.course_id AND e.user_id = ?1 AND e.active = 1),
		(SELECT 'student' FROM test_students t WHERE t.course_id = c.course_id AND t.user_id = ?1), ''),
	(SELECT count(*) FROM enrolments e WHERE e.course_id = c.course_id AND e.active = 1),
	(SELECT count(*) FROM enrolments e WHERE e.course_id = c.course_id AND e.active = 1 AND e.role = 'student')`

// ?1 user, ?2 course
const selectCourse = `SELECT ` + courseColumns + ` FROM courses c WHERE c.course_id = ?2`

// scanCourse leaves the counts out unless the reader is staff.
func scanCourse(actor lms.Actor) scanner[lms.Course] {
	return func(row consensus.Row) (c lms.Course, err error) {
		err = row.Scan(&c.ID, &c.Code, &c.Title, &c.Summary, &c.Zone, &c.State, &c.CreatedAt, &c.Version, &c.Term, &c.Language, &c.ArchivedAt,
			&c.MyRole, &c.Members, &c.Students)
		if !actor.Admin && !c.MyRole.Staff() {
			c.Members, c.Students = 0, 0
		}
		return c, err
	}
}

// Role returns the user's active role in the course, "" when there is none or no such course.
func (s *Store) Role(ctx context.Context, courseID, userID string) (lms.Role, error) {
	const q = `SELECT role FROM enrolments WHERE course_id = ?1 AND user_id = ?2 AND active = 1
		UNION ALL SELECT 'student' FROM test_students WHERE course_id = ?1 AND user_id = ?2`
	rows, err := s.query(ctx, q, courseID, userID)
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
			OR c.state IN ('published', 'ended') AND EXISTS(SELECT 1 FROM test_students t WHERE t.course_id = c.course_id AND t.user_id = ?1)
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
		INSERT INTO courses (course_id, code, title, summary, zone, state, created_by, created_at, updated_at, version, term, language)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 1, ?9, ?10)`,
		c.ID, c.Code, c.Title, c.Summary, c.Zone, c.State, actor.UserID, consensus.Stamp{}, c.Term, c.Language)
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
	if c.State != lms.CourseArchived {
		requireUndo(&b, actor, c.ID)
	}
	b.Exec(`
		UPDATE courses
		SET code = ?2, title = ?3, summary = ?4, zone = ?5, state = ?6, updated_at = ?7, version = version + 1, term = ?8, language = ?9,
			archived_at = CASE WHEN ?6 <> 'archived' THEN NULL WHEN state = 'archived' THEN archived_at ELSE ?7 END,
			archived_from = CASE WHEN ?6 <> 'archived' THEN NULL WHEN state = 'archived' THEN archived_from ELSE state END
		WHERE course_id = ?1`,
		c.ID, c.Code, c.Title, c.Summary, c.Zone, c.State, consensus.Stamp{}, c.Term, c.Language)
	b.Return(selectCourse, actor.UserID, c.ID)
	b.Notify(topicCourse(c.ID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanCourse(actor))
}

// requireUndo demands that an archived course can still be restored by the actor.
func requireUndo(b *consensus.Batch, actor lms.Actor, courseID string) {
	b.Require(errCourseUndo, `EXISTS(SELECT 1 FROM courses WHERE course_id = ?2 AND (state <> 'archived' OR archived_at IS NULL OR archived_at >= ?3 - ?4))
		OR `+userAdmin, actor.UserID, courseID, consensus.Stamp{}, lms.UndoWindow.Milliseconds())
}

// ArchiveCourse hides a course from everybody but its instructors and administrators, with everything in it. On an archived one it
// changes nothing.
func (s *Store) ArchiveCourse(ctx context.Context, actor lms.Actor, id string) (lms.Course, error) {
	var b consensus.Batch
	requireAccess(&b, actor, id, lms.InstructorOfCourse)
	b.Exec(`
		UPDATE courses SET archived_from = state, state = 'archived', archived_at = ?2, updated_at = ?2, version = version + 1
		WHERE course_id = ?1 AND state <> 'archived'`, id, consensus.Stamp{})
	return s.stateChanged(ctx, &b, actor, id, lms.CourseArchived)
}

// RestoreCourse brings an archived course back to the state that it had. On one that is not archived it changes nothing.
func (s *Store) RestoreCourse(ctx context.Context, actor lms.Actor, id string) (lms.Course, error) {
	var b consensus.Batch
	requireAccess(&b, actor, id, lms.InstructorOfCourse)
	requireUndo(&b, actor, id)
	b.Exec(`
		UPDATE courses SET state = coalesce(archived_from, 'ended'), archived_from = NULL, archived_at = NULL, updated_at = ?2, version = version + 1
		WHERE course_id = ?1 AND state = 'archived'`, id, consensus.Stamp{})
	return s.stateChanged(ctx, &b, actor, id, "restored")
}

func (s *Store) stateChanged(ctx context.Context, b *consensus.Batch, actor lms.Actor, id string, state lms.CourseState) (lms.Course, error) {
	audit(ctx, b, actor, lms.AuditCourseState, "course/"+id, "state", string(state))
	b.Return(selectCourse, actor.UserID, id)
	b.Notify(topicCourse(id), topicUser(actor.UserID))
	res, err := s.apply(ctx, b)
	return returned(res, err, scanCourse(actor))
}
