package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

// maxDraftFiles is how many files a draft holds at most; assignments take no more.
const maxDraftFiles = 50

var errDraftFiles = lms.FieldErrorf(lms.KindRule, "files", "A draft holds at most 50 files. Remove some.")

// A draft w with something in it.
const draftFilled = `(trim(w.text) <> '' OR w.url <> '' OR w.files <> '[]')`

// ?1 assignment, ?2 user
const (
	selectDraft = `SELECT w.assignment_id, w.text, w.url, ` + draftRest
	draftRest   = `(SELECT json_group_array(` + fileJSON + ` ORDER BY j.key)
		FROM json_each(w.files) j JOIN files f ON f.file_id = j.value), w.saved_at, w.version
	FROM work_drafts w WHERE w.assignment_id = ?1 AND w.user_id = ?2`
)

func scanDraftWork(row consensus.Row) (d lms.Draft, err error) {
	var files string
	if err = row.Scan(&d.AssignmentID, &d.Text, &d.URL, &files, &d.SavedAt, &d.Version); err == nil {
		d.Files, err = parseFiles(files)
	}
	return d, err
}

// Draft returns the actor's unsent work for an assignment; version 0 when nothing is saved.
func (s *Store) Draft(ctx context.Context, actor lms.Actor, courseID, assignmentID string) (lms.Draft, error) {
	if _, err := s.Assignment(ctx, actor, courseID, assignmentID); err != nil {
		return lms.Draft{}, err
	}
	rows, err := s.query(ctx, selectDraft, assignmentID, actor.UserID)
	found, err := collect(rows, err, scanDraftWork)
	if err != nil || len(found) == 0 {
		return lms.Draft{AssignmentID: assignmentID}, err
	}
	return found[0], nil
}

// ?1 assignment, ?2 course, ?3 user, ?4 stamp: a draft that is handed in at the cut-off takes no change after it.
const draftOpen = `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1 AND hand_in_drafts IS NOT 1)
	OR EXISTS(SELECT 1 FROM (` + studentDates + ` WHERE a.assignment_id = ?1 AND a.course_id = ?2 AND e.user_id = ?3) d WHERE d.cutoff_at IS NULL OR d.cutoff_at >= ?4)`

// SaveDraft keeps unsent work if what is kept still has the version (0: nothing is kept). It takes more than the
// assignment does: nothing that was written is lost, and the hand-in says what does not fit. A version is the position of
// its write in the log, so that a draft that is begun after a hand-in never has the version of the one before.
func (s *Store) SaveDraft(ctx context.Context, actor lms.Actor, courseID, assignmentID string, d lms.Draft, fileIDs []string) (lms.Draft, error) {
	if len(fileIDs) > maxDraftFiles {
		return lms.Draft{}, errDraftFiles
	}
	files := list(fileIDs)
	var b consensus.Batch
	requireAccess(&b, actor, courseID, lms.StudentOfCourse)
	b.Require(lms.ErrNotFound, assignmentShown, courseID, assignmentID, actor.UserID, consensus.Stamp{})
	b.Require(lms.ErrCourseOver, `EXISTS(SELECT 1 FROM courses WHERE course_id = ? AND state = 'published')`, courseID)
	b.Require(lms.ErrOnPaper, `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ? AND on_paper IS NOT 1)`, assignmentID)
	b.Require(lms.ErrNotOpen, `EXISTS(SELECT 1 FROM (`+studentDates+` WHERE a.assignment_id = ?1 AND e.user_id = ?2) d
		WHERE d.opens_at IS NULL OR d.opens_at <= ?3)`, assignmentID, actor.UserID, consensus.Stamp{})
	b.Require(lms.ErrClosed, draftOpen, assignmentID, courseID, actor.UserID, consensus.Stamp{})
	b.Require(lms.ErrStale, `coalesce((SELECT version FROM work_drafts WHERE assignment_id = ?1 AND user_id = ?2), 0) = ?3`, assignmentID, actor.UserID, d.Version)
	b.Require(errFileUnknown, `NOT EXISTS(SELECT 1 FROM json_each(?3) j
		WHERE NOT EXISTS(SELECT 1 FROM files f WHERE f.file_id = j.value AND f.course_id = ?1 AND f.owner_id = ?2))`, courseID, actor.UserID, files)
	b.Require(errFileUsed, `NOT EXISTS(SELECT 1 FROM submission_files WHERE file_id IN (SELECT value FROM json_each(?)))`, files)
	b.Exec(`
		INSERT INTO work_drafts (assignment_id, user_id, course_id, text, url, files, saved_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
		ON CONFLICT (assignment_id, user_id) DO UPDATE SET text = ?4, url = ?5, files = ?6, saved_at = ?7, version = ?8`,
		assignmentID, actor.UserID, courseID, d.Text, d.URL, files, consensus.Stamp{}, consensus.Index{})
	b.Return(`SELECT w.assignment_id, '', '', `+draftRest, assignmentID, actor.UserID) // the text is known, and what is returned is kept
	b.Notify(topicUser(actor.UserID))
	res, err := s.apply(ctx, &b)
	if err != nil {
		return lms.Draft{}, s.explainHandIn(ctx, err, actor, courseID, assignmentID, nil)
	}
	saved, err := returned(res, nil, scanDraftWork)
	saved.Text, saved.URL = d.Text, d.URL
	return saved, err
}

// dropDraft takes away the draft that is handed in; it comes before the attempt's row. A draft with another text was
// written on another device and stays, without the files that are part of an attempt now.
func dropDraft(b *consensus.Batch, actor lms.Actor, assignmentID string, h HandIn) {
	b.Exec(`DELETE FROM work_drafts WHERE assignment_id = ?2 AND user_id = ?3 AND text = ?4 AND url = ?5 AND NOT `+submissionKnown,
		h.ID, assignmentID, actor.UserID, h.Text, h.URL)
	b.Exec(`UPDATE work_drafts
		SET files = (SELECT json_group_array(j.value ORDER BY j.key) FROM json_each(work_drafts.files) j WHERE j.value NOT IN (SELECT value FROM json_each(?4))),
			version = ?5
		WHERE assignment_id = ?2 AND user_id = ?3 AND NOT `+submissionKnown+`
			AND EXISTS(SELECT 1 FROM json_each(work_drafts.files) j WHERE j.value IN (SELECT value FROM json_each(?4)))`,
		h.ID, assignmentID, actor.UserID, list(h.Files), consensus.Index{})
}

// The drafts w that are handed in at their cut-off, with it: ?1 now. Only where nothing was handed in: what a student has
// finished is never replaced by what is not.
const dueDrafts = `
	SELECT w.assignment_id, w.user_id, d.cutoff_at
	FROM assignments a
	CROSS JOIN work_drafts w ON w.assignment_id = a.assignment_id
	JOIN courses c ON c.course_id = w.course_id AND c.state = 'published'
	JOIN (` + memberDates + `) d ON d.assignment_id = w.assignment_id AND d.user_id = w.user_id
	WHERE a.hand_in_drafts = 1 AND a.published = 1 AND d.cutoff_at < ?1 AND w.saved_at <= d.cutoff_at AND ` + draftFilled + `
		AND NOT EXISTS(SELECT 1 FROM submissions s WHERE s.assignment_id = w.assignment_id AND s.user_id = w.user_id)
	ORDER BY w.assignment_id, w.user_id LIMIT 200`

// HandInDrafts hands in the drafts whose cut-off has passed, some at a time, and tells how many. They count as handed in at
// the cut-off. The stamp decides, so that a second node that does the same does nothing.
func (s *Store) HandInDrafts(ctx context.Context) (int, error) {
	type due struct{ assignment, user string }
	rows, err := s.query(ctx, dueDrafts, s.Now())
	found, err := collect(rows, err, func(row consensus.Row) (d due, err error) {
		var at int64
		return d, row.Scan(&d.assignment, &d.user, &at)
	})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	var b consensus.Batch
	for _, d := range found {
		id := lms.NewID()
		// Each statement finds the draft only while it is due by the stamp of the batch.
		b.Exec(`
			INSERT INTO submissions (submission_id, course_id, assignment_id, user_id, attempt, text, submitted_at, log_index, url, from_draft)
			SELECT ?2, w.course_id, w.assignment_id, w.user_id, 1, w.text, d.cutoff_at, ?5, nullif(w.url, ''), 1
			FROM (`+dueDrafts+`) d JOIN work_drafts w ON w.assignment_id = d.assignment_id AND w.user_id = d.user_id
			WHERE d.assignment_id = ?3 AND d.user_id = ?4`,
			consensus.Stamp{}, id, d.assignment, d.user, consensus.Index{})
		b.Exec(`
			INSERT INTO submission_files (submission_id, file_id, position)
			SELECT s.submission_id, j.value, j.key + 1
			FROM submissions s JOIN work_drafts w ON w.assignment_id = s.assignment_id AND w.user_id = s.user_id, json_each(w.files) j
			WHERE s.submission_id = ?`, id)
		b.Exec(`DELETE FROM work_drafts WHERE (assignment_id, user_id) IN (SELECT assignment_id, user_id FROM submissions WHERE submission_id = ?)`, id)
		queueReceipt(&b, id)
		drawParticipant(&b, d.assignment, d.user)
		b.Notify(topicUser(d.user))
	}
	_, err = s.applyUnkeyed(ctx, &b)
	return len(found), err
}
