package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

const selectGrade = `SELECT ` + gradeColumns + ` FROM grades g WHERE g.submission_id = ?1`

// SaveGrade is Mark for points and feedback.
func (s *Store) SaveGrade(ctx context.Context, actor lms.Actor, courseID, submissionID string, points lms.Points, feedback string, version int64, allowAbove bool) (lms.Grade, error) {
	return s.Mark(ctx, actor, courseID, submissionID, lms.GradeEntry{Points: points, Feedback: feedback, Version: version, AllowAbove: allowAbove})
}

func scanDraft(row consensus.Row) (lms.Grade, error) {
	g, err := scanGrade(row, true)
	if g == nil {
		return lms.Grade{}, err
	}
	return *g, err
}

// explainGrade puts the other marker's value and time into a refusal.
func (s *Store) explainGrade(ctx context.Context, err error, submissionID string) error {
	if !errors.Is(err, lms.ErrStale) {
		return err
	}
	const text = "%s saved %s meanwhile (%s). Your text is kept; compare and save again."
	rows, queryErr := s.query(ctx, selectGrade, submissionID)
	if g, queryErr := one(rows, queryErr, scanDraft); queryErr == nil {
		what := g.Grade
		if what == "" {
			what = g.Points.String() + " points"
		}
		return lms.Errorf(lms.KindConflict, text, g.By, what, g.ChangedAt.Format("2006-01-02 15:04:05 UTC"))
	}
	rows, queryErr = s.query(ctx, `SELECT `+beginningColumns+` FROM grade_beginnings n WHERE n.submission_id = ?1`, submissionID)
	if g, queryErr := one(rows, queryErr, scanBeginning); queryErr == nil && g != nil {
		return lms.Errorf(lms.KindConflict, text, g.By, "feedback", g.ChangedAt.Format("2006-01-02 15:04:05 UTC"))
	}
	return err
}

// The conditions of posting: ?1 assignment, ?2 submissions (none: all), ?3 section ("": all), ?4 actor, ?5 course.
const (
	// Of the students that the actor looks after.
	inReach = ` AND (NOT EXISTS(SELECT 1 FROM staff_sections l JOIN enrolments m ON m.course_id = l.course_id AND m.user_id = l.user_id AND m.role = 'ta'
			WHERE l.course_id = ?5 AND l.user_id = ?4)
		OR EXISTS(SELECT 1 FROM users WHERE user_id = ?4 AND disabled = 0 AND admin = 1)
		OR user_id IN (SELECT e.user_id FROM staff_sections l JOIN enrolments e ON e.course_id = l.course_id AND e.section_id = l.section_id
			WHERE l.course_id = ?5 AND l.user_id = ?4))`
	gradeUnposted = `assignment_id = ?1 AND posted_version IS NOT version
		AND (json_array_length(?2) = 0 OR submission_id IN (SELECT value FROM json_each(?2)))
		AND (?3 = '' OR user_id IN (SELECT user_id FROM enrolments WHERE section_id = ?3))` + inReach
	// Everything about the work of whom the scope names.
	workInScope = `assignment_id = ?1
		AND (json_array_length(?2) = 0 OR user_id IN (SELECT user_id FROM submissions WHERE submission_id IN (SELECT value FROM json_each(?2))))
		AND (?3 = '' OR user_id IN (SELECT user_id FROM enrolments WHERE section_id = ?3))` + inReach
	assignmentAutomatic = `(EXISTS(SELECT 1 FROM markings m WHERE m.assignment_id = ?1 AND (m.posting = 'automatic' OR m.opened_at IS NOT NULL))
		AND NOT ` + assignmentBlind + `)`
	// ?6 stamp, ?7: 1 to post only where posting is automatic
	mayPost = ` AND (?7 = 0 OR ` + assignmentAutomatic + `)`
	// Remarks go with a grade, or with everybody's, or with the submissions that are named. ?8: 1 for everybody
	remarkMayPost = ` AND posted_at IS NULL AND (?8 = 1 OR json_array_length(?2) > 0
		OR EXISTS(SELECT 1 FROM grades g WHERE g.assignment_id = ?1 AND g.user_id = w.user_id AND g.posted_at IS NOT NULL))`
)

// postedDrafts is how many statements postDrafts makes.
const postedDrafts = 5

// postDrafts makes the drafts and remarks in the scope what students see. The third statement counts the grades.
func postDrafts(b *consensus.Batch, actor lms.Actor, courseID, assignmentID string, scope lms.PostScope, ifAutomatic bool) {
	ids, stamp := list(scope.Submissions), consensus.Stamp{}
	b.Exec(`
		UPDATE grades
		SET revised_at = ?6
		WHERE `+gradeUnposted+mayPost+`
			AND EXISTS(SELECT 1 FROM (SELECT c.new_points AS p, c.new_feedback AS f, c.new_grade AS t FROM grade_changes c
				WHERE c.submission_id = grades.submission_id AND c.kind = 'posted' ORDER BY c.grade_change_id DESC LIMIT 1)
				WHERE p <> grades.draft_points OR f <> grades.draft_feedback OR t IS NOT grades.draft_grade)`,
		assignmentID, ids, scope.Section, actor.UserID, courseID, stamp, ifAutomatic)
	b.Exec(`
		INSERT INTO grade_changes (submission_id, kind, changed_by, changed_at, old_points, old_feedback, old_grade, new_points, new_feedback, new_grade)
		SELECT submission_id, 'posted', ?4, ?6, posted_points, posted_feedback, posted_grade, draft_points, draft_feedback, draft_grade
		FROM grades
		WHERE `+gradeUnposted+mayPost+`
		ORDER BY submission_id`,
		assignmentID, ids, scope.Section, actor.UserID, courseID, stamp, ifAutomatic)
	b.Exec(`
		UPDATE grades
		SET posted_points = draft_points, posted_feedback = draft_feedback, posted_grade = draft_grade, posted_marks = draft_marks,
			posted_by = draft_by, posted_changed_at = draft_at, posted_at = ?6, posted_version = version
		WHERE `+gradeUnposted+mayPost,
		assignmentID, ids, scope.Section, actor.UserID, courseID, stamp, ifAutomatic)
	b.Exec(`UPDATE submission_comments AS w SET posted_at = ?6 WHERE `+workInScope+mayPost+remarkMayPost+` AND staff = 1`,
		assignmentID, ids, scope.Section, actor.UserID, courseID, stamp, ifAutomatic, scope.Everyone)
	b.Exec(`UPDATE annotations AS w SET posted_at = ?6 WHERE `+workInScope+mayPost+remarkMayPost,
		assignmentID, ids, scope.Section, actor.UserID, courseID, stamp, ifAutomatic, scope.Everyone)
}

// requireScope demands that what the scope names belongs to the assignment and the course.
func requireScope(b *consensus.Batch, actor lms.Actor, courseID, assignmentID string, scope lms.PostScope) {
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ?)`, courseID, assignmentID)
	b.Require(lms.ErrNotFound, `NOT EXISTS(SELECT 1 FROM json_each(?2) j
		WHERE NOT EXISTS(SELECT 1 FROM submissions WHERE submission_id = j.value AND assignment_id = ?1))`, assignmentID, list(scope.Submissions))
	b.Require(errOtherSection, reachesSubmissions, actor.UserID, courseID, list(scope.Submissions))
	if scope.Everyone {
		b.Require(errOtherSection, unlimited, actor.UserID, courseID)
	}
	if scope.Section != "" {
		b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM sections WHERE course_id = ? AND section_id = ?)`, courseID, scope.Section)
	}
}

// scopeName says in the audit log what was posted or hidden.
func scopeName(scope lms.PostScope) string {
	switch {
	case len(scope.Submissions) > 0:
		return strings.Join(scope.Submissions, " ")
	case scope.Section != "":
		return "section " + scope.Section
	case scope.Everyone:
		return "everyone"
	}
	return "all"
}

// PostGrades makes the drafts of the named submissions of the assignment (none named: of all) what students see, and
// returns how many changed for the students.
func (s *Store) PostGrades(ctx context.Context, actor lms.Actor, courseID, assignmentID string, submissionIDs []string) (posted int, err error) {
	return s.PostScope(ctx, actor, courseID, assignmentID, lms.PostScope{Submissions: submissionIDs})
}

// PostScope makes the drafts and remarks in the scope what students see, and returns how many grades changed for them. For
// everyone means that what is marked later shows at once, until it is hidden.
func (s *Store) PostScope(ctx context.Context, actor lms.Actor, courseID, assignmentID string, scope lms.PostScope) (posted int, err error) {
	ids, cells, err := s.cellScope(ctx, actor, courseID, scope)
	if err != nil {
		return 0, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	requireScope(&b, actor, courseID, assignmentID, scope)
	b.Require(lms.ErrBlindPost, `NOT `+assignmentBlind, assignmentID)
	postDrafts(&b, actor, courseID, assignmentID, scope, false)
	if cells {
		b.Require(errOtherSection, reachesStudents, actor.UserID, courseID, ids)
		postCells(&b, actor, courseID, assignmentID, ids, false)
	}
	if scope.Everyone {
		b.Exec(`
			INSERT INTO markings (assignment_id, course_id, posting, opened_at, rubric_shown, version) VALUES (?1, ?2, 'manual', ?3, 0, 1)
			ON CONFLICT (assignment_id) DO UPDATE SET opened_at = ?3, version = version + 1`, assignmentID, courseID, consensus.Stamp{})
	}
	audit(ctx, &b, actor, lms.AuditGradePost, "assignment/"+assignmentID, "course", courseID, "submissions", scopeName(scope))
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	posted, err = changedBy(res, err, 2)
	if err != nil || !cells {
		return posted, err
	}
	more, err := changedBy(res, nil, postedDrafts)
	return posted + more, err
}

// cellScope names the students of a scope whose marks and excuses in the gradebook go with it, as JSON; an empty list is all of them.
// It is false where there are none: single submissions are posted without them.
func (s *Store) cellScope(ctx context.Context, actor lms.Actor, courseID string, scope lms.PostScope) (ids string, ok bool, err error) {
	users, err := s.reachable(ctx, actor, courseID, nil)
	if err != nil || users == nil || len(scope.Submissions) > 0 {
		return "", false, err
	}
	if scope.Section == "" {
		return list(users), true, nil
	}
	const q = `SELECT user_id FROM enrolments WHERE course_id = ?1 AND section_id = ?2 AND (json_array_length(?3) = 0 OR user_id IN (SELECT value FROM json_each(?3)))`
	rows, err := s.query(ctx, q, courseID, scope.Section, list(users))
	users, err = collect(rows, err, scanString)
	return list(users), len(users) > 0, err
}

// HideGrades takes grades and remarks in the scope away from the students again; the drafts stay. Where it concerns more
// than single works, posting becomes manual, so that the next save does not show them again.
func (s *Store) HideGrades(ctx context.Context, actor lms.Actor, courseID, assignmentID string, scope lms.PostScope) (hidden int, err error) {
	users, cells, err := s.cellScope(ctx, actor, courseID, scope)
	if err != nil {
		return 0, err
	}
	ids := list(scope.Submissions)
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	requireScope(&b, actor, courseID, assignmentID, scope)
	b.Exec(`
		UPDATE grades
		SET posted_points = NULL, posted_feedback = NULL, posted_grade = NULL, posted_marks = NULL, posted_by = NULL, posted_changed_at = NULL,
			posted_at = NULL, posted_version = NULL, revised_at = NULL
		WHERE posted_at IS NOT NULL AND `+workInScope, assignmentID, ids, scope.Section, actor.UserID, courseID)
	b.Exec(`UPDATE submission_comments SET posted_at = NULL WHERE staff = 1 AND `+workInScope, assignmentID, ids, scope.Section, actor.UserID, courseID)
	b.Exec(`UPDATE annotations SET posted_at = NULL WHERE `+workInScope, assignmentID, ids, scope.Section, actor.UserID, courseID)
	const statements = 3
	if cells {
		b.Require(errOtherSection, reachesStudents, actor.UserID, courseID, users)
		hideCells(&b, actor, courseID, assignmentID, users)
	}
	if len(scope.Submissions) == 0 {
		b.Exec(`UPDATE markings SET posting = 'manual', opened_at = NULL, version = version + 1
			WHERE assignment_id = ?3 AND (posting = 'automatic' OR opened_at IS NOT NULL) AND `+unlimited, actor.UserID, courseID, assignmentID)
	}
	audit(ctx, &b, actor, lms.AuditGradeHide, "assignment/"+assignmentID, "course", courseID, "submissions", scopeName(scope))
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	hidden, err = changedBy(res, err, 0)
	if err != nil || !cells {
		return hidden, err
	}
	more, err := changedBy(res, nil, statements)
	return hidden + more, err
}

// changedBy is how many rows a statement of a batch has changed.
func changedBy(res consensus.Result, err error, statement int) (int, error) {
	if err != nil {
		return 0, err
	}
	if len(res.Changed) <= statement {
		return 0, fmt.Errorf("store: a batch has %d results; number %d was asked for", len(res.Changed), statement)
	}
	return int(res.Changed[statement]), nil
}
