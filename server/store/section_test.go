package store_test

import (
	"strings"
	"testing"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// section adds a section to the course of the fixtures.
func section(t *testing.T, s *storetest.Site, id, title string) lms.Section {
	t.Helper()
	x, err := s.CreateSection(t.Context(), s.Instructor, lms.Section{ID: id, CourseID: s.Course.ID, Title: title})
	want(t, err, nil)
	return x
}

func patch(t *testing.T, s *storetest.Site, user string, p store.MemberPatch) lms.Member {
	t.Helper()
	m, err := s.UpdateMember(t.Context(), s.Instructor, s.Course.ID, user, p)
	want(t, err, nil)
	return m
}

func logins(members []lms.Member) string {
	var names []string
	for _, m := range members {
		names = append(names, m.Login)
	}
	return strings.Join(names, " ")
}

func TestSections(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	one := section(t, s, "x1", "  Monday   group ")
	section(t, s, "x2", "Tuesday")
	if one.Title != "Monday group" || one.Version != 1 {
		t.Errorf("got %+v", one)
	}
	_, err := s.CreateSection(ctx, s.Instructor, lms.Section{ID: "x3", CourseID: c, Title: "TUESDAY"})
	wantKind(t, err, lms.KindConflict, "section of this name")
	_, err = s.CreateSection(ctx, s.TA, lms.Section{ID: "x3", CourseID: c, Title: "Mine"})
	want(t, err, lms.ErrForbidden)
	_, err = s.UpdateSection(ctx, s.Instructor, c, "x1", ptr("Tuesday"), nil, 1)
	wantKind(t, err, lms.KindConflict, "section of this name")
	_, err = s.UpdateSection(ctx, s.Instructor, c, "x1", ptr("Monday"), nil, 1)
	want(t, err, nil)
	_, err = s.UpdateSection(ctx, s.Instructor, c, "x1", ptr("Late"), nil, 1)
	want(t, err, lms.ErrStale)
	_, err = s.UpdateSection(ctx, s.Stranger, s.Other.ID, "x1", ptr("Foreign"), nil, 2)
	want(t, err, lms.ErrNotFound)

	want(t, s.OrderSections(ctx, s.Instructor, c, []string{"x2", "x1"}), nil)
	wantKind(t, s.OrderSections(ctx, s.Instructor, c, []string{"x1"}), lms.KindConflict, "changed meanwhile")
	wantKind(t, s.OrderSections(ctx, s.Instructor, c, []string{"x1", "x1"}), lms.KindConflict, "changed meanwhile")

	n, err := s.AssignSection(ctx, s.Instructor, c, "x1", []string{s.Alice.UserID, s.Bob.UserID})
	want(t, err, nil)
	again, err := s.AssignSection(ctx, s.Instructor, c, "x1", []string{s.Alice.UserID, s.Bob.UserID})
	want(t, err, nil)
	if n != 2 || again != 0 {
		t.Errorf("moved %d, then %d", n, again)
	}
	_, err = s.AssignSection(ctx, s.Instructor, c, "nothing", []string{s.Bob.UserID})
	wantKind(t, err, lms.KindRule, "no such section")
	_, err = s.AssignSection(ctx, s.Instructor, c, "x1", []string{s.Stranger.UserID})
	wantKind(t, err, lms.KindRule, "no member")

	patch(t, s, s.TA.UserID, store.MemberPatch{Sections: &[]string{"x1"}})
	err = s.DeleteSection(ctx, s.Instructor, c, "x1")
	wantKind(t, err, lms.KindConflict, "2 members, 1 assistant who is limited to it")
	wantKind(t, err, lms.KindConflict, "Archive it instead")
	want(t, s.DeleteSection(ctx, s.Instructor, c, "x2"), nil)
	_, err = s.UpdateSection(ctx, s.Instructor, c, "x1", nil, ptr(true), 2)
	want(t, err, nil)
	_, err = s.AssignSection(ctx, s.Instructor, c, "x1", []string{s.Alice.UserID})
	wantKind(t, err, lms.KindRule, "archived")
	staff, err := s.Sections(ctx, s.TA, c)
	want(t, err, nil)
	seen, err := s.Sections(ctx, s.Alice, c)
	want(t, err, nil)
	if len(staff) != 1 || staff[0].Members != 2 || staff[0].ArchivedAt.IsZero() || len(seen) != 0 {
		t.Errorf("staff %+v, a student %+v", staff, seen)
	}
	x, err := s.UpdateSection(ctx, s.Instructor, c, "x1", nil, ptr(false), 3)
	want(t, err, nil)
	if !x.ArchivedAt.IsZero() || x.Members != 2 {
		t.Errorf("restored %+v", x)
	}
}

func TestMemberList(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	section(t, s, "x1", "Monday")
	patch(t, s, s.Alice.UserID, store.MemberPatch{Section: ptr("x1")})
	patch(t, s, s.Observer.UserID, store.MemberPatch{Linked: ptr(s.Bob.UserID)})
	for _, tt := range []struct {
		name  string
		actor lms.Actor
		f     store.MemberFilter
		want  string
	}{
		{"all, instructors first", s.Instructor, store.MemberFilter{}, "ines tom alice bob olga"},
		{"of a role", s.Instructor, store.MemberFilter{Role: lms.RoleStudent}, "alice bob"},
		{"of a section", s.Instructor, store.MemberFilter{Section: "x1"}, "alice"},
		{"of no section", s.Instructor, store.MemberFilter{Role: lms.RoleStudent, Section: "none"}, "bob"},
		{"by name", s.Instructor, store.MemberFilter{Query: " EXAMPLE "}, "alice bob"},
		{"by login", s.TA, store.MemberFilter{Query: "olg"}, "olga"},
		{"nobody", s.Instructor, store.MemberFilter{Query: "%"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var found []lms.Member
			for after := ""; ; {
				page, next, total, err := s.Members(ctx, tt.actor, c, tt.f, after, 2)
				want(t, err, nil)
				if n := len(strings.Fields(tt.want)); total != n {
					t.Fatalf("counted %d of %d", total, n)
				}
				found = append(found, page...)
				if after = next; after == "" {
					break
				}
			}
			if logins(found) != tt.want {
				t.Errorf("got %q, want %q", logins(found), tt.want)
			}
		})
	}
	seen, _, _, err := s.Members(ctx, s.Alice, c, store.MemberFilter{Query: "olga"}, "", 0)
	want(t, err, nil)
	if len(seen) != 1 || seen[0].LinkedID != "" || seen[0].Login != "" || seen[0].SectionID != "" {
		t.Errorf("a student sees %+v", seen)
	}
	if hidden, _, _, _ := s.Members(ctx, s.Alice, c, store.MemberFilter{Query: "tom@"}, "", 0); len(hidden) != 0 {
		t.Errorf("a student searches logins: %+v", hidden)
	}
}

// TestLimitedAssistant: a TA of a section reads and grades the work of its students, and no other (ROLE-1).
func TestLimitedAssistant(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	section(t, s, "x1", "Monday")
	s.Post(t, "a1")
	f := s.Upload(t, s.Bob, "f1", "b.txt", 3, true)
	s.HandIn(t, s.Alice, "a1", "sa", "Alice's")
	s.HandIn(t, s.Bob, "a1", "sb", "Bob's", f.ID)
	patch(t, s, s.Alice.UserID, store.MemberPatch{Section: ptr("x1")})
	all := func() (n int) {
		t.Helper()
		_, _, n, err := s.Submissions(ctx, s.TA, c, "a1", "", "", 0)
		want(t, err, nil)
		return n
	}
	if all() != 2 {
		t.Error("a TA without sections does not see all")
	}
	patch(t, s, s.TA.UserID, store.MemberPatch{Sections: &[]string{"x1"}})
	if all() != 1 {
		t.Error("a TA of one section sees the work of others")
	}
	other := func(name string, err error) {
		t.Helper()
		if lms.KindOf(err) != lms.KindForbidden || !strings.Contains(err.Error(), "section") {
			t.Errorf("%s of a student of another section: %v", name, err)
		}
	}
	_, _, err := s.Submission(ctx, s.TA, c, "sb")
	other("reading the work", err)
	_, err = s.Attempts(ctx, s.TA, c, "sb")
	other("reading the attempts", err)
	_, err = s.GradeHistory(ctx, s.TA, c, "sb")
	other("reading the history", err)
	_, err = s.SaveGrade(ctx, s.TA, c, "sb", 500, "", 0, false)
	other("grading", err)
	_, err = s.PostGrades(ctx, s.TA, c, "a1", []string{"sa", "sb"})
	other("posting", err)
	_, err = s.File(ctx, s.TA, c, f.ID)
	other("reading a file", err)

	_, _, err = s.Submission(ctx, s.TA, c, "sa")
	want(t, err, nil)
	_, err = s.SaveGrade(ctx, s.TA, c, "sa", 500, "", 0, false)
	want(t, err, nil)
	_, err = s.SaveGrade(ctx, s.Instructor, c, "sb", 700, "", 0, false)
	want(t, err, nil)
	n, err := s.PostGrades(ctx, s.TA, c, "a1", nil)
	want(t, err, nil)
	if n != 1 {
		t.Errorf("a TA of one section has posted %d grades", n)
	}
	items, err := s.Assignments(ctx, s.TA, c)
	want(t, err, nil)
	if st := items[0].Stats; st.Students != 1 || st.Submitted != 1 || st.Ungraded != 0 || st.Unposted != 0 {
		t.Errorf("counts of the section: %+v", st)
	}
	found, _, _, err := s.Members(ctx, s.TA, c, store.MemberFilter{}, "", 0)
	want(t, err, nil)
	if logins(found) != "ines tom alice" {
		t.Errorf("sees %s", logins(found))
	}
	// An instructor who was a limited TA is not limited any more.
	patch(t, s, s.TA.UserID, store.MemberPatch{Role: ptr(lms.RoleInstructor)})
	if all() != 2 {
		t.Error("an instructor is limited to sections")
	}
	_, _, err = s.Submission(ctx, s.TA, c, "sb")
	want(t, err, nil)
}

// TestObserver: an observer reads what the linked student may, and nothing else of anybody (ROLE-1).
func TestObserver(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	s.Post(t, "a1")
	s.HandIn(t, s.Alice, "a1", "sa", "Alice's")
	s.HandIn(t, s.Bob, "a1", "sb", "Bob's")
	_, err := s.SaveGrade(ctx, s.Instructor, c, "sa", 500, "Good.", 0, false)
	want(t, err, nil)
	_, err = s.MySubmissions(ctx, s.Observer, c, "a1")
	want(t, err, lms.ErrForbidden)
	_, _, err = s.Submission(ctx, s.Observer, c, "sa")
	want(t, err, lms.ErrNotYours)
	_, err = s.UpdateMember(ctx, s.Instructor, c, s.Observer.UserID, store.MemberPatch{Linked: ptr(s.TA.UserID)})
	wantKind(t, err, lms.KindRule, "linked to a student")
	patch(t, s, s.Observer.UserID, store.MemberPatch{Linked: ptr(s.Alice.UserID)})

	sub, _, err := s.Submission(ctx, s.Observer, c, "sa")
	want(t, err, nil)
	if sub.Grade != nil {
		t.Error("an observer sees a grade that is not posted")
	}
	_, err = s.PostGrades(ctx, s.Instructor, c, "a1", nil)
	want(t, err, nil)
	mine, err := s.MySubmissions(ctx, s.Observer, c, "a1")
	want(t, err, nil)
	items, err := s.Assignments(ctx, s.Observer, c)
	want(t, err, nil)
	if len(mine) != 1 || mine[0].Grade == nil || mine[0].Grade.Points != 500 || items[0].Mine == nil || items[0].Mine.Attempts != 1 || items[0].Stats != nil {
		t.Errorf("got %+v and %+v", mine, items)
	}
	_, _, err = s.Submission(ctx, s.Observer, c, "sb")
	want(t, err, lms.ErrNotYours)
	_, _, err = s.Submit(ctx, s.Observer, c, "a1", "so", "mine", nil)
	want(t, err, lms.ErrForbidden)
	patch(t, s, s.Alice.UserID, store.MemberPatch{Active: ptr(false)})
	_, _, err = s.Submission(ctx, s.Observer, c, "sa")
	want(t, err, lms.ErrNotYours)
}
