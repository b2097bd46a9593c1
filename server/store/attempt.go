package store

import (
	"context"
	"fmt"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errReturnLatest = lms.Errorf(lms.KindConflict, "Only the latest attempt can be returned to draft, and only once. Load the attempts again.")
	errReturnGraded = lms.Errorf(lms.KindConflict, "The grade of this attempt is posted, so it is not returned to draft. Let the student hand in again instead.")
	errChooseGone   = lms.Errorf(lms.KindConflict, "This attempt was returned to draft, so it cannot be the one that is graded.")
	errRequestOpen  = lms.FieldErrorf(lms.KindConflict, "assignment", "You have asked for an extension of this assignment already. Your instructor will answer there.")
)

// ReturnAttempt makes the latest attempt of a student a draft again: the attempt stays in the history and counts no more,
// not even against the limit. A newer draft of the student is left as it is.
func (s *Store) ReturnAttempt(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Submission, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return lms.Submission{}, err
	}
	rows, err := s.query(ctx, `SELECT file_id FROM submission_files WHERE submission_id = ?1 ORDER BY position`, id)
	old, err := collect(rows, err, scanString)
	if err != nil {
		return lms.Submission{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM submissions WHERE submission_id = ? AND course_id = ?)`, id, courseID)
	requireReachOf(&b, actor, courseID, id)
	b.Require(errReturnLatest, `EXISTS(SELECT 1 FROM submissions s WHERE s.submission_id = ?1 AND s.returned_at IS NULL
		AND s.attempt = (SELECT max(t.attempt) FROM submissions t WHERE t.assignment_id = s.assignment_id AND t.user_id = s.user_id))`, id)
	b.Require(errReturnGraded, `NOT EXISTS(SELECT 1 FROM grades WHERE submission_id = ? AND posted_at IS NOT NULL)`, id)
	// The attempt keeps its files; the draft gets copies, because a file belongs to one attempt.
	var copies []string
	for _, file := range old {
		c := lms.NewID()
		copies = append(copies, c)
		b.Exec(`INSERT INTO files (file_id, course_id, owner_id, name, extension, size, media_type, sha256, chunks, created_at, complete_at)
			SELECT ?2, course_id, owner_id, name, extension, size, media_type, sha256, chunks, ?3, complete_at FROM files WHERE file_id = ?1`,
			file, c, consensus.Stamp{})
	}
	b.Exec(`UPDATE submissions SET returned_at = ?2, returned_by = ?3, chosen_at = NULL WHERE submission_id = ?1`, id, consensus.Stamp{}, actor.UserID)
	b.Exec(`
		INSERT INTO work_drafts (assignment_id, user_id, course_id, text, url, files, saved_at, version)
		SELECT assignment_id, user_id, course_id, text, coalesce(url, ''), ?2, ?3, ?4 FROM submissions WHERE submission_id = ?1
		ON CONFLICT (assignment_id, user_id) DO UPDATE SET text = excluded.text, url = excluded.url, files = excluded.files, saved_at = excluded.saved_at,
			version = excluded.version
			WHERE trim(work_drafts.text) = '' AND work_drafts.url = '' AND work_drafts.files = '[]'`,
		id, list(copies), consensus.Stamp{}, consensus.Index{})
	audit(ctx, &b, actor, lms.AuditReturn, "submission/"+id, "course", courseID)
	return s.applyAttempt(ctx, &b, courseID, id)
}

// ChooseAttempt makes an attempt the one that is graded, or lets the latest one be it again.
func (s *Store) ChooseAttempt(ctx context.Context, actor lms.Actor, courseID, id string, chosen bool) (lms.Submission, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM submissions WHERE submission_id = ? AND course_id = ?)`, id, courseID)
	requireReachOf(&b, actor, courseID, id)
	b.Require(errChooseGone, `EXISTS(SELECT 1 FROM submissions WHERE submission_id = ? AND returned_at IS NULL)`, id)
	b.Exec(`UPDATE submissions SET chosen_at = CASE WHEN submission_id = ?1 AND ?3 THEN ?2 END
		WHERE (assignment_id, user_id) = (SELECT assignment_id, user_id FROM submissions WHERE submission_id = ?1)`, id, consensus.Stamp{}, chosen)
	audit(ctx, &b, actor, lms.AuditChoose, "submission/"+id, "course", courseID, "chosen", fmt.Sprint(chosen))
	return s.applyAttempt(ctx, &b, courseID, id)
}

// applyAttempt finishes a batch of staff about an attempt.
func (s *Store) applyAttempt(ctx context.Context, b *consensus.Batch, courseID, id string) (lms.Submission, error) {
	b.Return(submissionDetail+` WHERE s.submission_id = ?`, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, b)
	sub, err := returned(res, err, s.scanSubmission(true))
	return sub.Submission, err
}

// RequestExtension asks the staff for an extension: a question with the assignment as its context. A student has one such
// question open for an assignment at a time.
func (s *Store) RequestExtension(ctx context.Context, actor lms.Actor, q lms.Question) (lms.Question, error) {
	var b consensus.Batch
	requireAccess(&b, actor, q.CourseID, lms.StudentOfCourse)
	b.Require(lms.ErrCourseOver, courseWritable, q.CourseID)
	b.Require(lms.ErrNotFound, assignmentShown, q.CourseID, q.Assignment, actor.UserID, consensus.Stamp{})
	b.Require(errQuestionExists, `NOT EXISTS(SELECT 1 FROM questions WHERE question_id = ?)`, q.ID)
	b.Require(errRequestOpen, `NOT EXISTS(SELECT 1 FROM questions WHERE assignment_id = ? AND author_id = ? AND state = 'open' AND erased_at IS NULL)`,
		q.Assignment, actor.UserID)
	b.Exec(`
		INSERT INTO questions (question_id, course_id, author_id, addressee, title, body, visibility, state, created_at, updated_at, version, assignment_id)
		SELECT ?1, ?2, ?3, 'staff', substr('Extension for ' || title, 1, 255), ?4, 'staff', 'open', ?5, ?5, 1, assignment_id
		FROM assignments WHERE assignment_id = ?6`,
		q.ID, q.CourseID, actor.UserID, q.Body, consensus.Stamp{}, q.Assignment)
	return s.applyQuestion(ctx, &b, actor, q.CourseID, q.ID)
}
