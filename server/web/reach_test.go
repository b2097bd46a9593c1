package web

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// reachRow is what a TA gets who is limited to another section than the student that the request is about.
type reachRow struct {
	kind   reachKind
	bodies []string // of a write, each a request of its own; none: as in the access matrix
	query  []string // of a read, each a request of its own
}

type reachKind string

const (
	outOfReach reachKind = "refused"           // 403
	noTrace    reachKind = "without a trace"   // answered, or refused otherwise, with nothing of the student in it
	ofCourse   reachKind = "is about no work"  // what belongs to the course or to its staff
	ofOneself  reachKind = "is about oneself"  // the own account, files and notes
	ofTalk     reachKind = "is a conversation" // questions, answers of the tutor and alerts go to all staff
)

// reachTable has a row for every endpoint that a TA passes.
var reachTable = map[string]reachRow{
	"ListSubmissions": {kind: noTrace, query: []string{"", "?filter=ungraded", "?filter=needs", "?filter=unposted", "?filter=late", "?filter=missing", "?filter=extension", "?filter=resubmitted"}},
	"CountWork":       {kind: noTrace}, "MySubmissions": {kind: noTrace}, "ListAssignments": {kind: noTrace}, "GetAssignment": {kind: noTrace},
	"GetSubmission": {kind: outOfReach}, "ListAttempts": {kind: outOfReach}, "GetReceipt": {kind: outOfReach},
	"ReturnAttempt": {kind: outOfReach}, "ChooseAttempt": {kind: outOfReach, bodies: []string{`{"chosen":true}`, `{"chosen":false}`}},
	"SaveGrade":       {kind: outOfReach, bodies: []string{`{"points":100,"feedback":"x","version":1}`, `{"grade":"","feedback":"x","version":1}`, `{"points":100,"version":1,"draft":true}`}},
	"ListGradeChange": {kind: outOfReach},
	"ListComments":    {kind: outOfReach}, "AddComment": {kind: outOfReach}, "DeleteComment": {kind: outOfReach}, "RestoreComment": {kind: outOfReach},
	"ListAnnotations": {kind: outOfReach}, "Annotate": {kind: outOfReach}, "UpdateAnnotation": {kind: outOfReach, bodies: []string{`{"body":"x","version":1}`}},
	"DeleteAnnotation": {kind: outOfReach}, "RestoreAnnotation": {kind: outOfReach},
	"ArchiveWork": {kind: noTrace}, "ArchiveOne": {kind: outOfReach}, "UndoFeedback": {kind: outOfReach},
	"PreviewFeedback": {kind: noTrace}, "ApplyFeedback": {kind: noTrace}, // TestReachOfFeedback
	"GetFile": {kind: outOfReach}, "FileContent": {kind: outOfReach}, "MissingChunks": {kind: outOfReach}, "PutChunk": {kind: outOfReach, bodies: []string{"My essay."}},
	"CompleteFile": {kind: outOfReach},

	"GetGradebook":     {kind: noTrace, query: []string{"", "?section=x2"}},
	"ExportGradebook":  {kind: noTrace, query: []string{"", "?section=x2"}},
	"GetStudentGrades": {kind: outOfReach}, "GetBookCell": {kind: outOfReach},
	"SetMark":       {kind: outOfReach, bodies: []string{`{"mark":"5","version":1}`, `{"mark":"EX","version":1}`, `{"mark":"","version":1}`}},
	"GetStatistics": {kind: noTrace}, "ListImports": {kind: noTrace},

	"ListMembers": {kind: noTrace, query: []string{"", "?q=sue", "?section=x2", "?role=student", "?role=observer"}},
	"ListChoices": {kind: noTrace}, "ListOverrides": {kind: noTrace}, "GetHome": {kind: noTrace, query: []string{""}},
	"SendNote": {kind: outOfReach, bodies: []string{`{"id":"no9","to":"sue","body":"T"}`}},

	// These two are answered, and change nothing of the student; named, they are refused: TestReachOfPosting.
	"PostGrades": {kind: outOfReach, bodies: []string{`{"submissions":["s1"]}`, `{"everyone":true}`}},
	"HideGrades": {kind: outOfReach, bodies: []string{`{"submissions":["s1"]}`}},
	"PostColumn": {kind: outOfReach, bodies: []string{`{"users":["sue"]}`, `{"users":["sue"],"hide":true}`, `{"users":["sam","sue"]}`}},

	"ListNotes": {kind: ofOneself}, "GetNote": {kind: ofOneself}, "DeclareFile": {kind: ofOneself}, "CurrentSession": {kind: ofOneself}, "SignOut": {kind: ofOneself},
	"IssueTicket": {kind: ofOneself}, "ChangePassword": {kind: ofOneself}, "ConfirmSession": {kind: ofOneself}, "ListSessions": {kind: ofOneself}, "EndSession": {kind: ofOneself},
	"EndOtherSessions": {kind: ofOneself}, "GetTwoStep": {kind: ofOneself}, "BeginTwoStep": {kind: ofOneself}, "ConfirmTwoStep": {kind: ofOneself}, "EndTwoStep": {kind: ofOneself},
	"BeginPasskey": {kind: ofOneself}, "AddPasskey": {kind: ofOneself}, "RemovePasskey": {kind: ofOneself},
	"MakeRecoveryCodes": {kind: ofOneself}, "JoinCourse": {kind: ofOneself}, "StartView": {kind: ofOneself}, "EndView": {kind: ofOneself}, "AcceptTutorNotice": {kind: ofOneself},
	"SetTutorChoice": {kind: ofOneself}, "Events": {kind: ofOneself},

	"ListCourses": {kind: ofCourse}, "GetCourse": {kind: ofCourse}, "ListSections": {kind: ofCourse}, "GetCluster": {kind: ofCourse},
	"ListMaterials": {kind: ofCourse}, "CreateMaterial": {kind: ofCourse}, "GetMaterial": {kind: ofCourse}, "UpdateMaterial": {kind: ofCourse}, "DeleteMaterial": {kind: ofCourse},
	"RestoreMaterial": {kind: ofCourse}, "ListPassages": {kind: ofCourse}, "GetOutline": {kind: ofCourse}, "OrderOutline": {kind: ofCourse}, "CreateModule": {kind: ofCourse},
	"UpdateModule": {kind: ofCourse}, "DeleteModule": {kind: ofCourse}, "RestoreModule": {kind: ofCourse}, "CreateItem": {kind: ofCourse}, "UpdateItem": {kind: ofCourse},
	"DeleteItem": {kind: ofCourse}, "SaveMaterialDraft": {kind: ofCourse}, "GetMaterialDraft": {kind: ofCourse}, "DiscardMaterialDraft": {kind: ofCourse},
	"ReplaceMaterialFile": {kind: ofCourse}, "ListMaterialVersions": {kind: ofCourse}, "GetMaterialVersion": {kind: ofCourse}, "RestoreVersion": {kind: ofCourse},
	"GetCourseLate": {kind: ofCourse}, "GetMarking": {kind: ofCourse}, "GetBookSettings": {kind: ofCourse}, "OutlineMaterial": {kind: ofCourse}, "MaterialCaptions": {kind: ofCourse}, "GetEmbeds": {kind: ofCourse},
	"ListRubrics": {kind: ofCourse}, "CreateRubric": {kind: ofCourse}, "GetRubric": {kind: ofCourse}, "UpdateRubric": {kind: ofCourse}, "DeleteRubric": {kind: ofCourse},
	"RestoreRubric": {kind: ofCourse}, "TutorInfo": {kind: ofCourse}, "GetTutorPolicy": {kind: ofCourse}, "GetTutorItem": {kind: ofCourse}, "GetTutorGaps": {kind: ofCourse},
	"ExportTutorGaps": {kind: ofCourse},

	"SearchCourse": {kind: ofTalk}, "ListQuestions": {kind: ofTalk}, "AskQuestion": {kind: ofTalk}, "GetQuestion": {kind: ofTalk}, "AddReply": {kind: ofTalk}, "SetQuestion": {kind: ofTalk}, "StopReply": {kind: ofTalk},
	"RetryReply": {kind: ofTalk}, "StreamReply": {kind: ofTalk}, "RateReply": {kind: ofTalk}, "AskHuman": {kind: ofTalk}, "EndorseReply": {kind: ofTalk}, "WithdrawReply": {kind: ofTalk},
	"ListEndorsed": {kind: ofTalk}, "ListTutorFlags": {kind: ofTalk}, "SeeTutorFlag": {kind: ofTalk}, "ListConversations": {kind: ofTalk}, "ExportConversations": {kind: ofTalk},
	"EraseConversation": {kind: ofTalk},
}

// newReach is newCourse with two sections: tom looks after sam's, and sue, who is in the other one, has everything that a
// student can have.
func newReach(t *testing.T) *course {
	t.Helper()
	c := newCourse(t, nil)
	for section, user := range map[string]string{"x1": "sam", "x2": "sue"} {
		call(c.site, "ina", api.CreateSection, api.SectionInput{Course: "c1", ID: section, Title: "Section " + section})
		call(c.site, "ina", api.AssignSection, api.AssignSectionInput{Course: "c1", Section: section, Users: []string{user}})
	}
	call(c.site, "ina", api.UpdateMember, api.UpdateMemberInput{Course: "c1", User: "tom", Sections: &[]string{"x1"}})
	sue := "sue"
	call(c.site, "ina", api.UpdateMember, api.UpdateMemberInput{Course: "c1", User: "obi", Linked: &sue})
	s1 := api.SubmissionPath{Course: "c1", Submission: "s1"}
	call(c.site, "ina", api.SaveGrade, api.GradeInput{Course: "c1", Submission: "s1", Points: 7_00, Feedback: "canaryfeedback"})
	call(c.site, "sue", api.AddComment, api.CommentInput{Course: "c1", Submission: "s1", ID: "m1", Body: "canarycomment"})
	call(c.site, "ina", api.Annotate, api.AnnotationInput{Course: "c1", Submission: "s1", ID: "n1", Body: "canaryremark", Anchor: lms.Anchor{End: 1, Quote: "H"}})
	up := c.upload("ina", "c1", "marked.zip", string(zipOf(t, [2]string{"sue_1_essay.txt", "canarymarked"})))
	call(c.site, "ina", api.ApplyFeedback, api.FeedbackInput{Course: "c1", Assignment: "a1", ID: "fb1", File: up.ID, Matched: 1})
	call(c.site, "ina", api.PostGrades, api.PostGradesInput{Course: "c1", Assignment: "a1"})
	call(c.site, "ina", api.SaveGrade, api.GradeInput{Course: "c1", Submission: "s1", Points: 8_00, Feedback: "canaryfeedback", Version: 1})
	attempts := 3
	call(c.site, "ina", api.GrantOverrides, api.OverridesInput{Course: "c1", Assignment: "a1", Targets: []string{"student/sue"}, IDs: []string{"o9"}, MaxAttempts: &attempts})
	call(c.site, "ina", api.CreateColumn, api.ColumnInput{Course: "c1", ID: "b1", Title: "Talk", Points: 10_00, Published: true})
	call(c.site, "ina", api.SetMark, api.MarkInput{Course: "c1", Column: "b1", User: "sue", Mark: "9.75"})
	call(c.site, "ina", api.CreateAssignment, api.AssignmentInput{Course: "c1", ID: "a2", Title: "Overdue", Points: 1000, AllowText: true, Published: true,
		DueAt: time.Now().Add(-time.Hour)})
	call(c.site, "sam", api.Submit, api.SubmitInput{Course: "c1", Assignment: "a1", ID: "s9", Text: "Other."})
	resolved := lms.QuestionResolved // it would be in the queue of all staff
	call(c.site, "ina", api.SetQuestion, api.SetQuestionInput{Course: "c1", Question: "q1", State: &resolved})
	if n := len(call(c.site, "ina", api.ListComments, s1).Items); n != 2 {
		t.Fatalf("%d comments", n)
	}
	return c
}

// traces of sue and her work. Her names stand alone, so that "issue" is none.
var tracesOfSue = regexp.MustCompile(`(?i)\bsue\b|sue_1|\bs1\b|essay\.txt|canary|My essay|Here\.|\b9\.75\b|\bo9\b`)

// aboutSue is what an instructor reads about sue.
func (c *course) aboutSue() string {
	c.t.Helper()
	var b strings.Builder
	ina := c.token("ina", time.Hour)
	for _, path := range []string{"/submissions/s1", "/submissions/s1/attempts", "/submissions/s1/comments", "/submissions/s1/annotations", "/submissions/s1/grade/history",
		"/gradebook/columns/a1/cells/sue", "/gradebook/columns/b1/cells/sue", "/gradebook/students/sue", "/assignments/a1/overrides", "/members?role=student", "/files/" + c.file.ID} {
		r := c.send("GET", "/api/v1/courses/c1"+path, ina, "")
		if r.status != 200 {
			c.t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		b.WriteString(r.body + "\n")
	}
	r := c.send("GET", "/api/v1/courses/c1/submissions/s1", c.token("sue", time.Hour), "")
	return b.String() + r.body
}

// TestReach walks the endpoint table as a TA who is limited to another section (ROLE-1). An endpoint without a row fails.
func TestReach(t *testing.T) {
	c := newReach(t)
	actor := lms.Actor{UserID: "tom", Role: lms.RoleTA, Confirmed: true}
	before := c.aboutSue()
	known := map[string]bool{}
	for _, r := range api.Routes() {
		row, listed := reachTable[r.Name]
		known[r.Name] = true
		if passes := r.Access != lms.Public && lms.Can(actor, r.Access) == nil; passes != listed {
			t.Errorf("%s (%s): in the table %v, want %v", r.Name, r.Access, listed, passes)
		}
		if row.kind != outOfReach && row.kind != noTrace {
			continue
		}
		for _, send := range c.reachRequests(r, row) {
			res := c.send(r.Method, send[0], c.token("tom", time.Hour), send[1])
			switch {
			case row.kind == outOfReach && res.status != 403:
				t.Errorf("%s %s: %d %.300s, want 403", r.Name, send[1], res.status, res.body)
			case res.status >= 500:
				t.Errorf("%s %s: %d %s", r.Name, send[1], res.status, res.body)
			}
			if found := tracesOfSue.FindString(res.body); found != "" {
				t.Errorf("%s %s tells %q: %.600s", r.Name, send[0], found, res.body)
			}
			if name := res.header.Get("Content-Disposition"); tracesOfSue.MatchString(name) {
				t.Errorf("%s is called %s", r.Name, name)
			}
		}
	}
	for name := range reachTable {
		if !known[name] {
			t.Errorf("%s is no endpoint", name)
		}
	}
	if after := c.aboutSue(); after != before {
		t.Errorf("something of hers was changed (-before +after)\n%s", firstDifference([]byte(before), []byte(after)))
	}
	if seen := c.send("GET", "/api/v1/courses/c1/submissions/s1", c.token("ina", time.Hour), ""); !tracesOfSue.MatchString(seen.body) {
		t.Error("the instrument is blind: an instructor's answer has no trace either")
	}
}

// reachRequests are the paths and bodies of a row's requests, all about sue.
func (c *course) reachRequests(r api.Route, row reachRow) (list [][2]string) {
	c.t.Helper()
	path := strings.Replace(strings.Replace(c.fill(r), "/students/sam", "/students/sue", 1), "/cells/sam", "/cells/sue", 1)
	for _, q := range row.query {
		list = append(list, [2]string{path + q, ""})
		if r.Name == "ListSubmissions" {
			list = append(list, [2]string{strings.Replace(path, "a1", "a2", 1) + q, ""})
		}
	}
	for _, body := range row.bodies {
		list = append(list, [2]string{path, body})
	}
	switch {
	case len(list) > 0:
	case r.Writes():
		body, err := json.Marshal(c.body(r.Name))
		c.check(err)
		list = append(list, [2]string{path, string(body)})
	default:
		list = append(list, [2]string{path, ""})
	}
	return list
}

// TestReachOfPosting: without names, posting and hiding are about the own sections.
func TestReachOfPosting(t *testing.T) {
	c := newReach(t)
	call(c.site, "tom", api.SaveGrade, api.GradeInput{Course: "c1", Submission: "s9", Points: 5_00})
	before := c.aboutSue()
	sam := api.AssignmentPath{Course: "c1", Assignment: "a1"}
	if n := call(c.site, "tom", api.PostGrades, api.PostGradesInput{Course: "c1", Assignment: "a1"}).Posted; n != 1 {
		t.Errorf("posted %d", n)
	}
	call(c.site, "tom", api.PostGrades, api.PostGradesInput{Course: "c1", Assignment: "a1", Section: "x2"})
	for _, column := range []string{"a1", "b1", lms.TotalColumn} {
		call(c.site, "tom", api.PostColumn, api.PostColumnInput{Course: "c1", Column: column})
	}
	if g := call(c.site, "sam", api.MySubmissions, sam).Items[0].Grade; g == nil {
		t.Error("sam sees no grade")
	}
	for _, section := range []string{"", "x2"} {
		call(c.site, "tom", api.HideGrades, api.HideGradesInput{Course: "c1", Assignment: "a1", Section: section})
	}
	for _, column := range []string{"a1", "b1", lms.TotalColumn} {
		call(c.site, "tom", api.PostColumn, api.PostColumnInput{Course: "c1", Column: column, Hide: true})
	}
	if g := call(c.site, "sam", api.MySubmissions, sam).Items[0].Grade; g != nil {
		t.Error("sam sees a hidden grade")
	}
	if after := c.aboutSue(); after != before {
		t.Errorf("something of hers was changed (-before +after)\n%s", firstDifference([]byte(before), []byte(after)))
	}
}

// TestReachOfFeedback: a marked file of another section's student belongs to nobody whom the TA knows.
func TestReachOfFeedback(t *testing.T) {
	c := newReach(t)
	before := c.aboutSue()
	up := c.upload("tom", "c1", "marked.zip", string(zipOf(t, [2]string{"sue_1_essay.txt", "Well."}, [2]string{"sam_1_text.txt", "Well."})))
	report := call(c.site, "tom", api.PreviewFeedback, api.FeedbackPath{Course: "c1", Assignment: "a1", File: up.ID})
	if report.Matched != 1 || fmt.Sprint(report.Members[0].UserName, report.Members[0].SubmissionID) != "" {
		t.Errorf("%+v", report)
	}
	call(c.site, "tom", api.ApplyFeedback, api.FeedbackInput{Course: "c1", Assignment: "a1", ID: "fb2", File: up.ID, Matched: 1})
	if after := c.aboutSue(); after != before {
		t.Errorf("something of hers was changed (-before +after)\n%s", firstDifference([]byte(before), []byte(after)))
	}
	// The attachments of her thread, by whoever, are as far away as her own files.
	for _, m := range call(c.site, "ina", api.ListComments, api.SubmissionPath{Course: "c1", Submission: "s1"}).Items {
		for _, f := range m.Files {
			if r := c.send("GET", "/api/v1/courses/c1/files/"+f.ID+"/content", c.token("tom", time.Hour), ""); r.status != 403 {
				t.Errorf("an attachment: %d", r.status)
			}
		}
	}
	if n := call(c.site, "tom", api.UndoFeedback, api.FeedbackUndo{Course: "c1", Assignment: "a1", Feedback: "fb2"}).Removed; n != 1 {
		t.Errorf("undone: %d", n)
	}
}
