package store

import (
	"context"
	"encoding/json"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errAssignmentExists = lms.FieldErrorf(lms.KindConflict, "id", "This assignment exists already. Load the list of assignments again.")
	errAttachment       = lms.FieldErrorf(lms.KindRule, "attachments", "An attachment was not uploaded by you for this course, or has not arrived completely. Wait for the upload, or upload it again.")
)

const assignmentColumns = `a.assignment_id, a.course_id, a.title, a.description, a.points, a.opens_at, a.due_at, a.cutoff_at, a.allow_text,
	a.max_files, a.max_file_size, a.allowed_types, a.max_attempts, a.published, a.created_at, a.version`

const assignmentDetail = assignmentColumns + `, (
	SELECT json_group_array(` + fileJSON + ` ORDER BY t.position)
	FROM assignment_attachments t JOIN files f ON f.file_id = t.file_id
	WHERE t.assignment_id = a.assignment_id)`

// ?1 course, ?2 assignment
const selectAssignment = `SELECT ` + assignmentDetail + ` FROM assignments a WHERE a.course_id = ?1 AND a.assignment_id = ?2`

func scanAssignment(row consensus.Row) (a lms.Assignment, err error) {
	var types, files string
	err = row.Scan(&a.ID, &a.CourseID, &a.Title, &a.Description, &a.Points, &a.OpensAt, &a.DueAt, &a.CutoffAt, &a.AllowText,
		&a.MaxFiles, &a.MaxFileSize, &types, &a.MaxAttempts, &a.Published, &a.CreatedAt, &a.Version, &files)
	if err == nil {
		err = json.Unmarshal([]byte(types), &a.AllowedTypes)
	}
	if err == nil {
		a.Attachments, err = parseFiles(files)
	}
	return a, err
}

// visibleTo hides from those who are not staff what an assignment asks for until it opens.
func visibleTo(sc scope, a lms.Assignment, now time.Time) lms.Assignment {
	if !sc.staff() && !a.OpensAt.IsZero() && now.Before(a.OpensAt) {
		a.Description, a.Attachments = "", nil
	}
	return a
}

// Assignments lists the assignments that the actor may see, by due date, those without one last; with the own work for
// students and counts for staff.
func (s *Store) Assignments(ctx context.Context, actor lms.Actor, courseID string) ([]lms.Assignment, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return nil, err
	}
	const q = `
		SELECT ` + assignmentColumns + `, (
			SELECT json_group_array(` + shortFileJSON + ` ORDER BY t.position)
			FROM assignment_attachments t JOIN files f ON f.file_id = t.file_id
			WHERE t.assignment_id = a.assignment_id)
		FROM assignments a
		WHERE a.course_id = ?1 AND (?2 OR a.published = 1)
		ORDER BY a.due_at IS NULL, a.due_at, a.created_at, a.assignment_id`
	rows, err := s.query(ctx, q, courseID, sc.staff())
	items, err := collect(rows, err, scanAssignment)
	if err != nil {
		return nil, err
	}
	return s.withWork(ctx, actor, sc, items, courseID, "")
}

// Assignment returns an assignment. A draft is hidden from all but staff.
func (s *Store) Assignment(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Assignment, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return lms.Assignment{}, err
	}
	rows, err := s.query(ctx, selectAssignment, courseID, id)
	a, err := one(rows, err, scanAssignment)
	if err == nil && !a.Published && !sc.staff() {
		err = lms.ErrNotFound
	}
	if err != nil {
		return lms.Assignment{}, err
	}
	items, err := s.withWork(ctx, actor, sc, []lms.Assignment{a}, courseID, id)
	if err != nil {
		return lms.Assignment{}, err
	}
	return items[0], nil
}

// requireAttachments demands that the files are complete and the actor's own, or attached to this assignment already.
func requireAttachments(b *consensus.Batch, actor lms.Actor, a lms.Assignment, attachmentIDs []string) {
	b.Require(errAttachment, `
		NOT EXISTS(
			SELECT 1 FROM json_each(?1) j
			WHERE NOT EXISTS(SELECT 1 FROM files f WHERE f.file_id = j.value AND f.course_id = ?2 AND f.complete_at IS NOT NULL AND f.owner_id = ?3)
				AND NOT EXISTS(SELECT 1 FROM assignment_attachments t WHERE t.file_id = j.value AND t.assignment_id = ?4))
		AND NOT EXISTS(SELECT 1 FROM submission_files WHERE file_id IN (SELECT value FROM json_each(?1)))`,
		list(attachmentIDs), a.CourseID, actor.UserID, a.ID)
}

func attach(b *consensus.Batch, assignmentID string, attachmentIDs []string) {
	b.Exec(`DELETE FROM assignment_attachments WHERE assignment_id = ?`, assignmentID)
	b.Exec(`
		INSERT INTO assignment_attachments (assignment_id, file_id, position)
		SELECT ?1, value, min(key) FROM json_each(?2) GROUP BY value ORDER BY min(key)`, assignmentID, list(attachmentIDs))
}

// CreateAssignment posts an assignment.
func (s *Store) CreateAssignment(ctx context.Context, actor lms.Actor, a lms.Assignment, attachmentIDs []string) (lms.Assignment, error) {
	var b consensus.Batch
	requireWrite(&b, actor, a.CourseID, lms.InstructorOfCourse)
	b.Require(errAssignmentExists, `NOT EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?)`, a.ID)
	requireAttachments(&b, actor, a, attachmentIDs)
	b.Exec(`
		INSERT INTO assignments (assignment_id, course_id, title, description, points, opens_at, due_at, cutoff_at, allow_text, max_files,
			max_file_size, allowed_types, max_attempts, published, created_by, created_at, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16, 1)`,
		a.ID, a.CourseID, a.Title, a.Description, a.Points, a.OpensAt, a.DueAt, a.CutoffAt, a.AllowText, a.MaxFiles,
		a.MaxFileSize, list(a.AllowedTypes), a.MaxAttempts, a.Published, actor.UserID, consensus.Stamp{})
	attach(&b, a.ID, attachmentIDs)
	b.Return(selectAssignment, a.CourseID, a.ID)
	b.Notify(topicCourse(a.CourseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanAssignment)
}

// UpdateAssignment replaces the fields and the attachments if the assignment still has the version. Work that was handed
// in stays; whether it is late follows the new dates.
func (s *Store) UpdateAssignment(ctx context.Context, actor lms.Actor, a lms.Assignment, attachmentIDs []string) (lms.Assignment, error) {
	var b consensus.Batch
	requireWrite(&b, actor, a.CourseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ?)`, a.CourseID, a.ID)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ? AND version = ?)`, a.ID, a.Version)
	requireAttachments(&b, actor, a, attachmentIDs)
	b.Exec(`
		UPDATE assignments
		SET title = ?2, description = ?3, points = ?4, opens_at = ?5, due_at = ?6, cutoff_at = ?7, allow_text = ?8, max_files = ?9,
			max_file_size = ?10, allowed_types = ?11, max_attempts = ?12, published = ?13, updated_at = ?14, version = version + 1
		WHERE assignment_id = ?1`,
		a.ID, a.Title, a.Description, a.Points, a.OpensAt, a.DueAt, a.CutoffAt, a.AllowText, a.MaxFiles,
		a.MaxFileSize, list(a.AllowedTypes), a.MaxAttempts, a.Published, consensus.Stamp{})
	attach(&b, a.ID, attachmentIDs)
	b.Return(selectAssignment, a.CourseID, a.ID)
	b.Notify(topicCourse(a.CourseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanAssignment)
}
