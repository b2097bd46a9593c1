package store_test

import (
	"sync/atomic"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/consensus/consensustest"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// TestHistoryOfOneMillisecond: while the clock stands still, changes of a mark in the gradebook and in the marking view stand in the
// order in which they were made, each once.
func TestHistoryOfOneMillisecond(t *testing.T) {
	var frozen atomic.Int64
	db := consensustest.Open(t, func(c *consensus.Config) {
		c.Now = func() time.Time {
			if at := frozen.Load(); at > 0 {
				return time.UnixMilli(at)
			}
			return time.Now()
		}
	})
	st, err := store.Open(t.Context(), db)
	want(t, err, nil)
	s, ctx := storetest.Fill(t, st), t.Context()
	s.Post(t, "hw")
	s.HandIn(t, s.Alice, "hw", "s1", "x")
	frozen.Store(time.Now().UnixMilli() + 5)
	version := int64(0)
	set := func(mark string) {
		t.Helper()
		d, err := s.SetMark(ctx, s.TA, s.Course.ID, "hw", s.Alice.UserID, mark, version, false)
		want(t, err, nil)
		version = d.Version
	}
	mark := func(points lms.Points) {
		t.Helper()
		sub, _, err := s.Submission(ctx, s.TA, s.Course.ID, "s1")
		want(t, err, nil)
		before := int64(0)
		if sub.Grade != nil {
			before = sub.Grade.Version
		}
		_, err = s.SaveGrade(ctx, s.TA, s.Course.ID, "s1", points, "", before, false)
		want(t, err, nil)
		version++
	}
	set("10")
	mark(10_00) // the same value by the same person in the other place: a change of its own
	set("20")
	set("EX")
	set("30")
	mark(40_00)
	mark(50_00)
	set("60")
	d, err := s.BookCell(ctx, s.TA, s.Course.ID, "hw", s.Alice.UserID)
	want(t, err, nil)
	expected := []string{"60", "50", "40", "30", "EX", "20", "10", "10"}
	if len(d.History) != len(expected) {
		t.Fatalf("%d changes: %+v", len(d.History), d.History)
	}
	for i, c := range d.History {
		if c.New.String() != expected[i] {
			t.Errorf("change %d is to %s, want %s", i, c.New, expected[i])
		}
		if !c.At.Equal(d.History[0].At) {
			t.Fatal("the clock has moved, so this shows nothing")
		}
	}
}

// stateOf is what the student sees of an item.
func stateOf(t *testing.T, s *storetest.Site, who lms.Actor, id string) lms.GradeItem {
	t.Helper()
	g, err := s.StudentGrades(t.Context(), who, s.Course.ID, who.UserID)
	want(t, err, nil)
	return itemOf(t, g, id)
}

// TestAutomaticMarksShowAtOnce also when they are entered in the gradebook: for work on paper, for work that was handed in, and as an
// excuse (GRADE-2).
func TestAutomaticMarksShowAtOnce(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	paper := func(a *lms.Assignment) { a.AllowText, a.MaxFiles, a.OnPaper = false, 0, true }
	for id, posting := range map[string]lms.Posting{"auto": lms.PostingAutomatic, "hand": lms.PostingManual} {
		s.Post(t, id, paper)
		s.Post(t, id+"-online")
		for _, as := range []string{id, id + "-online"} {
			_, err := s.UpdateMarking(ctx, s.Instructor, s.Course.ID, lms.Marking{AssignmentID: as, Posting: posting})
			want(t, err, nil)
		}
		s.HandIn(t, s.Alice, id+"-online", "s-"+id, "x")
		for _, cell := range []struct {
			column, mark string
			who          lms.Actor
			state        string
		}{{id, "80", s.Alice, "graded"}, {id, "EX", s.Bob, "excused"}, {id + "-online", "70", s.Alice, "graded"}} {
			_, err := s.SetMark(ctx, s.TA, s.Course.ID, cell.column, cell.who.UserID, cell.mark, 0, false)
			want(t, err, nil)
			item := stateOf(t, s, cell.who, cell.column)
			if shows := item.State == cell.state; shows != (id == "auto") {
				t.Errorf("%s of %s, posted by %s: the student sees %q", cell.mark, cell.column, posting, item.State)
			}
		}
	}
	g, row := rowOf(t, s, s.Alice)
	if row.Cell(column(t, g, "auto")).Unposted || !row.Cell(column(t, g, "hand")).Unposted {
		t.Errorf("the grid has %s", row.Cells)
	}
}

// TestPostingTakesCellsAlong: posting all or a section in the marking view also posts excuses and marks for work on paper; hiding hides
// them.
func TestPostingTakesCellsAlong(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	_, err := s.CreateSection(ctx, s.Instructor, lms.Section{ID: "x1", CourseID: s.Course.ID, Title: "Monday"})
	want(t, err, nil)
	_, err = s.AssignSection(ctx, s.Instructor, s.Course.ID, "x1", []string{s.Bob.UserID})
	want(t, err, nil)
	s.Post(t, "hw")
	s.HandIn(t, s.Alice, "hw", "s1", "x")
	_, err = s.SaveGrade(ctx, s.TA, s.Course.ID, "s1", 50_00, "", 0, false)
	want(t, err, nil)
	_, err = s.SetMark(ctx, s.TA, s.Course.ID, "hw", s.Bob.UserID, "EX", 0, false)
	want(t, err, nil)
	entered := func(n int) {
		t.Helper()
		if c, err := s.SubmissionCounts(ctx, s.TA, s.Course.ID, "hw"); err != nil || c.Entered != n {
			t.Errorf("%d entered, want %d (%v)", c.Entered, n, err)
		}
	}
	see := func(alice, bob string) {
		t.Helper()
		if a, b := stateOf(t, s, s.Alice, "hw").State, stateOf(t, s, s.Bob, "hw").State; a != alice || b != bob {
			t.Errorf("the students see %q and %q, want %q and %q", a, b, alice, bob)
		}
	}
	post := func(n int, scope lms.PostScope) {
		t.Helper()
		if posted, err := s.PostScope(ctx, s.TA, s.Course.ID, "hw", scope); err != nil || posted != n {
			t.Errorf("posted %d, want %d (%v)", posted, n, err)
		}
	}
	entered(1)
	post(1, lms.PostScope{Submissions: []string{"s1"}})
	see("graded", "")
	post(1, lms.PostScope{Section: "x1"})
	see("graded", "excused")
	entered(0)
	if hidden, err := s.HideGrades(ctx, s.TA, s.Course.ID, "hw", lms.PostScope{Section: "x1"}); err != nil || hidden != 1 {
		t.Errorf("hidden %d (%v)", hidden, err)
	}
	see("graded", "")
	if hidden, err := s.HideGrades(ctx, s.TA, s.Course.ID, "hw", lms.PostScope{}); err != nil || hidden != 1 {
		t.Errorf("hidden %d (%v)", hidden, err)
	}
	see("submitted", "")
	post(2, lms.PostScope{})
	see("graded", "excused")
	post(0, lms.PostScope{})
}

// TestLettersOfTheCourse: marks are read and shown by the letters of the course, in the marking view and in the gradebook (BOOK-7).
func TestLettersOfTheCourse(t *testing.T) {
	s := gradebook(t) // A from 85, B from 50, F
	ctx := t.Context()
	s.Post(t, "essay", func(a *lms.Assignment) { a.GradeType = lms.GradeLetter })
	m, err := s.Marking(ctx, s.TA, s.Course.ID, "essay")
	want(t, err, nil)
	if len(m.Letters) != 3 || m.Letters[1].Letter != "B" {
		t.Errorf("the scale is %+v", m.Letters)
	}
	if m, err = s.Marking(ctx, s.Alice, s.Course.ID, "essay"); err != nil || m.Letters != nil {
		t.Errorf("students read %+v, %v", m, err)
	}
	s.HandIn(t, s.Alice, "essay", "s1", "x")
	unknown, b := "B+", "b"
	_, err = s.Mark(ctx, s.TA, s.Course.ID, "s1", lms.GradeEntry{Typed: &unknown})
	wantKind(t, err, lms.KindRule, "Use one of A, B, F")
	g, err := s.Mark(ctx, s.TA, s.Course.ID, "s1", lms.GradeEntry{Typed: &b})
	want(t, err, nil)
	if g.Points != 50_00 || g.Grade != "B" {
		t.Errorf("saved %+v", g)
	}
	d, err := s.SetMark(ctx, s.TA, s.Course.ID, "essay", s.Alice.UserID, "a", 1, false)
	want(t, err, nil)
	if d.Mark.String() != "85" {
		t.Errorf("the cell has %s", d.Mark)
	}
	_, err = s.SetMark(ctx, s.TA, s.Course.ID, "essay", s.Alice.UserID, "Z", d.Version, false)
	wantKind(t, err, lms.KindRule, "not a letter of this course")
	if n, err := s.PostColumn(ctx, s.TA, s.Course.ID, "essay", nil); err != nil || n != 1 {
		t.Errorf("posted %d, %v", n, err)
	}
	mine, err := s.MySubmissions(ctx, s.Alice, s.Course.ID, "essay")
	want(t, err, nil)
	if mine[0].Grade == nil || mine[0].Grade.Grade != "A" {
		t.Errorf("the student reads %+v", mine[0].Grade)
	}
	if item := stateOf(t, s, s.Alice, "essay"); item.Shown != "A" {
		t.Errorf("the own row shows %q", item.Shown)
	}
	history, err := s.GradeHistory(ctx, s.TA, s.Course.ID, "s1")
	want(t, err, nil)
	if last := history[len(history)-1]; !last.Posted || last.NewGrade != "A" || history[1].OldGrade != "B" {
		t.Errorf("the history is %+v", history)
	}
}
