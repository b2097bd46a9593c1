package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errCommentExists = lms.FieldErrorf(lms.KindConflict, "id", "This comment was sent already. Reload the page.")
	errCommentFile   = lms.FieldErrorf(lms.KindRule, "files", "An attachment was not uploaded by you for this course, has not arrived completely, or is part of handed-in work. Choose it again.")
)

const selectComments = `
	SELECT w.comment_id, w.submission_id, s.attempt, w.author_id, (SELECT name FROM users WHERE user_id = w.author_id), w.staff, w.body,
		(SELECT json_group_array(` + shortFileJSON + ` ORDER BY cf.position)
			FROM submission_comment_files cf JOIN files f ON f.file_id = cf.file_id WHERE cf.comment_id = w.comment_id),
		w.created_at, w.posted_at, ` + participantOf + `, a.hide_markers
	FROM submission_comments w
	JOIN submissions s ON s.submission_id = w.submission_id
	JOIN assignments a ON a.assignment_id = s.assignment_id`

// scanComment reads a message as staff or the student may see it: while the marking is blind, staff have a pseudonym in the place of the
// student; where markers are hidden, the student reads no name of theirs.
func scanComment(staff bool) scanner[lms.Comment] {
	return func(row consensus.Row) (c lms.Comment, err error) {
		var files string
		var number int
		var hidden bool
		err = row.Scan(&c.ID, &c.SubmissionID, &c.Attempt, &c.AuthorID, &c.AuthorName, &c.Staff, &c.Body, &files, &c.CreatedAt, &c.PostedAt, &number, &hidden)
		if err == nil {
			c.Files, err = parseFiles(files)
		}
		switch {
		case staff && !c.Staff && number >= 0:
			c.AuthorID, c.AuthorName = lms.Pseudonym(number, c.SubmissionID)
			neutral(c.Files, "attachment", c.AuthorID)
		case !staff && c.Staff && hidden:
			c.AuthorID, c.AuthorName = "", lms.HiddenMarker
			for i := range c.Files {
				c.Files[i].OwnerID = ""
			}
		}
		return c, err
	}
}

// work is whose work a submission is.
type workOf struct{ assignment, user string }

// workOf looks a submission up for staff and for its author; others are refused.
func (s *Store) workOf(ctx context.Context, actor lms.Actor, courseID, submissionID string) (w workOf, staff bool, err error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return w, false, err
	}
	rows, err := s.query(ctx, `SELECT assignment_id, user_id FROM submissions WHERE submission_id = ?1 AND course_id = ?2`, submissionID, courseID)
	w, err = one(rows, err, func(row consensus.Row) (w workOf, err error) { return w, row.Scan(&w.assignment, &w.user) })
	if err == nil {
		err = s.mayRead(ctx, sc, actor, courseID, w.user)
	}
	return w, sc.staff(), err
}

// Comments lists the thread about a student's work in an assignment, oldest first, over all attempts. The student does not
// see what staff have not posted.
func (s *Store) Comments(ctx context.Context, actor lms.Actor, courseID, submissionID string) ([]lms.Comment, error) {
	w, staff, err := s.workOf(ctx, actor, courseID, submissionID)
	if err != nil {
		return nil, err
	}
	const q = selectComments + `
		WHERE w.assignment_id = ?1 AND w.user_id = ?2 AND w.deleted_at IS NULL AND (?3 OR w.staff = 0 OR w.posted_at IS NOT NULL)
		ORDER BY w.created_at, w.comment_id`
	rows, err := s.query(ctx, q, w.assignment, w.user, staff)
	return collect(rows, err, scanComment(staff))
}

// Remarks of staff show at once where posting is automatic, and where the student sees a grade already.
// ?1 assignment, ?2 student
const remarkShown = assignmentAutomatic + ` OR EXISTS(SELECT 1 FROM grades pg WHERE pg.assignment_id = ?1 AND pg.user_id = ?2 AND pg.posted_at IS NOT NULL)`

// requireWork demands that the submission is of the course, and that the actor is staff or its author.
func requireWork(b *consensus.Batch, actor lms.Actor, courseID, submissionID string) {
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM submissions WHERE submission_id = ? AND course_id = ?)`, submissionID, courseID)
	b.Require(lms.ErrNotYours, staffOrAdmin+` OR EXISTS(SELECT 1 FROM submissions WHERE submission_id = ?3 AND user_id = ?1)`, actor.UserID, courseID, submissionID)
	requireReachOf(b, actor, courseID, submissionID)
}

// AddComment adds a message to the thread about a student's work, with files that the actor has uploaded.
func (s *Store) AddComment(ctx context.Context, actor lms.Actor, courseID string, c lms.Comment) (lms.Comment, error) {
	w, staff, err := s.workOf(ctx, actor, courseID, c.SubmissionID)
	if err != nil {
		return lms.Comment{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.MemberOfCourse)
	requireWork(&b, actor, courseID, c.SubmissionID)
	requireFiles(&b, actor, courseID, c.Files)
	insertComment(&b, actor, courseID, w, staff, c, "")
	b.Return(selectComments+` WHERE w.comment_id = ?`, c.ID)
	b.Notify(topicCourse(courseID), topicUser(w.user))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanComment(staff))
}

// requireFiles demands that attachments are the actor's own, have arrived and are no part of handed-in work.
func requireFiles(b *consensus.Batch, actor lms.Actor, courseID string, files []lms.File) {
	b.Require(errCommentFile, `
		NOT EXISTS(SELECT 1 FROM json_each(?1) j
			WHERE NOT EXISTS(SELECT 1 FROM files f WHERE f.file_id = j.value AND f.course_id = ?2 AND f.owner_id = ?3 AND f.complete_at IS NOT NULL))
		AND NOT EXISTS(SELECT 1 FROM submission_files WHERE file_id IN (SELECT value FROM json_each(?1)))`, fileIDs(files), courseID, actor.UserID)
}

func fileIDs(files []lms.File) string {
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	return list(ids)
}

// insertComment is what all comments have in common. feedback names the archive that a comment comes from.
func insertComment(b *consensus.Batch, actor lms.Actor, courseID string, w workOf, staff bool, c lms.Comment, feedback string) {
	b.Require(errCommentExists, `NOT EXISTS(SELECT 1 FROM submission_comments WHERE comment_id = ?)`, c.ID)
	b.Exec(`
		INSERT INTO submission_comments (comment_id, course_id, assignment_id, submission_id, user_id, author_id, staff, body, created_at, posted_at, feedback_id)
		SELECT ?3, ?4, ?1, ?5, ?2, ?6, ?7, ?8, ?9, CASE WHEN ?7 = 0 OR `+remarkShown+` THEN ?9 END, ?10`,
		w.assignment, w.user, c.ID, courseID, c.SubmissionID, actor.UserID, staff, c.Body, consensus.Stamp{}, nullable(feedback))
	if len(c.Files) > 0 {
		b.Exec(`INSERT INTO submission_comment_files (comment_id, file_id, position) SELECT ?1, value, key + 1 FROM json_each(?2) ORDER BY key`, c.ID, fileIDs(c.Files))
	}
}

// DeleteComment takes an own comment out of the thread, or puts it back within 30 days.
func (s *Store) DeleteComment(ctx context.Context, actor lms.Actor, courseID, submissionID, id string, remove bool) error {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.MemberOfCourse)
	requireWork(&b, actor, courseID, submissionID)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM submission_comments w JOIN submissions s ON s.assignment_id = w.assignment_id AND s.user_id = w.user_id
		WHERE w.comment_id = ? AND s.submission_id = ?)`, id, submissionID)
	b.Require(lms.ErrNotYours, `EXISTS(SELECT 1 FROM submission_comments WHERE comment_id = ? AND author_id = ?)`, id, actor.UserID)
	if remove {
		b.Exec(`UPDATE submission_comments SET deleted_at = ?2 WHERE comment_id = ?1 AND deleted_at IS NULL`, id, consensus.Stamp{})
	} else {
		b.Require(errUndoOver, `EXISTS(SELECT 1 FROM submission_comments WHERE comment_id = ?1 AND (deleted_at IS NULL OR deleted_at >= ?2 - ?3))`,
			id, consensus.Stamp{}, undoWindow.Milliseconds())
		b.Exec(`UPDATE submission_comments SET deleted_at = NULL WHERE comment_id = ?`, id)
	}
	b.Notify(topicCourse(courseID))
	_, err := s.apply(ctx, &b)
	return err
}

// A posted comment with the file, to the student. ?1 file, ?3 reader
const commentFileShown = `EXISTS(SELECT 1 FROM submission_comment_files cf JOIN submission_comments w ON w.comment_id = cf.comment_id
	WHERE cf.file_id = ?1 AND w.user_id = ?3 AND w.posted_at IS NOT NULL AND w.deleted_at IS NULL)`
