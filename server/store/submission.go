package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errSubmissionTaken = lms.FieldErrorf(lms.KindConflict, "id", "Other work was handed in under this id. Reload the page; your text and files are kept.")
	errNoText          = lms.FieldErrorf(lms.KindRule, "text", "This assignment takes files only. Your text is kept; add it as a file.")
	errTooManyFiles    = lms.FieldErrorf(lms.KindRule, "files", "This assignment does not take so many files. Remove some and hand in again.")
	errFileUnknown     = lms.FieldErrorf(lms.KindRule, "files", "A file was not uploaded by you for this course. Choose it again.")
	errFileUsed        = lms.FieldErrorf(lms.KindConflict, "files", "A file is part of an earlier attempt already. Choose it again to hand it in once more.")
	errFileTooLarge    = lms.FieldErrorf(lms.KindTooLarge, "files", "A file is larger than this assignment takes.")
	errFileType        = lms.FieldErrorf(lms.KindUnsupported, "files", "A file is not of a type that this assignment takes.")
)

const submissionColumns = `s.submission_id, s.course_id, s.assignment_id, s.user_id, (SELECT name FROM users WHERE user_id = s.user_id),
	s.attempt, s.text, s.submitted_at, s.log_index, a.due_at`

const submissionFiles = `(SELECT json_group_array(` + fileJSON + ` ORDER BY sf.position)
	FROM submission_files sf JOIN files f ON f.file_id = sf.file_id WHERE sf.submission_id = s.submission_id)`

const submissionDetail = `SELECT ` + submissionColumns + `, ` + submissionFiles + `, ` + gradeColumns + `
	FROM submissions s
	JOIN assignments a ON a.assignment_id = s.assignment_id
	LEFT JOIN grades g ON g.submission_id = s.submission_id`

// submission is a row with its place in the log.
type submission struct {
	lms.Submission
	index uint64
}

// scanSubmission reads a submission as staff or its author may see it.
func (s *Store) scanSubmission(staff bool) scanner[submission] {
	now := s.Now()
	return func(row consensus.Row) (sub submission, err error) {
		const columns = 11
		var files string
		var a lms.Assignment
		err = row[:columns].Scan(&sub.ID, &sub.CourseID, &sub.AssignmentID, &sub.UserID, &sub.UserName, &sub.Attempt, &sub.Text,
			&sub.SubmittedAt, &sub.index, &a.DueAt, &files)
		if err != nil {
			return sub, err
		}
		if !staff {
			sub.UserName = ""
		}
		if sub.Files, err = parseFiles(files); err != nil {
			return sub, err
		}
		sub.LateSeconds = lateSeconds(a.DueAt, sub.SubmittedAt)
		sub.State = sub.StateAt(now)
		sub.Grade, err = scanGrade(row[columns:], staff)
		return sub, err
	}
}

// The guards of Submit: ?1 submission, then what they need. A repeat of a submission that is there passes them all.
const (
	// ?2 assignment, ?3 user
	submissionMine  = `NOT EXISTS(SELECT 1 FROM submissions WHERE submission_id = ?1 AND (assignment_id <> ?2 OR user_id <> ?3))`
	submissionKnown = `EXISTS(SELECT 1 FROM submissions WHERE submission_id = ?1)`
	// ?2 course
	submitWritable = submissionKnown + ` OR EXISTS(SELECT 1 FROM courses WHERE course_id = ?2 AND state = 'published')`
	// ?2 assignment, ?3 stamp
	submitOpen   = submissionKnown + ` OR EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?2 AND (opens_at IS NULL OR opens_at <= ?3))`
	submitBefore = submissionKnown + ` OR EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?2 AND (cutoff_at IS NULL OR cutoff_at >= ?3))`
	// ?2 assignment, ?3 user
	submitAttempts = submissionKnown + ` OR EXISTS(SELECT 1 FROM assignments a WHERE a.assignment_id = ?2 AND (a.max_attempts = 0
		OR a.max_attempts > (SELECT count(*) FROM submissions s WHERE s.assignment_id = ?2 AND s.user_id = ?3)))`
	// ?2 assignment
	submitText = submissionKnown + ` OR EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?2 AND allow_text = 1)`
	// ?2 assignment, ?3 files
	submitCount = submissionKnown + ` OR EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?2 AND max_files >= json_array_length(?3))`
	submitSizes = submissionKnown + ` OR NOT EXISTS(SELECT 1 FROM json_each(?3) j JOIN files f ON f.file_id = j.value
		JOIN assignments a ON a.assignment_id = ?2 WHERE f.size > a.max_file_size)`
	submitTypes = submissionKnown + ` OR NOT EXISTS(SELECT 1 FROM json_each(?3) j JOIN files f ON f.file_id = j.value
		JOIN assignments a ON a.assignment_id = ?2
		WHERE json_array_length(a.allowed_types) > 0 AND f.extension NOT IN (SELECT value FROM json_each(a.allowed_types)))`
	// ?2 course, ?3 user, ?4 files
	submitDeclared = submissionKnown + ` OR NOT EXISTS(SELECT 1 FROM json_each(?4) j
		WHERE NOT EXISTS(SELECT 1 FROM files f WHERE f.file_id = j.value AND f.course_id = ?2 AND f.owner_id = ?3))`
	// ?2 files
	submitUnused = submissionKnown + ` OR NOT EXISTS(SELECT 1 FROM submission_files WHERE file_id IN (SELECT value FROM json_each(?2)))`
)

// Submit hands work in: a new immutable attempt, numbered and stamped by the cluster. The files must have been declared
// by the student in this course; their bytes may still be on the way. The same id again returns the first attempt. The
// index is the attempt's place in the cluster's log.
func (s *Store) Submit(ctx context.Context, actor lms.Actor, courseID, assignmentID, id, text string, fileIDs []string) (lms.Submission, uint64, error) {
	if strings.TrimSpace(text) == "" && len(fileIDs) == 0 {
		return lms.Submission{}, 0, lms.ErrEmptyWork
	}
	if len(slices.Compact(slices.Sorted(slices.Values(fileIDs)))) != len(fileIDs) {
		return lms.Submission{}, 0, errFileUsed
	}
	files := list(fileIDs)
	var b consensus.Batch
	requireAccess(&b, actor, courseID, lms.StudentOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ? AND published = 1)`, courseID, assignmentID)
	b.Require(errSubmissionTaken, submissionMine, id, assignmentID, actor.UserID)
	b.Require(lms.ErrCourseOver, submitWritable, id, courseID)
	b.Require(lms.ErrNotOpen, submitOpen, id, assignmentID, consensus.Stamp{})
	b.Require(lms.ErrClosed, submitBefore, id, assignmentID, consensus.Stamp{})
	b.Require(lms.ErrAttempts, submitAttempts, id, assignmentID, actor.UserID)
	if strings.TrimSpace(text) != "" {
		b.Require(errNoText, submitText, id, assignmentID)
	}
	if len(fileIDs) > 0 {
		b.Require(errFileUnknown, submitDeclared, id, courseID, actor.UserID, files)
		b.Require(errFileUsed, submitUnused, id, files)
		b.Require(errTooManyFiles, submitCount, id, assignmentID, files)
		b.Require(errFileTooLarge, submitSizes, id, assignmentID, files)
		b.Require(errFileType, submitTypes, id, assignmentID, files)
		b.Exec(`
			INSERT INTO submission_files (submission_id, file_id, position)
			SELECT ?1, value, key + 1 FROM json_each(?2) WHERE NOT `+submissionKnown+` ORDER BY key`, id, files)
	}
	b.Exec(`
		INSERT INTO submissions (submission_id, course_id, assignment_id, user_id, attempt, text, submitted_at, log_index)
		SELECT ?1, ?2, ?3, ?4, (SELECT coalesce(max(attempt), 0) + 1 FROM submissions WHERE assignment_id = ?3 AND user_id = ?4), ?5, ?6, ?7
		WHERE NOT `+submissionKnown,
		id, courseID, assignmentID, actor.UserID, text, consensus.Stamp{}, consensus.Index{})
	b.Return(submissionDetail+` WHERE s.submission_id = ?`, id)
	b.Notify(topicCourse(courseID), topicUser(actor.UserID))
	res, err := s.apply(ctx, &b)
	if err != nil {
		return lms.Submission{}, 0, s.explainFiles(ctx, err, courseID, assignmentID, fileIDs)
	}
	sub, err := returned(res, nil, s.scanSubmission(false))
	if err != nil {
		return lms.Submission{}, 0, err
	}
	return sub.Submission, sub.index, nil
}

// explainFiles names the file and the limit in a refusal of files.
func (s *Store) explainFiles(ctx context.Context, err error, courseID, assignmentID string, fileIDs []string) error {
	if !errors.Is(err, errFileTooLarge) && !errors.Is(err, errFileType) && !errors.Is(err, errTooManyFiles) {
		return err
	}
	rows, queryErr := s.query(ctx, selectAssignment, courseID, assignmentID)
	a, queryErr := one(rows, queryErr, scanAssignment)
	if queryErr != nil {
		return err
	}
	if len(fileIDs) > a.MaxFiles && a.MaxFiles > 0 {
		return lms.FieldErrorf(lms.KindRule, "files", "This assignment takes at most %d files; you chose %d. Remove some and hand in again.", a.MaxFiles, len(fileIDs))
	}
	for _, id := range fileIDs {
		rows, queryErr := s.query(ctx, selectFile, courseID, id)
		if f, queryErr := one(rows, queryErr, scanFile); queryErr == nil {
			if detailed := a.CheckFile(f); detailed != nil {
				return detailed
			}
		}
	}
	return err
}

// MySubmissions lists the actor's own attempts, for an observer those of the linked student, latest first.
func (s *Store) MySubmissions(ctx context.Context, actor lms.Actor, courseID, assignmentID string) ([]lms.Submission, error) {
	if _, err := s.Assignment(ctx, actor, courseID, assignmentID); err != nil {
		return nil, err
	}
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return nil, err
	}
	student := sc.subject(actor)
	if student == "" {
		return nil, lms.ErrForbidden
	}
	const q = submissionDetail + ` WHERE s.assignment_id = ?1 AND s.user_id = ?2 ORDER BY s.attempt DESC`
	rows, err := s.query(ctx, q, assignmentID, student)
	items, err := collect(rows, err, s.scanSubmission(false))
	return plain(items), err
}

func plain(items []submission) []lms.Submission {
	out := make([]lms.Submission, len(items))
	for i, sub := range items {
		out[i] = sub.Submission
	}
	return out
}

// Attempts lists every attempt of the student of an attempt at the same assignment, latest first, for staff.
func (s *Store) Attempts(ctx context.Context, actor lms.Actor, courseID, id string) ([]lms.Submission, error) {
	if err := s.staffReach(ctx, actor, courseID, id); err != nil {
		return nil, err
	}
	const q = submissionDetail + ` WHERE (s.assignment_id, s.user_id) = (SELECT assignment_id, user_id FROM submissions
		WHERE submission_id = ?1 AND course_id = ?2) ORDER BY s.attempt DESC`
	rows, err := s.query(ctx, q, id, courseID)
	items, err := collect(rows, err, s.scanSubmission(true))
	if err == nil && len(items) == 0 {
		err = lms.ErrNotFound
	}
	return plain(items), err
}

// Submission returns an attempt and its place in the log: for its author, and the observer who is linked to them, with the
// posted grade, for staff with the draft.
func (s *Store) Submission(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Submission, uint64, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return lms.Submission{}, 0, err
	}
	rows, err := s.query(ctx, submissionDetail+` WHERE s.submission_id = ?1 AND s.course_id = ?2`, id, courseID)
	sub, err := one(rows, err, s.scanSubmission(sc.staff()))
	if err == nil {
		err = s.mayRead(ctx, sc, actor, courseID, sub.UserID)
	}
	if err != nil {
		return lms.Submission{}, 0, err
	}
	return sub.Submission, sub.index, nil
}
