package store_test

import (
	"fmt"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// setState moves the course to a state.
func setState(t *testing.T, s *storetest.Site, state lms.CourseState) {
	t.Helper()
	c, err := s.Store.Course(t.Context(), s.Instructor, s.Course.ID)
	want(t, err, nil)
	c.State = state
	s.Course, err = s.UpdateCourse(t.Context(), s.Instructor, c)
	want(t, err, nil)
}

func TestCourses(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	_, err := s.CreateCourse(ctx, s.Alice, lms.Course{ID: "c-three", Code: "C", Title: "T", Zone: "UTC", State: lms.CoursePublished})
	want(t, err, lms.ErrForbidden)
	_, err = s.CreateCourse(ctx, s.Instructor, lms.Course{ID: s.Other.ID, Code: "C", Title: "T", Zone: "UTC", State: lms.CoursePublished})
	wantKind(t, err, lms.KindConflict, "exists")

	for name, c := range map[string]struct {
		actor lms.Actor
		err   error
	}{
		"member":   {s.Alice, nil},
		"admin":    {s.Admin, nil},
		"stranger": {s.Stranger, lms.ErrNotYourCourse},
		"nobody":   {lms.Actor{}, lms.ErrSignIn},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Store.Course(ctx, c.actor, s.Course.ID)
			want(t, err, c.err)
		})
	}
	mine, err := s.Courses(ctx, s.Alice)
	want(t, err, nil)
	all, err := s.Courses(ctx, s.Admin)
	want(t, err, nil)
	taught, err := s.Courses(ctx, s.Instructor)
	want(t, err, nil)
	if len(mine) != 1 || mine[0].MyRole != lms.RoleStudent || mine[0].Students != 0 || len(all) != 2 || taught[0].Students != 2 || taught[0].Members != 5 {
		t.Errorf("got %+v, %+v, %+v", mine, all, taught)
	}

	c := s.Course
	c.Title = "Renamed"
	_, err = s.UpdateCourse(ctx, s.TA, c)
	want(t, err, lms.ErrForbidden)
	_, err = s.UpdateCourse(ctx, s.Stranger, c)
	want(t, err, lms.ErrNotYourCourse)
	got, err := s.UpdateCourse(ctx, s.Instructor, c)
	want(t, err, nil)
	if got.Title != "Renamed" || got.Version != 2 {
		t.Errorf("got %+v", got)
	}
	_, err = s.UpdateCourse(ctx, s.Instructor, c)
	want(t, err, lms.ErrStale)
}

func TestCourseStates(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Post(t, "a1")
	for _, c := range []struct {
		state                     lms.CourseState
		studentReads, studentAsks error
		staffWrites               error
	}{
		{lms.CourseUnpublished, lms.ErrNotFound, lms.ErrNotFound, nil},
		{lms.CourseEnded, nil, lms.ErrCourseOver, lms.ErrCourseOver},
		{lms.CourseArchived, lms.ErrNotFound, lms.ErrNotFound, lms.ErrCourseOver},
		{lms.CoursePublished, nil, nil, nil},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			setState(t, s, c.state)
			_, err := s.Assignments(ctx, s.Alice, s.Course.ID)
			want(t, err, c.studentReads)
			_, err = s.Ask(ctx, s.Alice, lms.Question{ID: "q-" + string(c.state), CourseID: s.Course.ID, To: lms.ToStaff, Title: "?", Visibility: lms.VisibleStaff}, "")
			want(t, err, c.studentAsks)
			_, _, err = s.Submit(ctx, s.Alice, s.Course.ID, "a1", "s-"+string(c.state), "text", nil)
			want(t, err, c.studentAsks)
			_, err = s.CreateMaterial(ctx, s.TA, lms.Material{ID: "m-" + string(c.state), CourseID: s.Course.ID, Title: "T", Kind: lms.MaterialPage})
			want(t, err, c.staffWrites)
			_, err = s.Assignments(ctx, s.TA, s.Course.ID)
			want(t, err, nil)
		})
	}
}

func TestMembers(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	_, err := s.AddMember(ctx, s.Instructor, s.Course.ID, "nobody", lms.RoleStudent)
	wantKind(t, err, lms.KindRule, "no account")
	_, err = s.AddMember(ctx, s.Instructor, s.Course.ID, "ALICE", lms.RoleTA)
	wantKind(t, err, lms.KindConflict, "member already")
	_, err = s.AddMember(ctx, s.TA, s.Course.ID, "stan", lms.RoleStudent)
	want(t, err, lms.ErrForbidden)
	_, err = s.AddMember(ctx, s.Stranger, s.Course.ID, "stan", lms.RoleInstructor)
	want(t, err, lms.ErrNotYourCourse)

	seen, _, _, err := s.Members(ctx, s.Alice, s.Course.ID, store.MemberFilter{}, "", 0)
	want(t, err, nil)
	if len(seen) != 5 || seen[0].Role != lms.RoleInstructor || seen[0].Login != "" {
		t.Errorf("a student sees %+v", seen)
	}
	m, err := s.UpdateMember(ctx, s.Instructor, s.Course.ID, s.Bob.UserID, store.MemberPatch{Active: ptr(false)})
	want(t, err, nil)
	if m.Active || m.Role != lms.RoleStudent {
		t.Errorf("got %+v", m)
	}
	_, err = s.Store.Course(ctx, s.Bob, s.Course.ID)
	want(t, err, lms.ErrNotYourCourse)
	role, err := s.Role(ctx, s.Course.ID, s.Bob.UserID)
	want(t, err, nil)
	if role != "" {
		t.Errorf("a deactivated member has role %s", role)
	}
	seen, _, _, err = s.Members(ctx, s.Alice, s.Course.ID, store.MemberFilter{}, "", 0)
	want(t, err, nil)
	staff, _, _, err := s.Members(ctx, s.TA, s.Course.ID, store.MemberFilter{}, "", 0)
	want(t, err, nil)
	if len(seen) != 4 || len(staff) != 5 || staff[0].Login != "ines" {
		t.Errorf("students see %d, staff %+v", len(seen), staff)
	}
	_, err = s.UpdateMember(ctx, s.Instructor, s.Course.ID, s.Bob.UserID, store.MemberPatch{Active: ptr(true)})
	want(t, err, nil)

	_, err = s.UpdateMember(ctx, s.Instructor, s.Course.ID, s.Instructor.UserID, store.MemberPatch{Role: ptr(lms.RoleTA)})
	wantKind(t, err, lms.KindRule, "last active instructor")
	_, err = s.UpdateMember(ctx, s.Instructor, s.Course.ID, s.Instructor.UserID, store.MemberPatch{Active: ptr(false)})
	wantKind(t, err, lms.KindRule, "last active instructor")
	_, err = s.UpdateMember(ctx, s.Admin, s.Course.ID, s.TA.UserID, store.MemberPatch{Role: ptr(lms.RoleInstructor)})
	want(t, err, nil)
	_, err = s.UpdateMember(ctx, s.TA, s.Course.ID, s.Instructor.UserID, store.MemberPatch{Role: ptr(lms.RoleTA)})
	want(t, err, nil)
	_, err = s.UpdateMember(ctx, s.TA, s.Course.ID, s.Stranger.UserID, store.MemberPatch{Role: ptr(lms.RoleTA)})
	want(t, err, lms.ErrNotFound)
}

func TestInvites(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	invite := func(id, code string, maxUses int, expires time.Time) lms.Invite {
		i, err := s.CreateInvite(ctx, s.Instructor, lms.Invite{ID: id, CourseID: s.Course.ID, Code: code, Role: lms.RoleStudent, MaxUses: maxUses, ExpiresAt: expires})
		want(t, err, nil)
		return i
	}
	register := func(code, login string) error {
		u, err := s.Register(ctx, code, lms.User{ID: "u-" + login, Login: login, Name: login, Admin: true}, storetest.Password)
		if err == nil && u.Admin {
			t.Error("a form made an administrator")
		}
		return err
	}
	invite("i-two", "abcd-0123", 2, time.Now().Add(time.Hour))
	invite("i-off", "rrrr-rrrr", 0, time.Time{})
	_, err := s.RevokeInvite(ctx, s.Instructor, s.Course.ID, "i-off")
	want(t, err, nil)
	_, err = s.RevokeInvite(ctx, s.Stranger, s.Other.ID, "i-two")
	want(t, err, lms.ErrNotFound)
	_, err = s.CreateInvite(ctx, s.TA, lms.Invite{ID: "i-ta", CourseID: s.Course.ID, Role: lms.RoleStudent})
	want(t, err, lms.ErrForbidden)
	_, err = s.CreateInvite(ctx, s.Instructor, lms.Invite{ID: "i-old", CourseID: s.Course.ID, Role: lms.RoleStudent, ExpiresAt: time.Now().Add(-time.Hour)})
	wantKind(t, err, lms.KindRule, "expired already")
	if i := invite("i-auto", "", 0, time.Now().Add(300*time.Millisecond)); i.Code == "" {
		t.Error("no code was made")
	}

	want(t, register("zzzz-zzzz", "n1"), lms.ErrInviteUnknown)
	want(t, register("rrrr-rrrr", "n1"), lms.ErrInviteRevoked)
	_, _, err = s.InviteByCode(ctx, "rrrr-rrrr")
	want(t, err, lms.ErrInviteRevoked)
	wantKind(t, register("abcd-0123", "alice"), lms.KindConflict, "taken")
	i, c, err := s.InviteByCode(ctx, " ABCD oI23 ")
	want(t, err, nil)
	if i.Uses != 0 || c.ID != s.Course.ID {
		t.Errorf("got %+v %+v", i, c)
	}

	c, err = s.JoinCourse(ctx, s.Stranger, "abcd0123")
	want(t, err, nil)
	if c.MyRole != lms.RoleStudent {
		t.Errorf("joined as %+v", c)
	}
	_, err = s.JoinCourse(ctx, s.Stranger, "abcd0123")
	want(t, err, nil)
	if n := race(t, 6, lms.KindRule, func(i int) error { return register("abcd-0123", fmt.Sprint("new", i)) }); n != 1 {
		t.Errorf("%d of 6 used the last place", n)
	}
	want(t, register("abcd-0123", "late"), lms.ErrInviteUsedUp)
	_, err = s.JoinCourse(ctx, s.Stranger, "abcd0123") // a member already: no change, though the code is used up
	want(t, err, nil)
	invites, err := s.Invites(ctx, s.Course.ID)
	want(t, err, nil)
	for _, i := range invites {
		if i.ID == "i-two" && i.Uses != 2 {
			t.Errorf("counted %d uses", i.Uses)
		}
		if i.ID == "i-auto" {
			deadline := time.Now().Add(5 * time.Second)
			for time.Since(i.ExpiresAt) < 2*time.Millisecond && time.Now().Before(deadline) {
				_, err = s.KVPut(ctx, store.KVWrite{Key: "wait", Value: "for the stamp to pass"})
				want(t, err, nil)
			}
			want(t, register(i.Code, "later"), lms.ErrInviteExpired)
		}
	}
	_, err = s.UpdateMember(ctx, s.Instructor, s.Course.ID, s.Stranger.UserID, store.MemberPatch{Active: ptr(false)})
	want(t, err, nil)
	invite("i-last", "last-last", 0, time.Time{})
	_, err = s.JoinCourse(ctx, s.Stranger, "last-last")
	wantKind(t, err, lms.KindForbidden, "deactivated")
}
