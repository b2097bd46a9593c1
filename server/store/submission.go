package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errSubmissionTaken = lms.FieldErrorf(lms.KindConflict, "id", "Other work was handed in under this id. Reload the page; your text and files are kept.")
	errNoURL           = lms.FieldErrorf(lms.KindRule, "url", "This assignment takes no web address. Yours is kept; add it as text or as a file.")
	errNoText          = lms.FieldErrorf(lms.KindRule, "text", "This assignment takes files only. Your text is kept; add it as a file.")
	errTooManyFiles    = lms.FieldErrorf(lms.KindRule, "files", "This assignment does not take so many files. Remove some and hand in again.")
	errFileUnknown     = lms.FieldErrorf(lms.KindRule, "files", "A file was not uploaded by you for this course. Choose it again.")
	errFileUsed        = lms.FieldErrorf(lms.KindConflict, "files", "A file is part of an earlier attempt already. Choose it again to hand it in once more.")
	errFileTooLarge    = lms.FieldErrorf(lms.KindTooLarge, "files", "A file is larger than this assignment takes.")
	errFileType        = lms.FieldErrorf(lms.KindUnsupported, "files", "A file is not of a type that this assignment takes.")
)

const submissionColumns = `s.submission_id, s.course_id, s.assignment_id, s.user_id, (SELECT name FROM users WHERE user_id = s.user_id),
	s.attempt, s.text, s.submitted_at, s.log_index, ` + submissionDue + `, s.url, s.honour, s.from_draft, s.returned_at,
	(SELECT name FROM users WHERE user_id = s.returned_by), s.chosen_at IS NOT NULL, s.submission_id = ` + countedAttempt + `,
	a.points, a.grade_type, coalesce(a.late_policy, (SELECT late_policy FROM courses WHERE course_id = s.course_id)),
	(SELECT zone FROM courses WHERE course_id = s.course_id), ` + unanswered + `, ` + participantOf + `, a.hide_markers, ` + beginningColumns

// The last word about the work of a submission s is the student's.
const unanswered = `coalesce((SELECT uc.staff = 0 FROM submission_comments uc WHERE uc.assignment_id = s.assignment_id AND uc.user_id = s.user_id
		AND uc.deleted_at IS NULL ORDER BY uc.created_at DESC, uc.comment_id DESC LIMIT 1), 0)`

const submissionFiles = `(SELECT json_group_array(` + fileJSON + ` ORDER BY sf.position)
	FROM submission_files sf JOIN files f ON f.file_id = sf.file_id WHERE sf.submission_id = s.submission_id)`

const submissionDetail = `SELECT ` + submissionColumns + `, ` + submissionFiles + `, ` + gradeColumns + `
	FROM submissions s
	JOIN assignments a ON a.assignment_id = s.assignment_id
	LEFT JOIN grade_beginnings n ON n.submission_id = s.submission_id
	LEFT JOIN grades g ON g.submission_id = s.submission_id`

// submission is a row with its place in the log, and its author, for whom a pseudonym may stand in what others read.
type submission struct {
	lms.Submission
	author string
	index  uint64
}

// scanSubmission reads a submission as staff or its author may see it.
func (s *Store) scanSubmission(staff bool) scanner[submission] {
	now := s.Now()
	return func(row consensus.Row) (sub submission, err error) {
		const beginning, columns = 24, 30
		var policy, zone string
		var a lms.Assignment
		var number int
		err = row[:beginning].Scan(&sub.ID, &sub.CourseID, &sub.AssignmentID, &sub.UserID, &sub.UserName, &sub.Attempt, &sub.Text,
			&sub.SubmittedAt, &sub.index, &a.DueAt, &sub.URL, &sub.Honour, &sub.FromDraft, &sub.ReturnedAt, &sub.ReturnedBy, &sub.Chosen, &sub.Counts,
			&a.Points, &a.GradeType, &policy, &zone, &sub.Unanswered, &number, &a.HideMarkers)
		if err != nil {
			return sub, err
		}
		sub.Unanswered, sub.author = sub.Unanswered && staff, sub.UserID
		if staff {
			if sub.Begun, err = scanBeginning(row[beginning : columns-1]); err != nil {
				return sub, err
			}
		}
		var files string
		if err = row[columns-1 : columns].Scan(&files); err != nil {
			return sub, err
		}
		if !staff {
			sub.UserName = ""
			if a.HideMarkers {
				sub.ReturnedBy = ""
			}
		}
		if sub.Files, err = parseFiles(files); err != nil {
			return sub, err
		}
		sub.LateSeconds = lateSeconds(a.DueAt, sub.SubmittedAt)
		sub.State = sub.StateAt(now)
		if sub.Grade, err = scanGrade(row[columns:], staff); err != nil {
			return sub, err
		}
		if sub.Grade != nil {
			if a.HideMarkers && !staff {
				sub.Grade.By = ""
			}
			var rule lms.LatePolicy
			rule, err = parsePolicy(policy)
			score := lms.ScoreOf(a, a.GradeType, rule, zoneOf(zone), sub.SubmittedAt, &sub.Grade.Points, now)
			sub.Score = &score
		}
		if staff {
			sub.pseudonym(number)
		}
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
	// ?2 assignment, ?3 user, ?4 stamp
	submitOpen   = submissionKnown + ` OR EXISTS(SELECT 1 FROM (` + ownDates + `) d WHERE d.opens_at IS NULL OR d.opens_at <= ?4)`
	submitBefore = submissionKnown + ` OR EXISTS(SELECT 1 FROM (` + ownDates + `) d WHERE d.cutoff_at IS NULL OR d.cutoff_at >= ?4)`
	// ?2 assignment, ?3 user
	ownDates       = studentDates + ` WHERE a.assignment_id = ?2 AND e.user_id = ?3`
	submitAttempts = submissionKnown + ` OR EXISTS(SELECT 1 FROM (` + ownDates + `) d WHERE d.max_attempts = 0
		OR d.max_attempts > (SELECT count(*) FROM submissions s WHERE s.assignment_id = ?2 AND s.user_id = ?3 AND s.returned_at IS NULL))`
	// ?2 assignment
	submitOnline = submissionKnown + ` OR EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?2 AND on_paper IS NOT 1)`
	submitText   = submissionKnown + ` OR EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?2 AND allow_text = 1)`
	submitURL    = submissionKnown + ` OR EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?2 AND allow_url = 1)`
	// ?2 assignment, ?3 ticked
	submitHonour = submissionKnown + ` OR ?3 OR EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?2 AND honour IS NULL)`
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

// HandIn is work as it is handed in.
type HandIn struct {
	ID     string // of the attempt
	Text   string
	URL    string
	Files  []string
	Honour bool // the statement was ticked
}

func (h HandIn) empty() bool {
	return strings.TrimSpace(h.Text) == "" && h.URL == "" && len(h.Files) == 0
}

// Submit is SubmitWork for text and files.
func (s *Store) Submit(ctx context.Context, actor lms.Actor, courseID, assignmentID, id, text string, fileIDs []string) (lms.Submission, uint64, error) {
	return s.SubmitWork(ctx, actor, courseID, assignmentID, HandIn{ID: id, Text: text, Files: fileIDs})
}

// SubmitWork hands work in: a new immutable attempt, numbered and stamped by the cluster. The files must have been declared
// by the student in this course; their bytes may still be on the way. The same id again returns the first attempt. The
// index is the attempt's place in the cluster's log.
func (s *Store) SubmitWork(ctx context.Context, actor lms.Actor, courseID, assignmentID string, h HandIn) (lms.Submission, uint64, error) {
	if h.empty() {
		return lms.Submission{}, 0, lms.ErrEmptyWork
	}
	if len(slices.Compact(slices.Sorted(slices.Values(h.Files)))) != len(h.Files) {
		return lms.Submission{}, 0, errFileUsed
	}
	var b consensus.Batch
	requireAccess(&b, actor, courseID, lms.StudentOfCourse)
	b.Require(lms.ErrNotFound, assignmentShown, courseID, assignmentID, actor.UserID, consensus.Stamp{})
	b.Require(errSubmissionTaken, submissionMine, h.ID, assignmentID, actor.UserID)
	b.Require(lms.ErrCourseOver, submitWritable, h.ID, courseID)
	b.Require(lms.ErrOnPaper, submitOnline, h.ID, assignmentID)
	b.Require(lms.ErrNotOpen, submitOpen, h.ID, assignmentID, actor.UserID, consensus.Stamp{})
	b.Require(lms.ErrClosed, submitBefore, h.ID, assignmentID, actor.UserID, consensus.Stamp{})
	b.Require(lms.ErrAttempts, submitAttempts, h.ID, assignmentID, actor.UserID)
	requireContent(&b, actor, courseID, assignmentID, h)
	b.Require(lms.ErrHonour, submitHonour, h.ID, assignmentID, h.Honour)
	b.Exec(`
		INSERT INTO submission_files (submission_id, file_id, position)
		SELECT ?1, value, key + 1 FROM json_each(?2) WHERE NOT `+submissionKnown+` ORDER BY key`, h.ID, list(h.Files))
	dropDraft(&b, actor, assignmentID, h)
	b.Exec(`
		INSERT INTO submissions (submission_id, course_id, assignment_id, user_id, attempt, text, submitted_at, log_index, url, honour)
		SELECT ?1, ?2, ?3, ?4, (SELECT coalesce(max(attempt), 0) + 1 FROM submissions WHERE assignment_id = ?3 AND user_id = ?4), ?5, ?6, ?7, ?8,
			(SELECT honour FROM assignments WHERE assignment_id = ?3)
		WHERE NOT `+submissionKnown,
		h.ID, courseID, assignmentID, actor.UserID, h.Text, consensus.Stamp{}, consensus.Index{}, nullable(h.URL))
	queueReceipt(&b, h.ID)
	drawParticipant(&b, assignmentID, actor.UserID)
	b.Return(submissionDetail+` WHERE s.submission_id = ?`, h.ID)
	b.Notify(topicCourse(courseID), topicUser(actor.UserID))
	res, err := s.apply(ctx, &b)
	if err != nil {
		return lms.Submission{}, 0, s.explainHandIn(ctx, err, actor, courseID, assignmentID, h.Files)
	}
	sub, err := returned(res, nil, s.scanSubmission(false))
	if err != nil {
		return lms.Submission{}, 0, err
	}
	return sub.Submission, sub.index, nil
}

// requireContent demands that the assignment takes what is handed in.
func requireContent(b *consensus.Batch, actor lms.Actor, courseID, assignmentID string, h HandIn) {
	if strings.TrimSpace(h.Text) != "" {
		b.Require(errNoText, submitText, h.ID, assignmentID)
	}
	if h.URL != "" {
		b.Require(errNoURL, submitURL, h.ID, assignmentID)
	}
	if len(h.Files) == 0 {
		return
	}
	files := list(h.Files)
	b.Require(errFileUnknown, submitDeclared, h.ID, courseID, actor.UserID, files)
	b.Require(errFileUsed, submitUnused, h.ID, files)
	b.Require(errTooManyFiles, submitCount, h.ID, assignmentID, files)
	b.Require(errFileTooLarge, submitSizes, h.ID, assignmentID, files)
	b.Require(errFileType, submitTypes, h.ID, assignmentID, files)
}

// explainHandIn puts the time of the cut-off, or the file and the limit, into a refusal.
func (s *Store) explainHandIn(ctx context.Context, err error, actor lms.Actor, courseID, assignmentID string, fileIDs []string) error {
	if !errors.Is(err, lms.ErrClosed) {
		return s.explainFiles(ctx, err, courseID, assignmentID, fileIDs)
	}
	const q = `SELECT d.cutoff_at, (SELECT zone FROM courses WHERE course_id = ?1) FROM (` + ownDates + `) d`
	rows, queryErr := s.query(ctx, q, courseID, assignmentID, actor.UserID)
	closed, queryErr := one(rows, queryErr, func(row consensus.Row) (refusal error, err error) {
		var at time.Time
		var zone string
		err = row.Scan(&at, &zone)
		return lms.ClosedAt(at, zoneOf(zone)), err
	})
	if queryErr != nil {
		return err
	}
	return closed
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
	if err != nil {
		return nil, err
	}
	return s.withRubrics(ctx, courseID, plain(items))
}

// withRubrics puts the rubrics beside what was marked by them.
func (s *Store) withRubrics(ctx context.Context, courseID string, items []lms.Submission) ([]lms.Submission, error) {
	var grades []*lms.Grade
	for i := range items {
		grades = append(grades, items[i].Grade, items[i].Begun)
	}
	return items, s.fillRubrics(ctx, courseID, grades...)
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
	if err != nil {
		return nil, err
	}
	return s.withRubrics(ctx, courseID, plain(items))
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
		err = s.mayRead(ctx, sc, actor, courseID, sub.author)
	}
	if err != nil {
		return lms.Submission{}, 0, err
	}
	return sub.Submission, sub.index, s.fillRubrics(ctx, courseID, sub.Grade, sub.Begun)
}
