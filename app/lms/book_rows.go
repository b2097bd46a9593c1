package lms

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Book is what the rows of a gradebook are computed from. It only decides; the store fills it.
type Book struct {
	Zone     *time.Location
	Now      time.Time
	Settings BookSettings
	Level    Level // of students without grades
	Columns  []BookColumn
	Work     map[string]Assignment // by column, of those that are assignments
	Policies map[string]LatePolicy // by column
	ByTarget map[string][]Override // by column, a slash and whom it is for
}

// BookStudent is a student with what is known of each column, in the columns' order, and the override of the total.
type BookStudent struct {
	UserID, Name, Login, SectionID string
	Entries                        []BookEntry
	Override                       BookEntry // in percent
}

// implicit is the category of a course without categories: everything counts by its points.
const implicit = "all"

// Counted are the categories that totals are made of, with what they never drop.
func (b *Book) Counted() []Category {
	if len(b.Settings.Categories) == 0 {
		return []Category{{ID: implicit, Name: "All items", Weight: 100_00}}
	}
	categories := slices.Clone(b.Settings.Categories)
	for i := range categories {
		for _, col := range b.Columns {
			if col.NeverDrop && col.CategoryID == categories[i].ID {
				categories[i].NeverDrop = append(categories[i].NeverDrop, col.ID)
			}
		}
	}
	return categories
}

func (b *Book) category(c BookColumn) string {
	if len(b.Settings.Categories) == 0 {
		return implicit
	}
	return c.CategoryID
}

// workFor is the assignment of the column with the student's own dates.
func (b *Book) workFor(s *BookStudent, column string) (Assignment, bool) {
	a, ok := b.Work[column]
	if !ok {
		return a, false
	}
	if mine := b.ByTarget[column+"/"+s.UserID]; len(mine) > 0 {
		return a.For(s.UserID, s.SectionID, append(slices.Clone(b.ByTarget[column+"/"+s.SectionID]), mine...)), true
	}
	if section := b.ByTarget[column+"/"+s.SectionID]; len(section) > 0 {
		return a.For(s.UserID, s.SectionID, section), true
	}
	return a, true
}

// score computes what the mark counts. attempt is when the work of the mark was handed in; zero: on paper.
func (b *Book) score(s *BookStudent, at int, mark Mark, attempt time.Time) (scored Scored, due time.Time) {
	col, e := b.Columns[at], s.Entries[at]
	a, ok := b.workFor(s, col.ID)
	switch {
	case mark.Excused:
		return Scored{}, a.DueAt
	case !ok:
		if mark.Points != nil {
			scored = Scored{Graded: true, Raw: *mark.Points, Final: mark.Points.Score()}
		}
		return scored, due
	case mark.Points != nil:
		scored = ScoreOf(a, col.GradeType, b.Policies[col.ID], b.Zone, attempt, mark.Points, b.Now)
		scored.Missing = scored.Missing && e.SubmittedAt.IsZero()
		return scored, a.DueAt
	}
	return ScoreOf(a, col.GradeType, b.Policies[col.ID], b.Zone, e.SubmittedAt, nil, b.Now), a.DueAt
}

// Cell is a cell as staff see it: with the draft.
func (b *Book) Cell(s *BookStudent, at int) (BookCell, Scored, time.Time) {
	e := s.Entries[at]
	scored, due := b.score(s, at, e.Draft, e.DraftFor)
	late := e.SubmittedAt
	if !e.DraftFor.IsZero() {
		late = e.DraftFor
	}
	return BookCell{Mark: e.Draft, Graded: scored.Graded, Final: scored.Final.Points(), Missing: scored.Missing,
		Late: !due.IsZero() && late.After(due), Submitted: !e.SubmittedAt.IsZero(), Unposted: e.Changed, Version: e.Version}, scored, due
}

// totals puts the cells of the student together; posted leaves out what the student may not see (BOOK-2, BOOK-5).
func (b *Book) totals(s *BookStudent, posted bool) (current, final Total) {
	var cells []Cell
	for at, col := range b.Columns {
		if !col.Counts() {
			continue
		}
		e := s.Entries[at]
		mark, attempt := e.Draft, e.DraftFor
		if posted {
			if e.hidden() {
				continue
			}
			mark, attempt = e.Posted, e.PostedFor
		}
		scored, _ := b.score(s, at, mark, attempt)
		cells = append(cells, Cell{Column: col.ID, Category: b.category(col), Possible: col.Points, Score: scored.Final, Graded: scored.Graded,
			Excused: mark.Excused, ExtraCredit: col.ExtraCredit})
	}
	return Totals(b.Counted(), cells)
}

// Totals are the student's totals as staff see them, with the drafts.
func (b *Book) Totals(s *BookStudent) (current, final Total) { return b.totals(s, false) }

// Row is a student's row as staff see it.
func (b *Book) Row(s *BookStudent) BookRow {
	cells := make([]string, len(b.Columns))
	for at, col := range b.Columns {
		if col.Blind {
			continue
		}
		c, _, _ := b.Cell(s, at)
		cells[at] = c.Encode()
	}
	current, final := b.totals(s, false)
	r := BookRow{UserID: s.UserID, Name: s.Name, Login: s.Login, Section: s.SectionID, Cells: strings.Join(cells, " "),
		Current: current.Ratio.String(), Final: final.Ratio.String(), Level: LevelOf(current.Ratio, b.Level)}
	o := s.Override
	if !o.Draft.Empty() || o.Version > 0 {
		r.Override = BookCell{Mark: o.Draft, Unposted: o.Changed, Version: o.Version}.Encode()
	}
	r.Letter = b.letter(current.Ratio, o.Draft.Points)
	parts := make([]string, len(b.Settings.Categories))
	for i, c := range b.Settings.Categories {
		if at := slices.IndexFunc(current.Categories, func(t CategoryTotal) bool { return t.Category == c.ID }); at >= 0 {
			parts[i] = current.Categories[at].Ratio.String()
		}
	}
	r.Categories = strings.Join(parts, " ")
	return r
}

// letter is the letter of the override, or else of the current total.
func (b *Book) letter(current Ratio, override *Points) string {
	switch {
	case override != nil:
		return LetterOf(b.Settings.Letters, Percent(*override))
	case current.IsSet():
		return LetterOf(b.Settings.Letters, current.Percent())
	}
	return ""
}

// Student is the student's own row: only what was posted, and how each number was made.
func (b *Book) Student(s *BookStudent) StudentGrades {
	current, final := b.totals(s, true)
	g := StudentGrades{UserID: s.UserID, Name: s.Name, Categories: b.Settings.Categories, PassMark: b.Settings.PassMark,
		Stats: b.Settings.ReleaseStats, Level: LevelOf(current.Ratio, b.Level), Current: b.shown(current), Final: b.shown(final)}
	for at, col := range b.Columns {
		if col.Published {
			g.Items = append(g.Items, b.item(s, at, current, final))
		}
	}
	o := s.Override.Posted.Points
	if o != nil {
		p := Percent(*o)
		g.Override = &p
	}
	g.Letter = b.letter(current.Ratio, o)
	if b.Settings.PassMark != nil && (o != nil || current.Ratio.IsSet()) {
		p := current.Ratio.Percent()
		if o != nil {
			p = Percent(*o)
		}
		g.Passed = p >= *b.Settings.PassMark
	}
	return g
}

func (b *Book) item(s *BookStudent, at int, current, final Total) GradeItem {
	col, e := b.Columns[at], s.Entries[at]
	scored, due := b.score(s, at, e.Posted, e.PostedFor)
	if col.Blind {
		return GradeItem{ID: col.ID, Title: col.Title, CategoryID: col.CategoryID, Possible: col.Points, ExtraCredit: col.ExtraCredit, GradeType: col.GradeType,
			DueAt: due, Blind: true}
	}
	late := cmp.Or(e.PostedFor, e.SubmittedAt)
	item := GradeItem{ID: col.ID, Title: col.Title, Manual: col.Manual, CategoryID: col.CategoryID, Possible: col.Points,
		ExtraCredit: col.ExtraCredit, GradeType: col.GradeType, DueAt: due, Scored: scored, Late: !due.IsZero() && late.After(due),
		Dropped: dropped(current, col.ID), DroppedFinal: dropped(final, col.ID), PostedAt: e.PostedAt, ChangedAt: e.ChangedAt}
	if scored.Deduction > 0 || scored.Missing && scored.Graded {
		item.Policy = b.Policies[col.ID].Describe()
	}
	if scored.Graded && col.GradeType.worded() {
		item.Shown = col.GradeType.Show(scored.Final.Points(), col.Points, b.Settings.Scale())
	}
	item.State = BookCell{Mark: e.Posted, Graded: scored.Graded, Missing: scored.Missing, Submitted: !e.SubmittedAt.IsZero()}.State()
	return item
}

func dropped(t Total, column string) bool {
	return slices.ContainsFunc(t.Categories, func(c CategoryTotal) bool { return slices.Contains(c.Dropped, column) })
}

// shown writes a total for display.
func (b *Book) shown(t Total) BookTotal {
	out := BookTotal{Percent: t.Ratio.String(), Weights: t.Weights, Parts: []TotalPart{}}
	counted := b.Counted()
	for _, c := range t.Categories {
		part := TotalPart{CategoryID: c.Category, Earned: c.Earned.String(), Possible: c.Possible, Percent: c.Ratio.String()}
		for _, k := range counted {
			if k.ID == c.Category {
				part.Name, part.Weight = k.Name, k.Weight
			}
		}
		out.Parts = append(out.Parts, part)
	}
	return out
}
