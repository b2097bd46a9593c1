package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errMarkAbove = lms.FieldErrorf(lms.KindRule, "mark", "This is more than the column is worth. Confirm to keep it.")
	errMarkKept  = lms.FieldErrorf(lms.KindRule, "mark", "This mark belongs to handed-in work and has been posted, or has feedback. Enter another mark, or EX to excuse the student.")
	errNoCell    = lms.Errorf(lms.KindNotFound, "This student or this column is not in the gradebook any more. Load it again.")
)

// bookChange is a new draft mark for a cell, as a batch carries it in JSON.
type bookChange struct {
	Column  string      `json:"c"`
	User    string      `json:"u"`
	Points  *lms.Points `json:"p"`
	Excused bool        `json:"x"`
	Version int64       `json:"v"` // that the cell must still have
	Ungrade bool        `json:"d"` // take the grades of handed-in work away
	Grade   string      `json:"g"` // the mark as it is shown, where that is not points
}

// MarshalJSON writes whole hundredths and 0 or 1, as SQLite compares and stores them.
func (c bookChange) MarshalJSON() ([]byte, error) {
	var points *int64
	if c.Points != nil {
		v := int64(*c.Points)
		points = &v
	}
	return json.Marshal(struct {
		C string `json:"c"`
		U string `json:"u"`
		P *int64 `json:"p"`
		X int    `json:"x"`
		V int64  `json:"v"`
		D int    `json:"d"`
		G any    `json:"g"`
	}{c.Column, c.User, points, bit(c.Excused), c.Version, bit(c.Ungrade), nullable(c.Grade)})
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// The changes of a batch: ?1 course, ?2 changes in JSON. A mark in the gradebook for work that was handed in is the draft
// grade of its latest attempt; everything else lies in book_cells.
const (
	bookChanges = `WITH ch AS MATERIALIZED (SELECT json_extract(value, '$.c') AS column_id, json_extract(value, '$.u') AS user_id, json_extract(value, '$.p') AS points,
			json_extract(value, '$.x') AS excused, json_extract(value, '$.v') AS version, json_extract(value, '$.d') AS ungrade,
			json_extract(value, '$.g') AS grade
		FROM json_each(?2)) `

	// The version of the cell of ch: every write to it makes the sum larger.
	bookVersion = `(coalesce((SELECT sum(g.version) FROM submissions s JOIN grades g ON g.submission_id = s.submission_id
			WHERE s.assignment_id = ch.column_id AND s.user_id = ch.user_id), 0)
		+ coalesce((SELECT k.version FROM book_cells k WHERE k.course_id = ?1 AND k.column_id = ch.column_id AND k.user_id = ch.user_id), 0))`

	// The latest attempt of the cell of ch, if there is one.
	bookLatest = `JOIN submissions s ON s.assignment_id = ch.column_id AND s.user_id = ch.user_id
			AND s.attempt = (SELECT max(t.attempt) FROM submissions t WHERE t.assignment_id = ch.column_id AND t.user_id = ch.user_id)`

	bookHandedIn = `EXISTS(SELECT 1 FROM submissions s WHERE s.assignment_id = ch.column_id AND s.user_id = ch.user_id)`

	// What the cell of ch is worth. Extra credit and columns without possible points have no bound.
	bookAbove = `ch.points > coalesce(
			(SELECT iif(coalesce(a.extra_credit, 0) = 1 OR a.points = 0, ch.points, a.points) FROM assignments a WHERE a.assignment_id = ch.column_id),
			(SELECT iif(b.extra_credit = 1 OR b.points = 0, ch.points, b.points) FROM book_columns b WHERE b.column_id = ch.column_id), ch.points)`
)

// The last change of a grade before a change of the cell of ch: it puts the changes of both places into one order.
const latestGradeChange = `coalesce((SELECT max(lc.grade_change_id) FROM submissions ls JOIN grade_changes lc ON lc.submission_id = ls.submission_id
	WHERE ls.assignment_id = ch.column_id AND ls.user_id = ch.user_id), 0)`

// requireCells demands that the cells are in the course's gradebook and have the versions.
func requireCells(b *consensus.Batch, courseID, changes string) {
	b.Require(errNoCell, `NOT EXISTS(`+bookChanges+`SELECT 1 FROM ch WHERE ch.column_id <> 'total'
			AND NOT EXISTS(SELECT 1 FROM assignments a WHERE a.assignment_id = ch.column_id AND a.course_id = ?1 AND a.published = 1 AND a.archived_at IS NULL)
			AND NOT EXISTS(SELECT 1 FROM book_columns b WHERE b.column_id = ch.column_id AND b.course_id = ?1 AND b.archived_at IS NULL))`, courseID, changes)
	b.Require(lms.ErrBlindBook, `NOT EXISTS(`+bookChanges+`SELECT 1 FROM ch JOIN assignments a ON a.assignment_id = ch.column_id WHERE ?1 <> '' AND `+blindNow+`)`, courseID, changes)
	b.Require(errNoCell, `NOT EXISTS(`+bookChanges+`SELECT 1 FROM ch
			WHERE NOT EXISTS(SELECT 1 FROM enrolments e WHERE e.course_id = ?1 AND e.user_id = ch.user_id AND e.role = 'student' AND e.active = 1))`, courseID, changes)
	b.Require(lms.ErrStale, `NOT EXISTS(`+bookChanges+`SELECT 1 FROM ch WHERE ch.version <> `+bookVersion+`)`, courseID, changes)
	b.Require(errMarkKept, `NOT EXISTS(`+bookChanges+`SELECT 1 FROM ch JOIN submissions s ON s.assignment_id = ch.column_id AND s.user_id = ch.user_id
			JOIN grades g ON g.submission_id = s.submission_id
			WHERE ch.ungrade = 1 AND ?1 <> '' AND (g.posted_at IS NOT NULL OR g.draft_feedback <> ''))`, courseID, changes)
}

// setCells writes the drafts of the cells and their history. importID is empty or names the import that they belong to.
func setCells(b *consensus.Batch, actor lms.Actor, courseID, changes, importID string) {
	b.Exec(bookChanges+`
		INSERT INTO book_changes (course_id, column_id, user_id, kind, changed_by, changed_at, old_points, old_excused, new_points, new_excused, import_id, after_grade)
		SELECT ?1, ch.column_id, ch.user_id, 'draft', ?3, ?4,
			iif(coalesce(k.draft_excused, 0) = 1, NULL, coalesce((SELECT g.draft_points FROM submissions s JOIN grades g ON g.submission_id = s.submission_id
				WHERE s.assignment_id = ch.column_id AND s.user_id = ch.user_id ORDER BY s.attempt DESC LIMIT 1), k.draft_points)),
			coalesce(k.draft_excused, 0), ch.points, ch.excused, ?5, `+latestGradeChange+`
		FROM ch
		LEFT JOIN book_cells k ON k.course_id = ?1 AND k.column_id = ch.column_id AND k.user_id = ch.user_id`,
		courseID, changes, actor.UserID, consensus.Stamp{}, nullable(importID))
	b.Exec(bookChanges+`
		INSERT INTO grade_changes (submission_id, kind, changed_by, changed_at, old_points, old_feedback, old_grade, new_points, new_feedback, new_grade, book_change_id)
		SELECT s.submission_id, 'draft', ?3, ?4, g.draft_points, g.draft_feedback, g.draft_grade, ch.points, coalesce(g.draft_feedback, ''), ch.grade,
			(SELECT max(b.book_change_id) FROM book_changes b WHERE b.course_id = ?1 AND b.column_id = ch.column_id AND b.user_id = ch.user_id)
		FROM ch `+bookLatest+`
		LEFT JOIN grades g ON g.submission_id = s.submission_id
		WHERE ch.points IS NOT NULL AND s.course_id = ?1`,
		courseID, changes, actor.UserID, consensus.Stamp{})
	b.Exec(bookChanges+`
		INSERT INTO book_cells (course_id, column_id, user_id, draft_points, draft_excused, draft_by, draft_at, version)
		SELECT ?1, ch.column_id, ch.user_id, iif(`+bookHandedIn+`, NULL, ch.points), ch.excused, ?3, ?4,
			1 + iif(ch.ungrade = 1, coalesce((SELECT sum(g.version) FROM submissions s JOIN grades g ON g.submission_id = s.submission_id
				WHERE s.assignment_id = ch.column_id AND s.user_id = ch.user_id), 0), 0)
		FROM ch
		WHERE true
		ON CONFLICT (course_id, column_id, user_id) DO UPDATE SET draft_points = excluded.draft_points, draft_excused = excluded.draft_excused,
			draft_by = excluded.draft_by, draft_at = excluded.draft_at, version = version + excluded.version`,
		courseID, changes, actor.UserID, consensus.Stamp{})
	b.Exec(bookChanges+`
		INSERT INTO grades (submission_id, course_id, assignment_id, user_id, draft_points, draft_feedback, draft_by, draft_at, version, draft_grade)
		SELECT s.submission_id, s.course_id, s.assignment_id, s.user_id, ch.points, '', ?3, ?4, `+gradeFirst+`, ch.grade
		FROM ch `+bookLatest+`
		WHERE ch.points IS NOT NULL AND s.course_id = ?1
		ON CONFLICT (submission_id) DO UPDATE SET draft_points = excluded.draft_points, draft_by = excluded.draft_by, draft_at = excluded.draft_at,
			draft_grade = excluded.draft_grade, version = version + 1`,
		courseID, changes, actor.UserID, consensus.Stamp{}, consensus.Index{})
	b.Exec(`
		DELETE FROM grades
		WHERE course_id = ?1 AND submission_id IN (`+bookChanges+`SELECT s.submission_id
			FROM ch JOIN submissions s ON s.assignment_id = ch.column_id AND s.user_id = ch.user_id
			WHERE ch.ungrade = 1)`,
		courseID, changes)
}

// changeOf makes the change that gives the cell another mark. Clearing an excuse leaves the grade below it.
func changeOf(columnID, userID string, e lms.BookEntry, mark lms.Mark) bookChange {
	return bookChange{Column: columnID, User: userID, Points: mark.Points, Excused: mark.Excused, Version: e.Version,
		Ungrade: mark.Empty() && !e.DraftFor.IsZero()}
}

func changesJSON(list []bookChange) (string, error) {
	b, err := json.Marshal(append([]bookChange{}, list...)) // never null
	if err != nil {
		return "", fmt.Errorf("store: changes: %w", err)
	}
	return string(b), nil
}

// SetMark gives a cell the draft mark that was typed in the words of the column's grade type, if it still has the version. The student
// sees nothing of it until it is posted, which is at once where posting is automatic. The total takes a percentage.
func (s *Store) SetMark(ctx context.Context, actor lms.Actor, courseID, columnID, userID, text string, version int64, allowAbove bool) (lms.BookCellDetail, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return lms.BookCellDetail{}, err
	}
	before, err := s.loadBook(ctx, courseID, userID, "", "")
	if err != nil {
		return lms.BookCellDetail{}, err
	}
	col := lms.BookColumn{Points: 100_00}
	if at, ok := before.at[columnID]; ok {
		col = before.Columns[at]
	}
	mark, shown, err := col.Parse(text, before.Settings.Scale())
	if err == nil && columnID == lms.TotalColumn && mark.Excused {
		err = lms.FieldErrorf(lms.KindRule, "mark", "A total cannot be excused. Excuse single items.")
	}
	if err != nil {
		return lms.BookCellDetail{}, err
	}
	e := before.find(columnID, userID)
	change := changeOf(columnID, userID, e, mark)
	change.Version, change.Grade = version, shown
	changes, err := changesJSON([]bookChange{change})
	if err != nil {
		return lms.BookCellDetail{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(errOtherSection, reachesStudent, actor.UserID, courseID, userID)
	requireCells(&b, courseID, changes)
	b.Require(errMarkAbove, `?3 OR NOT EXISTS(`+bookChanges+`SELECT 1 FROM ch WHERE ?1 <> '' AND `+bookAbove+`)`, courseID, changes, allowAbove)
	requireScale(&b, courseID, col.GradeType, before.Settings.Version)
	setCells(&b, actor, courseID, changes, "")
	postCells(&b, actor, courseID, columnID, list([]string{userID}), true)
	postCellGrades(&b, actor, courseID, columnID, list([]string{userID}), true)
	audit(ctx, &b, actor, lms.AuditGradeSave, "cell/"+columnID, "course", courseID, "user", userID, "mark", mark.String())
	b.Notify(topicCourse(courseID))
	if _, err := s.apply(ctx, &b); err != nil {
		return lms.BookCellDetail{}, s.explainMark(ctx, err, courseID, columnID, userID, mark)
	}
	return s.bookCell(ctx, courseID, columnID, userID)
}

// find is the entry of a cell; the zero value when there is none.
func (b *book) find(columnID, userID string) lms.BookEntry {
	if e := b.entry(columnID, userID); e != nil {
		return *e
	}
	return lms.BookEntry{}
}

// explainMark puts the other one's value and time, or the possible points, into a refusal.
func (s *Store) explainMark(ctx context.Context, err error, courseID, columnID, userID string, mark lms.Mark) error {
	if !errors.Is(err, lms.ErrStale) && !errors.Is(err, errMarkAbove) {
		return err
	}
	d, loadErr := s.bookCell(ctx, courseID, columnID, userID)
	switch {
	case loadErr != nil:
	case errors.Is(err, errMarkAbove):
		return lms.FieldErrorf(lms.KindRule, "mark", "%s is more than the %s points of %s. Confirm to keep it.", mark, d.Column.Points, d.Column.Title)
	case len(d.History) > 0:
		h := d.History[0]
		return lms.Errorf(lms.KindConflict, "%s changed this to %s meanwhile (%s). Your value was not saved; compare and save again.",
			h.By, markName(d.Mark, columnID == lms.TotalColumn), stampText(h.At))
	}
	return err
}

// The cells that a post or a hide is about. ?1 course, ?2 column, ?3 students in JSON, none for all
const (
	bookChosen   = `(json_array_length(?3) = 0 OR user_id IN (SELECT value FROM json_each(?3)))`
	bookUnposted = `course_id = ?1 AND column_id = ?2 AND posted_version IS NOT version AND ` + bookChosen
	gradeChosen  = `course_id = ?1 AND assignment_id = ?2 AND ` + bookChosen
	// What is marked in the column shows at once.
	columnAutomatic = `EXISTS(SELECT 1 FROM markings m WHERE m.assignment_id = ?2 AND (m.posting = 'automatic' OR m.opened_at IS NOT NULL))`
)

// ?1 user, ?2 course, ?3 JSON list of students, none for all
const reachesStudents = unlimited + ` OR json_array_length(?3) > 0 AND NOT EXISTS(SELECT 1 FROM json_each(?3) WHERE value NOT IN (` + reached + `))`

// reachable names the students of a TA who is limited to sections when none are named; none of them is nil. For others no name
// stays all.
func (s *Store) reachable(ctx context.Context, actor lms.Actor, courseID string, users []string) ([]string, error) {
	sc, err := s.staffScope(ctx, actor, courseID)
	if err != nil {
		return nil, err
	}
	if len(users) > 0 || sc.sections == "" {
		return append([]string{}, users...), nil
	}
	rows, err := s.query(ctx, reached, actor.UserID, courseID)
	ids, err := collect(rows, err, scanString)
	if len(ids) == 0 {
		return nil, err
	}
	return ids, nil
}

func requireColumn(b *consensus.Batch, courseID, columnID string) {
	b.Require(lms.ErrNotFound, `?2 = 'total' OR EXISTS(SELECT 1 FROM assignments WHERE course_id = ?1 AND assignment_id = ?2 AND archived_at IS NULL)
		OR EXISTS(SELECT 1 FROM book_columns WHERE course_id = ?1 AND column_id = ?2 AND archived_at IS NULL)`, courseID, columnID)
	b.Require(lms.ErrBlindPost, `?1 = '' OR `+columnNotBlind, courseID, columnID)
}

// postCells makes the drafts of cells what students see: of the named students of a column, none named: of all. Excuses and marks for
// work on paper lie there. ifAutomatic does so only where posting is automatic.
func postCells(b *consensus.Batch, actor lms.Actor, courseID, columnID, ids string, ifAutomatic bool) {
	b.Exec(`
		INSERT INTO book_changes (course_id, column_id, user_id, kind, changed_by, changed_at, old_points, old_excused, new_points, new_excused, after_grade)
		SELECT course_id, column_id, user_id, 'posted', ?4, ?5, posted_points, coalesce(posted_excused, 0), draft_points, draft_excused, `+latestGradeChange+`
		FROM book_cells ch
		WHERE `+bookUnposted+` AND (posted_points IS NOT draft_points OR coalesce(posted_excused, 0) <> draft_excused) AND (?6 = 0 OR `+columnAutomatic+`)
		ORDER BY user_id`,
		courseID, columnID, ids, actor.UserID, consensus.Stamp{}, ifAutomatic)
	b.Exec(`
		UPDATE book_cells
		SET posted_points = draft_points, posted_excused = draft_excused, posted_changed_at = draft_at, posted_at = ?4, posted_version = version
		WHERE `+bookUnposted+` AND (?5 = 0 OR `+columnAutomatic+`)`, courseID, columnID, ids, consensus.Stamp{}, ifAutomatic)
}

// postCellGrades is postCells for the grades of work that was handed in.
func postCellGrades(b *consensus.Batch, actor lms.Actor, courseID, columnID, ids string, ifAutomatic bool) {
	const unposted = gradeChosen + ` AND posted_version IS NOT version`
	b.Exec(`
		UPDATE grades
		SET revised_at = ?4
		WHERE `+unposted+` AND (?5 = 0 OR `+columnAutomatic+`) AND posted_at IS NOT NULL AND (posted_points <> draft_points OR posted_feedback <> draft_feedback
			OR posted_grade IS NOT draft_grade)`, courseID, columnID, ids, consensus.Stamp{}, ifAutomatic)
	b.Exec(`
		INSERT INTO grade_changes (submission_id, kind, changed_by, changed_at, old_points, old_feedback, old_grade, new_points, new_feedback, new_grade)
		SELECT submission_id, 'posted', ?4, ?5, posted_points, posted_feedback, posted_grade, draft_points, draft_feedback, draft_grade
		FROM grades
		WHERE `+unposted+` AND (?6 = 0 OR `+columnAutomatic+`)
		ORDER BY submission_id`,
		courseID, columnID, ids, actor.UserID, consensus.Stamp{}, ifAutomatic)
	b.Exec(`
		UPDATE grades
		SET posted_points = draft_points, posted_feedback = draft_feedback, posted_grade = draft_grade, posted_marks = draft_marks, posted_by = draft_by,
			posted_changed_at = draft_at, posted_at = ?4, posted_version = version
		WHERE `+unposted+` AND (?5 = 0 OR `+columnAutomatic+`)`, courseID, columnID, ids, consensus.Stamp{}, ifAutomatic)
}

// columnBatch begins a change of what students see of a column: those whom the actor reaches, of the named students. Without
// a batch there are none.
func (s *Store) columnBatch(ctx context.Context, actor lms.Actor, courseID, columnID string, users []string) (b *consensus.Batch, ids string, err error) {
	users, err = s.reachable(ctx, actor, courseID, users)
	if err != nil || users == nil {
		return nil, "", err
	}
	ids, b = list(users), new(consensus.Batch)
	requireWrite(b, actor, courseID, lms.StaffOfCourse)
	b.Require(errOtherSection, reachesStudents, actor.UserID, courseID, ids)
	requireColumn(b, courseID, columnID)
	return b, ids, nil
}

// PostColumn makes the drafts of a column (of the named students; none named: of all) what students see, also excuses and
// marks for work on paper. It returns how many cells changed.
func (s *Store) PostColumn(ctx context.Context, actor lms.Actor, courseID, columnID string, users []string) (int, error) {
	b, ids, err := s.columnBatch(ctx, actor, courseID, columnID, users)
	if err != nil || b == nil {
		return 0, err
	}
	postCells(b, actor, courseID, columnID, ids, false)
	postCellGrades(b, actor, courseID, columnID, ids, false)
	return s.applyColumn(ctx, b, actor, courseID, columnID, "posted")
}

// hideCells takes what was posted of a column back.
func hideCells(b *consensus.Batch, actor lms.Actor, courseID, columnID, ids string) {
	b.Exec(`
		INSERT INTO book_changes (course_id, column_id, user_id, kind, changed_by, changed_at, old_points, old_excused, new_excused, after_grade)
		SELECT ?1, ?2, user_id, 'hidden', ?4, ?5, max(points), max(excused), 0, `+latestGradeChange+`
		FROM (
			SELECT column_id, user_id, posted_points AS points, posted_excused AS excused FROM book_cells
			WHERE course_id = ?1 AND column_id = ?2 AND posted_at IS NOT NULL AND (posted_points IS NOT NULL OR posted_excused = 1)
			UNION ALL
			SELECT assignment_id, user_id, posted_points, 0 FROM grades WHERE course_id = ?1 AND assignment_id = ?2 AND posted_at IS NOT NULL) ch
		WHERE `+bookChosen+`
		GROUP BY user_id
		ORDER BY user_id`,
		courseID, columnID, ids, actor.UserID, consensus.Stamp{})
	b.Exec(`
		UPDATE book_cells
		SET posted_points = NULL, posted_excused = NULL, posted_changed_at = NULL, posted_at = NULL, posted_version = NULL
		WHERE course_id = ?1 AND column_id = ?2 AND posted_at IS NOT NULL AND `+bookChosen, courseID, columnID, ids)
}

// HideColumn takes what was posted in a column back from the view of students. The drafts stay.
func (s *Store) HideColumn(ctx context.Context, actor lms.Actor, courseID, columnID string, users []string) (int, error) {
	b, ids, err := s.columnBatch(ctx, actor, courseID, columnID, users)
	if err != nil || b == nil {
		return 0, err
	}
	hideCells(b, actor, courseID, columnID, ids)
	b.Exec(`
		UPDATE grades
		SET posted_points = NULL, posted_feedback = NULL, posted_grade = NULL, posted_marks = NULL, posted_by = NULL, posted_changed_at = NULL,
			posted_at = NULL, posted_version = NULL, revised_at = NULL
		WHERE `+gradeChosen+` AND posted_at IS NOT NULL`, courseID, columnID, ids)
	return s.applyColumn(ctx, b, actor, courseID, columnID, "hidden")
}

// applyColumn counts the students whose column the batch has changed. Its stamp alone does not tell its changes from those of a
// batch before it in the same millisecond.
func (s *Store) applyColumn(ctx context.Context, b *consensus.Batch, actor lms.Actor, courseID, columnID, what string) (int, error) {
	rows, err := s.query(ctx, `SELECT (SELECT coalesce(max(book_change_id), 0) FROM book_changes), (SELECT coalesce(max(grade_change_id), 0) FROM grade_changes)`)
	last, err := one(rows, err, func(row consensus.Row) (ids [2]int64, err error) { return ids, row.Scan(&ids[0], &ids[1]) })
	if err != nil {
		return 0, err
	}
	audit(ctx, b, actor, lms.AuditGradePost, "column/"+columnID, "course", courseID, "done", what)
	b.Return(`SELECT count(DISTINCT user_id) FROM (
		SELECT user_id FROM book_changes WHERE course_id = ?1 AND column_id = ?2 AND changed_at = ?3 AND kind <> 'draft' AND book_change_id > ?4
		UNION ALL
		SELECT s.user_id FROM submissions s JOIN grade_changes c ON c.submission_id = s.submission_id
		WHERE s.assignment_id = ?2 AND c.changed_at = ?3 AND c.kind = 'posted' AND c.grade_change_id > ?5)`, courseID, columnID, consensus.Stamp{}, last[0], last[1])
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, b)
	return returned(res, err, scanInt)
}
