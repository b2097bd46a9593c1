package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errTutorOff   = lms.Errorf(lms.KindForbidden, "The tutor is switched off in this course. Ask your instructor instead; your text is kept.")
	errTutorMode  = lms.FieldErrorf(lms.KindForbidden, "mode", "Your instructor does not allow this mode of the tutor. Choose another; your text is kept.")
	errTutorOwner = lms.FieldErrorf(lms.KindRule, "ownerId", "Whoever is told of alerts must be active staff of this course. Choose somebody else.")
	errSources    = lms.FieldErrorf(lms.KindRule, "sources", "A chosen source is not a material of this course any more. Choose the sources again.")
)

// What a course without a policy of its own has: lms.DefaultTutorPolicy in SQL.
const (
	// ?1 course
	tutorPolicyColumns = `c.course_id, coalesce(p.enabled, 1), coalesce(p.modes, '["socratic","explain","quiz_me"]'), coalesce(p.mode, 'socratic'),
	coalesce(p.instructions, ''), coalesce(p.avoid, ''), coalesce(p.sources, '[]'), coalesce(p.level, 'beginner'), coalesce(p.language, ''),
	coalesce(p.hourly_quota, 20), coalesce(p.daily_quota, 500), coalesce(p.ask_anyway, 3), coalesce(p.monthly_cap, 0),
	coalesce(p.owner_id, c.created_by), coalesce(p.version, 0)`
	selectTutorPolicy = `SELECT ` + tutorPolicyColumns + ` FROM courses c LEFT JOIN tutor_policies p ON p.course_id = c.course_id WHERE c.course_id = ?1`

	// ?1 course
	tutorEnabled = `NOT EXISTS(SELECT 1 FROM tutor_policies WHERE course_id = ?1 AND enabled = 0)`
	// ?1 course, ?2 mode
	tutorModeAllowed = `?2 = '' OR ?2 IN ('socratic', 'explain', 'quiz_me') AND NOT EXISTS(SELECT 1 FROM tutor_policies p WHERE p.course_id = ?1
		AND NOT EXISTS(SELECT 1 FROM json_each(p.modes) WHERE value = ?2))`
)

func scanTutorPolicy(row consensus.Row) (lms.TutorPolicy, error) { return scanPolicyAnd(row) }

// scanPolicyAnd scans the columns of a policy and what follows them.
func scanPolicyAnd(row consensus.Row, more ...any) (p lms.TutorPolicy, err error) {
	var modes, sources string
	err = row.Scan(append([]any{&p.CourseID, &p.Enabled, &modes, &p.Mode, &p.Instructions, &p.Avoid, &sources, &p.Level, &p.Language,
		&p.HourlyQuota, &p.DailyQuota, &p.AskAnyway, &p.MonthlyCap, &p.OwnerID, &p.Version}, more...)...)
	if err == nil {
		err = json.Unmarshal([]byte(modes), &p.Modes)
	}
	if err == nil {
		err = json.Unmarshal([]byte(sources), &p.Sources)
	}
	if err != nil {
		return p, fmt.Errorf("tutor policy of %s: %w", p.CourseID, err)
	}
	return p, nil
}

// TutorPolicy returns what the instructors of a course have decided about its tutor; every member may know.
func (s *Store) TutorPolicy(ctx context.Context, actor lms.Actor, courseID string) (lms.TutorPolicy, error) {
	if _, err := s.scope(ctx, actor, courseID); err != nil {
		return lms.TutorPolicy{}, err
	}
	rows, err := s.query(ctx, selectTutorPolicy, courseID)
	return one(rows, err, scanTutorPolicy)
}

// SetTutorPolicy replaces the policy if it still has the version. Version 0: nobody has changed the defaults.
func (s *Store) SetTutorPolicy(ctx context.Context, actor lms.Actor, p lms.TutorPolicy) (lms.TutorPolicy, error) {
	modes, err := json.Marshal(p.Modes)
	if err != nil {
		return lms.TutorPolicy{}, err
	}
	sources := list(p.Sources)
	var b consensus.Batch
	requireWrite(&b, actor, p.CourseID, lms.InstructorOfCourse)
	b.Require(lms.ErrStale, `coalesce((SELECT version FROM tutor_policies WHERE course_id = ?1), 0) = ?2`, p.CourseID, p.Version)
	b.Require(errTutorOwner, `NOT ?3 OR EXISTS(SELECT 1 FROM enrolments e JOIN users u ON u.user_id = e.user_id
		WHERE e.course_id = ?1 AND e.user_id = ?2 AND e.active = 1 AND e.role IN ('instructor', 'ta') AND u.disabled = 0)`, p.CourseID, p.OwnerID, p.Enabled)
	b.Require(errSources, `NOT EXISTS(SELECT 1 FROM json_each(?2) j WHERE NOT EXISTS(
		SELECT 1 FROM materials WHERE material_id = j.value AND course_id = ?1))`, p.CourseID, sources)
	b.Exec(`
		INSERT INTO tutor_policies (course_id, enabled, modes, mode, instructions, avoid, sources, level, language, hourly_quota, daily_quota, ask_anyway,
			monthly_cap, owner_id, updated_by, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 1)
		ON CONFLICT (course_id) DO UPDATE SET enabled = ?2, modes = ?3, mode = ?4, instructions = ?5, avoid = ?6, sources = ?7, level = ?8, language = ?9,
			hourly_quota = ?10, daily_quota = ?11, ask_anyway = ?12, monthly_cap = ?13, owner_id = ?14, updated_by = ?15, updated_at = ?16, version = version + 1`,
		p.CourseID, p.Enabled, string(modes), p.Mode, p.Instructions, p.Avoid, sources, p.Level, p.Language, p.HourlyQuota, p.DailyQuota, p.AskAnyway,
		p.MonthlyCap, p.OwnerID, actor.UserID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditTutorPolicy, "course/"+p.CourseID, "enabled", strconv.FormatBool(p.Enabled), "mode", string(p.Mode))
	b.Return(selectTutorPolicy, p.CourseID)
	b.Notify(topicCourse(p.CourseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanTutorPolicy)
}

const selectTutorItem = `SELECT a.assignment_id, coalesce(i.mode, ''), coalesce(i.notes, ''), coalesce(i.answer, ''), coalesce(i.version, 0)
	FROM assignments a LEFT JOIN tutor_items i ON i.assignment_id = a.assignment_id WHERE a.course_id = ?1 AND a.assignment_id = ?2`

func scanTutorItem(row consensus.Row) (p lms.ItemPolicy, err error) {
	return p, row.Scan(&p.AssignmentID, &p.Mode, &p.Notes, &p.Answer, &p.Version)
}

// TutorItem returns what staff have set for an assignment, with the hidden notes.
func (s *Store) TutorItem(ctx context.Context, actor lms.Actor, courseID, assignmentID string) (lms.ItemPolicy, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return lms.ItemPolicy{}, err
	}
	rows, err := s.query(ctx, selectTutorItem, courseID, assignmentID)
	return one(rows, err, scanTutorItem)
}

// SetTutorItem replaces what staff have set for an assignment, if it still has the version. canary marks the hidden notes
// from now on: a text that nobody writes by chance.
func (s *Store) SetTutorItem(ctx context.Context, actor lms.Actor, courseID string, p lms.ItemPolicy, canary string) (lms.ItemPolicy, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ?)`, courseID, p.AssignmentID)
	b.Require(lms.ErrStale, `coalesce((SELECT version FROM tutor_items WHERE assignment_id = ?1), 0) = ?2`, p.AssignmentID, p.Version)
	b.Exec(`
		INSERT INTO tutor_items (assignment_id, course_id, mode, notes, answer, canary, updated_by, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)
		ON CONFLICT (assignment_id) DO UPDATE SET mode = ?3, notes = ?4, answer = ?5, canary = ?6, updated_by = ?7, updated_at = ?8, version = version + 1`,
		p.AssignmentID, courseID, p.Mode, p.Notes, p.Answer, canary, actor.UserID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditTutorPolicy, "assignment/"+p.AssignmentID, "course", courseID, "mode", string(p.Mode))
	b.Return(selectTutorItem, courseID, p.AssignmentID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanTutorItem)
}

// AcceptTutorNotice records that the user has read what the tutor does with questions. Accepting twice changes nothing.
func (s *Store) AcceptTutorNotice(ctx context.Context, actor lms.Actor, notice int) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Exec(`INSERT INTO tutor_notices (user_id, notice, accepted_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, actor.UserID, notice, consensus.Stamp{})
	b.Notify(topicUser(actor.UserID))
	_, err := s.apply(ctx, &b)
	return err
}

// SetTutorChoice keeps how the actor wants to be helped in the course, within what the policy allows.
func (s *Store) SetTutorChoice(ctx context.Context, actor lms.Actor, courseID string, c lms.TutorChoice) error {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.MemberOfCourse)
	b.Require(errTutorMode, tutorModeAllowed, courseID, c.Mode)
	b.Exec(`
		INSERT INTO tutor_choices (user_id, course_id, mode, level) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (user_id, course_id) DO UPDATE SET mode = ?3, level = ?4`, actor.UserID, courseID, c.Mode, c.Level)
	_, err := s.apply(ctx, &b)
	return err
}
