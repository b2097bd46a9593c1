package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

// Viewing a course as a student (ROLE-2). A course has at most one test student: an account nobody can sign in to, which has no
// enrolment, so that no list, count, statistic or export that goes by members can have it. A session that views a course acts
// as that account, and remembers whose it is; the right to do so is looked up on every request.

// ErrViewing refuses what concerns the own account while a course is viewed as its test student.
var ErrViewing = lms.Errorf(lms.KindForbidden, "You are viewing a course as a student. End the student view first.")

var (
	errViewHidden  = lms.Errorf(lms.KindRule, "Students see nothing of a course that is not published. Publish it first, then view it as a student.")
	errViewSession = lms.Errorf(lms.KindForbidden, "The operator token has no session. Sign in as a member of the staff.")
)

// viewer is the actor of a session that views a course: its test student. ErrNotFound when the user may not do so any more.
func (s *Store) viewer(ctx context.Context, u lms.User, sessionID, courseID string) (lms.Actor, lms.User, error) {
	const q = `SELECT ` + userColumns + ` FROM test_students t JOIN users u ON u.user_id = t.user_id WHERE t.course_id = ?2 AND ` + staffOrAdmin
	rows, err := s.query(ctx, q, u.ID, courseID)
	student, err := one(rows, err, scanUser)
	if err != nil {
		return lms.Actor{}, lms.User{}, err
	}
	actor := actorOf(student, sessionID)
	actor.Viewing, actor.ViewerID, actor.ViewerLogin = courseID, u.ID, u.Login
	return actor, student, nil
}

// StartView makes the actor's session that of the course's test student until EndView.
func (s *Store) StartView(ctx context.Context, actor lms.Actor, courseID string) error {
	if actor.SessionID == "" {
		return errViewSession
	}
	if actor.Viewing != "" {
		return ErrViewing
	}
	id := lms.NewID()
	var b consensus.Batch
	requireAccess(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(errViewHidden, `EXISTS(SELECT 1 FROM courses WHERE course_id = ?1 AND state IN ('published', 'ended'))`, courseID)
	b.Require(lms.ErrSignIn, `EXISTS(SELECT 1 FROM sessions WHERE session_id = ?1 AND user_id = ?2)`, actor.SessionID, actor.UserID)
	const missing = `NOT EXISTS(SELECT 1 FROM test_students WHERE course_id = ?1)`
	b.Exec(`
		INSERT INTO users (user_id, login, login_normal, name, password_hash, admin, may_create_courses, disabled, created_at, updated_at, version)
		SELECT ?2, 'test-student-' || ?2, 'test-student-' || ?2, 'Test student', '', 0, 0, 0, ?3, ?3, 1 WHERE `+missing, courseID, id, consensus.Stamp{})
	b.Exec(`INSERT INTO test_students (course_id, user_id, created_at) SELECT ?1, ?2, ?3 WHERE `+missing, courseID, id, consensus.Stamp{})
	b.Exec(`UPDATE sessions SET view_course_id = ?2 WHERE session_id = ?1`, actor.SessionID, courseID)
	audit(ctx, &b, actor, lms.AuditViewStart, "course/"+courseID)
	b.Notify(topicUser(actor.UserID)) // open streams look at whom they serve
	_, err := s.apply(ctx, &b)
	return err
}

// EndView gives the session back to its user. On one that views nothing it changes nothing.
func (s *Store) EndView(ctx context.Context, actor lms.Actor) error {
	if actor.Viewing == "" {
		return nil
	}
	var b consensus.Batch
	b.Exec(`UPDATE sessions SET view_course_id = NULL WHERE session_id = ?1 AND user_id = ?2`, actor.SessionID, actor.ViewerID)
	audit(ctx, &b, lms.Actor{UserID: actor.ViewerID, Login: actor.ViewerLogin}, lms.AuditViewEnd, "course/"+actor.Viewing)
	b.Notify(topicUser(actor.UserID))
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}
