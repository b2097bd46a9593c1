package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store/storetest"
)

func TestAssignments(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	sheet := s.Upload(t, s.Instructor, "f-sheet", "sheet.pdf", 10, true)
	secret := s.Upload(t, s.Instructor, "f-secret", "secret.pdf", 10, true)
	s.Upload(t, s.Instructor, "f-half", "half.pdf", 10, false)
	s.Upload(t, s.Alice, "f-alice", "alice.pdf", 10, true)
	create := func(actor lms.Actor, id string, attachments ...string) (lms.Assignment, error) {
		return s.CreateAssignment(ctx, actor, lms.Assignment{ID: id, CourseID: s.Course.ID, Title: "T", Points: 10_00, AllowText: true,
			AllowedTypes: []string{".pdf"}, Published: true}, attachments)
	}
	for name, c := range map[string]struct {
		actor lms.Actor
		file  string
		err   error
		kind  lms.Kind
	}{
		"a student":             {s.Alice, sheet.ID, lms.ErrForbidden, ""},
		"an assistant":          {s.TA, sheet.ID, lms.ErrForbidden, ""},
		"a stranger":            {s.Stranger, sheet.ID, lms.ErrNotYourCourse, ""},
		"an incomplete file":    {s.Instructor, "f-half", nil, lms.KindRule},
		"an unknown file":       {s.Instructor, "f-none", nil, lms.KindRule},
		"somebody else's file":  {s.Instructor, "f-alice", nil, lms.KindRule},
		"the instructor passes": {s.Instructor, sheet.ID, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(c.actor, "a-"+c.file, c.file)
			if c.kind != "" {
				wantKind(t, err, c.kind, "attachment")
			} else {
				want(t, err, c.err)
			}
		})
	}
	_, err := create(s.Instructor, "a-f-sheet")
	wantKind(t, err, lms.KindConflict, "exists")
	a, err := s.Assignment(ctx, s.Alice, s.Course.ID, "a-f-sheet")
	want(t, err, nil)
	if len(a.Attachments) != 1 || a.Attachments[0].Name != "sheet.pdf" || len(a.Attachments[0].Chunks) != 1 || a.Mine == nil || a.Stats != nil || a.AllowedTypes[0] != ".pdf" {
		t.Errorf("a student sees %+v", a)
	}
	_, err = s.File(ctx, s.Alice, s.Course.ID, sheet.ID)
	want(t, err, nil)
	_, err = s.File(ctx, s.Bob, s.Course.ID, "f-alice")
	want(t, err, lms.ErrNotYours)
	_, err = s.File(ctx, s.TA, s.Course.ID, "f-alice")
	want(t, err, nil)
	_, err = s.File(ctx, s.Stranger, s.Other.ID, sheet.ID)
	want(t, err, lms.ErrNotFound)
	_, err = s.Assignment(ctx, s.Stranger, s.Other.ID, a.ID)
	want(t, err, lms.ErrNotFound)

	a.Published, a.OpensAt = true, time.Now().Add(time.Hour)
	a, err = s.UpdateAssignment(ctx, s.Instructor, a, []string{sheet.ID, secret.ID, sheet.ID})
	want(t, err, nil)
	if a.Version != 2 || len(a.Attachments) != 2 {
		t.Errorf("updated to %+v", a)
	}
	early, err := s.Assignment(ctx, s.Alice, s.Course.ID, a.ID)
	want(t, err, nil)
	if early.Description != "" || early.Attachments != nil {
		t.Errorf("before it opens a student sees %+v", early)
	}
	_, err = s.File(ctx, s.Alice, s.Course.ID, secret.ID)
	want(t, err, lms.ErrNotFound)
	a.Version = 1
	_, err = s.UpdateAssignment(ctx, s.Instructor, a, nil)
	want(t, err, lms.ErrStale)
	a.Version, a.Published = 2, false
	_, err = s.UpdateAssignment(ctx, s.Instructor, a, nil)
	want(t, err, nil)
	_, err = s.Assignment(ctx, s.Alice, s.Course.ID, a.ID)
	want(t, err, lms.ErrNotFound)
	seen, err := s.Assignments(ctx, s.Bob, s.Course.ID)
	want(t, err, nil)
	all, err := s.Assignments(ctx, s.TA, s.Course.ID)
	want(t, err, nil)
	if len(seen) != 0 || len(all) != 1 || all[0].Stats.Students != 2 {
		t.Errorf("students see %d, staff %+v", len(seen), all)
	}
}

func TestSubmit(t *testing.T) {
	s := storetest.New(t)
	hour := time.Hour
	now := time.Now()
	s.Post(t, "a-open")
	s.Post(t, "a-files", func(a *lms.Assignment) {
		a.AllowText, a.MaxFiles, a.MaxFileSize, a.AllowedTypes = false, 2, 100, []string{".pdf", ".txt"}
	})
	s.Post(t, "a-text", func(a *lms.Assignment) { a.MaxFiles, a.MaxFileSize = 0, 0 })
	s.Post(t, "a-early", func(a *lms.Assignment) { a.OpensAt = now.Add(hour) })
	s.Post(t, "a-closed", func(a *lms.Assignment) { a.DueAt, a.CutoffAt = now.Add(-2*hour), now.Add(-hour) })
	s.Post(t, "a-draft", func(a *lms.Assignment) { a.Published = false })
	for _, f := range []struct {
		id, name string
		size     int64
		complete bool
	}{{"f-ok", "ok.pdf", 100, true}, {"f-half", "HALF.PDF", 1, false}, {"f-empty", "empty.txt", 0, true}, {"f-big", "big.pdf", 101, true}, {"f-exe", "x.exe", 1, true}} {
		s.Upload(t, s.Alice, f.id, f.name, f.size, f.complete)
	}
	s.Upload(t, s.Bob, "f-bob", "bob.pdf", 1, true)

	for _, c := range []struct {
		name       string
		actor      lms.Actor
		course     string
		assignment string
		text       string
		files      []string
		err        error
		kind       lms.Kind
		message    string
	}{
		{name: "nothing", actor: s.Alice, assignment: "a-open", text: " \n", err: lms.ErrEmptyWork},
		{name: "a stranger", actor: s.Stranger, assignment: "a-open", text: "x", err: lms.ErrNotYourCourse},
		{name: "an assistant", actor: s.TA, assignment: "a-open", text: "x", err: lms.ErrForbidden},
		{name: "an administrator", actor: s.Admin, assignment: "a-open", text: "x", err: lms.ErrForbidden},
		{name: "an observer", actor: s.Observer, assignment: "a-open", text: "x", err: lms.ErrForbidden},
		{name: "a draft", actor: s.Alice, assignment: "a-draft", text: "x", err: lms.ErrNotFound},
		{name: "another course", actor: s.Alice, course: s.Other.ID, assignment: "a-open", text: "x", err: lms.ErrNotYourCourse},
		{name: "before it opens", actor: s.Alice, assignment: "a-early", text: "x", err: lms.ErrNotOpen},
		{name: "after the cut-off", actor: s.Alice, assignment: "a-closed", text: "x", kind: lms.KindRule, message: "The cut-off of this assignment was"},
		{name: "text where files are asked for", actor: s.Alice, assignment: "a-files", text: "x", kind: lms.KindRule, message: "files only"},
		{name: "files where text is asked for", actor: s.Alice, assignment: "a-text", files: []string{"f-ok"}, kind: lms.KindRule, message: "takes no files"},
		{name: "too many files", actor: s.Alice, assignment: "a-files", files: []string{"f-ok", "f-half", "f-empty"}, kind: lms.KindRule, message: "at most 2 files"},
		{name: "a file twice", actor: s.Alice, assignment: "a-files", files: []string{"f-ok", "f-ok"}, kind: lms.KindConflict, message: "file"},
		{name: "a file of somebody else", actor: s.Alice, assignment: "a-files", files: []string{"f-bob"}, kind: lms.KindRule, message: "not uploaded by you"},
		{name: "an unknown file", actor: s.Alice, assignment: "a-files", files: []string{"f-none"}, kind: lms.KindRule, message: "not uploaded by you"},
		{name: "one byte too large", actor: s.Alice, assignment: "a-files", files: []string{"f-ok", "f-big"}, kind: lms.KindTooLarge, message: "big.pdf has 101 bytes"},
		{name: "a wrong type", actor: s.Alice, assignment: "a-files", files: []string{"f-exe"}, kind: lms.KindUnsupported, message: "x.exe is not of a type"},
	} {
		t.Run("refuses "+c.name, func(t *testing.T) {
			course := c.course
			if course == "" {
				course = s.Course.ID
			}
			_, _, err := s.Submit(t.Context(), c.actor, course, c.assignment, "s-refused", c.text, c.files)
			if c.err != nil {
				want(t, err, c.err)
			} else {
				wantKind(t, err, c.kind, c.message)
			}
		})
	}
	t.Run("keeps every attempt", func(t *testing.T) {
		sub, index, err := s.Submit(t.Context(), s.Alice, s.Course.ID, "a-files", "s-1", "", []string{"f-half", "f-ok"})
		want(t, err, nil)
		if sub.Attempt != 1 || sub.State != lms.SubmissionWaiting || len(sub.Files) != 2 || sub.Files[0].ID != "f-half" || index == 0 {
			t.Errorf("got %+v at %d", sub, index)
		}
		_, _, err = s.Submit(t.Context(), s.Alice, s.Course.ID, "a-files", "s-2", "", []string{"f-ok"})
		wantKind(t, err, lms.KindConflict, "earlier attempt")
		sub = s.HandIn(t, s.Alice, "a-files", "s-2", "", "f-empty")
		if sub.Attempt != 2 || sub.State != lms.SubmissionReceived {
			t.Errorf("got %+v", sub)
		}
		_, err = s.CompleteFile(t.Context(), s.Bob, s.Course.ID, "f-half")
		want(t, err, lms.ErrNotYours)
		_, err = s.CompleteFile(t.Context(), s.Alice, s.Course.ID, "f-half")
		want(t, err, nil)
		mine, err := s.MySubmissions(t.Context(), s.Alice, s.Course.ID, "a-files")
		want(t, err, nil)
		if len(mine) != 2 || mine[0].Attempt != 2 || mine[1].State != lms.SubmissionReceived {
			t.Errorf("got %+v", mine)
		}
		all, err := s.Attempts(t.Context(), s.TA, s.Course.ID, "s-1")
		want(t, err, nil)
		if len(all) != 2 || all[0].ID != "s-2" || all[1].ID != "s-1" || all[0].UserName == "" || len(all[1].Files) != 2 {
			t.Errorf("staff see %+v", all)
		}
		_, err = s.Attempts(t.Context(), s.Alice, s.Course.ID, "s-1")
		want(t, err, lms.ErrForbidden)
		_, err = s.Attempts(t.Context(), s.Instructor, s.Course.ID, "s-none")
		want(t, err, lms.ErrNotFound)
		again, index2, err := s.Submission(t.Context(), s.Alice, s.Course.ID, "s-1")
		want(t, err, nil)
		if again.Attempt != 1 || index2 != index {
			t.Errorf("got %+v at %d, want index %d", again, index2, index)
		}
	})
	t.Run("hides it from others", func(t *testing.T) {
		_, _, err := s.Submission(t.Context(), s.Bob, s.Course.ID, "s-1")
		want(t, err, lms.ErrNotYours)
		_, _, err = s.Submission(t.Context(), s.Stranger, s.Other.ID, "s-1")
		want(t, err, lms.ErrNotFound)
		_, err = s.File(t.Context(), s.Bob, s.Course.ID, "f-ok")
		want(t, err, lms.ErrNotYours)
		_, _, err = s.Submit(t.Context(), s.Bob, s.Course.ID, "a-files", "s-1", "", []string{"f-bob"})
		wantKind(t, err, lms.KindConflict, "id")
		sub, _, err := s.Submission(t.Context(), s.TA, s.Course.ID, "s-1")
		want(t, err, nil)
		if sub.UserName != "Alice Example" {
			t.Errorf("staff see %+v", sub)
		}
	})
}

func TestLateIsDecidedFromTheStamp(t *testing.T) {
	s := storetest.New(t)
	due := time.Now().Add(-90 * time.Second)
	s.Post(t, "a-late", func(a *lms.Assignment) { a.DueAt = due })
	s.Post(t, "a-soon", func(a *lms.Assignment) { a.DueAt = time.Now().Add(time.Hour) })
	late, onTime := s.HandIn(t, s.Alice, "a-late", "s-late", "x"), s.HandIn(t, s.Alice, "a-soon", "s-soon", "x")
	if late.LateSeconds < 90 || late.LateSeconds > 120 || onTime.LateSeconds != 0 {
		t.Errorf("late by %d and %d seconds", late.LateSeconds, onTime.LateSeconds)
	}
	items, err := s.Assignments(t.Context(), s.Alice, s.Course.ID)
	want(t, err, nil)
	if items[0].Mine.LateSeconds != late.LateSeconds || items[1].Mine.LateSeconds != 0 || items[0].Mine.Attempts != 1 {
		t.Errorf("own work: %+v, %+v", items[0].Mine, items[1].Mine)
	}
}

func TestDoubleSubmit(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a-many")
	s.Post(t, "a-once", func(a *lms.Assignment) { a.MaxAttempts = 1 })
	s.Upload(t, s.Alice, "f-1", "one.txt", 5, true)
	t.Run("one id is one attempt", func(t *testing.T) {
		n := race(t, 10, "", func(int) error {
			sub, index, err := s.Submit(ctx, s.Alice, s.Course.ID, "a-many", "s-same", "text", []string{"f-1"})
			if err == nil && (sub.Attempt != 1 || len(sub.Files) != 1) {
				return fmt.Errorf("got %+v at %d", sub, index)
			}
			return err
		})
		mine, err := s.MySubmissions(ctx, s.Alice, s.Course.ID, "a-many")
		want(t, err, nil)
		if n != 10 || len(mine) != 1 {
			t.Errorf("%d answers, %d attempts", n, len(mine))
		}
	})
	t.Run("one file is in one attempt", func(t *testing.T) {
		s.Upload(t, s.Bob, "f-2", "two.txt", 5, true)
		n := race(t, 6, lms.KindConflict, func(i int) error {
			_, _, err := s.Submit(ctx, s.Bob, s.Course.ID, "a-many", fmt.Sprint("s-file-", i), "", []string{"f-2"})
			return err
		})
		if n != 1 {
			t.Errorf("%d attempts with the same file", n)
		}
	})
	t.Run("the last attempt is taken once", func(t *testing.T) {
		n := race(t, 10, lms.KindRule, func(i int) error {
			_, _, err := s.Submit(ctx, s.Alice, s.Course.ID, "a-once", fmt.Sprint("s-", i), "text", nil)
			if err != nil && !errors.Is(err, lms.ErrAttempts) {
				t.Errorf("a loser got %v", err)
			}
			return err
		})
		mine, err := s.MySubmissions(ctx, s.Alice, s.Course.ID, "a-once")
		want(t, err, nil)
		if n != 1 || len(mine) != 1 {
			t.Fatalf("%d answers, %d attempts", n, len(mine))
		}
		_, _, err = s.Submit(ctx, s.Alice, s.Course.ID, "a-once", mine[0].ID, "other text", nil)
		want(t, err, nil) // the same id returns the first
	})
	t.Run("a repeat after the cut-off returns the first", func(t *testing.T) {
		a, err := s.Assignment(ctx, s.Instructor, s.Course.ID, "a-many")
		want(t, err, nil)
		a.CutoffAt = time.Now().Add(-time.Minute)
		_, err = s.UpdateAssignment(ctx, s.Instructor, a, nil)
		want(t, err, nil)
		sub, _, err := s.Submit(ctx, s.Alice, s.Course.ID, "a-many", "s-same", "changed", nil)
		want(t, err, nil)
		if sub.Text != "text" {
			t.Errorf("the repeat changed the text to %q", sub.Text)
		}
		_, _, err = s.Submit(ctx, s.Alice, s.Course.ID, "a-many", "s-new", "text", nil)
		wantKind(t, err, lms.KindRule, "The cut-off of this assignment was")
	})
}
