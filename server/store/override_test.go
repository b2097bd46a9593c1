package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// grant gives the students of the targets other dates.
func grant(t *testing.T, s *storetest.Site, assignment string, o lms.Override, preview string, targets ...string) error {
	o.CourseID, o.AssignmentID = s.Course.ID, assignment
	g := store.Grant{Override: o, Targets: targets, Preview: preview}
	for range targets {
		g.IDs = append(g.IDs, lms.NewID())
	}
	_, err := s.GrantOverrides(t.Context(), s.Instructor, g)
	return err
}

// section puts a student into a section of the course.
func sectionOf(t *testing.T, s *storetest.Site, id string, students ...lms.Actor) {
	t.Helper()
	var b consensus.Batch
	b.Exec(`INSERT INTO sections (section_id, course_id, title, position, created_at, version) VALUES (?, ?, ?, 1, 1, 1)`, id, s.Course.ID, "Section "+id)
	for _, st := range students {
		b.Exec(`UPDATE enrolments SET section_id = ? WHERE course_id = ? AND user_id = ?`, id, s.Course.ID, st.UserID)
	}
	_, err := s.DB().Apply(t.Context(), &b)
	want(t, err, nil)
}

func TestStudentBeatsSectionBeatsEveryone(t *testing.T) {
	s := storetest.New(t)
	sectionOf(t, s, "sec-1", s.Alice)
	now := time.Now().UTC().Truncate(time.Millisecond)
	maybe := func(r *rand.Rand) time.Time {
		if r.IntN(2) == 0 {
			return time.Time{}
		}
		return now.Add(time.Duration(r.IntN(200)-100) * time.Hour)
	}
	r := rand.New(rand.NewPCG(7, 7))
	for i := range 60 {
		id := fmt.Sprint("a-", i)
		a := lms.Assignment{ID: id, CourseID: s.Course.ID, Title: id, Points: 100_00, AllowText: true, OpensAt: maybe(r), DueAt: maybe(r), CutoffAt: maybe(r), MaxAttempts: r.IntN(3), Published: true}
		if a.Validate() != nil {
			continue
		}
		a, err := s.CreateAssignment(t.Context(), s.Instructor, a, nil)
		want(t, err, nil)
		var all []lms.Override
		for _, target := range []string{"section/sec-1", "student/" + s.Alice.UserID} {
			o := lms.Override{OpensAt: maybe(r), DueAt: maybe(r), CutoffAt: maybe(r)}
			if r.IntN(2) == 0 {
				n := r.IntN(4)
				o.MaxAttempts = &n
			}
			if grant(t, s, id, o, "", target) == nil { // those that are out of order are refused
				o.AssignmentID, o.Target, o.TargetID = id, lms.OverrideSection, "sec-1"
				if target != "section/sec-1" {
					o.Target, o.TargetID = lms.OverrideStudent, s.Alice.UserID
				}
				all = append(all, o)
			}
		}
		mine := a.For(s.Alice.UserID, "sec-1", all)
		got, err := s.Assignment(t.Context(), s.Alice, s.Course.ID, id)
		want(t, err, nil)
		if !got.OpensAt.Equal(mine.OpensAt) || !got.DueAt.Equal(mine.DueAt) || !got.CutoffAt.Equal(mine.CutoffAt) || got.MaxAttempts != mine.MaxAttempts {
			t.Fatalf("shown %v %v %v %d, want %v %v %v %d", got.OpensAt, got.DueAt, got.CutoffAt, got.MaxAttempts, mine.OpensAt, mine.DueAt, mine.CutoffAt, mine.MaxAttempts)
		}
		// The guard of the hand-in decides by the same dates.
		_, _, err = s.Submit(t.Context(), s.Alice, s.Course.ID, id, "s-"+id, "x", nil)
		if open := mine.CheckOpen(time.Now()); (open == nil) != (err == nil) {
			t.Fatalf("%v: handed in with %v, the dates say %v", mine, err, open)
		}
		if other, err := s.Assignment(t.Context(), s.Bob, s.Course.ID, id); err != nil || !other.DueAt.Equal(a.DueAt) {
			t.Fatalf("somebody else's dates changed: %v %v", other.DueAt, err)
		}
	}
}

func TestOverrideRefusals(t *testing.T) {
	s := storetest.New(t)
	due := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	s.Post(t, "a-1", func(a *lms.Assignment) {
		a.OpensAt, a.DueAt, a.CutoffAt = due.Add(-2*time.Hour), due, due.Add(time.Hour)
	})
	later := lms.Override{DueAt: due.Add(48 * time.Hour)}
	for _, c := range []struct {
		name    string
		o       lms.Override
		target  string
		kind    lms.Kind
		message string
	}{
		{"an extension before the due date", lms.Override{DueAt: due.Add(-time.Minute)}, "student/" + s.Alice.UserID, lms.KindRule, "must end after the due date"},
		{"an extension at the due date", lms.Override{DueAt: due}, "student/" + s.Alice.UserID, lms.KindRule, "must end after the due date"},
		{"a cut-off before the due date", lms.Override{CutoffAt: due.Add(-time.Minute)}, "student/" + s.Alice.UserID, lms.KindRule, "must lie after the due date"},
		{"opening after due", lms.Override{OpensAt: due.Add(time.Minute)}, "student/" + s.Alice.UserID, lms.KindRule, "opens after it is due"},
		{"a cut-off before the new due date", lms.Override{DueAt: due.Add(2 * time.Hour), CutoffAt: due.Add(time.Hour)}, "student/" + s.Alice.UserID, "", ""},
		{"staff", later, "student/" + s.TA.UserID, lms.KindRule, "not a student of this course"},
		{"a stranger", later, "student/" + s.Stranger.UserID, lms.KindRule, "not a student of this course"},
		{"an unknown section", later, "section/none", lms.KindRule, "no section"},
		{"an unknown kind", later, "group/none", lms.KindRule, "no section"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := grant(t, s, "a-1", c.o, "", c.target)
			if c.kind == "" { // the cut-off follows the due date
				want(t, err, nil)
				a, err := s.Assignment(t.Context(), s.Alice, s.Course.ID, "a-1")
				want(t, err, nil)
				if !a.CutoffAt.Equal(a.DueAt) {
					t.Errorf("closed at %v before it is due at %v", a.CutoffAt, a.DueAt)
				}
				return
			}
			wantKind(t, err, c.kind, c.message)
		})
	}
	_, err := s.GrantOverrides(t.Context(), s.TA, store.Grant{Override: lms.Override{CourseID: s.Course.ID, AssignmentID: "a-1", DueAt: later.DueAt}, Targets: []string{"student/" + s.Bob.UserID}, IDs: []string{"o-ta"}})
	want(t, err, lms.ErrForbidden)
	want(t, grant(t, s, "a-none", later, "", "student/"+s.Bob.UserID), lms.ErrNotFound)
	list, err := s.Overrides(t.Context(), s.TA, s.Course.ID, "a-1")
	want(t, err, nil)
	if len(list) != 1 || list[0].TargetName != "Alice Example" || list[0].GrantedBy != "Ines Instructor" {
		t.Errorf("got %+v", list)
	}
	_, err = s.Overrides(t.Context(), s.Alice, s.Course.ID, "a-1")
	want(t, err, lms.ErrForbidden)
}

// late hands in one day late and grades 90 of 100.
func late(t *testing.T, s *storetest.Site, id string) lms.Assignment {
	t.Helper()
	a := s.Post(t, id, func(a *lms.Assignment) { a.DueAt = time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond) })
	s.HandIn(t, s.Alice, id, "s-"+id, "x")
	_, err := s.SaveGrade(t.Context(), s.Instructor, s.Course.ID, "s-"+id, 90_00, "", 0, false)
	want(t, err, nil)
	_, err = s.PostGrades(t.Context(), s.Instructor, s.Course.ID, id, nil)
	want(t, err, nil)
	return a
}

func finalOf(t *testing.T, s *storetest.Site, id string) string {
	t.Helper()
	a, err := s.Assignment(t.Context(), s.Alice, s.Course.ID, id)
	want(t, err, nil)
	return a.Mine.Score.Final.String()
}

func TestALatePolicyIsPreviewedAndThenApplied(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	late(t, s, "a-1")
	tenADay := lms.LatePolicy{Rate: 10_00}
	before, err := s.CourseLate(ctx, s.Alice, s.Course.ID)
	want(t, err, nil)
	_, err = s.SetLate(ctx, s.Instructor, s.Course.ID, tenADay, before.Version, "")
	want(t, err, lms.ErrPreview)
	_, err = s.PreviewLate(ctx, s.TA, s.Course.ID, tenADay)
	want(t, err, lms.ErrForbidden)
	p, err := s.PreviewLate(ctx, s.Instructor, s.Course.ID, tenADay)
	want(t, err, nil)
	if len(p.Changes) != 1 || p.Changes[0].UserName != "Alice Example" || p.Changes[0].Old.Final.String() != "90" || p.Changes[0].New.Final.String() != "80" {
		t.Fatalf("got %+v", p)
	}

	// Work arrives between the preview and its use: nothing is applied.
	s.HandIn(t, s.Bob, "a-1", "s-bob", "x")
	_, err = s.SetLate(ctx, s.Instructor, s.Course.ID, tenADay, before.Version, p.Token)
	want(t, err, lms.ErrPreviewStale)
	if got := finalOf(t, s, "a-1"); got != "90" {
		t.Errorf("a stale preview was applied: %s", got)
	}
	p, err = s.PreviewLate(ctx, s.Instructor, s.Course.ID, tenADay)
	want(t, err, nil)
	key := store.WithRequest(ctx, store.Request{Key: "u:1", Digest: []byte("d")})
	first, err := s.SetLate(key, s.Instructor, s.Course.ID, tenADay, before.Version, p.Token)
	want(t, err, nil)
	again, err := s.SetLate(store.WithRequest(ctx, store.Request{Key: "u:1", Digest: []byte("d")}), s.Instructor, s.Course.ID, tenADay, before.Version, p.Token)
	want(t, err, nil)
	if first != again || first.Text != "Late work loses 10 % of the possible points for each begun day." {
		t.Errorf("a repeat got %+v after %+v", again, first)
	}
	a, err := s.Assignment(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	if sc := a.Mine.Score; sc.Raw != 90_00 || sc.Deduction.String() != "10" || sc.Final.String() != "80" || sc.Intervals != 1 {
		t.Errorf("the student sees %+v", sc)
	}
	mine, err := s.MySubmissions(ctx, s.Alice, s.Course.ID, "a-1")
	want(t, err, nil)
	if mine[0].Score.Final.String() != "80" || mine[0].Grade.Points != 90_00 {
		t.Errorf("the raw grade must stay: %+v", mine[0])
	}
	home, err := s.Home(ctx, s.Alice)
	want(t, err, nil)
	if home.Feedback[0].Score.Final.String() != "80" || home.Feedback[0].Points != 90_00 {
		t.Errorf("home shows %+v", home.Feedback[0])
	}
}

func TestDatesAndExtensionsArePreviewed(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	a := late(t, s, "a-1")
	a.LatePolicy = &lms.LatePolicy{Rate: 10_00, Missing: ptr(lms.Percent(60_00))}
	_, err := s.UpdateAssignment(ctx, s.Instructor, a, nil)
	want(t, err, lms.ErrPreview)
	p, err := s.PreviewAssignment(ctx, s.Instructor, a)
	want(t, err, nil)
	if len(p.Changes) != 2 || p.Changes[1].UserName != "Bob Example" || !p.Changes[1].New.Missing || p.Changes[1].New.Final.String() != "40" {
		t.Fatalf("got %+v", p.Changes)
	}
	a, err = s.UpdateAssignment(ctx, s.Instructor, a, nil, p.Token)
	want(t, err, nil)
	if got := finalOf(t, s, "a-1"); got != "80" {
		t.Errorf("final %s, want 80", got)
	}

	o := lms.Override{DueAt: time.Now().Add(24 * time.Hour)}
	target := "student/" + s.Alice.UserID
	want(t, grant(t, s, "a-1", o, "", target), lms.ErrPreview)
	g := store.Grant{Override: o, Targets: []string{target, "student/" + s.Bob.UserID}, IDs: []string{"o-1", "o-2"}}
	g.CourseID, g.AssignmentID = s.Course.ID, "a-1"
	p, err = s.PreviewOverrides(ctx, s.Instructor, g)
	want(t, err, nil)
	if len(p.Changes) != 2 || p.Changes[0].New.Final.String() != "90" || p.Changes[0].OldLate == 0 || p.Changes[0].NewLate != 0 || p.Changes[1].New.Missing {
		t.Fatalf("got %+v", p.Changes)
	}
	g.Preview = p.Token
	list, err := s.GrantOverrides(ctx, s.Instructor, g)
	want(t, err, nil)
	if len(list) != 2 || finalOf(t, s, "a-1") != "90" {
		t.Errorf("got %+v, final %s", list, finalOf(t, s, "a-1"))
	}
	home, err := s.Home(ctx, s.Alice)
	want(t, err, nil)
	if len(home.News) != 1 || home.News[0].Kind != lms.NewsExtension || !home.News[0].DueAt.Equal(list[0].DueAt) {
		t.Errorf("the student is told %+v", home.News)
	}
	items, _, _, err := s.Submissions(ctx, s.TA, s.Course.ID, "a-1", "late", "", 0)
	want(t, err, nil)
	if len(items) != 0 {
		t.Errorf("with the extension nothing is late: %+v", items)
	}
	want(t, s.RemoveOverride(ctx, s.Instructor, s.Course.ID, "o-1", ""), lms.ErrPreview)
	p, err = s.PreviewRemoval(ctx, s.Instructor, s.Course.ID, "o-1")
	want(t, err, nil)
	want(t, s.RemoveOverride(ctx, s.Instructor, s.Course.ID, "o-1", p.Token), nil)
	if got := finalOf(t, s, "a-1"); got != "80" {
		t.Errorf("final %s, want 80", got)
	}
	want(t, s.RemoveOverride(ctx, s.Instructor, s.Course.ID, "o-1", ""), lms.ErrNotFound)

	// What changes no result needs no preview.
	a.Title = "Another title"
	_, err = s.UpdateAssignment(ctx, s.Instructor, a, nil)
	want(t, err, nil)
}
