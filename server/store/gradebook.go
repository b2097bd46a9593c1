package store

import (
	"context"
	"runtime"
	"sync"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// Gradebook returns the grid of the course, or of a section of it, for staff.
func (s *Store) Gradebook(ctx context.Context, actor lms.Actor, courseID, sectionID string) (lms.Gradebook, error) {
	sc, err := s.staffScope(ctx, actor, courseID)
	if err != nil {
		return lms.Gradebook{}, err
	}
	b, err := s.loadBook(ctx, courseID, "", sectionID, sc.sections)
	if err != nil {
		return lms.Gradebook{}, err
	}
	g := lms.Gradebook{Settings: b.Settings, Columns: b.Columns, Sections: b.sections, Rows: make([]lms.BookRow, len(b.students)),
		Warning: b.Settings.Warning(b.Columns)}
	if g.Columns == nil {
		g.Columns = []lms.BookColumn{}
	}
	workers := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(b.students); i += workers {
				g.Rows[i] = b.Row(&b.students[i])
			}
		})
	}
	wg.Wait()
	return g, nil
}

// StudentGrades returns what the student may see of the own row, to the student, to staff and to a linked observer.
func (s *Store) StudentGrades(ctx context.Context, actor lms.Actor, courseID, userID string) (lms.StudentGrades, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return lms.StudentGrades{}, err
	}
	if sc.role == lms.RoleObserver && userID == actor.UserID && sc.linked != "" {
		userID = sc.linked // what an observer calls the own grades
	}
	if err := s.mayRead(ctx, sc, actor, courseID, userID); err != nil {
		return lms.StudentGrades{}, err
	}
	b, err := s.loadBook(ctx, courseID, userID, "", "")
	if err == nil {
		err = s.hideColumns(ctx, courseID, userID, b)
	}
	if err != nil {
		return lms.StudentGrades{}, err
	}
	if len(b.students) == 0 {
		return lms.StudentGrades{}, lms.ErrNotFound
	}
	return b.Student(&b.students[0]), nil
}

// Level is how far a student is in a course, from the displayed current total of what was posted (PROG-1).
func (s *Store) Level(ctx context.Context, courseID, userID string, byDefault lms.Level) (lms.Level, error) {
	b, err := s.loadBook(ctx, courseID, userID, "", "")
	if err == nil {
		err = s.hideColumns(ctx, courseID, userID, b)
	}
	if err != nil || len(b.students) == 0 {
		return lms.LevelOf(lms.Ratio{}, byDefault), err
	}
	b.Level = byDefault
	return b.Student(&b.students[0]).Level, nil
}

// ClassStatistics describes the marks of the course: to staff all of them with the usage, to students, once they are released,
// those of columns in which enough marks are posted.
func (s *Store) ClassStatistics(ctx context.Context, actor lms.Actor, courseID string) (lms.ClassStatistics, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return lms.ClassStatistics{}, err
	}
	settings, err := s.bookSettings(ctx, courseID)
	if err != nil {
		return lms.ClassStatistics{}, err
	}
	if !sc.staff() && (!settings.ReleaseStats || sc.role != lms.RoleStudent) {
		return lms.ClassStatistics{}, errStatsHidden
	}
	b, err := s.loadBook(ctx, courseID, "", "", sc.sections)
	if err != nil {
		return lms.ClassStatistics{}, err
	}
	if !sc.staff() {
		err = s.hideColumns(ctx, courseID, actor.UserID, b)
		return b.Statistics(b.students, true, lms.MinStats), err
	}
	out := b.Statistics(b.students, false, 1)
	out.Usage, err = s.usage(ctx, courseID)
	return out, err
}

var errStatsHidden = lms.Errorf(lms.KindForbidden, "The statistics of this course are not released to students.")

// usageDays is how far back usage is counted.
const usageDays = 30

func (s *Store) usage(ctx context.Context, courseID string) (*lms.Usage, error) {
	const q = `
		WITH st AS (SELECT user_id FROM enrolments WHERE course_id = ?1 AND role = 'student' AND active = 1)
		SELECT (SELECT count(*) FROM st),
			(SELECT count(*) FROM st WHERE EXISTS(SELECT 1 FROM submissions s WHERE s.user_id = st.user_id AND s.course_id = ?1 AND s.submitted_at >= ?2)
				OR EXISTS(SELECT 1 FROM questions q WHERE q.author_id = st.user_id AND q.course_id = ?1 AND q.created_at >= ?2)
				OR EXISTS(SELECT 1 FROM replies r JOIN questions q ON q.question_id = r.question_id
					WHERE r.author_id = st.user_id AND q.course_id = ?1 AND r.created_at >= ?2)),
			(SELECT count(*) FROM questions WHERE course_id = ?1 AND created_at >= ?2),
			(SELECT count(*) FROM submissions WHERE course_id = ?1 AND submitted_at >= ?2)`
	rows, err := s.query(ctx, q, courseID, s.Now().AddDate(0, 0, -usageDays))
	return one(rows, err, func(row consensus.Row) (*lms.Usage, error) {
		u := new(lms.Usage)
		return u, row.Scan(&u.Members, &u.Active, &u.Questions, &u.Handed)
	})
}

// BookCell returns one cell with its history, for staff.
func (s *Store) BookCell(ctx context.Context, actor lms.Actor, courseID, columnID, userID string) (lms.BookCellDetail, error) {
	sc, err := s.staffScope(ctx, actor, courseID)
	if err == nil {
		err = s.mayRead(ctx, sc, actor, courseID, userID)
	}
	if err != nil {
		return lms.BookCellDetail{}, err
	}
	return s.bookCell(ctx, courseID, columnID, userID)
}

func (s *Store) bookCell(ctx context.Context, courseID, columnID, userID string) (d lms.BookCellDetail, err error) {
	b, err := s.loadBook(ctx, courseID, userID, "", "")
	if err != nil {
		return d, err
	}
	at, known := b.at[columnID]
	if len(b.students) == 0 || !known && columnID != lms.TotalColumn {
		return d, lms.ErrNotFound
	}
	if known && b.Columns[at].Blind {
		return d, lms.ErrBlindBook
	}
	st := &b.students[0]
	e := st.Override
	if columnID == lms.TotalColumn {
		d.Column = lms.BookColumn{ID: lms.TotalColumn, Title: "Final total", Manual: true, Points: 100_00, Published: true}
	} else {
		e = st.Entries[at]
		d.Column = b.Columns[at]
		_, d.Scored, d.DueAt = b.Cell(st, at)
	}
	d.Mark, d.SubmittedAt, d.Version, d.Row = e.Draft, e.SubmittedAt, e.Version, b.Row(st)
	if !e.PostedAt.IsZero() {
		d.Posted = &e.Posted
	}
	if d.SubmissionID, err = s.latestSubmission(ctx, columnID, userID); err != nil {
		return d, err
	}
	d.History, err = s.bookHistory(ctx, courseID, columnID, userID)
	return d, err
}

func (s *Store) latestSubmission(ctx context.Context, assignmentID, userID string) (string, error) {
	const q = `SELECT submission_id FROM submissions WHERE assignment_id = ?1 AND user_id = ?2 ORDER BY attempt DESC LIMIT 1`
	rows, err := s.query(ctx, q, assignmentID, userID)
	id, err := one(rows, err, scanString)
	if lms.KindOf(err) == lms.KindNotFound {
		err = nil
	}
	return id, err
}

// bookHistory puts the changes that were made here and in the grading view together, newest first. What was entered here for work
// that was handed in is recorded in both places: the change of the grade names that of the cell, and is left out. A change of the
// cell knows the last change of a grade before it, so that two changes of one millisecond have an order too.
func (s *Store) bookHistory(ctx context.Context, courseID, columnID, userID string) ([]lms.MarkChange, error) {
	const q = `
		SELECT kind, (SELECT name FROM users WHERE user_id = changed_by), changed_at, import_id IS NOT NULL,
			old_points, old_excused, new_points, new_excused, coalesce(after_grade, 0) AS place, 1 AS side, book_change_id AS id
		FROM book_changes
		WHERE course_id = ?1 AND column_id = ?2 AND user_id = ?3
		UNION ALL
		SELECT c.kind, (SELECT name FROM users WHERE user_id = c.changed_by), c.changed_at, 0, c.old_points, 0, c.new_points, 0, c.grade_change_id, 0, 0
		FROM submissions s
		JOIN grade_changes c ON c.submission_id = s.submission_id
		WHERE s.course_id = ?1 AND s.assignment_id = ?2 AND s.user_id = ?3 AND c.book_change_id IS NULL
		ORDER BY 3 DESC, 9 DESC, 10 DESC, 11 DESC`
	rows, err := s.query(ctx, q, courseID, columnID, userID)
	return collect(rows, err, func(row consensus.Row) (c lms.MarkChange, err error) {
		var kind string
		var old, changed lms.Points
		err = row[:8].Scan(&kind, &c.By, &c.At, &c.Import, &old, &c.Old.Excused, &changed, &c.New.Excused)
		if row[4] != nil {
			c.Old.Points = &old
		}
		if row[6] != nil {
			c.New.Points = &changed
		}
		c.Posted, c.Hidden = kind == "posted", kind == "hidden"
		return c, err
	})
}

// markName writes a mark in a sentence.
func markName(m lms.Mark, percent bool) string {
	switch {
	case m.Empty():
		return "no mark"
	case m.Excused:
		return "excused"
	case percent:
		return m.String() + " %"
	}
	return m.String() + " points"
}

func stampText(t time.Time) string { return t.Format("2006-01-02 15:04:05 UTC") }
