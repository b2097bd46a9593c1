package store

import (
	"context"
	"encoding/json"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errColumnExists  = lms.FieldErrorf(lms.KindConflict, "id", "This column exists already. Load the gradebook again.")
	errForeignID     = lms.FieldErrorf(lms.KindConflict, "categories", "A category has the id of another one. Load the page again.")
	errAssignmentCol = lms.Errorf(lms.KindRule, "This column is an assignment. Change its title and points there.")
)

// BookSettings returns the rules of the gradebook, for staff.
func (s *Store) BookSettings(ctx context.Context, actor lms.Actor, courseID string) (lms.BookSettings, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return lms.BookSettings{}, err
	}
	return s.bookSettings(ctx, courseID)
}

// SetBookSettings replaces the rules of the gradebook if they still have the version. Columns of a category that is left out
// are in none afterwards.
func (s *Store) SetBookSettings(ctx context.Context, actor lms.Actor, courseID string, v lms.BookSettings) (lms.BookSettings, error) {
	letters, err := json.Marshal(v.Letters)
	if err != nil {
		return v, err
	}
	if v.Letters == nil {
		letters = []byte("[]")
	}
	type stored struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Weight  int64  `json:"weight"`
		Lowest  int    `json:"lowest"`
		Highest int    `json:"highest"`
	}
	list := []stored{}
	for _, c := range v.Categories {
		list = append(list, stored{c.ID, c.Name, int64(c.Weight), c.DropLowest, c.DropHighest})
	}
	categories, err := json.Marshal(list)
	if err != nil {
		return v, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrStale, `coalesce((SELECT version FROM book_settings WHERE course_id = ?1), 0) = ?2`, courseID, v.Version)
	b.Require(errForeignID, `NOT EXISTS(SELECT 1 FROM categories c JOIN json_each(?2) j ON json_extract(j.value, '$.id') = c.category_id
		WHERE c.course_id <> ?1)`, courseID, string(categories))
	b.Exec(`
		INSERT INTO book_settings (course_id, letters, pass_mark, release_stats, updated_by, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)
		ON CONFLICT (course_id) DO UPDATE SET letters = ?2, pass_mark = ?3, release_stats = ?4, updated_by = ?5, updated_at = ?6, version = version + 1`,
		courseID, string(letters), opt(v.PassMark), v.ReleaseStats, actor.UserID, consensus.Stamp{})
	const gone = `course_id = ?1 AND category_id NOT IN (SELECT json_extract(value, '$.id') FROM json_each(?2))`
	b.Exec(`UPDATE assignments SET category_id = NULL WHERE `+gone, courseID, string(categories))
	b.Exec(`UPDATE book_columns SET category_id = NULL WHERE `+gone, courseID, string(categories))
	b.Exec(`DELETE FROM categories WHERE `+gone, courseID, string(categories))
	b.Exec(`
		INSERT INTO categories (category_id, course_id, name, weight, drop_lowest, drop_highest, position, created_at, version)
		SELECT json_extract(value, '$.id'), ?1, json_extract(value, '$.name'), json_extract(value, '$.weight'), json_extract(value, '$.lowest'),
			json_extract(value, '$.highest'), key, ?3, 1
		FROM json_each(?2)
		WHERE true
		ON CONFLICT (category_id) DO UPDATE SET name = excluded.name, weight = excluded.weight, drop_lowest = excluded.drop_lowest,
			drop_highest = excluded.drop_highest, position = excluded.position, version = version + 1`,
		courseID, string(categories), consensus.Stamp{})
	b.Notify(topicCourse(courseID))
	if _, err := s.apply(ctx, &b); err != nil {
		return v, err
	}
	return s.bookSettings(ctx, courseID)
}

// ?1 course, ?2 column
const selectColumn = `
	SELECT assignment_id, title, 0, points, coalesce(category_id, ''), coalesce(extra_credit, 0), coalesce(never_drop, 0), published,
		coalesce(grade_type, ''), due_at, NULL, version
	FROM assignments WHERE course_id = ?1 AND assignment_id = ?2
	UNION ALL
	SELECT column_id, title, 1, points, coalesce(category_id, ''), extra_credit, never_drop, published, '', NULL, archived_at, version
	FROM book_columns WHERE course_id = ?1 AND column_id = ?2`

func scanColumn(row consensus.Row) (c lms.BookColumn, err error) {
	return c, row.Scan(&c.ID, &c.Title, &c.Manual, &c.Points, &c.CategoryID, &c.ExtraCredit, &c.NeverDrop, &c.Published, &c.GradeType,
		&c.DueAt, &c.ArchivedAt, &c.Version)
}

func requireCategory(b *consensus.Batch, courseID, categoryID string) {
	b.Require(errCategory, `?2 = '' OR EXISTS(SELECT 1 FROM categories WHERE course_id = ?1 AND category_id = ?2)`, courseID, categoryID)
}

// applyBookColumn finishes a batch about a column and returns the column.
func (s *Store) applyBookColumn(ctx context.Context, b *consensus.Batch, courseID, id string) (lms.BookColumn, error) {
	b.Return(selectColumn, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, b)
	return returned(res, err, scanColumn)
}

// CreateColumn adds a column that is kept by hand.
func (s *Store) CreateColumn(ctx context.Context, actor lms.Actor, courseID string, c lms.BookColumn) (lms.BookColumn, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(errColumnExists, `NOT EXISTS(SELECT 1 FROM book_columns WHERE column_id = ?1) AND NOT EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1)`, c.ID)
	requireCategory(&b, courseID, c.CategoryID)
	insertColumn(&b, actor, courseID, c, "")
	return s.applyBookColumn(ctx, &b, courseID, c.ID)
}

func insertColumn(b *consensus.Batch, actor lms.Actor, courseID string, c lms.BookColumn, importID string) {
	b.Exec(`
		INSERT INTO book_columns (column_id, course_id, title, points, category_id, extra_credit, never_drop, published, created_by, created_at, import_id, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1)`,
		c.ID, courseID, c.Title, c.Points, nullable(c.CategoryID), c.ExtraCredit, c.NeverDrop, c.Published, actor.UserID, consensus.Stamp{}, nullable(importID))
}

// UpdateColumn changes a column if it still has the version. Of an assignment only the category and how it counts are the
// gradebook's; its title and points must be as they are.
func (s *Store) UpdateColumn(ctx context.Context, actor lms.Actor, courseID string, c lms.BookColumn) (lms.BookColumn, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ?1 AND assignment_id = ?2)
		OR EXISTS(SELECT 1 FROM book_columns WHERE course_id = ?1 AND column_id = ?2 AND archived_at IS NULL)`, courseID, c.ID)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1 AND version = ?2)
		OR EXISTS(SELECT 1 FROM book_columns WHERE column_id = ?1 AND version = ?2)`, c.ID, c.Version)
	b.Require(errAssignmentCol, `NOT EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1 AND (title <> ?2 OR points <> ?3 OR published <> ?4))`,
		c.ID, c.Title, c.Points, c.Published)
	requireCategory(&b, courseID, c.CategoryID)
	b.Exec(`
		UPDATE book_columns
		SET title = ?2, points = ?3, category_id = ?4, extra_credit = ?5, never_drop = ?6, published = ?7, version = version + 1
		WHERE column_id = ?1`, c.ID, c.Title, c.Points, nullable(c.CategoryID), c.ExtraCredit, c.NeverDrop, c.Published)
	b.Exec(`UPDATE assignments SET category_id = ?2, extra_credit = ?3, never_drop = ?4, updated_at = ?5, version = version + 1 WHERE assignment_id = ?1`,
		c.ID, nullable(c.CategoryID), c.ExtraCredit, c.NeverDrop, consensus.Stamp{})
	return s.applyBookColumn(ctx, &b, courseID, c.ID)
}

// ArchiveColumn takes a manual column out of the gradebook with its marks. It can be restored for 30 days.
func (s *Store) ArchiveColumn(ctx context.Context, actor lms.Actor, courseID, id string) (lms.BookColumn, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(errAssignmentCol, `NOT EXISTS(SELECT 1 FROM assignments WHERE course_id = ?1 AND assignment_id = ?2)`, courseID, id)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM book_columns WHERE course_id = ?1 AND column_id = ?2)`, courseID, id)
	b.Exec(`UPDATE book_columns SET archived_at = ?2, version = version + 1 WHERE column_id = ?1 AND archived_at IS NULL`, id, consensus.Stamp{})
	return s.applyBookColumn(ctx, &b, courseID, id)
}

// RestoreColumn brings an archived column back with its marks. On one that is not archived it changes nothing.
func (s *Store) RestoreColumn(ctx context.Context, actor lms.Actor, courseID, id string) (lms.BookColumn, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM book_columns WHERE course_id = ?1 AND column_id = ?2)`, courseID, id)
	b.Require(errUndoOver, `NOT EXISTS(SELECT 1 FROM book_columns WHERE column_id = ?1 AND archived_at < ?2 - ?3)`,
		id, consensus.Stamp{}, undoWindow.Milliseconds())
	b.Exec(`UPDATE book_columns SET archived_at = NULL, version = version + 1 WHERE column_id = ?1 AND archived_at IS NOT NULL`, id)
	return s.applyBookColumn(ctx, &b, courseID, id)
}
