package store_test

import (
	"fmt"
	"strings"
	"testing"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

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

func TestUndoRoster(t *testing.T) {
	s := storetest.New(t)
	ctx, c := t.Context(), s.Course.ID
	section(t, s, "x1", "Monday")
	s.Post(t, "a1")
	_, err := s.UndoRoster(ctx, s.Instructor, c)
	wantKind(t, err, lms.KindNotFound, "no import")
	state := func() string {
		members, _, _, err := s.Members(ctx, s.Instructor, c, store.MemberFilter{}, "", 0)
		want(t, err, nil)
		var b strings.Builder
		for _, m := range members {
			fmt.Fprintln(&b, m.Login, m.Role, m.Active, m.SectionID)
		}
		return b.String()
	}
	file := rows("alice|Alice||Monday|ta", "nora|Nora New||Tuesday", "stan|||Tuesday")
	apply := func() {
		t.Helper()
		plan, err := s.PreviewRoster(ctx, s.Instructor, c, file, true)
		want(t, err, nil)
		_, err = s.ApplyRoster(ctx, s.Instructor, c, file, true, plan.Token)
		want(t, err, nil)
	}
	before := state()
	apply()
	_, err = s.UndoRoster(ctx, s.TA, c)
	want(t, err, lms.ErrForbidden)
	r, err := s.UndoRoster(ctx, s.Instructor, c)
	want(t, err, nil)
	if after := state(); after != before || r.Changed != 2 || r.Dropped != 2 {
		t.Errorf("%+v: was\n%sis\n%s", r, before, after)
	}
	_, err = s.UndoRoster(ctx, s.Instructor, c)
	wantKind(t, err, lms.KindNotFound, "no import")

	// Work is never taken away with a member.
	apply()
	s.HandIn(t, s.Stranger, "a1", "ss", "Stan's")
	_, err = s.UndoRoster(ctx, s.Instructor, c)
	want(t, err, nil)
	if !strings.Contains(state(), "stan student false") || strings.Contains(state(), "nora") {
		t.Errorf("is\n%s", state())
	}
	apply()
	patch(t, s, s.Bob.UserID, store.MemberPatch{Active: ptr(true)})
	_, err = s.UndoRoster(ctx, s.Instructor, c)
	wantKind(t, err, lms.KindConflict, "changed since the import")
}
