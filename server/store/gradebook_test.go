package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// gradebook is a course with a homework at 40 % and an exam at 60 %, both worth 100 points, and a manual column for talks.
func gradebook(t *testing.T) *storetest.Site {
	t.Helper()
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "hw")
	s.Post(t, "exam")
	settings, err := s.SetBookSettings(ctx, s.Instructor, s.Course.ID, lms.BookSettings{
		Categories: []lms.Category{{ID: "c-hw", Name: "Homework", Weight: 40_00}, {ID: "c-exam", Name: "Exam", Weight: 60_00}},
		Letters:    []lms.Letter{{Letter: "A", Min: 85_00}, {Letter: "B", Min: 50_00}, {Letter: "F"}}})
	want(t, err, nil)
	if settings.Version != 1 || len(settings.Categories) != 2 || settings.Categories[1].Name != "Exam" {
		t.Errorf("saved %+v", settings)
	}
	for id, category := range map[string]string{"hw": "c-hw", "exam": "c-exam"} {
		a, err := s.Assignment(ctx, s.Instructor, s.Course.ID, id)
		want(t, err, nil)
		_, err = s.UpdateColumn(ctx, s.Instructor, s.Course.ID, lms.BookColumn{ID: id, Title: a.Title, Points: a.Points, Published: true, CategoryID: category, Version: a.Version})
		want(t, err, nil)
	}
	_, err = s.CreateColumn(ctx, s.Instructor, s.Course.ID, lms.BookColumn{ID: "talk", Title: "Talk", Points: 10_00, CategoryID: "c-hw", Published: true})
	want(t, err, nil)
	return s
}

func rowOf(t *testing.T, s *storetest.Site, actor lms.Actor) (lms.Gradebook, lms.BookRow) {
	t.Helper()
	g, err := s.Gradebook(t.Context(), s.TA, s.Course.ID, "")
	want(t, err, nil)
	for _, r := range g.Rows {
		if r.UserID == actor.UserID {
			return g, r
		}
	}
	t.Fatalf("%s has no row", actor.UserID)
	return g, lms.BookRow{}
}

func column(t *testing.T, g lms.Gradebook, id string) int {
	t.Helper()
	for i, c := range g.Columns {
		if c.ID == id {
			return i
		}
	}
	t.Fatalf("no column %s", id)
	return -1
}

func itemOf(t *testing.T, g lms.StudentGrades, id string) lms.GradeItem {
	t.Helper()
	for _, i := range g.Items {
		if i.ID == id {
			return i
		}
	}
	t.Fatalf("no item %s", id)
	return lms.GradeItem{}
}

// A mark is a draft until it is posted: until then neither it nor a total with it reaches the student (BOOK-2, principle 6).
func TestMarksAreHiddenUntilPosted(t *testing.T) {
	s := gradebook(t)
	ctx := t.Context()
	s.HandIn(t, s.Alice, "hw", "s1", "x")
	mine := func() lms.StudentGrades {
		t.Helper()
		g, err := s.StudentGrades(ctx, s.Alice, s.Course.ID, s.Alice.UserID)
		want(t, err, nil)
		return g
	}
	d, err := s.SetMark(ctx, s.TA, s.Course.ID, "hw", s.Alice.UserID, "90", 0, false)
	want(t, err, nil)
	if d.Mark.String() != "90" || d.SubmissionID != "s1" || d.Posted != nil || d.Row.Current != "90.00" || d.Row.Final != "32.73" {
		t.Errorf("the cell: %+v", d)
	}
	sub, _, err := s.Submission(ctx, s.TA, s.Course.ID, "s1")
	want(t, err, nil)
	if sub.Grade == nil || sub.Grade.Points != 90_00 {
		t.Errorf("the grading view has %+v: a mark for handed-in work is its grade", sub.Grade)
	}
	if g := mine(); g.Current.Percent != "" || itemOf(t, g, "hw").Scored.Graded {
		t.Errorf("the student sees a draft: %+v", g)
	}
	n, err := s.PostColumn(ctx, s.TA, s.Course.ID, "hw", nil)
	want(t, err, nil)
	again, err := s.PostColumn(ctx, s.TA, s.Course.ID, "hw", nil)
	want(t, err, nil)
	if g := mine(); n != 1 || again != 0 || g.Current.Percent != "90.00" || g.Final.Percent != "32.73" || g.Level != lms.LevelAdvanced || g.Letter != "A" {
		t.Errorf("posted %d, then %d; the student sees %+v", n, again, g)
	}
	for i := range 10 { // also where two follow each other within a millisecond
		d, err = s.SetMark(ctx, s.TA, s.Course.ID, "hw", s.Alice.UserID, []string{"80", "90"}[i%2], d.Version, false)
		want(t, err, nil)
		n, err := s.PostColumn(ctx, s.TA, s.Course.ID, "hw", nil)
		want(t, err, nil)
		again, err := s.PostColumn(ctx, s.TA, s.Course.ID, "hw", nil)
		want(t, err, nil)
		if n != 1 || again != 0 {
			t.Errorf("posted %d, then %d", n, again)
		}
	}
	d, err = s.SetMark(ctx, s.TA, s.Course.ID, "hw", s.Alice.UserID, "EX", d.Version, false)
	want(t, err, nil)
	if g := mine(); g.Current.Percent != "90.00" || d.Row.Current != "" {
		t.Errorf("an excuse that is not posted: the student has %q, staff %q", g.Current.Percent, d.Row.Current)
	}
	hidden, err := s.HideColumn(ctx, s.TA, s.Course.ID, "hw", nil)
	want(t, err, nil)
	if g := mine(); hidden != 1 || g.Current.Percent != "" || itemOf(t, g, "hw").State != "submitted" {
		t.Errorf("hidden %d; the student still sees %+v", hidden, g)
	}
}

// EX, nothing at all, work on paper and percentages in cells, with history, stale versions and the way back.
func TestCells(t *testing.T) {
	s := gradebook(t)
	ctx := t.Context()
	set := func(actor lms.Actor, column, text string, version int64) (lms.BookCellDetail, error) {
		return s.SetMark(ctx, actor, s.Course.ID, column, s.Bob.UserID, text, version, false)
	}
	_, err := set(s.Bob, "talk", "5", 0)
	want(t, err, lms.ErrForbidden)
	_, err = set(s.Stranger, "talk", "5", 0)
	want(t, err, lms.ErrNotYourCourse)
	_, err = s.SetMark(ctx, s.Stranger, s.Other.ID, "talk", s.Bob.UserID, "5", 0, false)
	wantKind(t, err, lms.KindNotFound, "not in the gradebook")
	_, err = set(s.TA, "nothing", "5", 0)
	wantKind(t, err, lms.KindNotFound, "not in the gradebook")
	for _, bad := range []string{"abc", "-1", "1e3", "5.555", "120%%", "NaN"} {
		_, err = set(s.TA, "talk", bad, 0)
		wantKind(t, err, lms.KindRule, "")
	}
	_, err = set(s.TA, "talk", "10.5", 0)
	wantKind(t, err, lms.KindRule, "10.5 is more than the 10 points of Talk")
	d, err := set(s.TA, "talk", "87,5 %", 0)
	want(t, err, nil)
	if d.Mark.String() != "8.75" || d.Version != 1 {
		t.Errorf("87,5 %% of 10 points: %+v", d)
	}
	_, err = set(s.Instructor, "talk", "9", 0)
	wantKind(t, err, lms.KindConflict, "Tom Assistant changed this to 8.75 points meanwhile")
	d, err = set(s.Instructor, "talk", "ex", 1)
	want(t, err, nil)
	d, err = set(s.Instructor, "talk", "", d.Version)
	want(t, err, nil)
	if !d.Mark.Empty() || len(d.History) != 3 || d.History[0].Old.String() != "EX" || d.History[1].New.String() != "EX" || d.History[2].By != "Tom Assistant" {
		t.Errorf("history: %+v", d.History)
	}
	// On paper: a score without a submission, which gives way to the grade of a later one.
	d, err = set(s.TA, "hw", "70", 0)
	want(t, err, nil)
	s.HandIn(t, s.Bob, "hw", "s2", "x")
	if d, err = s.BookCell(ctx, s.TA, s.Course.ID, "hw", s.Bob.UserID); err != nil || d.Mark.String() != "70" {
		t.Errorf("staff's own score after a hand-in: %+v %v", d, err)
	}
	d, err = set(s.TA, "hw", "80", d.Version)
	want(t, err, nil)
	d, err = set(s.TA, "hw", "EX", d.Version)
	want(t, err, nil)
	d, err = set(s.TA, "hw", "", d.Version)
	want(t, err, nil)
	if d.Mark.String() != "80" {
		t.Errorf("taking an excuse back leaves the grade below it, not %s", d.Mark)
	}
	d, err = set(s.TA, "hw", "", d.Version)
	want(t, err, nil)
	if !d.Mark.Empty() {
		t.Errorf("cleared: %s", d.Mark)
	}
	_, err = s.SaveGrade(ctx, s.TA, s.Course.ID, "s2", 60_00, "Read more.", 0, false)
	want(t, err, nil)
	d, err = s.BookCell(ctx, s.TA, s.Course.ID, "hw", s.Bob.UserID)
	want(t, err, nil)
	_, err = set(s.TA, "hw", "", d.Version)
	wantKind(t, err, lms.KindRule, "has feedback")
	// Both may fall into one millisecond, and then either comes first; neither hides the other.
	top := d.History[:2]
	if d.Mark.String() != "60" || len(d.History) != 6 || !slices.ContainsFunc(top, func(c lms.MarkChange) bool { return c.New.String() == "60" }) {
		t.Errorf("a grade of the grading view: %+v", d)
	}
}

// A marker who still looks at a grade that was taken away meanwhile must not overwrite the one that came after it.
func TestAGradeThatFollowsAnotherIsANewOne(t *testing.T) {
	s := gradebook(t)
	ctx := t.Context()
	s.HandIn(t, s.Bob, "hw", "s2", "x")
	version := int64(0)
	set := func(text string) *lms.Grade {
		t.Helper()
		d, err := s.SetMark(ctx, s.TA, s.Course.ID, "hw", s.Bob.UserID, text, version, false)
		want(t, err, nil)
		version = d.Version
		seen, _, err := s.Submission(ctx, s.Instructor, s.Course.ID, "s2")
		want(t, err, nil)
		return seen.Grade
	}
	seen := set("50")
	set("")
	now := set("80")
	_, err := s.SaveGrade(ctx, s.Instructor, s.Course.ID, "s2", 55_00, "", seen.Version, false)
	wantKind(t, err, lms.KindConflict, "saved 80 points meanwhile")
	_, err = s.SaveGrade(ctx, s.Instructor, s.Course.ID, "s2", 55_00, "", now.Version, false)
	want(t, err, nil)
}

// The override stands beside the computed total, and only what is posted reaches the student.
func TestOverride(t *testing.T) {
	s := gradebook(t)
	ctx := t.Context()
	_, err := s.SetMark(ctx, s.TA, s.Course.ID, "talk", s.Alice.UserID, "6", 0, false)
	want(t, err, nil)
	_, err = s.SetMark(ctx, s.TA, s.Course.ID, lms.TotalColumn, s.Alice.UserID, "EX", 0, false)
	wantKind(t, err, lms.KindRule, "cannot be excused")
	d, err := s.SetMark(ctx, s.TA, s.Course.ID, lms.TotalColumn, s.Alice.UserID, "92,5 %", 0, false)
	want(t, err, nil)
	if o := lms.ParseBookCell(d.Row.Override); d.Row.Current != "60.00" || o.Mark.String() != "92.5" || d.Row.Letter != "A" {
		t.Errorf("%+v", d.Row)
	}
	mine, err := s.StudentGrades(ctx, s.Alice, s.Course.ID, s.Alice.UserID)
	want(t, err, nil)
	if mine.Override != nil || mine.Letter != "" {
		t.Errorf("an override that is not posted: %+v", mine)
	}
	_, err = s.PostColumn(ctx, s.TA, s.Course.ID, lms.TotalColumn, []string{s.Alice.UserID})
	want(t, err, nil)
	if mine, err = s.StudentGrades(ctx, s.Alice, s.Course.ID, s.Alice.UserID); err != nil || mine.Override == nil || *mine.Override != 92_50 || mine.Letter != "A" {
		t.Errorf("%+v %v", mine, err)
	}
}

// Late and missing work, overrides, excused work and columns that staff keep to themselves, as the grid and the student see them.
func TestBookScores(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	missing := lms.Percent(60_00)
	policy := func(id, text string) {
		var b consensus.Batch
		b.Exec(`UPDATE assignments SET late_policy = ?2 WHERE assignment_id = ?1`, id, text)
		_, err := s.DB().Apply(ctx, &b)
		want(t, err, nil)
	}
	past := func(a *lms.Assignment) { a.DueAt, a.Points = time.Now().Add(-time.Hour), 10_00 }
	s.Post(t, "a1", past)
	s.Post(t, "a2", past)
	policy("a1", fmt.Sprintf(`{"rate":10,"interval":"day","missing":%s}`, missing))
	policy("a2", `{"missing":60}`)
	s.HandIn(t, s.Alice, "a1", "s1", "late")
	_, err := s.SaveGrade(ctx, s.TA, s.Course.ID, "s1", 9_00, "", 0, false)
	want(t, err, nil)
	var b consensus.Batch
	b.Exec(`INSERT INTO overrides (override_id, course_id, assignment_id, target, target_id, due_at, granted_by, granted_at, version) VALUES ('o1', ?1, 'a2', 'student', ?2, ?3, ?4, 0, 1)`,
		s.Course.ID, s.Bob.UserID, time.Now().Add(time.Hour), s.Instructor.UserID)
	_, err = s.DB().Apply(ctx, &b)
	want(t, err, nil)
	g, alice := rowOf(t, s, s.Alice)
	_, bob := rowOf(t, s, s.Bob)
	a1, a2 := column(t, g, "a1"), column(t, g, "a2")
	if c := alice.Cell(a1); c.Mark.String() != "9" || c.Final != 8_00 || !c.Late || !c.Unposted || c.Missing {
		t.Errorf("late by a day at 10 %%: %+v", c)
	}
	if c := alice.Cell(a2); !c.Missing || !c.Graded || c.Final != 4_00 {
		t.Errorf("missing at 60 %%: %+v", c)
	}
	if c := bob.Cell(a2); c.Missing || c.Graded {
		t.Errorf("with an extension nothing is missing: %+v", c)
	}
	mine, err := s.StudentGrades(ctx, s.Alice, s.Course.ID, s.Alice.UserID)
	want(t, err, nil)
	if mine.Current.Percent != "40.00" || mine.Items[a2].State != "missing" || mine.Items[a1].Scored.Graded {
		t.Errorf("only the missing score counts before posting: %+v", mine)
	}
	_, err = s.PostColumn(ctx, s.TA, s.Course.ID, "a1", nil)
	want(t, err, nil)
	if mine, err = s.StudentGrades(ctx, s.Alice, s.Course.ID, s.Alice.UserID); err != nil || mine.Current.Percent != "60.00" ||
		mine.Items[a1].Scored.Deduction != lms.Points(1_00).Score() || mine.Items[a1].Policy == "" {
		t.Errorf("%+v %v", mine, err)
	}
	if level, err := s.Level(ctx, s.Course.ID, s.Alice.UserID, lms.LevelBeginner); err != nil || level != lms.LevelBeginner {
		t.Errorf("level %s %v", level, err)
	}
	_, err = s.StudentGrades(ctx, s.Bob, s.Course.ID, s.Alice.UserID)
	want(t, err, lms.ErrNotYours)
	_, err = s.StudentGrades(ctx, s.Observer, s.Course.ID, s.Alice.UserID)
	want(t, err, lms.ErrNotYours)
	patch(t, s, s.Observer.UserID, store.MemberPatch{Linked: ptr(s.Alice.UserID)})
	if mine, err = s.StudentGrades(ctx, s.Observer, s.Course.ID, s.Observer.UserID); err != nil || mine.UserID != s.Alice.UserID || mine.Current.Percent != "60.00" {
		t.Errorf("an observer sees %+v %v", mine, err)
	}
	_, err = s.Gradebook(ctx, s.Alice, s.Course.ID, "")
	want(t, err, lms.ErrForbidden)
}

func TestBookSetup(t *testing.T) {
	s := gradebook(t)
	ctx := t.Context()
	v, err := s.BookSettings(ctx, s.TA, s.Course.ID)
	want(t, err, nil)
	_, err = s.SetBookSettings(ctx, s.TA, s.Course.ID, v)
	want(t, err, lms.ErrForbidden)
	old := v
	v.Categories = v.Categories[1:]
	v, err = s.SetBookSettings(ctx, s.Instructor, s.Course.ID, v)
	want(t, err, nil)
	_, err = s.SetBookSettings(ctx, s.Instructor, s.Course.ID, old)
	want(t, err, lms.ErrStale)
	g, _ := rowOf(t, s, s.Alice)
	if !strings.Contains(g.Warning, "add up to 60 %") || !strings.Contains(g.Warning, "Essay hw, Talk") || g.Columns[column(t, g, "talk")].CategoryID != "" {
		t.Errorf("a category went: %q %+v", g.Warning, g.Columns)
	}
	_, err = s.CreateColumn(ctx, s.Instructor, s.Course.ID, lms.BookColumn{ID: "talk", Title: "Talk"})
	wantKind(t, err, lms.KindConflict, "exists already")
	_, err = s.CreateColumn(ctx, s.Instructor, s.Course.ID, lms.BookColumn{ID: "k2", Title: "Talk", CategoryID: "c-hw"})
	wantKind(t, err, lms.KindRule, "not there any more")
	_, err = s.UpdateColumn(ctx, s.Instructor, s.Course.ID, lms.BookColumn{ID: "hw", Title: "Other", Points: 100_00, Published: true, Version: 2})
	wantKind(t, err, lms.KindRule, "is an assignment")
	_, err = s.ArchiveColumn(ctx, s.Instructor, s.Course.ID, "hw")
	wantKind(t, err, lms.KindRule, "is an assignment")
	_, err = s.SetMark(ctx, s.TA, s.Course.ID, "talk", s.Alice.UserID, "7", 0, false)
	want(t, err, nil)
	_, err = s.ArchiveColumn(ctx, s.Instructor, s.Course.ID, "talk")
	want(t, err, nil)
	if g, _ := rowOf(t, s, s.Alice); len(g.Columns) != 2 {
		t.Errorf("archived: %+v", g.Columns)
	}
	_, err = s.RestoreColumn(ctx, s.Instructor, s.Course.ID, "talk")
	want(t, err, nil)
	if g, row := rowOf(t, s, s.Alice); row.Cell(column(t, g, "talk")).Mark.String() != "7" {
		t.Error("a restored column has lost its marks")
	}
}

func TestNotes(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	send := func(actor lms.Actor, id, to string) error {
		_, err := s.SendNote(ctx, actor, lms.Note{ID: id, CourseID: s.Course.ID, ToID: to, Body: "Hello."})
		return err
	}
	want(t, send(s.TA, "n1", s.Alice.UserID), nil)
	want(t, send(s.Alice, "n2", s.Instructor.UserID), nil)
	wantKind(t, send(s.Alice, "n3", s.Bob.UserID), lms.KindRule, "from staff to a student")
	wantKind(t, send(s.TA, "n3", s.Instructor.UserID), lms.KindRule, "")
	wantKind(t, send(s.TA, "n1", s.Alice.UserID), lms.KindConflict, "exists already")
	want(t, send(s.Stranger, "n3", s.Alice.UserID), lms.ErrNotYourCourse)
	for _, c := range []struct {
		name  string
		actor lms.Actor
		count int
		n1    error
	}{
		{"sender", s.TA, 1, nil}, {"addressee", s.Alice, 2, nil}, {"another teacher", s.Instructor, 1, lms.ErrNotYours},
		{"classmate", s.Bob, 0, lms.ErrNotYours}, {"administrator", s.Admin, 0, lms.ErrNotYours}, {"stranger", s.Stranger, 0, lms.ErrNotYourCourse},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Note(ctx, c.actor, s.Course.ID, "n1")
			want(t, err, c.n1)
			items, _, total, err := s.Notes(ctx, c.actor, s.Course.ID, "", 0)
			if c.name == "stranger" {
				want(t, err, lms.ErrNotYourCourse)
				return
			}
			want(t, err, nil)
			if len(items) != c.count || total != c.count || c.count == 2 && (items[0].ID != "n2" || items[1].FromName != "Tom Assistant") {
				t.Errorf("%d of %d: %+v", len(items), total, items)
			}
		})
	}
	_, next, _, err := s.Notes(ctx, s.Alice, s.Course.ID, "", 1)
	want(t, err, nil)
	rest, none, _, err := s.Notes(ctx, s.Alice, s.Course.ID, next, 1)
	want(t, err, nil)
	if next != "n2" || none != "" || len(rest) != 1 || rest[0].ID != "n1" {
		t.Errorf("pages: %q then %+v %q", next, rest, none)
	}
}
