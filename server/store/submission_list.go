package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

// What the filters of the list ask for, of a latest attempt s with its assignment a and grade g.
const (
	filterUngraded = `g.submission_id IS NULL`
	filterNeeds    = `g.submission_id IS NULL AND NOT EXISTS(SELECT 1 FROM submission_files uf JOIN files u ON u.file_id = uf.file_id
		WHERE uf.submission_id = s.submission_id AND u.complete_at IS NULL)`
	filterUnposted  = `g.submission_id IS NOT NULL AND g.posted_version IS NOT g.version`
	filterLate      = `coalesce(s.submitted_at > ` + submissionDue + `, 0) AND NOT ` + blindNow
	filterExtension = `NOT ` + blindNow + ` AND EXISTS(SELECT 1 FROM overrides x WHERE x.assignment_id = s.assignment_id AND (x.due_at IS NOT NULL OR x.cutoff_at IS NOT NULL)
		AND (x.target = 'student' AND x.target_id = s.user_id OR x.target = 'section' AND x.target_id = (SELECT xe.section_id
			FROM enrolments xe WHERE xe.course_id = x.course_id AND xe.user_id = s.user_id)))`
	filterResubmitted = `s.attempt > 1 AND g.submission_id IS NULL AND EXISTS(SELECT 1 FROM grades og
		WHERE og.assignment_id = s.assignment_id AND og.user_id = s.user_id)`
	// Students of assignment a without work; s is the student.
	missingWork = `
		FROM assignments a
		JOIN (SELECT e.course_id, e.user_id, ?1 AS assignment_id FROM enrolments e WHERE e.active = 1 AND e.role = 'student'
			AND (?3 = '' OR e.section_id IN (SELECT value FROM json_each(?3)))) s ON s.course_id = a.course_id
		WHERE a.assignment_id = ?1 AND NOT EXISTS(SELECT 1 FROM submissions h WHERE h.assignment_id = ?1 AND h.user_id = s.user_id)
			AND coalesce(` + submissionDue + ` < ?2, 0)`
	listedWork = `
		FROM (` + latestAttempts + ` AND s.assignment_id = ?1 AND (?3 = '' OR e.section_id IN (SELECT value FROM json_each(?3)))) s
		JOIN assignments a ON a.assignment_id = s.assignment_id
		LEFT JOIN grade_beginnings n ON n.submission_id = s.submission_id
		LEFT JOIN grades g ON g.submission_id = s.submission_id`
	filteredWork = listedWork + `
		WHERE CASE ?2
			WHEN '' THEN 1
			WHEN 'submitted' THEN 1
			WHEN 'ungraded' THEN ` + filterUngraded + `
			WHEN 'needs' THEN ` + filterNeeds + `
			WHEN 'late' THEN ` + filterLate + `
			WHEN 'unposted' THEN ` + filterUnposted + `
			WHEN 'extension' THEN ` + filterExtension + `
			WHEN 'resubmitted' THEN ` + filterResubmitted + `
			END`
)

// Submissions lists the latest attempt of each active member: ungraded first, then in the order of their times. The filter
// is one of lms.SubmissionFilters; missing lists students without an attempt, by name. While the marking is blind, nobody is
// named and who is late or has an extension is not told, because that could be a single student.
func (s *Store) Submissions(ctx context.Context, actor lms.Actor, courseID, assignmentID, filter, after string, limit int) (items []lms.Submission, next string, total int, err error) {
	sections, err := s.markable(ctx, actor, courseID, assignmentID)
	if err != nil {
		return nil, "", 0, err
	}
	if filter == "missing" {
		return s.missing(ctx, courseID, assignmentID, sections, after, limitOf(limit))
	}
	graded, at, id, err := parseSubmissionCursor(after)
	if err != nil {
		return nil, "", 0, err
	}
	const q = `
		SELECT ` + submissionColumns + `, (SELECT json_group_array(` + shortFileJSON + ` ORDER BY sf.position)
			FROM submission_files sf JOIN files f ON f.file_id = sf.file_id WHERE sf.submission_id = s.submission_id), ` + gradeColumns + filteredWork + `
			AND (g.submission_id IS NOT NULL, s.submitted_at, s.submission_id) > (?4, ?5, ?6)
		ORDER BY g.submission_id IS NOT NULL, s.submitted_at, s.submission_id
		LIMIT ?7`
	limit = limitOf(limit)
	rows, err := s.query(ctx, q, assignmentID, filter, sections, graded, at, id, limit+1)
	found, err := collect(rows, err, s.scanSubmission(true))
	if err != nil {
		return nil, "", 0, err
	}
	items, next = pageOf(plain(found), limit, submissionCursor)
	total, err = s.number(ctx, `SELECT count(*) `+filteredWork, assignmentID, filter, sections)
	return items, next, total, err
}

// markable refuses those who are not staff of the course, and assignments of other courses. It returns the sections that the
// actor is limited to, as JSON, or nothing.
func (s *Store) markable(ctx context.Context, actor lms.Actor, courseID, assignmentID string) (sections string, err error) {
	sc, err := s.staffScope(ctx, actor, courseID)
	if err != nil {
		return "", err
	}
	n, err := s.number(ctx, `SELECT count(*) FROM assignments WHERE course_id = ?1 AND assignment_id = ?2`, courseID, assignmentID)
	if err != nil || n == 0 {
		return "", orNotFound(err)
	}
	return sc.sections, nil
}

// missing lists the students who are past their due date and have handed in nothing, as submissions without an id.
func (s *Store) missing(ctx context.Context, courseID, assignmentID, sections, after string, limit int) (items []lms.Submission, next string, total int, err error) {
	const q = `
		SELECT s.user_id, (SELECT name FROM users u WHERE u.user_id = s.user_id)` + missingWork + ` AND s.user_id > ?4
		ORDER BY s.user_id
		LIMIT ?5`
	now := s.Now()
	blind, err := s.number(ctx, `SELECT `+assignmentBlind, assignmentID)
	if err != nil {
		return nil, "", 0, err
	}
	if blind == 1 {
		total, err = s.number(ctx, `SELECT count(*) `+missingWork, assignmentID, now, sections)
		return nil, "", total, err
	}
	rows, err := s.query(ctx, q, assignmentID, now, sections, after, limit+1)
	items, err = collect(rows, err, func(row consensus.Row) (sub lms.Submission, err error) {
		sub.CourseID, sub.AssignmentID = courseID, assignmentID
		return sub, row.Scan(&sub.UserID, &sub.UserName)
	})
	if err != nil {
		return nil, "", 0, err
	}
	items, next = pageOf(items, limit, func(sub lms.Submission) string { return sub.UserID })
	total, err = s.number(ctx, `SELECT count(*) `+missingWork, assignmentID, now, sections)
	return items, next, total, err
}

// Marks and excuses in the gradebook that students do not see: ?1 assignment, ?2 JSON list of sections or empty.
const unpostedCells = `
	SELECT count(*) FROM book_cells k JOIN enrolments e ON e.course_id = k.course_id AND e.user_id = k.user_id AND e.active = 1
	WHERE k.column_id = ?1 AND k.posted_version IS NOT k.version AND (k.draft_points IS NOT k.posted_points OR k.draft_excused <> coalesce(k.posted_excused, 0))
		AND (?2 = '' OR e.section_id IN (SELECT value FROM json_each(?2)))`

// SubmissionCounts counts what each filter of the list shows.
func (s *Store) SubmissionCounts(ctx context.Context, actor lms.Actor, courseID, assignmentID string) (c lms.SubmissionCounts, err error) {
	sections, err := s.markable(ctx, actor, courseID, assignmentID)
	if err != nil {
		return c, err
	}
	const q = `
		SELECT count(*), coalesce(sum(` + filterUngraded + `), 0), coalesce(sum(` + filterNeeds + `), 0), coalesce(sum(` + filterUnposted + `), 0),
			coalesce(sum(` + filterLate + `), 0), coalesce(sum(` + filterExtension + `), 0), coalesce(sum(` + filterResubmitted + `), 0)` + listedWork
	rows, err := s.query(ctx, q, assignmentID, "", sections)
	c, err = one(rows, err, func(row consensus.Row) (c lms.SubmissionCounts, err error) {
		return c, row.Scan(&c.Submitted, &c.Ungraded, &c.Needs, &c.Unposted, &c.Late, &c.Extension, &c.Resubmitted)
	})
	if err == nil {
		c.Missing, err = s.number(ctx, `SELECT count(*) `+missingWork, assignmentID, s.Now(), sections)
	}
	if err == nil {
		c.Entered, err = s.number(ctx, unpostedCells, assignmentID, sections)
	}
	return c, err
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
