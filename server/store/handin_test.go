package store_test

import (
	"fmt"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

func TestADraftIsKeptUntilItIsHandedIn(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a-1")
	s.Upload(t, s.Alice, "f-1", "one.txt", 5, false)
	s.Upload(t, s.Bob, "f-bob", "bob.txt", 5, true)
	save := func(actor lms.Actor, version int64, text string, files ...string) (lms.Draft, error) {
		return s.SaveDraft(ctx, actor, s.Course.ID, "a-1", lms.Draft{Text: text, URL: "not yet an addr", Version: version}, files)
	}
	none, err := s.Draft(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	d, err := save(s.Alice, none.Version, "half a sent", "f-1")
	want(t, err, nil)
	if d.Version <= 0 || d.Text != "half a sent" || len(d.Files) != 1 || d.Files[0].Name != "one.txt" || d.SavedAt.IsZero() {
		t.Errorf("kept %+v", d)
	}
	_, err = save(s.Alice, 0, "from another device")
	want(t, err, lms.ErrStale)
	_, err = save(s.Alice, d.Version, "x", "f-bob")
	wantKind(t, err, lms.KindRule, "not uploaded by you")
	_, err = save(s.TA, 0, "x")
	want(t, err, lms.ErrForbidden)
	_, err = s.SaveDraft(ctx, s.Alice, s.Course.ID, "a-none", lms.Draft{Text: "x"}, nil)
	want(t, err, lms.ErrNotFound)
	a, err := s.Assignment(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	home, err := s.Home(ctx, s.Alice)
	want(t, err, nil)
	if !a.Mine.DraftAt.Equal(d.SavedAt) || a.Mine.Attempts != 0 || home.Due[0].DraftAt.IsZero() {
		t.Errorf("own work %+v, home %+v", a.Mine, home.Due)
	}
	other, err := s.Draft(ctx, s.Bob, s.Course.ID, "a-1")
	want(t, err, nil)
	if other.Version != 0 || other.Text != "" {
		t.Errorf("somebody else reads %+v", other)
	}

	// Handing in takes the draft away; a newer text of another device stays, without the files that are handed in.
	_, _, err = s.SubmitWork(ctx, s.Alice, s.Course.ID, "a-1", store.HandIn{ID: "s-1", Text: "older text", Files: []string{"f-1"}})
	want(t, err, nil)
	first := d.Version
	d, err = s.Draft(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	if d.Text != "half a sent" || len(d.Files) != 0 || d.Version <= first {
		t.Errorf("after the hand-in of another text: %+v", d)
	}
	whole, err := s.SaveDraft(ctx, s.Alice, s.Course.ID, "a-1", lms.Draft{Text: "whole", Version: d.Version}, nil)
	want(t, err, nil)
	s.HandIn(t, s.Alice, "a-1", "s-2", "whole")
	d, err = s.Draft(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	if d.Version != 0 {
		t.Errorf("after the hand-in: %+v", d)
	}
	// An autosave that was on its way must not bring it back.
	_, err = save(s.Alice, whole.Version, "whole")
	want(t, err, lms.ErrStale)
	// Nor replace what was begun since: no version comes twice.
	begun, err := save(s.Alice, 0, "the next attempt")
	want(t, err, nil)
	for _, version := range []int64{first, d.Version, whole.Version} {
		_, err = save(s.Alice, version, "whole")
		want(t, err, lms.ErrStale)
	}
	d, err = s.Draft(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	if d.Text != "the next attempt" || d.Version != begun.Version {
		t.Errorf("the draft that was begun after the hand-in became %+v", d)
	}
}

// older makes an attempt older.
func older(t *testing.T, s *storetest.Site, submission string, by time.Duration) {
	t.Helper()
	var b consensus.Batch
	b.Exec(`UPDATE submissions SET submitted_at = submitted_at - ? WHERE submission_id = ?`, by.Milliseconds(), submission)
	_, err := s.DB().Apply(t.Context(), &b)
	want(t, err, nil)
}

// waitPast waits until the time has passed on the cluster's clock.
func waitPast(t *testing.T, s *storetest.Site, at time.Time) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !s.Now().After(at); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the clock stands still")
		}
	}
}

func TestDraftsAtTheCutOff(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	cutoff := time.Now().Add(1500 * time.Millisecond).UTC().Truncate(time.Millisecond)
	s.Post(t, "a-in", func(a *lms.Assignment) { a.CutoffAt, a.HandInDrafts = cutoff, true })
	s.Post(t, "a-stays", func(a *lms.Assignment) { a.CutoffAt = cutoff })
	s.Upload(t, s.Alice, "f-1", "one.txt", 5, true)
	version := map[string]int64{}
	save := func(actor lms.Actor, assignment, text string, files ...string) error {
		key := actor.UserID + assignment
		d, err := s.SaveDraft(ctx, actor, s.Course.ID, assignment, lms.Draft{Text: text, Version: version[key]}, files)
		version[key] = max(version[key], d.Version)
		return err
	}
	want(t, save(s.Alice, "a-in", "unsent", "f-1"), nil)
	want(t, save(s.Alice, "a-stays", "unsent"), nil)
	s.HandIn(t, s.Bob, "a-in", "s-bob", "finished")
	want(t, save(s.Bob, "a-in", "a second try"), nil)
	n, err := s.HandInDrafts(ctx)
	want(t, err, nil)
	if n != 0 {
		t.Fatalf("%d drafts were handed in before the cut-off", n)
	}
	waitPast(t, s, cutoff)
	wantKind(t, save(s.Alice, "a-in", "too late"), lms.KindRule, "The cut-off of this assignment was")
	want(t, save(s.Alice, "a-stays", "goes on"), nil)
	race(t, 4, "", func(int) error { _, err := s.HandInDrafts(ctx); return err })
	mine, err := s.MySubmissions(ctx, s.Alice, s.Course.ID, "a-in")
	want(t, err, nil)
	if len(mine) != 1 || mine[0].Text != "unsent" || !mine[0].FromDraft || !mine[0].SubmittedAt.Equal(cutoff) || len(mine[0].Files) != 1 {
		t.Fatalf("handed in %+v", mine)
	}
	mine, err = s.MySubmissions(ctx, s.Alice, s.Course.ID, "a-stays")
	want(t, err, nil)
	bobs, err2 := s.MySubmissions(ctx, s.Bob, s.Course.ID, "a-in")
	want(t, err2, nil)
	if err != nil || len(mine) != 0 || len(bobs) != 1 || bobs[0].Text != "finished" {
		t.Errorf("a draft that stays: %+v; finished work: %+v", mine, bobs)
	}
	home, err := s.Home(ctx, s.Alice)
	want(t, err, nil)
	if len(home.News) != 1 || home.News[0].Kind != lms.NewsDraft {
		t.Errorf("the student is told %+v", home.News)
	}
}

func TestStaffReturnAndChooseAttempts(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a-1", func(a *lms.Assignment) { a.MaxAttempts = 2 })
	s.Upload(t, s.Alice, "f-1", "one.txt", 5, true)
	s.HandIn(t, s.Alice, "a-1", "s-1", "first")
	s.HandIn(t, s.Alice, "a-1", "s-2", "second", "f-1")
	_, _, err := s.Submit(ctx, s.Alice, s.Course.ID, "a-1", "s-3", "third", nil)
	want(t, err, lms.ErrAttempts)
	_, err = s.ReturnAttempt(ctx, s.Alice, s.Course.ID, "s-2")
	want(t, err, lms.ErrForbidden)
	_, err = s.ReturnAttempt(ctx, s.TA, s.Course.ID, "s-1")
	wantKind(t, err, lms.KindConflict, "Only the latest attempt")
	sub, err := s.ReturnAttempt(ctx, s.TA, s.Course.ID, "s-2")
	want(t, err, nil)
	if sub.ReturnedAt.IsZero() || sub.ReturnedBy != "Tom Assistant" || sub.Counts || len(sub.Files) != 1 {
		t.Errorf("returned %+v", sub)
	}
	_, err = s.ReturnAttempt(ctx, s.TA, s.Course.ID, "s-2")
	wantKind(t, err, lms.KindConflict, "only once")
	d, err := s.Draft(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	if d.Text != "second" || len(d.Files) != 1 || d.Files[0].ID == "f-1" || !d.Files[0].Complete() {
		t.Errorf("the draft is %+v", d)
	}
	a, err := s.Assignment(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	if a.Mine.Attempts != 2 || a.Mine.Used != 1 || a.Mine.DraftAt.IsZero() {
		t.Errorf("own work %+v", a.Mine)
	}
	_, _, err = s.SubmitWork(ctx, s.Alice, s.Course.ID, "a-1", store.HandIn{ID: "s-3", Text: d.Text, Files: []string{d.Files[0].ID}})
	want(t, err, nil)

	counted := func() string {
		items, _, _, err := s.Submissions(ctx, s.TA, s.Course.ID, "a-1", "", "", 0)
		want(t, err, nil)
		if len(items) != 1 || !items[0].Counts {
			t.Fatalf("got %+v", items)
		}
		return items[0].ID
	}
	if got := counted(); got != "s-3" {
		t.Errorf("%s is graded, not the latest", got)
	}
	_, err = s.ChooseAttempt(ctx, s.TA, s.Course.ID, "s-2", true)
	wantKind(t, err, lms.KindConflict, "returned")
	chosen, err := s.ChooseAttempt(ctx, s.TA, s.Course.ID, "s-1", true)
	want(t, err, nil)
	if !chosen.Chosen || !chosen.Counts || counted() != "s-1" {
		t.Errorf("chose %+v, %s is graded", chosen, counted())
	}
	_, err = s.ChooseAttempt(ctx, s.TA, s.Course.ID, "s-1", false)
	want(t, err, nil)
	if got := counted(); got != "s-3" {
		t.Errorf("%s is graded, not the latest again", got)
	}
	_, err = s.SaveGrade(ctx, s.TA, s.Course.ID, "s-3", 50_00, "", 0, false)
	want(t, err, nil)
	_, err = s.PostGrades(ctx, s.TA, s.Course.ID, "a-1", nil)
	want(t, err, nil)
	_, err = s.ReturnAttempt(ctx, s.TA, s.Course.ID, "s-3")
	wantKind(t, err, lms.KindConflict, "grade of this attempt is posted")
}

func TestWebAddressHonourAndPaper(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a-url", func(a *lms.Assignment) {
		a.AllowText, a.AllowURL, a.MaxFiles, a.Honour = false, true, 0, "I wrote this."
	})
	s.Post(t, "a-paper", func(a *lms.Assignment) {
		a.AllowText, a.MaxFiles, a.OnPaper, a.DueAt = false, 0, true, time.Now().Add(-time.Hour)
	})
	s.Post(t, "a-text")
	for _, c := range []struct {
		name, assignment string
		h                store.HandIn
		err              error
		kind             lms.Kind
		message          string
	}{
		{"without the statement", "a-url", store.HandIn{URL: "https://example.org"}, lms.ErrHonour, "", ""},
		{"text where an address is asked for", "a-url", store.HandIn{Text: "x", Honour: true}, nil, lms.KindRule, "takes files only"},
		{"an address where text is asked for", "a-text", store.HandIn{URL: "https://example.org"}, nil, lms.KindRule, "takes no web address"},
		{"on paper", "a-paper", store.HandIn{Text: "x"}, lms.ErrOnPaper, "", ""},
	} {
		t.Run("refuses "+c.name, func(t *testing.T) {
			c.h.ID = "s-refused"
			_, _, err := s.SubmitWork(ctx, s.Alice, s.Course.ID, c.assignment, c.h)
			if c.err != nil {
				want(t, err, c.err)
			} else {
				wantKind(t, err, c.kind, c.message)
			}
			if mine, err := s.MySubmissions(ctx, s.Alice, s.Course.ID, c.assignment); err != nil || len(mine) > 0 {
				t.Errorf("it left %+v, %v", mine, err)
			}
		})
	}
	sub, _, err := s.SubmitWork(ctx, s.Alice, s.Course.ID, "a-url", store.HandIn{ID: "s-1", URL: "https://example.org/x?y=1", Honour: true})
	want(t, err, nil)
	if sub.URL != "https://example.org/x?y=1" || sub.Honour != "I wrote this." {
		t.Errorf("got %+v", sub)
	}
	_, err = s.SaveDraft(ctx, s.Alice, s.Course.ID, "a-paper", lms.Draft{Text: "x"}, nil)
	want(t, err, lms.ErrOnPaper)
	a, err := s.Assignment(ctx, s.Alice, s.Course.ID, "a-paper")
	want(t, err, nil)
	if a.Mine.Score != nil {
		t.Errorf("work on paper is never missing: %+v", a.Mine.Score)
	}
}

func TestRequestExtension(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	due := time.Now().Add(time.Hour)
	s.Post(t, "a-1", func(a *lms.Assignment) { a.DueAt = due })
	ask := func(actor lms.Actor, id string) error {
		_, err := s.RequestExtension(ctx, actor, lms.Question{ID: id, CourseID: s.Course.ID, Assignment: "a-1", Body: "I am ill."})
		return err
	}
	want(t, ask(s.TA, "q-ta"), lms.ErrForbidden)
	n := race(t, 5, lms.KindConflict, func(i int) error { return ask(s.Alice, fmt.Sprint("q-", i)) })
	home, err := s.Home(ctx, s.Instructor)
	want(t, err, nil)
	if n != 1 || len(home.Queue) != 1 || home.Queue[0].Assignment != "a-1" || home.Queue[0].Title != "Extension for Essay a-1" {
		t.Fatalf("%d requests, queue %+v", n, home.Queue)
	}
	a, err := s.Assignment(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	if a.Mine.Requested != home.Queue[0].ID {
		t.Errorf("own work %+v", a.Mine)
	}
	_, err = s.Question(ctx, s.Bob, s.Course.ID, home.Queue[0].ID)
	want(t, err, lms.ErrNotYours)
	g := store.Grant{Override: lms.Override{CourseID: s.Course.ID, AssignmentID: "a-1", DueAt: due.Add(24 * time.Hour)}, Targets: []string{"student/" + s.Alice.UserID},
		IDs: []string{"o-1"}, Request: home.Queue[0].ID, ReplyID: "r-1", ReplyBody: "Get well soon."}
	_, err = s.GrantOverrides(ctx, s.Instructor, g)
	want(t, err, nil)
	q, err := s.Question(ctx, s.Alice, s.Course.ID, g.Request)
	want(t, err, nil)
	if q.State != lms.QuestionResolved || len(q.Replies) != 1 || q.Replies[0].Body != "Get well soon." {
		t.Errorf("the question is %+v", q)
	}
	g.ReplyID, g.IDs = "r-2", []string{"o-2"}
	_, err = s.GrantOverrides(ctx, s.Instructor, g)
	wantKind(t, err, lms.KindConflict, "answered meanwhile")
}

func TestArchiveAndDuplicate(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	sheet := s.Upload(t, s.Instructor, "f-sheet", "sheet.pdf", 10, true)
	a := s.Post(t, "a-1", func(a *lms.Assignment) { a.Honour, a.GradeByAt = "Mine.", time.Now().Add(time.Hour) })
	a, err := s.UpdateAssignment(ctx, s.Instructor, a, []string{sheet.ID})
	want(t, err, nil)
	s.Post(t, "a-empty")
	_, _, err = s.SubmitWork(ctx, s.Alice, s.Course.ID, "a-1", store.HandIn{ID: "s-1", Text: "x", Honour: true})
	want(t, err, nil)
	_, err = s.ArchiveAssignment(ctx, s.Instructor, s.Course.ID, "a-1", true)
	wantKind(t, err, lms.KindConflict, "the work of 1 students")
	_, err = s.ArchiveAssignment(ctx, s.TA, s.Course.ID, "a-1", false)
	want(t, err, lms.ErrForbidden)
	for _, id := range []string{"a-1", "a-empty"} {
		archived, err := s.ArchiveAssignment(ctx, s.Instructor, s.Course.ID, id, id == "a-empty")
		want(t, err, nil)
		if archived.ArchivedAt.IsZero() {
			t.Errorf("archived %+v", archived)
		}
		_, err = s.Assignment(ctx, s.Alice, s.Course.ID, id)
		want(t, err, lms.ErrNotFound)
	}
	_, _, err = s.Submit(ctx, s.Alice, s.Course.ID, "a-1", "s-2", "x", nil)
	want(t, err, lms.ErrNotFound)
	a.Version++
	_, err = s.UpdateAssignment(ctx, s.Instructor, a, nil)
	wantKind(t, err, lms.KindConflict, "Restore it first")
	for _, id := range []string{"a-1", "a-empty"} {
		back, err := s.RestoreAssignment(ctx, s.Instructor, s.Course.ID, id)
		want(t, err, nil)
		if !back.ArchivedAt.IsZero() || !back.Published {
			t.Errorf("restored %+v", back)
		}
	}
	mine, err := s.MySubmissions(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	if len(mine) != 1 {
		t.Errorf("the work is %+v", mine)
	}
	c, err := s.DuplicateAssignment(ctx, s.Instructor, s.Course.ID, "a-1", "a-copy")
	want(t, err, nil)
	if c.Published || c.Title != "Copy of Essay a-1" || len(c.Attachments) != 1 || c.Honour != "Mine." || !c.GradeByAt.Equal(a.GradeByAt) || c.Version != 1 {
		t.Errorf("the copy is %+v", c)
	}
	_, err = s.DuplicateAssignment(ctx, s.Instructor, s.Course.ID, "a-1", "a-copy")
	wantKind(t, err, lms.KindConflict, "exists")
}

func TestTenClicksAreOneAttempt(t *testing.T) {
	s := storetest.New(t)
	s.Post(t, "a-1", func(a *lms.Assignment) { a.MaxAttempts = 1 })
	_, err := s.SaveDraft(t.Context(), s.Alice, s.Course.ID, "a-1", lms.Draft{Text: "x"}, nil)
	want(t, err, nil)
	n := race(t, 10, "", func(int) error {
		_, _, err := s.Submit(t.Context(), s.Alice, s.Course.ID, "a-1", "s-1", "x", nil)
		return err
	})
	mine, err := s.MySubmissions(t.Context(), s.Alice, s.Course.ID, "a-1")
	if err != nil || n != 10 || len(mine) != 1 {
		t.Errorf("%d answers, %d attempts, %v", n, len(mine), err)
	}
}

func TestIncompleteWorkIsTold(t *testing.T) {
	s := storetest.New(t)
	s.Post(t, "a-1")
	s.Upload(t, s.Alice, "f-1", "one.txt", 5, false)
	s.HandIn(t, s.Alice, "a-1", "s-1", "", "f-1")
	if home, err := s.Home(t.Context(), s.Alice); err != nil || len(home.News) != 0 {
		t.Fatalf("within the time for its files it is told %+v, %v", home.News, err)
	}
	older(t, s, "s-1", lms.UploadGrace+time.Minute)
	for _, who := range []lms.Actor{s.Alice, s.TA} {
		home, err := s.Home(t.Context(), who)
		want(t, err, nil)
		if len(home.News) != 1 || home.News[0].Kind != lms.NewsIncomplete || home.News[0].SubmissionID != "s-1" || (home.News[0].Who == "") != (who == s.Alice) {
			t.Errorf("%s is told %+v", who.Login, home.News)
		}
	}
	if home, err := s.Home(t.Context(), s.Bob); err != nil || len(home.News) != 0 {
		t.Errorf("somebody else is told %+v, %v", home.News, err)
	}
}
