package store

import (
	"context"
	"encoding/json"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errAnnotationExists = lms.FieldErrorf(lms.KindConflict, "id", "This annotation was saved already. Reload the page.")
	errAnnotationFile   = lms.FieldErrorf(lms.KindRule, "fileId", "This file is not part of the work. Reload the page.")
)

const selectAnnotations = `
	SELECT w.annotation_id, w.submission_id, w.file_id, w.anchor, w.body, (SELECT name FROM users WHERE user_id = w.author_id),
		w.changed_at, w.posted_at, w.version, (SELECT hide_markers FROM assignments WHERE assignment_id = w.assignment_id)
	FROM annotations w`

func scanAnnotation(staff bool) scanner[lms.Annotation] {
	return func(row consensus.Row) (a lms.Annotation, err error) {
		var anchor string
		var hidden bool
		if err = row.Scan(&a.ID, &a.SubmissionID, &a.FileID, &anchor, &a.Body, &a.AuthorName, &a.ChangedAt, &a.PostedAt, &a.Version, &hidden); err != nil {
			return a, err
		}
		if hidden && !staff {
			a.AuthorName = lms.HiddenMarker
		}
		return a, json.Unmarshal([]byte(anchor), &a.Anchor)
	}
}

// Annotations lists the remarks at places of a submission, in the order in which they were made; for the author of the work
// those that are posted.
func (s *Store) Annotations(ctx context.Context, actor lms.Actor, courseID, submissionID string) ([]lms.Annotation, error) {
	_, staff, err := s.workOf(ctx, actor, courseID, submissionID)
	if err != nil {
		return nil, err
	}
	const q = selectAnnotations + `
		WHERE w.submission_id = ?1 AND w.deleted_at IS NULL AND (?2 OR w.posted_at IS NOT NULL)
		ORDER BY w.created_at, w.annotation_id`
	rows, err := s.query(ctx, q, submissionID, staff)
	return collect(rows, err, scanAnnotation(staff))
}

// Annotate adds a remark at a place of the text or a file of a submission.
func (s *Store) Annotate(ctx context.Context, actor lms.Actor, courseID string, a lms.Annotation) (lms.Annotation, error) {
	w, _, err := s.workOf(ctx, actor, courseID, a.SubmissionID)
	if err != nil {
		return lms.Annotation{}, err
	}
	anchor, err := json.Marshal(a.Anchor)
	if err != nil {
		return lms.Annotation{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	requireWork(&b, actor, courseID, a.SubmissionID)
	b.Require(errAnnotationExists, `NOT EXISTS(SELECT 1 FROM annotations WHERE annotation_id = ?)`, a.ID)
	if a.FileID != "" {
		b.Require(errAnnotationFile, `EXISTS(SELECT 1 FROM submission_files WHERE submission_id = ? AND file_id = ?)`, a.SubmissionID, a.FileID)
	}
	b.Exec(`
		INSERT INTO annotations (annotation_id, course_id, assignment_id, submission_id, user_id, file_id, anchor, body, author_id, created_at, changed_at, posted_at, version)
		SELECT ?3, ?4, ?1, ?5, ?2, ?6, ?7, ?8, ?9, ?10, ?10, CASE WHEN `+remarkShown+` THEN ?10 END, 1`,
		w.assignment, w.user, a.ID, courseID, a.SubmissionID, nullable(a.FileID), string(anchor), a.Body, actor.UserID, consensus.Stamp{})
	b.Return(selectAnnotations+` WHERE w.annotation_id = ?`, a.ID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanAnnotation(true))
}

// annotationOf: ?1 annotation, ?2 submission, ?3 course
const annotationOf = `EXISTS(SELECT 1 FROM annotations WHERE annotation_id = ?1 AND submission_id = ?2 AND course_id = ?3)`

// UpdateAnnotation changes what a remark says if it still has the version. Its place stays.
func (s *Store) UpdateAnnotation(ctx context.Context, actor lms.Actor, courseID, submissionID, id, body string, version int64) (lms.Annotation, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, annotationOf+` AND EXISTS(SELECT 1 FROM annotations WHERE annotation_id = ?1 AND deleted_at IS NULL)`, id, submissionID, courseID)
	requireReachOf(&b, actor, courseID, submissionID)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM annotations WHERE annotation_id = ? AND version = ?)`, id, version)
	b.Exec(`UPDATE annotations SET body = ?2, author_id = ?3, changed_at = ?4, version = version + 1 WHERE annotation_id = ?1`, id, body, actor.UserID, consensus.Stamp{})
	b.Return(selectAnnotations+` WHERE w.annotation_id = ?`, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanAnnotation(true))
}

// DeleteAnnotation takes a remark off the work, or puts it back within 30 days.
func (s *Store) DeleteAnnotation(ctx context.Context, actor lms.Actor, courseID, submissionID, id string, remove bool) error {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, annotationOf, id, submissionID, courseID)
	requireReachOf(&b, actor, courseID, submissionID)
	if remove {
		b.Exec(`UPDATE annotations SET deleted_at = ?2, version = version + 1 WHERE annotation_id = ?1 AND deleted_at IS NULL`, id, consensus.Stamp{})
	} else {
		b.Require(errUndoOver, `EXISTS(SELECT 1 FROM annotations WHERE annotation_id = ?1 AND (deleted_at IS NULL OR deleted_at >= ?2 - ?3))`,
			id, consensus.Stamp{}, undoWindow.Milliseconds())
		b.Exec(`UPDATE annotations SET deleted_at = NULL, version = version + 1 WHERE annotation_id = ?1 AND deleted_at IS NOT NULL`, id)
	}
	b.Notify(topicCourse(courseID))
	_, err := s.apply(ctx, &b)
	return err
}
