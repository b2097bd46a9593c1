package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

// errAbove is replaced by the sentence that names the points.
var errAbove = lms.FieldErrorf(lms.KindRule, "points", "This is more than the assignment is worth. Confirm to keep it.")

const selectGrade = `SELECT ` + gradeColumns + ` FROM grades g WHERE g.submission_id = ?1`

// SaveGrade saves a draft grade if the grade still has the version (0: there is none yet). The student sees nothing of it
// until it is posted; if an earlier value was posted, the student goes on seeing that one.
func (s *Store) SaveGrade(ctx context.Context, actor lms.Actor, courseID, submissionID string, points lms.Points, feedback string, version int64, allowAbove bool) (lms.Grade, error) {
	if err := (lms.Assignment{}).CheckPoints(points, true); err != nil {
		return lms.Grade{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM submissions WHERE submission_id = ? AND course_id = ?)`, submissionID, courseID)
	requireReachOf(&b, actor, courseID, submissionID)
	b.Require(errAbove, `?3 OR EXISTS(SELECT 1 FROM submissions s JOIN assignments a ON a.assignment_id = s.assignment_id
		WHERE s.submission_id = ?1 AND a.points >= ?2)`, submissionID, points, allowAbove)
	b.Require(lms.ErrStale, `coalesce((SELECT version FROM grades WHERE submission_id = ?1), 0) = ?2`, submissionID, version)
	b.Exec(`
		INSERT INTO grade_changes (submission_id, kind, changed_by, changed_at, old_points, old_feedback, new_points, new_feedback)
		SELECT s.submission_id, 'draft', ?2, ?3, g.draft_points, g.draft_feedback, ?4, ?5
		FROM submissions s
		LEFT JOIN grades g ON g.submission_id = s.submission_id
		WHERE s.submission_id = ?1`,
		submissionID, actor.UserID, consensus.Stamp{}, points, feedback)
	b.Exec(`
		INSERT INTO grades (submission_id, course_id, assignment_id, user_id, draft_points, draft_feedback, draft_by, draft_at, version)
		SELECT submission_id, course_id, assignment_id, user_id, ?2, ?3, ?4, ?5, 1 FROM submissions WHERE submission_id = ?1
		ON CONFLICT (submission_id) DO UPDATE SET draft_points = ?2, draft_feedback = ?3, draft_by = ?4, draft_at = ?5, version = version + 1`,
		submissionID, points, feedback, actor.UserID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditGradeSave, "submission/"+submissionID, "course", courseID, "points", points.String())
	b.Return(selectGrade, submissionID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	if err != nil {
		return lms.Grade{}, s.explainGrade(ctx, err, submissionID, points)
	}
	return returned(res, nil, scanDraft)
}

func scanDraft(row consensus.Row) (lms.Grade, error) {
	g, err := scanGrade(row, true)
	if g == nil {
		return lms.Grade{}, err
	}
	return *g, err
}

// explainGrade puts the other marker's value and time, or the possible points, into a refusal.
func (s *Store) explainGrade(ctx context.Context, err error, submissionID string, points lms.Points) error {
	switch {
	case errors.Is(err, lms.ErrStale):
		rows, queryErr := s.query(ctx, selectGrade, submissionID)
		g, queryErr := one(rows, queryErr, scanDraft)
		if queryErr != nil {
			return err
		}
		return lms.Errorf(lms.KindConflict, "%s saved %s points meanwhile (%s). Your text is kept; compare and save again.",
			g.By, g.Points, g.ChangedAt.Format("2006-01-02 15:04:05 UTC"))
	case errors.Is(err, errAbove):
		const q = `SELECT a.points FROM submissions s JOIN assignments a ON a.assignment_id = s.assignment_id WHERE s.submission_id = ?1`
		if possible, queryErr := s.number(ctx, q, submissionID); queryErr == nil {
			return lms.Assignment{Points: lms.Points(possible)}.CheckPoints(points, false)
		}
	}
	return err
}

// PostGrades makes the drafts of the named submissions of the assignment (none named: of all) what students see, and
// returns how many changed for the students.
func (s *Store) PostGrades(ctx context.Context, actor lms.Actor, courseID, assignmentID string, submissionIDs []string) (posted int, err error) {
	// ?1 assignment, ?2 submissions, ?3 actor, ?5 course: of the students that the actor looks after
	const unposted = `assignment_id = ?1 AND posted_version IS NOT version
		AND (json_array_length(?2) = 0 OR submission_id IN (SELECT value FROM json_each(?2)))
		AND (NOT EXISTS(SELECT 1 FROM staff_sections l JOIN enrolments m ON m.course_id = l.course_id AND m.user_id = l.user_id AND m.role = 'ta'
				WHERE l.course_id = ?5 AND l.user_id = ?3)
			OR EXISTS(SELECT 1 FROM users WHERE user_id = ?3 AND disabled = 0 AND admin = 1)
			OR user_id IN (SELECT e.user_id FROM staff_sections l JOIN enrolments e ON e.course_id = l.course_id AND e.section_id = l.section_id
				WHERE l.course_id = ?5 AND l.user_id = ?3))`
	ids := list(submissionIDs)
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ?)`, courseID, assignmentID)
	b.Require(lms.ErrNotFound, `NOT EXISTS(SELECT 1 FROM json_each(?2) j
		WHERE NOT EXISTS(SELECT 1 FROM submissions WHERE submission_id = j.value AND assignment_id = ?1))`, assignmentID, ids)
	b.Require(errOtherSection, reachesSubmissions, actor.UserID, courseID, ids)
	b.Exec(`
		INSERT INTO grade_changes (submission_id, kind, changed_by, changed_at, old_points, old_feedback, new_points, new_feedback)
		SELECT submission_id, 'posted', ?3, ?4, posted_points, posted_feedback, draft_points, draft_feedback
		FROM grades
		WHERE `+unposted+`
		ORDER BY submission_id`,
		assignmentID, ids, actor.UserID, consensus.Stamp{}, courseID)
	b.Exec(`
		UPDATE grades
		SET posted_points = draft_points, posted_feedback = draft_feedback, posted_by = draft_by, posted_changed_at = draft_at,
			posted_at = ?4, posted_version = version
		WHERE `+unposted,
		assignmentID, ids, actor.UserID, consensus.Stamp{}, courseID)
	which := "all"
	if len(submissionIDs) > 0 {
		which = strings.Join(submissionIDs, " ")
	}
	audit(ctx, &b, actor, lms.AuditGradePost, "assignment/"+assignmentID, "course", courseID, "submissions", which)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	if err != nil {
		return 0, err
	}
	if len(res.Changed) != 3 {
		return 0, fmt.Errorf("store: post grades: %d results of 3 statements", len(res.Changed))
	}
	return int(res.Changed[1]), nil
}
