package web

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// rosterOf is a roster file as it is sent.
func rosterOf(text string) api.RosterInput {
	return api.RosterInput{Course: "c1", File: base64.StdEncoding.EncodeToString([]byte(text))}
}

// TestStudentView: one session is staff, then the test student, then staff again, on every path that a session has (ROLE-2).
func TestStudentView(t *testing.T) {
	c := newCourse(t, nil)
	tom := c.as("tom")
	s, err := api.Call(t.Context(), tom, api.StartView, api.CoursePath{Course: "c1"})
	c.check(err)
	if s.Viewing == nil || s.Viewing.By != "tom" || s.Viewing.CourseID != "c1" || s.User.ID == "tom" || s.User.Admin || len(s.Courses) != 1 || s.Courses[0].MyRole != lms.RoleStudent {
		t.Fatalf("viewing as %+v", s)
	}
	if again, err := api.Call(t.Context(), tom, api.CurrentSession, api.NoInput{}); err != nil || again.Viewing == nil || again.User.ID != s.User.ID {
		t.Errorf("the session is %+v %v", again, err)
	}
	_, err = api.Call(t.Context(), tom, api.ListSubmissions, api.ListSubmissionsInput{Course: "c1", Assignment: "a1"})
	if !errors.Is(err, lms.ErrForbidden) {
		t.Errorf("the test student lists submissions: %v", err)
	}
	_, err = api.Call(t.Context(), tom, api.GetSubmission, api.SubmissionPath{Course: "c1", Submission: "s1"})
	if !errors.Is(err, lms.ErrNotYours) {
		t.Errorf("the test student reads another's work: %v", err)
	}
	for name, err := range map[string]error{
		"password": second(api.Call(t.Context(), tom, api.ChangePassword, api.PasswordInput{Old: testPassword, New: testPassword + "2"})),
		"confirm":  second(api.Call(t.Context(), tom, api.ConfirmSession, api.ConfirmInput{Password: testPassword})),
		"join":     second(api.Call(t.Context(), tom, api.JoinCourse, api.CodeInput{Code: c.invite.Code})),
		"again":    second(api.Call(t.Context(), tom, api.StartView, api.CoursePath{Course: "c1"})),
	} {
		if lms.KindOf(err) != lms.KindForbidden {
			t.Errorf("%s in the student view: %v", name, err)
		}
	}
	c.check(second(api.Call(t.Context(), tom, api.Submit, api.SubmitInput{Course: "c1", Assignment: "a1", ID: "sv", Text: "Tried."})))
	c.check(second(api.Call(t.Context(), tom, api.AskQuestion, api.QuestionInput{Course: "c1", ID: "qv", To: lms.ToStaff, Title: "Tried?", Visibility: lms.VisibleCourse})))
	if n := call(c.site, "ina", api.ListSubmissions, api.ListSubmissionsInput{Course: "c1", Assignment: "a1"}).Total; n != 1 {
		t.Errorf("%d submissions are listed", n)
	}

	// The hand-over to another node keeps the view.
	ticket, err := api.Call(t.Context(), tom, api.IssueTicket, api.NoInput{})
	c.check(err)
	moved := call(c.site, "", api.RedeemTicket, ticket)
	if moved.Viewing == nil || moved.User.ID != s.User.ID {
		t.Errorf("on another node the session is %+v", moved)
	}
	other := api.NewClient(c.base, api.WithBearer(moved.Token))
	ended, err := api.Call(t.Context(), other, api.EndView, api.NoInput{})
	c.check(err)
	if ended.Viewing != nil || ended.User.ID != "tom" {
		t.Errorf("after the end the session is %+v", ended)
	}
	if back, err := api.Call(t.Context(), tom, api.CurrentSession, api.NoInput{}); err != nil || back.User.ID != "tom" {
		t.Errorf("the session is %+v %v", back, err)
	}
	records := call(c.site, "root", api.ListAudit, api.AuditInput{AuditFilter: api.AuditFilter{Action: "view."}})
	if len(records.Items) != 2 || records.Items[0].Actor != "tom" || records.Items[1].Object != "course/c1" {
		t.Errorf("recorded %+v", records.Items)
	}
	refused(c.site, "root", api.UpdateUser, api.UpdateUserInput{User: s.User.ID, Version: 1, Password: &[]string{testPassword}[0]}, lms.KindNotFound)
}

func second[T any](_ T, err error) error { return err }

func TestRosterImport(t *testing.T) {
	c := newCourse(t, nil)
	e := refused(c.site, "ina", api.PreviewRoster, rosterOf("login,name\nsue,S\xfce\n"), lms.KindRule)
	if e.Field != "file" || !strings.Contains(e.Message, "Line 2, byte 6") {
		t.Errorf("refused with %+v", e)
	}
	refused(c.site, "ina", api.PreviewRoster, rosterOf(strings.Repeat("x", lms.MaxRosterBytes+3)), lms.KindTooLarge)
	refused(c.site, "ina", api.PreviewRoster, api.RosterInput{Course: "c1", File: "§"}, lms.KindInvalid)

	in := rosterOf("login;name;section;password\nsue;;Monday;secret-word\nnora;Nora New;Monday;secret-word\n")
	plan := call(c.site, "ina", api.PreviewRoster, in)
	if len(plan.Columns) != 4 || plan.Columns[3].Field != "" || len(plan.Adds) != 1 || len(plan.Changes) != 1 || plan.NewAccounts != 1 {
		t.Fatalf("planned %+v", plan)
	}
	r := call(c.site, "ina", api.ApplyRoster, api.ApplyRosterInput{RosterInput: in, Token: plan.Token})
	if r.Added != 1 || r.Changed != 1 || r.NewSections != 1 {
		t.Errorf("applied %+v", r)
	}
	refused(c.site, "ina", api.ApplyRoster, api.ApplyRosterInput{RosterInput: in, Token: plan.Token}, lms.KindConflict)
	if plan = call(c.site, "ina", api.PreviewRoster, in); plan.Same != 2 || len(plan.Adds)+len(plan.Changes) != 0 {
		t.Errorf("again %+v", plan)
	}

	// Without the link nobody signs in, with it exactly once.
	refused(c.site, "", api.SignIn, api.SignInInput{Login: "nora", Password: "secret-word", Bearer: true}, lms.KindSignIn)
	links := call(c.site, "ina", api.IssueClaims, api.IssueClaimsInput{Course: "c1"})
	if len(links.Items) != 1 || links.Items[0].Login != "nora" {
		t.Fatalf("links %+v", links.Items)
	}
	token := links.Items[0].Token
	if p := call(c.site, "", api.PreviewClaim, api.ClaimTokenInput{Token: token}); p.Name != "Nora New" || p.CourseTitle != "Course c1" {
		t.Errorf("preview %+v", p)
	}
	refused(c.site, "", api.Claim, api.ClaimInput{Token: token, Password: "password"}, lms.KindRule)
	s := call(c.site, "", api.Claim, api.ClaimInput{Token: token, Password: testPassword, Bearer: true})
	if s.User.Login != "nora" || s.Token == "" || len(s.Courses) != 1 {
		t.Errorf("claimed %+v", s)
	}
	refused(c.site, "", api.Claim, api.ClaimInput{Token: token, Password: testPassword}, lms.KindForbidden)
	call(c.site, "", api.SignIn, api.SignInInput{Login: "nora", Password: testPassword, Bearer: true})
	for _, secret := range []string{token, "secret-word"} {
		records := call(c.site, "root", api.ListAudit, api.AuditInput{AuditFilter: api.AuditFilter{Query: secret}})
		if records.Total != 0 {
			t.Errorf("the audit log holds a secret: %+v", records.Items)
		}
	}
}

// TestLimitedAssistant: the sections of a TA count on every path to the work of a student (ROLE-1).
func TestLimitedAssistant(t *testing.T) {
	c := newCourse(t, nil)
	call(c.site, "ina", api.CreateSection, api.SectionInput{Course: "c1", ID: "x1", Title: "Monday"})
	call(c.site, "ina", api.AssignSection, api.AssignSectionInput{Course: "c1", Section: "x1", Users: []string{"sam"}})
	call(c.site, "ina", api.UpdateMember, api.UpdateMemberInput{Course: "c1", User: "tom", Sections: &[]string{"x1"}})
	tom := c.token("tom", time.Hour)
	for _, path := range []string{"/submissions/s1", "/submissions/s1/receipt", "/submissions/s1/attempts", "/files/" + c.file.ID, "/files/" + c.file.ID + "/content"} {
		if r := c.send("GET", "/api/v1/courses/c1"+path, tom, ""); r.status != 403 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := c.send("PUT", "/api/v1/courses/c1/submissions/s1/grade", tom, `{"points":1,"feedback":"","version":0}`); r.status != 403 {
		t.Errorf("grading: %d %s", r.status, r.body)
	}
	if n := call(c.site, "tom", api.ListSubmissions, api.ListSubmissionsInput{Course: "c1", Assignment: "a1"}).Total; n != 0 {
		t.Errorf("%d submissions are listed", n)
	}
	for _, m := range call(c.site, "tom", api.ListMembers, api.ListMembersInput{Course: "c1", Role: lms.RoleStudent}).Items {
		if m.UserID != "sam" {
			t.Errorf("lists %s", m.UserID)
		}
	}
	// What is part of the course stays readable, whoever has uploaded it.
	f := c.upload("ina", "c1", "slides.txt", "Slides.")
	call(c.site, "ina", api.CreateMaterial, api.MaterialInput{Course: "c1", ID: "m9", Title: "Slides", Kind: lms.MaterialFile, FileID: f.ID})
	if r := c.send("GET", "/api/v1/courses/c1/files/"+f.ID+"/content", tom, ""); r.status != 200 {
		t.Errorf("a draft's file: %d %s", r.status, r.body)
	}
	call(c.site, "ina", api.AssignSection, api.AssignSectionInput{Course: "c1", Section: "x1", Users: []string{"sue"}})
	if r := c.send("GET", "/api/v1/courses/c1/submissions/s1", tom, ""); r.status != 200 {
		t.Errorf("the own section: %d %s", r.status, r.body)
	}
	e := refused(c.site, "ina", api.DeleteSection, api.SectionPath{Course: "c1", Section: "x1"}, lms.KindConflict)
	if !strings.Contains(e.Message, "2 members") || !strings.Contains(e.Message, "Archive it instead") {
		t.Errorf("refused with %q", e.Message)
	}
}
