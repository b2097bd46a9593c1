package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errAssignmentExists = lms.FieldErrorf(lms.KindConflict, "id", "This assignment exists already. Load the list of assignments again.")
	errAttachment       = lms.FieldErrorf(lms.KindRule, "attachments", "An attachment was not uploaded by you for this course, or has not arrived completely. Wait for the upload, or upload it again.")
	errArchived         = lms.Errorf(lms.KindConflict, "This assignment is archived. Restore it first; what you typed is kept.")
	errCategory         = lms.FieldErrorf(lms.KindRule, "categoryId", "This category is not there any more. Choose another one.")
)

const assignmentColumns = `a.assignment_id, a.course_id, a.title, a.description, a.points, a.opens_at, a.due_at, a.cutoff_at, a.allow_text,
	a.max_files, a.max_file_size, a.allowed_types, a.max_attempts, a.published, a.created_at, a.version, a.grade_type, a.category_id, a.extra_credit,
	a.never_drop, a.grade_by_at, a.always_show, a.allow_url, a.on_paper, a.honour, a.hand_in_drafts, a.late_policy, a.archived_at, a.blind, a.revealed_at,
	a.hide_markers`

const assignmentDetail = assignmentColumns + `, (
	SELECT json_group_array(` + fileJSON + ` ORDER BY t.position)
	FROM assignment_attachments t JOIN files f ON f.file_id = t.file_id
	WHERE t.assignment_id = a.assignment_id)`

// ?1 course, ?2 assignment
const selectAssignment = `SELECT ` + assignmentDetail + ` FROM assignments a WHERE a.course_id = ?1 AND a.assignment_id = ?2`

func scanAssignment(row consensus.Row) (a lms.Assignment, err error) {
	var types, files, policy string
	err = row.Scan(&a.ID, &a.CourseID, &a.Title, &a.Description, &a.Points, &a.OpensAt, &a.DueAt, &a.CutoffAt, &a.AllowText,
		&a.MaxFiles, &a.MaxFileSize, &types, &a.MaxAttempts, &a.Published, &a.CreatedAt, &a.Version, &a.GradeType, &a.CategoryID, &a.ExtraCredit,
		&a.NeverDrop, &a.GradeByAt, &a.AlwaysShow, &a.AllowURL, &a.OnPaper, &a.Honour, &a.HandInDrafts, &policy, &a.ArchivedAt, &a.Blind, &a.RevealedAt,
		&a.HideMarkers, &files)
	if err == nil {
		err = json.Unmarshal([]byte(types), &a.AllowedTypes)
	}
	if err == nil && policy != "" {
		a.LatePolicy = &lms.LatePolicy{}
		err = json.Unmarshal([]byte(policy), a.LatePolicy)
	}
	if err == nil {
		a.Attachments, err = parseFiles(files)
	}
	return a, err
}

// visibleTo hides from those who are not staff what an assignment asks for until it opens.
func visibleTo(sc scope, a lms.Assignment, now time.Time) lms.Assignment {
	if !sc.staff() && !a.OpensAt.IsZero() && now.Before(a.OpensAt) {
		a.Attachments = nil
		if !a.AlwaysShow {
			a.Description = ""
		}
	}
	return a
}

// Assignments lists the assignments that the actor may see, by due date, those without one last; with the own dates and
// work for students and counts for staff, who see archived ones too.
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
		JOIN (SELECT ?3 AS user_id) v
		WHERE a.course_id = ?1 AND (?2 OR ` + assignmentFrom + ` <= ?4)
		ORDER BY a.due_at IS NULL, a.due_at, a.created_at, a.assignment_id`
	rows, err := s.query(ctx, q, courseID, sc.staff(), sc.subject(actor), s.Now())
	items, err := collect(rows, err, scanAssignment)
	if err != nil {
		return nil, err
	}
	return s.withWork(ctx, actor, sc, items, courseID, "")
}

// Assignment returns an assignment. What students do not see is hidden from all but staff.
func (s *Store) Assignment(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Assignment, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return lms.Assignment{}, err
	}
	const q = `
		SELECT ` + assignmentDetail + `
		FROM assignments a
		JOIN (SELECT ?4 AS user_id) v
		WHERE a.course_id = ?1 AND a.assignment_id = ?2 AND (?3 OR ` + assignmentFrom + ` <= ?5)`
	rows, err := s.query(ctx, q, courseID, id, sc.staff(), sc.subject(actor), s.Now())
	a, err := one(rows, err, scanAssignment)
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
	requireCategory(&b, a.CourseID, a.CategoryID)
	b.Exec(`
		INSERT INTO assignments (assignment_id, course_id, title, description, points, opens_at, due_at, cutoff_at, allow_text, max_files,
			max_file_size, allowed_types, max_attempts, published, created_by, created_at, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16, 1)`,
		a.ID, a.CourseID, a.Title, a.Description, a.Points, a.OpensAt, a.DueAt, a.CutoffAt, a.AllowText, a.MaxFiles,
		a.MaxFileSize, list(a.AllowedTypes), a.MaxAttempts, a.Published, actor.UserID, consensus.Stamp{})
	setRules(&b, a)
	attach(&b, a.ID, attachmentIDs)
	b.Return(selectAssignment, a.CourseID, a.ID)
	b.Notify(topicCourse(a.CourseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanAssignment)
}

// setRules writes what is folded away in the form.
func setRules(b *consensus.Batch, a lms.Assignment) {
	b.Exec(`
		UPDATE assignments
		SET grade_type = ?2, category_id = ?3, extra_credit = ?4, never_drop = ?5, grade_by_at = ?6, always_show = ?7, allow_url = ?8, on_paper = ?9,
			honour = ?10, hand_in_drafts = ?11, late_policy = ?12, blind = ?13, hide_markers = ?14
		WHERE assignment_id = ?1`,
		a.ID, nullable(string(a.GradeType)), nullable(a.CategoryID), a.ExtraCredit, a.NeverDrop, a.GradeByAt, a.AlwaysShow, a.AllowURL, a.OnPaper,
		nullable(a.Honour), a.HandInDrafts, policyJSON(a.LatePolicy), a.Blind, a.HideMarkers)
}

// UpdateAssignment replaces the fields and the attachments if the assignment still has the version. Work that was handed
// in stays; whether it is late and what it counts follows the new dates and rules, after a preview of it.
func (s *Store) UpdateAssignment(ctx context.Context, actor lms.Actor, a lms.Assignment, attachmentIDs []string, preview ...string) (lms.Assignment, error) {
	var b consensus.Batch
	requireWrite(&b, actor, a.CourseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ?)`, a.CourseID, a.ID)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ? AND version = ?)`, a.ID, a.Version)
	b.Require(errArchived, `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ? AND archived_at IS NULL)`, a.ID)
	b.Require(lms.ErrBlindLocked, blindUnlocked, a.ID, a.Blind)
	requireAttachments(&b, actor, a, attachmentIDs)
	requireCategory(&b, a.CourseID, a.CategoryID)
	rows, err := s.query(ctx, selectAssignment, a.CourseID, a.ID)
	before, err := collect(rows, err, scanAssignment)
	if err != nil {
		return lms.Assignment{}, err
	}
	for _, old := range before {
		if !affectsResults(old, a) {
			continue
		}
		if err := s.requirePreview(ctx, &b, a.CourseID, a.ID, strings.Join(preview, ""), func(w *workSet) { w.replace(a) }); err != nil {
			return lms.Assignment{}, err
		}
	}
	b.Exec(`
		UPDATE assignments
		SET title = ?2, description = ?3, points = ?4, opens_at = ?5, due_at = ?6, cutoff_at = ?7, allow_text = ?8, max_files = ?9,
			max_file_size = ?10, allowed_types = ?11, max_attempts = ?12, published = ?13, updated_at = ?14, version = version + 1
		WHERE assignment_id = ?1`,
		a.ID, a.Title, a.Description, a.Points, a.OpensAt, a.DueAt, a.CutoffAt, a.AllowText, a.MaxFiles,
		a.MaxFileSize, list(a.AllowedTypes), a.MaxAttempts, a.Published, consensus.Stamp{})
	setRules(&b, a)
	attach(&b, a.ID, attachmentIDs)
	if strings.Join(preview, "") != "" {
		audit(ctx, &b, actor, lms.AuditDates, "assignment/"+a.ID, "course", a.CourseID, "due", a.DueAt.UTC().Format(time.RFC3339), "points", a.Points.String())
	}
	b.Return(selectAssignment, a.CourseID, a.ID)
	b.Notify(topicCourse(a.CourseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanAssignment)
}

// affectsResults reports whether a change can reach what work counts or how late it is.
func affectsResults(old, a lms.Assignment) bool {
	return !old.DueAt.Equal(a.DueAt) || !old.CutoffAt.Equal(a.CutoffAt) || old.Points != a.Points || old.GradeType != a.GradeType ||
		old.OnPaper != a.OnPaper || policyJSON(old.LatePolicy) != policyJSON(a.LatePolicy)
}
