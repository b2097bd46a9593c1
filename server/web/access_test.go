package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// roles are the columns of the access matrix. Each call has a session of its own, so that one that ends a session does
// not decide the next.
var roles = []struct {
	name  string
	actor lms.Actor // what lms.Can is asked; empty user: not signed in
	token func(*course) string
}{
	{"anonymous", lms.Actor{}, func(*course) string { return "" }},
	{"student", lms.Actor{Confirmed: true, UserID: "sue", Role: lms.RoleStudent}, session("sue")},
	{"classmate", lms.Actor{Confirmed: true, UserID: "sam", Role: lms.RoleStudent}, session("sam")},
	{"observer", lms.Actor{Confirmed: true, UserID: "obi", Role: lms.RoleObserver}, session("obi")},
	{"elsewhere", lms.Actor{Confirmed: true, UserID: "ned"}, session("ned")},
	{"ta", lms.Actor{Confirmed: true, UserID: "tom", Role: lms.RoleTA}, session("tom")},
	{"instructor", lms.Actor{Confirmed: true, UserID: "ina", Role: lms.RoleInstructor, MayCreateCourses: true}, session("ina")},
	{"instructor2", lms.Actor{Confirmed: true, UserID: "ira", MayCreateCourses: true}, session("ira")},
	{"admin", lms.Actor{UserID: "root", Admin: true, MayCreateCourses: true, Confirmed: true}, session("root")},
	{"unconfirmed", lms.Actor{UserID: "root", Admin: true, MayCreateCourses: true}, func(c *course) string { return c.unconfirmed("root") }},
	{"operator", lms.Actor{UserID: "operator", Admin: true, Confirmed: true}, func(c *course) string { return c.server.c.OperatorToken }},
	{"program", lms.Actor{UserID: "token/t", Scope: "t"}, func(c *course) string { return c.program }},
	{"disabled", lms.Actor{}, func(c *course) string { return c.disabled }},
	{"expired", lms.Actor{}, func(c *course) string { return c.expired }},
}

func session(user string) func(*course) string {
	return func(c *course) string { return c.token(user, time.Hour) }
}

// body is a request that would be in order, with fresh ids.
func (c *course) body(route string) any {
	id := lms.NewID()
	text := func(s string) *string { return &s }
	switch route {
	case "Setup":
		return api.SetupInput{Token: "wrong", Login: id, Name: "N", Password: testPassword}
	case "Register":
		return api.RegisterInput{Code: "wrong", Login: id, Name: "N", Password: testPassword}
	case "PreviewInvite", "JoinCourse":
		return api.CodeInput{Code: c.otherInvite.Code}
	case "SignIn":
		return api.SignInInput{Password: testPassword} // failures would be counted
	case "PreviewReset":
		return api.ResetTokenInput{Token: "wrong"}
	case "ResetPassword":
		return api.ResetInput{Token: "wrong", Password: testPassword}
	case "AskReset":
		return api.AskResetInput{Who: "nobody"}
	case "UpdateAccountSite":
		return lms.AccountSite{MinPassword: 8, Version: 99}
	case "ConfirmTwoStep":
		return api.CodeOfApp{Code: "000000"}
	case "AddPasskey":
		return api.PasskeyInput{PasskeyAnswer: api.PasskeyAnswer{Token: "wrong", Credential: "{}"}}
	case "RedeemTicket":
		return api.Ticket{Ticket: "wrong"}
	case "ConfirmSession":
		return api.ConfirmInput{} // failures would be counted
	case "ChangePassword":
		return api.PasswordInput{Old: "wrong", New: "short"}
	case "CreateUser":
		return api.CreateUserInput{ID: id, Login: id, Name: "N", Password: testPassword}
	case "UpdateUser":
		return api.UpdateUserInput{Version: 99, Name: text("N")}
	case "CreateCourse":
		return api.CourseInput{ID: id, Code: "X", Title: "Y", Zone: "UTC", State: lms.CoursePublished}
	case "UpdateCourse":
		return api.UpdateCourseInput{CourseInput: api.CourseInput{Code: "X", Title: "Y", Zone: "UTC", State: lms.CoursePublished}, Version: 99}
	case "AddMember":
		return api.AddMemberInput{Login: "nobody", Role: lms.RoleStudent}
	case "UpdateMember":
		role := lms.RoleStudent
		return api.UpdateMemberInput{Role: &role}
	case "CreateInvite":
		return api.CreateInviteInput{ID: id, Role: lms.RoleStudent}
	case "RegenerateInvite":
		return api.RegenerateInviteInput{ID: id}
	case "CreateSection":
		return api.SectionInput{ID: id, Title: "Monday " + id}
	case "UpdateSection":
		return api.UpdateSectionInput{Title: text("Tuesday"), Version: 99}
	case "OrderSections":
		return api.OrderSectionsInput{Sections: []string{"x9"}}
	case "AssignSection":
		return api.AssignSectionInput{Users: []string{"sam"}}
	case "PreviewRoster":
		return rosterOf("login,name\nsam,Sam\n")
	case "ApplyRoster":
		return api.ApplyRosterInput{RosterInput: rosterOf("login,name\nsam,Sam\n"), Token: strings.Repeat("0", 64)}
	case "PreviewClaim":
		return api.ClaimTokenInput{Token: "wrong"}
	case "Claim":
		return api.ClaimInput{Token: "wrong", Password: testPassword}
	case "SuspendNode":
		return api.SuspendNodeInput{Seconds: 1}
	case "DeclareFile":
		return fileOf("c1", "a.txt", "a")
	case "CreateMaterial":
		return api.MaterialInput{ID: id, Title: "T", Kind: lms.MaterialPage}
	case "UpdateMaterial":
		return api.UpdateMaterialInput{Version: 99, Title: text("T")}
	case "ImportCourse":
		return api.ImportInput{FileID: "f9"}
	case "OrderOutline":
		return api.OrderInput{Version: 99}
	case "CreateModule":
		return api.ModuleInput{ID: id, Title: "T"}
	case "UpdateModule":
		return api.UpdateModuleInput{Version: 99, Title: text("T")}
	case "CreateItem":
		return api.ItemInput{ID: id, Kind: lms.ItemHeader, Title: "T"}
	case "UpdateItem":
		return api.UpdateItemInput{Version: 99, Title: text("T")}
	case "UpdateEmbeds":
		return lms.EmbedSite{Hosts: []string{}, Version: 99}
	case "SaveMaterialDraft":
		return api.MaterialDraftInput{Title: "T"}
	case "ReplaceMaterialFile":
		return api.ReplaceFileInput{FileID: "f9", Version: 99}
	case "RestoreVersion":
		return api.RestoreVersionInput{Version: 99}
	case "CreateAssignment", "UpdateAssignment":
		a := api.AssignmentInput{ID: id, Title: "T", Points: 100, AllowText: true}
		if route == "UpdateAssignment" {
			return api.UpdateAssignmentInput{AssignmentInput: a, Version: 99}
		}
		return a
	case "PreviewAssignment":
		return api.UpdateAssignmentInput{AssignmentInput: api.AssignmentInput{ID: id, Title: "T", Points: 100, AllowText: true}, Version: 99}
	case "DuplicateAssignment":
		return api.DuplicateInput{ID: id}
	case "PreviewOverrides", "GrantOverrides":
		attempts := 0
		return api.OverridesInput{Targets: []string{"student/sam"}, IDs: []string{id}, MaxAttempts: &attempts}
	case "SetCourseLate", "PreviewCourseLate":
		return api.CourseLateInput{Version: 99}
	case "RequestExtension":
		return api.ExtensionInput{ID: id, Reason: "T"}
	case "Submit":
		return api.SubmitInput{ID: id, Text: "T"}
	case "SaveGrade":
		return api.GradeInput{Points: 100, Version: 99}
	case "UpdateMarking":
		return api.MarkingInput{Posting: lms.PostingManual, Version: 99}
	case "CreateRubric", "UpdateRubric":
		criteria := []lms.Criterion{{ID: "k1", Title: "T", Levels: []lms.CriterionLevel{{ID: "l1", Title: "T"}}}}
		if route == "UpdateRubric" {
			return api.UpdateRubricInput{Title: "T", Criteria: criteria, Version: 99}
		}
		return api.RubricInput{ID: id, Title: "T", Criteria: criteria}
	case "AddComment":
		return api.CommentInput{ID: id, Body: "T"}
	case "Annotate":
		return api.AnnotationInput{ID: id, Body: "T", Anchor: lms.Anchor{End: 1, Quote: "T"}}
	case "UpdateAnnotation":
		return api.UpdateAnnotationInput{Body: "T", Version: 99}
	case "PreviewFeedback":
		return api.FeedbackPath{File: "none"}
	case "ApplyFeedback":
		return api.FeedbackInput{ID: id, File: "none"}
	case "SetMark":
		return api.MarkInput{Mark: "5", Version: 99}
	case "SetBookSettings":
		return lms.BookSettings{Version: 99}
	case "CreateColumn":
		return api.ColumnInput{ID: id, Title: "T"}
	case "UpdateColumn":
		return api.UpdateColumnInput{ColumnInput: api.ColumnInput{Title: "T"}, Version: 99}
	case "PreviewImport":
		return api.PreviewImportInput{CSV: "Student,ID\n"}
	case "ApplyImport":
		return api.ApplyImportInput{ID: id, CSV: "Student,ID\n", Hash: "x"}
	case "SendNote":
		return api.NoteInput{ID: id, To: "sam", Body: "T"}
	case "AskQuestion":
		return api.QuestionInput{ID: id, To: lms.ToStaff, Title: "T", Visibility: lms.VisibleStaff}
	case "AddReply":
		return api.ReplyInput{ID: id, Body: "T"}
	case "SetQuestion":
		return api.SetQuestionInput{}
	case "UpdateTutorPolicy":
		p := lms.DefaultTutorPolicy("c1", "ira")
		p.Version = 99
		return p
	case "UpdateTutorItem":
		return lms.ItemPolicy{Version: 99}
	case "AcceptTutorNotice":
		return api.TutorNoticeInput{Notice: lms.TutorNotice}
	case "OutlineMaterial":
		return api.OutlineInput{ID: id}
	case "RateReply":
		return api.RateInput{Helpful: true}
	case "AskHuman":
		return api.AskHumanInput{ID: id}
	case "EndorseReply":
		return api.EndorseInput{Body: "Because.", Version: 99}
	case "UpdateTutorSite":
		return lms.TutorSite{Retention: 180, Version: 99}
	case "KVPut":
		return api.KVPutInput{Value: text("v")}
	case "KVCompareAndSet":
		return api.KVCompareInput{Value: text("v"), IfValue: text("v")}
	case "KVMultiGet":
		return api.KVMultiGetInput{Keys: []string{"k"}}
	case "KVMultiPut":
		return api.KVMultiPutInput{Entries: []api.KVEntry{{Key: "k", Value: text("v")}}}
	case "CreateAPIToken":
		return api.APITokenInput{ID: id, Name: "backup script"}
	}
	return struct{}{}
}

// fill puts the fixture's ids into a path. Archiving has a material of its own.
func (c *course) fill(r api.Route) string {
	values := map[string]string{"course": "c1", "user": "sam", "invite": c.invite.ID, "file": c.file.ID, "number": "0", "material": c.material,
		"assignment": c.assignment, "submission": c.submission, "question": c.question, "reply": c.tutorReply, "node": "n9", "name": "logs.txt", "backup": "b1", "key": "k", "token": "t9", "flag": "r9.abuse",
		"rubric": "r1", "comment": "m1", "annotation": "n1", "feedback": "fb1", "module": "d1", "item": "h1", "override": "o9", "section": "x9",
		"column": "b1", "import": "im9", "note": "no1", "session": "s9", "passkey": "pk9"}
	switch r.Name {
	case "DeleteModule", "RestoreModule":
		values["module"] = "d2"
	case "DeleteItem":
		values["item"] = "h9"
	case "DeleteMaterial", "RestoreMaterial":
		values["material"] = c.draft
	case "StopReply", "RetryReply", "StreamReply", "RateReply", "AskHuman", "EndorseReply", "WithdrawReply":
		values["question"] = c.toTutor
	}
	path := r.Path
	for name, v := range values {
		path = strings.ReplaceAll(path+"/", ":"+name+"/", v+"/")
		path = strings.TrimSuffix(path, "/")
	}
	if r.Name == "SearchCourse" {
		path += "?q=leader"
	}
	return path
}

// TestAccessMatrix calls every route as every role. What lms.Can refuses must be refused with its kind, what it lets
// pass must not be answered 401; the golden file shows what the objects' own rules add.
func TestAccessMatrix(t *testing.T) {
	c := newCourse(t, nil)
	c.expired = c.token("sue", -time.Minute)
	c.disabled = c.token("dis", time.Hour)
	c.disable("dis")
	c.program = call(c.site, "root", api.CreateAPIToken, api.APITokenInput{ID: "t", Name: "program"}).Secret
	call(c.site, "ina", api.CreateColumn, api.ColumnInput{Course: "c1", ID: "b1", Title: "Talk"})
	call(c.site, "ina", api.SendNote, api.NoteInput{Course: "c1", ID: "no1", To: "sue", Body: "Well done."})
	c.otherInvite = call(c.site, "ira", api.CreateInvite, api.CreateInviteInput{Course: "c2", ID: "i2", Role: lms.RoleStudent})

	var b strings.Builder
	fmt.Fprintf(&b, "%-16s", "")
	for _, role := range roles {
		fmt.Fprintf(&b, " %-11s", role.name)
	}
	b.WriteByte('\n')
	for _, r := range api.Routes() {
		fmt.Fprintf(&b, "%-16s", r.Name)
		c.server.limits.mu.Lock() // more calls without a session than one address has
		clear(c.server.limits.by)
		c.server.limits.mu.Unlock()
		for _, role := range roles {
			var body string
			if r.Writes() && r.Name != "PutChunk" {
				j, err := json.Marshal(c.body(r.Name))
				c.check(err)
				body = string(j)
			} else if r.Name == "PutChunk" {
				body = "My essay."
			}
			res := c.send(r.Method, c.fill(r), role.token(c), body)
			fmt.Fprintf(&b, " %-11d", res.status)
			if want := refusalStatus(lms.Can(role.actor, r.Access)); want != 0 && res.status != want {
				t.Errorf("%s as %s: %d, want %d", r.Name, role.name, res.status, want)
			} else if want == 0 && r.Access != lms.Public && res.status == http.StatusUnauthorized {
				t.Errorf("%s as %s: signed in, but 401", r.Name, role.name)
			}
			if res.status >= 500 {
				t.Errorf("%s as %s: %d %s", r.Name, role.name, res.status, res.body)
			}
			if res.status >= 400 && (res.error.Kind == "" || res.error.Message == "" || res.error.RequestID == "") {
				t.Errorf("%s as %s: refused with %q", r.Name, role.name, res.body)
			}
		}
		b.WriteByte('\n')
	}
	c.plainMatrix(&b)
	golden(t, "access.golden", []byte(trimLines(b.String())))
}

// plainMatrix adds the pages that work without scripts. Who is not signed in comes to the sign-in page.
func (c *course) plainMatrix(b *strings.Builder) {
	c.t.Helper()
	for _, p := range plainPages() {
		fmt.Fprintf(b, "%-16s", p.name)
		for _, role := range roles {
			var body, kind string
			if p.name == "PlainHandIn" {
				body, kind = multipartForm(c.t, formField{name: "id", value: lms.NewID()}, formField{name: "text", value: "T"})
			}
			res := c.send(p.method, c.fill(api.Route{Name: p.name, Path: p.path}), role.token(c), body, "Content-Type:"+kind, api.HeaderClient+":")
			fmt.Fprintf(b, " %-11d", res.status)
			want := refusalStatus(lms.Can(role.actor, p.access))
			if want == http.StatusUnauthorized && p.method == http.MethodGet {
				want = http.StatusSeeOther
			}
			if want != 0 && res.status != want || want == 0 && res.status == http.StatusUnauthorized || res.status >= 500 {
				c.t.Errorf("%s as %s: %d, want %d", p.name, role.name, res.status, want)
			}
		}
		b.WriteByte('\n')
	}
}

func refusalStatus(err error) int {
	if err == nil {
		return 0
	}
	return statuses[lms.KindOf(err)]
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

// siteRoutes are the routes outside of the endpoint table.
var siteRoutes = map[string]bool{"/api/v1/openapi.json": true, "/api/*": true, "/healthz": true, "/readyz": true, "/metrics": true, "/api/status": true, "/debug/pprof/*": true, "/favicon.ico": true,
	"/signin": true, "/robots.txt": true, "/sitemap.xml": true, "/ads.txt": true, "/web/*": true, "/*": true}

func TestEveryRouteIsInTheTable(t *testing.T) {
	s := newSite(t, nil)
	table := map[string]bool{}
	for _, r := range api.Routes() {
		table[r.Method+" "+r.Path] = true
	}
	for _, r := range s.server.echo.Routes() {
		if !table[r.Method+" "+r.Path] && !siteRoutes[r.Path] && !strings.HasPrefix(r.Path, plainRoot) { // these are in the goldens
			t.Errorf("%s %s is in no table", r.Method, r.Path)
		}
		delete(table, r.Method+" "+r.Path)
	}
	for key := range table {
		t.Errorf("%s is not mounted", key)
	}
}

// TestForeignObjects names objects of another course or member in the path of one's own course.
func TestForeignObjects(t *testing.T) {
	c := newCourse(t, nil)
	ned, sam := c.token("ned", time.Hour), c.token("sam", time.Hour)
	tests := []struct {
		name, method, path, token string
		status                    int
	}{
		{"material of a foreign course", "GET", "/api/v1/courses/c2/materials/m1", ned, 404},
		{"assignment of a foreign course", "GET", "/api/v1/courses/c2/assignments/a1", ned, 404},
		{"submission of a foreign course", "GET", "/api/v1/courses/c2/submissions/s1", ned, 404},
		{"question of a foreign course", "GET", "/api/v1/courses/c2/questions/q1", ned, 404},
		{"file of a foreign course", "GET", "/api/v1/courses/c2/files/" + c.file.ID + "/content", ned, 404},
		{"reply of another question", "GET", "/api/v1/courses/c1/questions/q1/replies/r2/stream", c.token("sue", time.Hour), 404},
		{"foreign course", "GET", "/api/v1/courses/c1/materials/m1", ned, 403},
		{"unknown course", "GET", "/api/v1/courses/nothing/materials/m1", ned, 403},
		{"unknown course, administrator", "GET", "/api/v1/courses/nothing/materials/m1", c.token("root", time.Hour), 404},
		{"no id at all", "GET", "/api/v1/courses/" + url.PathEscape("../x'") + "/materials", ned, 403},
		{"hidden material", "GET", "/api/v1/courses/c1/materials/m2", sam, 404},
		{"another's submission", "GET", "/api/v1/courses/c1/submissions/s1", sam, 403},
		{"another's receipt", "GET", "/api/v1/courses/c1/submissions/s1/receipt", sam, 403},
		{"another's file", "GET", "/api/v1/courses/c1/files/" + c.file.ID + "/content", sam, 403},
		{"another's question", "GET", "/api/v1/courses/c1/questions/q1", sam, 403},
		{"another's tutor answer", "GET", "/api/v1/courses/c1/questions/q2/replies/r2/stream", sam, 403},
		{"another's thread", "GET", "/api/v1/courses/c1/submissions/s1/comments", sam, 403},
		{"another's annotations", "GET", "/api/v1/courses/c1/submissions/s1/annotations", sam, 403},
		{"work of a foreign course as a zip", "GET", "/api/v1/courses/c2/submissions/s1/archive", ned, 403},
		{"thread of a foreign course", "GET", "/api/v1/courses/c2/submissions/s1/comments", ned, 404},
		{"another's chunk", "PUT", "/api/v1/courses/c1/files/" + c.file.ID + "/chunks/0", sam, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := ""
			if tt.method == "PUT" {
				body = "My essay."
			}
			if r := c.send(tt.method, tt.path, tt.token, body); r.status != tt.status {
				t.Errorf("%d %s, want %d", r.status, r.body, tt.status)
			}
		})
	}
}
