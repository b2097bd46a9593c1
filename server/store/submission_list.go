package store

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

// Submissions lists the latest attempt of each active member: ungraded first, then in the order of their times. filter is
// "", "ungraded", "late" or "unposted".
func (s *Store) Submissions(ctx context.Context, actor lms.Actor, courseID, assignmentID, filter, after string, limit int) (items []lms.Submission, next string, total int, err error) {
	sc, err := s.staffScope(ctx, actor, courseID)
	if err != nil {
		return nil, "", 0, err
	}
	if n, err := s.number(ctx, `SELECT count(*) FROM assignments WHERE course_id = ?1 AND assignment_id = ?2`, courseID, assignmentID); err != nil || n == 0 {
		return nil, "", 0, cmp.Or(err, error(lms.ErrNotFound))
	}
	graded, at, id, err := parseSubmissionCursor(after)
	if err != nil {
		return nil, "", 0, err
	}
	const from = `
		FROM (` + latestAttempts + ` AND s.assignment_id = ?1 AND (?3 = '' OR e.section_id IN (SELECT value FROM json_each(?3)))) s
		JOIN assignments a ON a.assignment_id = s.assignment_id
		LEFT JOIN grades g ON g.submission_id = s.submission_id
		WHERE CASE ?2
			WHEN '' THEN 1
			WHEN 'ungraded' THEN g.submission_id IS NULL
			WHEN 'late' THEN s.submitted_at > ` + submissionDue + `
			WHEN 'unposted' THEN g.submission_id IS NOT NULL AND g.posted_version IS NOT g.version
			END`
	const q = `
		SELECT ` + submissionColumns + `, (SELECT json_group_array(` + shortFileJSON + ` ORDER BY sf.position)
			FROM submission_files sf JOIN files f ON f.file_id = sf.file_id WHERE sf.submission_id = s.submission_id), ` + gradeColumns + from + `
			AND (g.submission_id IS NOT NULL, s.submitted_at, s.submission_id) > (?4, ?5, ?6)
		ORDER BY g.submission_id IS NOT NULL, s.submitted_at, s.submission_id
		LIMIT ?7`
	limit = limitOf(limit)
	rows, err := s.query(ctx, q, assignmentID, filter, sc.sections, graded, at, id, limit+1)
	found, err := collect(rows, err, s.scanSubmission(true))
	if err != nil {
		return nil, "", 0, err
	}
	items, next = pageOf(plain(found), limit, submissionCursor)
	total, err = s.number(ctx, `SELECT count(*) `+from, assignmentID, filter, sc.sections)
	return items, next, total, err
}

func submissionCursor(sub lms.Submission) string {
	graded := 0
	if sub.Grade != nil {
		graded = 1
	}
	return fmt.Sprintf("%d.%d.%s", graded, sub.SubmittedAt.UnixMilli(), sub.ID)
}

func parseSubmissionCursor(after string) (graded int, at int64, id string, err error) {
	if after == "" {
		return -1, 0, "", nil
	}
	parts := strings.SplitN(after, ".", 3)
	if len(parts) != 3 || parts[0] != "0" && parts[0] != "1" {
		return 0, 0, "", errCursor
	}
	if at, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return 0, 0, "", errCursor
	}
	return int(parts[0][0] - '0'), at, parts[2], nil
}

// GradeChange is one entry of the history of a grade.
type GradeChange struct {
	Posted      bool // false: the draft was changed
	By          string
	At          int64 // Unix milliseconds
	OldPoints   *lms.Points
	OldFeedback string
	NewPoints   lms.Points
	NewFeedback string
}

// GradeHistory lists who changed and posted the grade of a submission, oldest first, for staff.
func (s *Store) GradeHistory(ctx context.Context, actor lms.Actor, courseID, submissionID string) ([]GradeChange, error) {
	if err := s.staffReach(ctx, actor, courseID, submissionID); err != nil {
		return nil, err
	}
	const q = `
		SELECT c.kind = 'posted', (SELECT name FROM users WHERE user_id = c.changed_by), c.changed_at,
			c.old_points IS NOT NULL, c.old_points, c.old_feedback, c.new_points, c.new_feedback
		FROM grade_changes c
		JOIN submissions s ON s.submission_id = c.submission_id
		WHERE c.submission_id = ?1 AND s.course_id = ?2
		ORDER BY c.grade_change_id`
	rows, err := s.query(ctx, q, submissionID, courseID)
	return collect(rows, err, func(row consensus.Row) (c GradeChange, err error) {
		var hadOld bool
		var old lms.Points
		err = row.Scan(&c.Posted, &c.By, &c.At, &hadOld, &old, &c.OldFeedback, &c.NewPoints, &c.NewFeedback)
		if hadOld {
			c.OldPoints = &old
		}
		return c, err
	})
}
