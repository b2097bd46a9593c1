package store_test

import (
	"testing"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

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
