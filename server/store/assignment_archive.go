package store

import (
	"context"
	"errors"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errHoldsWork    = lms.FieldErrorf(lms.KindConflict, "assignment", "This assignment holds the work of students, so it is not deleted. Archive it: students see it no more, and nothing is lost.")
	errArchivedLong = lms.Errorf(lms.KindRule, "This was archived more than 30 days ago and held no work, so it cannot be restored.")
)

// ?1 assignment
const holdsWork = `(EXISTS(SELECT 1 FROM submissions WHERE assignment_id = ?1) OR EXISTS(SELECT 1 FROM work_drafts WHERE assignment_id = ?1))`

// ArchiveAssignment hides an assignment from students and keeps everything. It can be restored for 30 days; one that holds
// work, always. onlyEmpty refuses one that holds work, naming how much.
func (s *Store) ArchiveAssignment(ctx context.Context, actor lms.Actor, courseID, id string, onlyEmpty bool) (lms.Assignment, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ?)`, courseID, id)
	if onlyEmpty {
		b.Require(errHoldsWork, `NOT `+holdsWork, id)
	}
	b.Exec(`UPDATE assignments SET archived_at = ?2, archived_published = published, published = 0, updated_at = ?2, version = version + 1
		WHERE assignment_id = ?1 AND archived_at IS NULL`, id, consensus.Stamp{})
	b.Return(selectAssignment, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	if errors.Is(err, errHoldsWork) {
		const q = `SELECT count(DISTINCT user_id) FROM (SELECT user_id FROM submissions WHERE assignment_id = ?1 UNION SELECT user_id FROM work_drafts WHERE assignment_id = ?1)`
		if n, countErr := s.number(ctx, q, id); countErr == nil {
			err = lms.FieldErrorf(lms.KindConflict, "assignment", "This assignment holds the work of %d students, so it is not deleted. Archive it: students see it no more, and nothing is lost.", n)
		}
	}
	return returned(res, err, scanAssignment)
}

// RestoreAssignment takes an assignment out of the archive, as it was.
func (s *Store) RestoreAssignment(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Assignment, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ?)`, courseID, id)
	b.Require(errArchivedLong, holdsWork+` OR NOT EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1 AND archived_at < ?2 - 30 * 86400000)`, id, consensus.Stamp{})
	b.Exec(`UPDATE assignments SET published = coalesce(archived_published, 0), archived_at = NULL, archived_published = NULL, updated_at = ?2, version = version + 1
		WHERE assignment_id = ?1 AND archived_at IS NOT NULL`, id, consensus.Stamp{})
	b.Return(selectAssignment, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanAssignment)
}

// DuplicateAssignment makes a draft with everything but the work and the other dates of students.
func (s *Store) DuplicateAssignment(ctx context.Context, actor lms.Actor, courseID, id, newID string) (lms.Assignment, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ?)`, courseID, id)
	b.Require(errAssignmentExists, `NOT EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?)`, newID)
	b.Exec(`
		INSERT INTO assignments (assignment_id, course_id, title, description, points, opens_at, due_at, cutoff_at, allow_text, max_files, max_file_size,
			allowed_types, max_attempts, published, created_by, created_at, updated_at, version, late_policy, grade_type, category_id, extra_credit, never_drop,
			grade_by_at, always_show, allow_url, on_paper, honour, hand_in_drafts, blind, hide_markers)
		SELECT ?2, course_id, substr('Copy of ' || title, 1, 255), description, points, opens_at, due_at, cutoff_at, allow_text, max_files, max_file_size,
			allowed_types, max_attempts, 0, ?3, ?4, ?4, 1, late_policy, grade_type, category_id, extra_credit, never_drop,
			grade_by_at, always_show, allow_url, on_paper, honour, hand_in_drafts, blind, hide_markers
		FROM assignments WHERE assignment_id = ?1`, id, newID, actor.UserID, consensus.Stamp{})
	b.Exec(`INSERT INTO assignment_attachments (assignment_id, file_id, position)
		SELECT ?2, file_id, position FROM assignment_attachments WHERE assignment_id = ?1`, id, newID)
	b.Return(selectAssignment, courseID, newID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanAssignment)
}
