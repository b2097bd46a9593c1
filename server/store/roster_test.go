package store_test

import (
	"fmt"
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

func TestArchiveCourse(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	_, err := s.ArchiveCourse(ctx, s.TA, c)
	want(t, err, lms.ErrForbidden)
	got, err := s.ArchiveCourse(ctx, s.Instructor, c)
	want(t, err, nil)
	if got.State != lms.CourseArchived || got.ArchivedAt.IsZero() || !got.Restorable(s.Now()) || got.Restorable(s.Now().Add(31*24*60*60*1e9)) {
		t.Errorf("archived %+v", got)
	}
	_, err = s.Store.Course(ctx, s.Alice, c)
	want(t, err, lms.ErrNotFound)
	got, err = s.RestoreCourse(ctx, s.Instructor, c)
	want(t, err, nil)
	if got.State != lms.CoursePublished || !got.ArchivedAt.IsZero() {
		t.Errorf("restored %+v", got)
	}
	got.Term, got.Language, got.State = "Autumn 2026", "de", lms.CourseArchived
	got, err = s.UpdateCourse(ctx, s.Instructor, got)
	want(t, err, nil)
	if got.Term != "Autumn 2026" || got.Language != "de" || got.ArchivedAt.IsZero() {
		t.Errorf("updated %+v", got)
	}
	if got, err = s.RestoreCourse(ctx, s.Instructor, c); err != nil || got.State != lms.CoursePublished {
		t.Errorf("restored %+v %v", got, err)
	}
}

func TestRegenerateInvite(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	_, err := s.CreateInvite(ctx, s.Instructor, lms.Invite{ID: "i1", CourseID: c, Code: "aaaa-0001", Role: lms.RoleTA, MaxUses: 3})
	want(t, err, nil)
	i, err := s.RegenerateInvite(ctx, s.Instructor, c, "i1", "i2", "bbbb-0002")
	want(t, err, nil)
	if i.ID != "i2" || i.Role != lms.RoleTA || i.MaxUses != 3 || i.Uses != 0 {
		t.Errorf("got %+v", i)
	}
	_, _, err = s.InviteByCode(ctx, "aaaa-0001")
	want(t, err, lms.ErrInviteRevoked)
	_, err = s.JoinCourse(ctx, s.Stranger, "bbbb-0002")
	want(t, err, nil)
	_, err = s.RegenerateInvite(ctx, s.Stranger, s.Other.ID, "i2", "i3", "cccc-0003")
	want(t, err, lms.ErrNotFound)
}

func rows(text ...string) (out []lms.RosterRow) {
	for i, line := range text {
		f := strings.Split(line+"||||", "|")
		out = append(out, lms.RosterRow{Line: i + 2, Login: f[0], Name: f[1], Mail: f[2], Section: f[3], Role: f[4]})
	}
	return out
}

func TestRoster(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	section(t, s, "x1", "Monday")
	file := rows("alice|Alice||Monday", "nora|Nora New|nora@example.org|Tuesday", "stan|||Tuesday|observer")
	plan, err := s.PreviewRoster(ctx, s.Instructor, c, file, true)
	want(t, err, nil)
	if len(plan.Adds) != 2 || len(plan.Changes) != 1 || len(plan.Drops) != 1 || len(plan.Errors) != 0 || plan.NewAccounts != 1 || len(plan.NewSections) != 1 {
		t.Fatalf("got %+v", plan)
	}
	_, err = s.ApplyRoster(ctx, s.TA, c, file, true, plan.Token)
	want(t, err, lms.ErrForbidden)
	_, err = s.ApplyRoster(ctx, s.Instructor, c, file, false, plan.Token)
	wantKind(t, err, lms.KindConflict, "changed since the preview")

	// The same request twice answers the same, though the roster is another by then.
	keyed := store.WithRequest(ctx, store.Request{Key: "k1", Digest: []byte("d")})
	result, err := s.ApplyRoster(keyed, s.Instructor, c, file, true, plan.Token)
	want(t, err, nil)
	repeat, err := s.ApplyRoster(store.WithRequest(ctx, store.Request{Key: "k1", Digest: []byte("d")}), s.Instructor, c, file, true, plan.Token)
	want(t, err, nil)
	if wanted := (lms.RosterResult{Added: 2, Changed: 1, Dropped: 1, NewAccounts: 1, NewSections: 1}); result != wanted || repeat != wanted {
		t.Errorf("got %+v, then %+v", result, repeat)
	}
	members, _, _, err := s.Members(ctx, s.Instructor, c, store.MemberFilter{}, "", 0)
	want(t, err, nil)
	if logins(members) != "ines tom alice bob nora olga stan" {
		t.Errorf("members are %s", logins(members))
	}
	for _, m := range members {
		if (m.Login == "bob") == m.Active || (m.Login == "nora") != m.Pending || m.Login == "nora" && m.Mail != "nora@example.org" ||
			m.Login == "alice" && m.SectionID != "x1" || m.Login == "stan" && (m.SectionID == "" || m.Role != lms.RoleObserver) {
			t.Errorf("member %+v", m)
		}
	}
	plan, err = s.PreviewRoster(ctx, s.Instructor, c, file, true)
	want(t, err, nil)
	if plan.Same != 3 || len(plan.Adds)+len(plan.Changes)+len(plan.Drops)+len(plan.Errors) != 0 {
		t.Errorf("the same file again: %+v", plan)
	}
	_, hash, err := s.Credentials(ctx, "nora")
	want(t, err, nil)
	if hash != "" {
		t.Errorf("an imported account has the password hash %q", hash)
	}
}

func TestRosterChangedMeanwhile(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	for name, change := range map[string]func() error{
		"a member": func() error {
			_, err := s.UpdateMember(ctx, s.Instructor, c, s.Bob.UserID, store.MemberPatch{Role: ptr(lms.RoleTA)})
			return err
		},
		"a section": func() error {
			_, err := s.CreateSection(ctx, s.Instructor, lms.Section{ID: "x9", CourseID: c, Title: "Nine"})
			return err
		},
		"an account": func() error { s.Account(t, "new1", "Somebody", false); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			file := rows("new1|New", "new2|New")
			plan, err := s.PreviewRoster(ctx, s.Instructor, c, file, false)
			want(t, err, nil)
			want(t, change(), nil)
			_, err = s.ApplyRoster(ctx, s.Instructor, c, file, false, plan.Token)
			wantKind(t, err, lms.KindConflict, "changed since the preview")
		})
	}
	plan, err := s.PreviewRoster(ctx, s.Instructor, c, rows("new3|New", "?|x"), false)
	want(t, err, nil)
	_, err = s.ApplyRoster(ctx, s.Instructor, c, rows("new3|New", "?|x"), false, plan.Token)
	wantKind(t, err, lms.KindRule, "lines with errors")
	if _, _, err := s.Credentials(ctx, "new3"); lms.KindOf(err) != lms.KindNotFound {
		t.Errorf("a file with an error was applied in part: %v", err)
	}
}

// TestRosterOfThousand: one batch takes a thousand people, and the list of them comes in pages.
func TestRosterOfThousand(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	var file []lms.RosterRow
	for i := range 1000 {
		file = append(file, lms.RosterRow{Line: i + 2, Login: fmt.Sprintf("s%04d", i), Name: fmt.Sprintf("Student %04d", i), ExternalID: fmt.Sprintf("m%04d", i),
			Section: fmt.Sprint("Group ", i%10)})
	}
	plan, err := s.PreviewRoster(ctx, s.Instructor, c, file, false)
	want(t, err, nil)
	_, err = s.ApplyRoster(ctx, s.Instructor, c, file, false, plan.Token)
	want(t, err, nil)
	page, next, total, err := s.Members(ctx, s.Instructor, c, store.MemberFilter{Role: lms.RoleStudent, Query: "student 0"}, "", 200)
	want(t, err, nil)
	if len(page) != 200 || next == "" || total != 1000 {
		t.Errorf("a page of %d of %d", len(page), total)
	}
	plan, err = s.PreviewRoster(ctx, s.Instructor, c, file, false)
	want(t, err, nil)
	if plan.Same != 1000 {
		t.Errorf("again: %d the same, %d errors", plan.Same, len(plan.Errors))
	}
}

func TestClaims(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	plan, err := s.PreviewRoster(ctx, s.Instructor, c, rows("nora|Nora"), false)
	want(t, err, nil)
	_, err = s.ApplyRoster(ctx, s.Instructor, c, rows("nora|Nora"), false, plan.Token)
	want(t, err, nil)
	pending, err := s.PendingMembers(ctx, s.Instructor, c, nil)
	want(t, err, nil)
	if logins(pending) != "nora" {
		t.Fatalf("pending: %+v", pending)
	}
	id := pending[0].UserID
	issue := func(actor lms.Actor, course, secret string) error {
		return s.IssueClaims(ctx, actor, course, []store.Claim{{UserID: id, Hash: storetest.Hash(secret)}})
	}
	want(t, issue(s.Instructor, c, "one"), nil)
	want(t, issue(s.TA, c, "ta"), lms.ErrForbidden)
	// The instructor of another course can enrol the account, but not claim it.
	_, err = s.AddMember(ctx, s.Stranger, s.Other.ID, "nora", lms.RoleStudent)
	want(t, err, nil)
	if err := issue(s.Stranger, s.Other.ID, "foreign"); lms.KindOf(err) != lms.KindConflict {
		t.Errorf("claimed by another course: %v", err)
	}
	if others, err := s.PendingMembers(ctx, s.Stranger, s.Other.ID, nil); err != nil || len(others) != 0 {
		t.Errorf("another course sees %+v %v", others, err)
	}
	if err := issue(s.Instructor, c, "two"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Claim(ctx, storetest.Hash("one"), storetest.Password)
	wantKind(t, err, lms.KindForbidden, "replaced by a newer one")
	p, err := s.ClaimPreview(ctx, storetest.Hash("two"))
	want(t, err, nil)
	if p.Login != "nora" || p.CourseTitle != s.Course.Title {
		t.Errorf("got %+v", p)
	}
	u, err := s.Claim(ctx, storetest.Hash("two"), storetest.Password)
	want(t, err, nil)
	if u.Login != "nora" {
		t.Errorf("got %+v", u)
	}
	_, err = s.Claim(ctx, storetest.Hash("two"), "other")
	wantKind(t, err, lms.KindForbidden, "used")
	if _, hash, _ := s.Credentials(ctx, "nora"); hash != storetest.Password {
		t.Errorf("the hash is %q", hash)
	}
}

// TestView: the test student sees what students see, and nobody counts it (ROLE-2).
func TestView(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	s.Post(t, "a1")
	s.HandIn(t, s.Alice, "a1", "sa", "Alice's")
	session := store.SessionRecord{ID: "ses", UserID: s.TA.UserID, TokenHash: storetest.Hash("ses"), ExpiresAt: s.Now().Add(3600e9)}
	want(t, s.CreateSession(ctx, session), nil)
	ta := s.TA
	ta.SessionID = "ses"
	alice := s.Alice
	alice.SessionID = "ses"
	want(t, s.StartView(ctx, alice, c), lms.ErrForbidden)
	want(t, s.StartView(ctx, ta, s.Other.ID), lms.ErrNotYourCourse)
	want(t, s.StartView(ctx, ta, c), nil)
	found, err := s.SessionByToken(ctx, session.TokenHash)
	student, u := found.Actor, found.User
	want(t, err, nil)
	if student.Viewing != c || student.Account() != s.TA.UserID || student.Admin || u.ID == s.TA.UserID || u.Name != "Test student" {
		t.Fatalf("views as %+v", student)
	}
	want(t, s.CreateTicket(ctx, student, storetest.Hash("ticket"), s.Now().Add(60e9)), nil)
	if role, err := s.Role(ctx, c, student.UserID); err != nil || role != lms.RoleStudent {
		t.Errorf("role %q %v", role, err)
	}
	if courses, err := s.Courses(ctx, student); err != nil || len(courses) != 1 || courses[0].MyRole != lms.RoleStudent || courses[0].Students != 0 {
		t.Errorf("courses %+v %v", courses, err)
	}
	if home, err := s.Home(ctx, student); err != nil || len(home.Due) != 1 {
		t.Errorf("due %+v %v", home.Due, err)
	}
	_, _, err = s.Submission(ctx, student, c, "sa")
	want(t, err, lms.ErrNotYours)
	_, _, err = s.Submit(ctx, student, c, "a1", "st", "as a student", nil)
	want(t, err, nil)
	if items, err := s.Assignments(ctx, student, c); err != nil || items[0].Mine == nil || items[0].Mine.Attempts != 1 {
		t.Errorf("own work %+v %v", items, err)
	}
	_, err = s.Ask(ctx, student, lms.Question{ID: "qt", CourseID: c, To: lms.ToStaff, Title: "?", Visibility: lms.VisibleCourse}, "")
	want(t, err, nil)
	_, err = s.JoinCourse(ctx, student, "any")
	if err == nil {
		t.Error("the test student has joined a course")
	}

	counts := func(what string, n, wanted int, err error) {
		t.Helper()
		if err != nil || n != wanted {
			t.Errorf("%s: %d, want %d (%v)", what, n, wanted, err)
		}
	}
	_, _, n, err := s.Members(ctx, s.Instructor, c, store.MemberFilter{}, "", 0)
	counts("members", n, 5, err)
	_, _, n, err = s.Submissions(ctx, s.Instructor, c, "a1", "", "", 0)
	counts("submissions", n, 1, err)
	_, _, n, err = s.Users(ctx, "", "", 0)
	counts("accounts", n, 7, err)
	_, _, n, err = s.Questions(ctx, s.Instructor, c, "", "", false, "", 0)
	counts("questions of others", n, 0, err)
	_, _, n, err = s.Questions(ctx, student, c, "", "", false, "", 0)
	counts("own questions", n, 1, err)
	course, err := s.Store.Course(ctx, s.Instructor, c)
	counts("students of the course", course.Students, 2, err)
	items, err := s.Assignments(ctx, s.Instructor, c)
	counts("handed in", items[0].Stats.Submitted, 1, err)
	home, err := s.Home(ctx, s.Instructor)
	counts("queue", len(home.Queue), 0, err)
	_, err = s.AddMember(ctx, s.Instructor, c, u.Login, lms.RoleStudent)
	wantKind(t, err, lms.KindRule, "no account")

	// Whoever is no longer staff is oneself again, at once.
	patch(t, s, s.TA.UserID, store.MemberPatch{Role: ptr(lms.RoleStudent)})
	if f, err := s.SessionByToken(ctx, session.TokenHash); err != nil || f.Actor.UserID != s.TA.UserID || f.Actor.Viewing != "" {
		t.Errorf("views on as %+v %v", f.Actor, err)
	}
	patch(t, s, s.TA.UserID, store.MemberPatch{Role: ptr(lms.RoleTA)})
	want(t, s.EndView(ctx, student), nil)
	if f, err := s.SessionByToken(ctx, session.TokenHash); err != nil || f.Actor.UserID != s.TA.UserID || f.Actor.Viewing != "" {
		t.Errorf("after the end %+v %v", f.Actor, err)
	}
	records, _, _, err := s.AuditRecords(ctx, store.AuditFilter{Action: "view."}, "", 0)
	if err != nil || len(records) != 2 || records[0].Actor != "tom" || records[1].Actor != "tom" {
		t.Errorf("recorded %+v %v", records, err)
	}
	// A second view has the same test student.
	want(t, s.StartView(ctx, ta, c), nil)
	if f, err := s.SessionByToken(ctx, session.TokenHash); err != nil || f.Actor.UserID != student.UserID {
		t.Errorf("another test student: %+v %v", f.Actor, err)
	}
	setState(t, s, lms.CourseUnpublished)
	wantKind(t, s.StartView(ctx, ta, c), lms.KindRule, "Publish it first")
}
