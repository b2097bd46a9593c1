package store

import (
	"context"
	"errors"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errImportExists = lms.Errorf(lms.KindConflict, "This import was applied already. Load the gradebook again.")
	errImportStale  = lms.Errorf(lms.KindConflict, "The gradebook has changed since this preview, so nothing was applied. Look at a new preview of the same file.")
	errImportUndone = lms.Errorf(lms.KindConflict, "This import was undone already.")
	errImportOld    = lms.Errorf(lms.KindRule, "An import can be undone for 30 days; this one is older.")
)

// Book returns the gradebook of the course, or of a section, as it is computed from, for staff: to export, and to compare an
// import with.
func (s *Store) Book(ctx context.Context, actor lms.Actor, courseID, sectionID string) (*lms.Book, []lms.BookStudent, []lms.Section, error) {
	sc, err := s.staffScope(ctx, actor, courseID)
	if err != nil {
		return nil, nil, nil, err
	}
	b, err := s.loadBook(ctx, courseID, "", sectionID, sc.sections)
	if err != nil {
		return nil, nil, nil, err
	}
	return &b.Book, b.students, b.sections, nil
}

// ?1 course, ?2 import
const selectImport = `
	SELECT i.import_id, i.file_name, i.changes, (SELECT name FROM users WHERE user_id = i.created_by), i.created_at,
		coalesce((SELECT name FROM users WHERE user_id = i.undone_by), ''), i.undone_at
	FROM book_imports i
	WHERE i.course_id = ?1 AND (?2 = '' OR i.import_id = ?2)
	ORDER BY i.created_at DESC, i.import_id DESC
	LIMIT 200`

func scanImport(row consensus.Row) (i lms.BookImport, err error) {
	return i, row.Scan(&i.ID, &i.FileName, &i.Changes, &i.By, &i.CreatedAt, &i.UndoneBy, &i.UndoneAt)
}

// BookImports lists the latest imports of the course, newest first.
func (s *Store) BookImports(ctx context.Context, actor lms.Actor, courseID string) ([]lms.BookImport, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, selectImport, courseID, "")
	return collect(rows, err, scanImport)
}

// RepeatedImport returns an import of the actor that was applied already; the zero value when there is none of the id.
func (s *Store) RepeatedImport(ctx context.Context, actor lms.Actor, courseID, id string) (lms.BookImport, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return lms.BookImport{}, err
	}
	const mine = `SELECT count(*) FROM book_imports WHERE import_id = ?1 AND course_id = ?2 AND created_by = ?3`
	if n, err := s.number(ctx, mine, id, courseID, actor.UserID); err != nil || n == 0 {
		return lms.BookImport{}, err
	}
	rows, err := s.query(ctx, selectImport, courseID, id)
	return one(rows, err, scanImport)
}

// ApplyImport does what the plan says, all or nothing: not if one of its cells has changed since.
func (s *Store) ApplyImport(ctx context.Context, actor lms.Actor, courseID, id, fileName string, plan lms.ImportPlan) (lms.BookImport, error) {
	made := map[string]string{}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(errImportExists, `NOT EXISTS(SELECT 1 FROM book_imports WHERE import_id = ?)`, id)
	for _, col := range plan.Create {
		header := col.ID
		col.ID = lms.NewID()
		made[header] = col.ID
		insertColumn(&b, actor, courseID, col, id)
	}
	var known, fresh []bookChange
	for _, c := range plan.Changes {
		if column, ok := made[c.Column]; ok {
			fresh = append(fresh, changeOf(column, c.UserID, lms.BookEntry{}, c.New))
		} else {
			known = append(known, changeOf(c.Column, c.UserID, c.Entry, c.New))
		}
	}
	for i, list := range [][]bookChange{known, fresh} {
		changes, err := changesJSON(list)
		if err != nil {
			return lms.BookImport{}, err
		}
		if i == 0 { // guards come before every statement: the columns that this batch makes are not there yet
			requireCells(&b, courseID, changes)
		}
		if len(list) > 0 {
			setCells(&b, actor, courseID, changes, id)
		}
	}
	b.Exec(`INSERT INTO book_imports (import_id, course_id, file_name, changes, created_by, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		id, courseID, fileName, len(plan.Changes), actor.UserID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditGradeSave, "import/"+id, "course", courseID, "file", fileName)
	b.Return(selectImport, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	if errors.Is(err, lms.ErrStale) || errors.Is(err, errNoCell) {
		err = errImportStale
	}
	return returned(res, err, scanImport)
}

// UndoImport gives the cells of an import the marks back that they had before. Cells that were changed since stay as they are
// and are named. Columns that the import made are archived if nothing else is in them.
func (s *Store) UndoImport(ctx context.Context, actor lms.Actor, courseID, id string) (lms.BookImport, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return lms.BookImport{}, err
	}
	book, err := s.loadBook(ctx, courseID, "", "", "")
	if err != nil {
		return lms.BookImport{}, err
	}
	list, kept, err := s.undoing(ctx, book, courseID, id)
	if err != nil {
		return lms.BookImport{}, err
	}
	changes, err := changesJSON(list)
	if err != nil {
		return lms.BookImport{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM book_imports WHERE course_id = ? AND import_id = ?)`, courseID, id)
	b.Require(errImportUndone, `EXISTS(SELECT 1 FROM book_imports WHERE import_id = ? AND undone_at IS NULL)`, id)
	b.Require(errImportOld, `EXISTS(SELECT 1 FROM book_imports WHERE import_id = ?1 AND created_at >= ?2 - ?3)`, id, consensus.Stamp{}, undoWindow.Milliseconds())
	requireCells(&b, courseID, changes)
	if len(list) > 0 {
		setCells(&b, actor, courseID, changes, id)
	}
	b.Exec(`
		UPDATE book_columns
		SET archived_at = ?2, version = version + 1
		WHERE import_id = ?1 AND archived_at IS NULL AND NOT EXISTS(SELECT 1 FROM book_changes c
			WHERE c.course_id = book_columns.course_id AND c.column_id = book_columns.column_id AND c.import_id IS NOT ?1)`, id, consensus.Stamp{})
	b.Exec(`UPDATE book_imports SET undone_by = ?2, undone_at = ?3 WHERE import_id = ?1`, id, actor.UserID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditGradeSave, "import/"+id, "course", courseID, "undone", "true")
	b.Return(selectImport, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	done, err := returned(res, err, scanImport)
	if !res.Replayed {
		done.Kept = kept
	}
	return done, err
}

// undoing finds the changes that take an import back, and what cannot be taken back.
func (s *Store) undoing(ctx context.Context, book *book, courseID, id string) (list []bookChange, kept []string, err error) {
	const q = `SELECT column_id, user_id, old_points, old_excused, new_points, new_excused FROM book_changes
		WHERE import_id = ?1 AND course_id = ?2 ORDER BY book_change_id`
	rows, err := s.query(ctx, q, id, courseID)
	if err != nil {
		return nil, nil, err
	}
	for _, row := range rows {
		var column, user string
		var oldPoints, newPoints lms.Points
		var was, is lms.Mark
		if err := row.Scan(&column, &user, &oldPoints, &was.Excused, &newPoints, &is.Excused); err != nil {
			return nil, nil, err
		}
		if row[2] != nil {
			was.Points = &oldPoints
		}
		if row[4] != nil {
			is.Points = &newPoints
		}
		e := book.entry(column, user)
		if e == nil {
			continue // the student has left or the column is archived
		}
		change := changeOf(column, user, *e, was)
		if !e.Draft.Equal(is) || change.Ungrade && (e.Said || !e.PostedAt.IsZero()) {
			kept = append(kept, book.students[book.row[user]].Name+", "+book.title(column))
			continue
		}
		list = append(list, change)
	}
	return list, kept, nil
}

func (b *book) title(column string) string {
	if at, ok := b.at[column]; ok {
		return b.Columns[at].Title
	}
	return "Final total"
}
