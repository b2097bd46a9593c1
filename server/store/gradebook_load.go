package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// book is a course's gradebook in memory: what everything about it is computed from.
type book struct {
	lms.Book
	students []lms.BookStudent
	sections []lms.Section
	at       map[string]int // column to its number
	row      map[string]int // student to their number
}

// loadBook reads the gradebook: of one student, of a section, or, with both empty, of the course; reach is the JSON list of the
// sections that the reader is limited to.
func (s *Store) loadBook(ctx context.Context, courseID, userID, sectionID, reach string) (*book, error) {
	b := &book{at: map[string]int{}, row: map[string]int{}}
	b.Now = s.Now()
	for _, load := range []func(context.Context, string, *book) error{s.loadRules, s.loadColumns, s.loadOverrides} {
		if err := load(ctx, courseID, b); err != nil {
			return nil, err
		}
	}
	if err := s.loadStudents(ctx, courseID, userID, sectionID, reach, b); err != nil {
		return nil, err
	}
	if err := s.loadGrades(ctx, courseID, userID, b); err != nil {
		return nil, err
	}
	return b, s.loadCells(ctx, courseID, userID, b)
}

const selectCategories = `SELECT category_id, name, weight, drop_lowest, drop_highest FROM categories WHERE course_id = ?1 ORDER BY position, category_id`

func scanCategory(row consensus.Row) (c lms.Category, err error) {
	return c, row.Scan(&c.ID, &c.Name, &c.Weight, &c.DropLowest, &c.DropHighest)
}

const selectBookSettings = `SELECT coalesce(b.letters, '[]'), b.pass_mark IS NOT NULL, coalesce(b.pass_mark, 0), coalesce(b.release_stats, 0), coalesce(b.version, 0)
	FROM courses c LEFT JOIN book_settings b ON b.course_id = c.course_id WHERE c.course_id = ?1`

func scanBookSettings(row consensus.Row) (v lms.BookSettings, err error) {
	var letters string
	var passes bool
	var mark lms.Percent
	if err := row.Scan(&letters, &passes, &mark, &v.ReleaseStats, &v.Version); err != nil {
		return v, err
	}
	if passes {
		v.PassMark = &mark
	}
	v.Categories = []lms.Category{}
	return v, json.Unmarshal([]byte(letters), &v.Letters)
}

func (s *Store) bookSettings(ctx context.Context, courseID string) (lms.BookSettings, error) {
	rows, err := s.query(ctx, selectBookSettings, courseID)
	v, err := one(rows, err, scanBookSettings)
	if err != nil {
		return v, err
	}
	rows, err = s.query(ctx, selectCategories, courseID)
	v.Categories, err = collect(rows, err, scanCategory)
	return v, err
}

// loadRules reads what is decided for the whole course.
func (s *Store) loadRules(ctx context.Context, courseID string, b *book) (err error) {
	if b.Settings, err = s.bookSettings(ctx, courseID); err != nil {
		return err
	}
	const q = `SELECT c.zone, coalesce((SELECT level FROM tutor_policies p WHERE p.course_id = c.course_id), '') FROM courses c WHERE c.course_id = ?1`
	rows, err := s.query(ctx, q, courseID)
	zone, err := one(rows, err, func(row consensus.Row) (zone string, err error) { return zone, row.Scan(&zone, &b.Level) })
	if err != nil {
		return err
	}
	b.Zone, err = time.LoadLocation(zone)
	return err
}

// loadColumns reads the published assignments by due date and then the manual columns, with their late policies.
func (s *Store) loadColumns(ctx context.Context, courseID string, b *book) error {
	const q = `
		SELECT a.assignment_id, a.title, 0, a.points, coalesce(a.category_id, ''), coalesce(a.extra_credit, 0), coalesce(a.never_drop, 0), a.published,
			coalesce(a.grade_type, ''), a.opens_at, a.due_at, a.cutoff_at, coalesce(a.late_policy, c.late_policy, '{}'), a.version, coalesce(a.on_paper, 0), ` + blindNow + `,
			0 AS manual, a.due_at IS NULL AS undated, coalesce(a.due_at, 0) AS due, a.created_at AS created
		FROM assignments a
		JOIN courses c ON c.course_id = a.course_id
		WHERE a.course_id = ?1 AND a.published = 1 AND a.archived_at IS NULL
		UNION ALL
		SELECT k.column_id, k.title, 1, k.points, coalesce(k.category_id, ''), k.extra_credit, k.never_drop, k.published,
			'', NULL, NULL, NULL, '{}', k.version, 0, 0, 1, 1, 0, k.created_at
		FROM book_columns k
		WHERE k.course_id = ?1 AND k.archived_at IS NULL
		ORDER BY 17, 18, 19, 20, 1`
	rows, err := s.query(ctx, q, courseID)
	if err != nil {
		return err
	}
	b.Work, b.Policies = map[string]lms.Assignment{}, map[string]lms.LatePolicy{}
	for _, row := range rows {
		var col lms.BookColumn
		var opens, cutoff time.Time
		var policy string
		var paper bool
		if err := row[:16].Scan(&col.ID, &col.Title, &col.Manual, &col.Points, &col.CategoryID, &col.ExtraCredit, &col.NeverDrop, &col.Published,
			&col.GradeType, &opens, &col.DueAt, &cutoff, &policy, &col.Version, &paper, &col.Blind); err != nil {
			return err
		}
		b.at[col.ID] = len(b.Columns)
		b.Columns = append(b.Columns, col)
		if col.Manual {
			continue
		}
		a := lms.Assignment{ID: col.ID, CourseID: courseID, Points: col.Points, OpensAt: opens, DueAt: col.DueAt, CutoffAt: cutoff}
		a.OnPaper = paper
		b.Work[col.ID] = a
		var p lms.LatePolicy
		if err := json.Unmarshal([]byte(policy), &p); err != nil {
			return fmt.Errorf("late policy of %s: %w", col.ID, err)
		}
		b.Policies[col.ID] = p
	}
	return nil
}

func (s *Store) loadOverrides(ctx context.Context, courseID string, b *book) error {
	const q = `SELECT assignment_id, target, target_id, opens_at, due_at, cutoff_at FROM overrides WHERE course_id = ?1`
	rows, err := s.query(ctx, q, courseID)
	if err != nil {
		return err
	}
	b.ByTarget = map[string][]lms.Override{}
	for _, row := range rows {
		var o lms.Override
		if err := row.Scan(&o.AssignmentID, &o.Target, &o.TargetID, &o.OpensAt, &o.DueAt, &o.CutoffAt); err != nil {
			return err
		}
		key := o.AssignmentID + "/" + o.TargetID
		b.ByTarget[key] = append(b.ByTarget[key], o)
	}
	return nil
}

// loadStudents reads the active students by name, and the sections.
func (s *Store) loadStudents(ctx context.Context, courseID, userID, sectionID, reach string, b *book) error {
	const q = `
		SELECT e.user_id, u.name, u.login, coalesce(e.section_id, '')
		FROM enrolments e
		JOIN users u ON u.user_id = e.user_id
		WHERE e.course_id = ?1 AND e.role = 'student' AND e.active = 1 AND (?2 = '' OR e.user_id = ?2) AND (?3 = '' OR e.section_id = ?3)
			AND (?4 = '' OR e.section_id IN (SELECT value FROM json_each(?4)))
		ORDER BY lower(u.name), u.name, e.user_id`
	rows, err := s.query(ctx, q, courseID, userID, sectionID, reach)
	b.students, err = collect(rows, err, func(row consensus.Row) (st lms.BookStudent, err error) {
		st.Entries = make([]lms.BookEntry, len(b.Columns))
		return st, row.Scan(&st.UserID, &st.Name, &st.Login, &st.SectionID)
	})
	if err != nil {
		return err
	}
	for i := range b.students {
		b.row[b.students[i].UserID] = i
	}
	const sections = `SELECT section_id, course_id, title, version FROM sections WHERE course_id = ?1 AND archived_at IS NULL ORDER BY position, section_id`
	rows, err = s.query(ctx, sections, courseID)
	b.sections, err = collect(rows, err, func(row consensus.Row) (v lms.Section, err error) {
		return v, row.Scan(&v.ID, &v.CourseID, &v.Title, &v.Version)
	})
	return err
}

// Attempts with their grades, if they have any, of each column in one text with a line for each, the one that counts last. A row for each
// would cost several times as much: a thousand students with sixty columns are sixty thousand.
const bookAttempts = `
	SELECT s.assignment_id, group_concat(s.user_id || ' ' || s.submitted_at || ' ' || coalesce(g.version, 0) || ' ' || coalesce(g.draft_points, 0) || ' ' ||
		coalesce(g.posted_version, 0) || ' ' || coalesce(g.posted_points, 0) || ' ' || coalesce(g.posted_changed_at, 0) || ' ' || coalesce(g.posted_at, 0) || ' ' ||
		(coalesce(g.draft_feedback, '') <> ''), char(10) ORDER BY s.chosen_at IS NOT NULL, s.attempt)
	FROM submissions s
	LEFT JOIN grades g ON g.submission_id = s.submission_id
	WHERE s.course_id = ?1 AND s.returned_at IS NULL`

// loadGrades reads what was handed in and how it was graded. The grade of the attempt that staff have chosen counts, else that
// of the latest attempt that has one.
func (s *Store) loadGrades(ctx context.Context, courseID, userID string, b *book) error {
	const single = bookAttempts + ` AND s.user_id = ?2 GROUP BY s.assignment_id`
	const some = bookAttempts + ` AND s.assignment_id IN (SELECT value FROM json_each(?2)) GROUP BY s.assignment_id`
	take := func(rows []consensus.Row, err error) error {
		if err != nil {
			return err
		}
		return b.eachLine(rows, gradeOf)
	}
	if userID != "" {
		return take(s.query(ctx, single, courseID, userID))
	}
	var ids []string
	for _, c := range b.Columns {
		if !c.Manual {
			ids = append(ids, c.ID)
		}
	}
	// Several short reads: a busy node gives each its time, and one long read would keep others waiting.
	for part := range slices.Chunk(ids, 8) {
		if err := take(s.query(ctx, some, courseID, list(part))); err != nil {
			return err
		}
	}
	return nil
}

// gradeOf takes a line of bookAttempts.
func gradeOf(e *lms.BookEntry, f []int64) {
	e.SubmittedAt = time.UnixMilli(f[0]).UTC()
	version, draft, posted, shown := f[1], lms.Points(f[2]), f[3], lms.Points(f[4])
	if version == 0 {
		return
	}
	e.Version += version
	e.Draft, e.DraftFor, e.Changed, e.Said = lms.Mark{Points: &draft}, e.SubmittedAt, posted != version, f[7] != 0
	if posted > 0 {
		e.Posted, e.PostedFor, e.ChangedAt, e.PostedAt = lms.Mark{Points: &shown}, e.SubmittedAt, millis(&f[5]), millis(&f[6])
	}
}

// eachLine takes rows of a column and lines that begin with a student, apart into the numbers of each line.
func (b *book) eachLine(rows []consensus.Row, f func(*lms.BookEntry, []int64)) error {
	var numbers [16]int64
	for _, row := range rows {
		var column, text string
		if err := row.Scan(&column, &text); err != nil {
			return err
		}
		for line := range strings.SplitSeq(text, "\n") {
			user, rest, _ := strings.Cut(line, " ")
			e := b.entry(column, user)
			if e == nil {
				continue
			}
			n := 0
			for field := range strings.SplitSeq(rest, " ") {
				v, err := strconv.ParseInt(field, 10, 64)
				if err != nil || n == len(numbers) {
					return fmt.Errorf("store: gradebook: the line %q", line)
				}
				numbers[n] = v
				n++
			}
			f(e, slices.Clone(numbers[:n]))
		}
	}
	return nil
}

// entry finds the place of a column and a student; nil: not in this book, or not before the identities are revealed.
func (b *book) entry(column, user string) *lms.BookEntry {
	i, ok := b.row[user]
	if !ok {
		return nil
	}
	if column == lms.TotalColumn {
		return &b.students[i].Override
	}
	at, ok := b.at[column]
	if !ok || b.Columns[at].Blind {
		return nil
	}
	return &b.students[i].Entries[at]
}

// loadCells reads what staff have entered in the gradebook itself. An excuse there beats a grade; a mark there is for work on
// paper and gives way to the grade of work that was handed in.
func (s *Store) loadCells(ctx context.Context, courseID, userID string, b *book) error {
	const columns = `SELECT column_id, group_concat(user_id || ' ' || draft_excused || ' ' || coalesce(draft_points, -1) || ' ' || version || ' ' ||
			coalesce(posted_version, 0) || ' ' || coalesce(posted_excused, 0) || ' ' || coalesce(posted_points, -1) || ' ' || coalesce(posted_changed_at, 0) || ' ' ||
			coalesce(posted_at, 0), char(10))
		FROM book_cells WHERE course_id = ?1`
	const single = columns + ` AND user_id = ?2 GROUP BY column_id`
	const all = columns + ` GROUP BY column_id`
	var rows []consensus.Row
	var err error
	if userID != "" {
		rows, err = s.query(ctx, single, courseID, userID)
	} else {
		rows, err = s.query(ctx, all, courseID)
	}
	if err != nil {
		return err
	}
	return b.eachLine(rows, func(e *lms.BookEntry, f []int64) {
		e.Version += f[2]
		draft, shown := lms.Points(f[1]), lms.Points(f[5])
		switch {
		case f[0] != 0:
			e.Draft, e.DraftFor = lms.Mark{Excused: true}, time.Time{}
		case draft >= 0 && e.Draft.Points == nil:
			e.Draft = lms.Mark{Points: &draft}
		}
		switch posted := f[3] > 0; {
		case posted && f[4] != 0:
			e.Posted, e.PostedFor, e.ChangedAt, e.PostedAt = lms.Mark{Excused: true}, time.Time{}, millis(&f[6]), millis(&f[7])
		case posted && shown >= 0 && e.Posted.Points == nil:
			e.Posted, e.ChangedAt, e.PostedAt = lms.Mark{Points: &shown}, millis(&f[6]), millis(&f[7])
		}
		e.Changed = !e.Draft.Equal(e.Posted) || e.Changed && e.Draft.Points != nil
	})
}
