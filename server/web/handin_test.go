package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestRefusalsOfCourseWork holds what bad input gets, for each rule of assignments, late work, extensions and hand-in: the
// status, the code, the field, a part of the sentence, and that nothing has changed.
func TestRefusalsOfCourseWork(t *testing.T) {
	c := newCourse(t, nil)
	now := time.Now().UTC().Truncate(time.Second)
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	const closed, early, once, honour, web, paper, small = "closed", "early", "once", "honour", "web", "paper", "small"
	for id, change := range map[string]func(*api.AssignmentInput){
		closed: func(a *api.AssignmentInput) { a.DueAt, a.CutoffAt = now.Add(-48*time.Hour), now.Add(-24*time.Hour) },
		early:  func(a *api.AssignmentInput) { a.OpensAt = now.Add(time.Hour) },
		once:   func(a *api.AssignmentInput) { a.MaxAttempts = 1 },
		honour: func(a *api.AssignmentInput) { a.Honour = "Mine." },
		web:    func(a *api.AssignmentInput) { a.AllowText, a.AllowURL, a.MaxFiles = false, true, 0 },
		paper:  func(a *api.AssignmentInput) { a.AllowText, a.OnPaper, a.MaxFiles = false, true, 0 },
		small:  func(a *api.AssignmentInput) { a.MaxFiles, a.MaxFileSize, a.AllowedTypes = 1, 4, []string{".pdf"} },
	} {
		a := api.AssignmentInput{Course: "c1", ID: id, Title: id, Points: 100_00, AllowText: true, MaxFiles: 1, MaxFileSize: 1 << 20, Published: true,
			DueAt: now.Add(24 * time.Hour)}
		change(&a)
		call(c.site, "ina", api.CreateAssignment, a)
	}
	call(c.site, "sue", api.Submit, api.SubmitInput{Course: "c1", Assignment: once, ID: "s-once", Text: "x"})
	big := c.upload("sue", "c1", "big.pdf", "%PDF-1.4 and more")
	text := c.upload("sue", "c1", "note.txt", "abc")
	late := call(c.site, "ina", api.GetCourseLate, api.CoursePath{Course: "c1"})
	assignment := func(fields string) string {
		return `{"id":"a-bad","title":"T","description":"","points":100,"allowText":true,"maxFiles":0,"maxFileSize":0,"allowedTypes":[],"maxAttempts":0,"published":true` + fields + `}`
	}
	work := func(fields string) string { return `{"id":"s-bad"` + fields + `}` }
	dates := func(fields string) string { return `{"targets":["student/sue"],"ids":["o-bad"]` + fields + `}` }
	policy := func(fields string) string { return fmt.Sprintf(`{"version":%d,"policy":{%s}}`, late.Version, fields) }

	const base = "/api/v1/courses/c1/"
	for _, tt := range []struct {
		name, user, method, path, body string
		status                         int
		code                           lms.Kind
		field, message                 string
	}{
		{"no title", "ina", "POST", "assignments", strings.Replace(assignment(""), `"T"`, `" "`, 1), 422, lms.KindRule, "title", "fill in"},
		{"opens after due", "ina", "POST", "assignments", assignment(`,"opensAt":"` + at(time.Hour) + `","dueAt":"` + at(0) + `"`), 422, lms.KindRule, "opensAt", "opens after it is due"},
		{"due after cut-off", "ina", "POST", "assignments", assignment(`,"dueAt":"` + at(time.Hour) + `","cutoffAt":"` + at(0) + `"`), 422, lms.KindRule, "cutoffAt", "cut-off lies before the due date"},
		{"opens after cut-off", "ina", "POST", "assignments", assignment(`,"opensAt":"` + at(time.Hour) + `","cutoffAt":"` + at(0) + `"`), 422, lms.KindRule, "cutoffAt", "cut-off lies before the opening"},
		{"unknown grade type", "ina", "POST", "assignments", assignment(`,"gradeType":"stars"`), 422, lms.KindRule, "gradeType", "not a grade type"},
		{"unknown category", "ina", "POST", "assignments", assignment(`,"categoryId":"none"`), 422, lms.KindRule, "categoryId", "category"},
		{"paper and text", "ina", "POST", "assignments", assignment(`,"onPaper":true`), 422, lms.KindRule, "onPaper", "on paper"},
		{"drafts without a cut-off", "ina", "POST", "assignments", assignment(`,"handInDrafts":true`), 422, lms.KindRule, "handInDrafts", "there is none"},
		{"drafts with a statement", "ina", "POST", "assignments", assignment(`,"handInDrafts":true,"honour":"x","cutoffAt":"` + at(0) + `"`), 422, lms.KindRule, "handInDrafts", "statement"},
		{"a negative rate of its own", "ina", "POST", "assignments", assignment(`,"latePolicy":{"rate":-1,"floor":0}`), 422, lms.KindRule, "", "not a percentage"},
		{"a floor above 100 of its own", "ina", "POST", "assignments", assignment(`,"latePolicy":{"rate":1,"floor":101}`), 422, lms.KindRule, "late.floor", "between 0 and 100"},
		{"a zone as a date", "ina", "POST", "assignments", assignment(`,"dueAt":"tomorrow"`), 400, lms.KindInvalid, "", ""},

		{"a floor above 100", "ina", "PUT", "late", policy(`"rate":10,"floor":101`), 422, lms.KindRule, "late.floor", "between 0 and 100"},
		{"a rate above 100", "ina", "PUT", "late", policy(`"rate":101,"floor":0`), 422, lms.KindRule, "late.rate", "between 0 and 100"},
		{"missing above 100", "ina", "PUT", "late", policy(`"rate":1,"floor":0,"missing":100.01`), 422, lms.KindRule, "late.missing", "between 0 and 100"},
		{"an unknown interval", "ina", "PUT", "late", policy(`"rate":1,"floor":0,"interval":"week"`), 422, lms.KindRule, "late.interval", "by day or by hour"},
		{"a policy without its preview", "ina", "PUT", "late", policy(`"rate":0,"floor":0,"missing":100`), 409, lms.KindConflict, "preview", "preview first"},
		{"a policy with an old preview", "ina", "PUT", "late", strings.Replace(policy(`"rate":0,"floor":0,"missing":100`), "{", `{"preview":"ABC",`, 1), 409, lms.KindConflict, "preview", "since the preview"},
		{"a policy by a TA", "tom", "PUT", "late", policy(`"rate":0,"floor":0`), 403, lms.KindForbidden, "", ""},

		{"an extension before due", "ina", "POST", "assignments/once/overrides", dates(`,"dueAt":"` + at(time.Hour) + `"`), 422, lms.KindRule, "dueAt", "must end after the due date"},
		{"an extension that changes nothing", "ina", "POST", "assignments/once/overrides", dates(``), 422, lms.KindRule, "dueAt", "at least one"},
		{"negative attempts", "ina", "POST", "assignments/once/overrides", dates(`,"maxAttempts":-1`), 422, lms.KindRule, "maxAttempts", "negative"},
		{"an extension for nobody", "ina", "POST", "assignments/once/overrides", `{"targets":[],"ids":[],"maxAttempts":2}`, 422, lms.KindRule, "targets", "for whom"},
		{"an extension for a group", "ina", "POST", "assignments/once/overrides", strings.Replace(dates(`,"maxAttempts":2`), "student/", "group/", 1), 422, lms.KindRule, "target", "student or for a section"},
		{"an extension for staff", "ina", "POST", "assignments/once/overrides", strings.Replace(dates(`,"maxAttempts":2`), "/sue", "/tom", 1), 422, lms.KindRule, "targets", "not a student"},
		{"an extension by a TA", "tom", "POST", "assignments/once/overrides", dates(`,"maxAttempts":2`), 403, lms.KindForbidden, "", ""},
		{"an extension of nothing", "ina", "POST", "assignments/none/overrides", dates(`,"maxAttempts":2`), 404, lms.KindNotFound, "", ""},
		{"a request without a reason", "sue", "POST", "assignments/once/extension", `{"id":"q-bad","reason":" "}`, 422, lms.KindRule, "reason", "until when"},
		{"a request by a TA", "tom", "POST", "assignments/once/extension", `{"id":"q-bad","reason":"x"}`, 403, lms.KindForbidden, "", ""},

		{"nothing", "sue", "POST", "assignments/a1/submissions", work(``), 422, lms.KindRule, "text", "nothing to hand in"},
		{"before it opens", "sue", "POST", "assignments/early/submissions", work(`,"text":"x"`), 422, lms.KindRule, "", "not opened yet"},
		{"after the cut-off", "sue", "POST", "assignments/closed/submissions", work(`,"text":"x"`), 422, lms.KindRule, "", "The cut-off of this assignment was " + now.Add(-24*time.Hour).In(berlin(t)).Format("Mon 2 Jan 2006, 15:04 MST")},
		{"attempt N+1", "sue", "POST", "assignments/once/submissions", work(`,"text":"x"`), 422, lms.KindRule, "", "all attempts"},
		{"without the statement", "sue", "POST", "assignments/honour/submissions", work(`,"text":"x"`), 422, lms.KindRule, "honour", "tick it"},
		{"no web address", "sue", "POST", "assignments/web/submissions", work(`,"url":"javascript:alert(1)"`), 422, lms.KindRule, "url", "not a web address"},
		{"a web address with a password", "sue", "POST", "assignments/web/submissions", work(`,"url":"https://a:b@example.org"`), 422, lms.KindRule, "url", "not a web address"},
		{"a web address where none is asked for", "sue", "POST", "assignments/a1/submissions", work(`,"url":"https://example.org"`), 422, lms.KindRule, "url", "takes no web address"},
		{"on paper", "sue", "POST", "assignments/paper/submissions", work(`,"text":"x"`), 422, lms.KindRule, "", "on paper"},
		{"a file too large", "sue", "POST", "assignments/small/submissions", work(`,"files":["` + big.ID + `"]`), 413, lms.KindTooLarge, "files", "big.pdf has"},
		{"a type not taken", "sue", "POST", "assignments/small/submissions", work(`,"files":["` + text.ID + `"]`), 415, lms.KindUnsupported, "files", "note.txt is not of a type"},
		{"somebody else's file", "sam", "POST", "assignments/a1/submissions", work(`,"files":["` + text.ID + `"]`), 422, lms.KindRule, "files", "not uploaded by you"},
		{"an administrator", "root", "POST", "assignments/a1/submissions", work(`,"text":"x"`), 403, lms.KindForbidden, "", ""},
		{"a draft on paper", "sue", "PUT", "assignments/paper/draft", `{"text":"x","version":0}`, 422, lms.KindRule, "", "on paper"},
		{"a draft that is stale", "sue", "PUT", "assignments/a1/draft", `{"text":"x","version":7}`, 409, lms.KindConflict, "", "changed this meanwhile"},
		{"a draft before it opens", "sue", "PUT", "assignments/early/draft", `{"text":"x","version":0}`, 422, lms.KindRule, "", "not opened yet"},
		{"somebody else's attempt", "sam", "GET", "submissions/s1", ``, 403, lms.KindForbidden, "", ""},
		{"returning what is graded by a student", "sue", "POST", "submissions/s1/return", `{}`, 403, lms.KindForbidden, "", ""},
		{"deleting what holds work", "ina", "DELETE", "assignments/a1", ``, 409, lms.KindConflict, "assignment", "Archive it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := c.courseWork()
			r := c.send(tt.method, base+tt.path, c.token(tt.user, time.Hour), tt.body)
			if r.status != tt.status || r.error.Kind != tt.code || tt.field != "" && r.error.Field != tt.field || !strings.Contains(r.error.Message, tt.message) || r.error.RequestID == "" {
				t.Errorf("got %d %s", r.status, r.body)
			}
			if after := c.courseWork(); after != before {
				t.Errorf("it changed\n%s\nto\n%s", before, after)
			}
		})
	}
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// courseWork is what the instructor and a student see of a course, without what changes by itself.
func (c *course) courseWork() string {
	var all []any
	items := call(c.site, "ina", api.ListAssignments, api.CoursePath{Course: "c1"}).Items
	for _, a := range items {
		all = append(all, a, call(c.site, "ina", api.ListOverrides, api.AssignmentPath{Course: "c1", Assignment: a.ID}).Items,
			call(c.site, "ina", api.ListSubmissions, api.ListSubmissionsInput{Course: "c1", Assignment: a.ID}).Items)
		if a.ID != "early" {
			all = append(all, call(c.site, "sue", api.GetDraft, api.AssignmentPath{Course: "c1", Assignment: a.ID}))
		}
	}
	all = append(all, call(c.site, "ina", api.GetCourseLate, api.CoursePath{Course: "c1"}), call(c.site, "ina", api.ListQuestions, api.ListQuestionsInput{Course: "c1"}).Total)
	b, err := json.Marshal(all)
	c.check(err)
	return string(b)
}

func TestAnExtensionThroughTheAPI(t *testing.T) {
	c := newCourse(t, nil)
	now := time.Now().UTC().Truncate(time.Second)
	call(c.site, "ina", api.CreateAssignment, api.AssignmentInput{Course: "c1", ID: "late", Title: "Late", Points: 100_00, AllowText: true, Published: true,
		DueAt: now.Add(-time.Hour), CutoffAt: now.Add(-time.Minute)})
	in := api.SubmitInput{Course: "c1", Assignment: "late", ID: "s-late", Text: "x"}
	body, err := json.Marshal(in)
	c.check(err)
	if r := c.send("POST", "/api/v1/courses/c1/assignments/late/submissions", c.token("sue", time.Hour), string(body)); r.status != 422 {
		t.Fatalf("after the cut-off: %d %s", r.status, r.body)
	}
	q := call(c.site, "sue", api.RequestExtension, api.ExtensionInput{Course: "c1", Assignment: "late", ID: "q-late", Reason: "I was ill."})
	grant := api.OverridesInput{Course: "c1", Assignment: "late", Targets: []string{"student/sue", "student/sam"}, IDs: []string{"o-1", "o-2"}, DueAt: now.Add(time.Hour),
		Request: q.ID, ReplyID: "r-late", Message: "Get well soon."}
	p := call(c.site, "ina", api.PreviewOverrides, grant)
	if len(p.Changes) != 2 || !p.Changes[0].Old.Missing || p.Changes[0].New.Missing {
		t.Fatalf("the preview is %+v", p)
	}
	grant.Preview = p.Token
	if page := call(c.site, "ina", api.GrantOverrides, grant); page.Total != 2 {
		t.Errorf("granted %+v", page)
	}
	receipt := call(c.site, "sue", api.Submit, in)
	if receipt.Submission.LateSeconds != 0 || receipt.Submission.Attempt != 1 {
		t.Errorf("the receipt is %+v", receipt)
	}
	if home := call(c.site, "sue", api.GetHome, api.NoInput{}); len(home.News) != 1 || home.News[0].Kind != lms.NewsExtension || home.News[0].Zone != "Europe/Berlin" {
		t.Errorf("the student is told %+v", home.News)
	}
	var actions []string
	for _, r := range call(c.site, "root", api.ListAudit, api.AuditInput{Limit: 5}).Items {
		actions = append(actions, string(r.Action)+" "+r.Object+" "+r.Details["for"])
	}
	if !strings.Contains(strings.Join(actions, "\n"), "extension.grant assignment/late student/sue student/sam") {
		t.Errorf("the audit log has %q", actions)
	}
	if got := call(c.site, "sue", api.GetQuestion, api.QuestionPath{Course: "c1", Question: q.ID}); got.State != lms.QuestionResolved || len(got.Replies) != 1 {
		t.Errorf("the request is %+v", got)
	}
}
