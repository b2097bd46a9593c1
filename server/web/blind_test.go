package web

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

var (
	whoTraces  = regexp.MustCompile(`(?i)uidcanary|logincanary|namecanary`)
	workTraces = regexp.MustCompile(`(?i)sub-blind|worktext|participant|feedbackcanary|\b7\.77\b|commentcanary`)
)

// newBlind is newCourse with the assignment ab, which is marked blind, posts by itself and hides its markers, and with the work of a
// student in it whose id, login and name are canaries, and who has an extension.
func newBlind(t *testing.T) (*course, lms.File) {
	t.Helper()
	c := newCourse(t, nil)
	_, err := c.store.CreateUser(t.Context(), lms.Actor{UserID: "root", Admin: true}, lms.User{ID: "uidcanary", Login: "logincanary", Name: "Namecanary Smith"}, "-")
	c.check(err)
	call(c.site, "ina", api.AddMember, api.AddMemberInput{Course: "c1", Login: "logincanary", Role: lms.RoleStudent})
	in := blindInput()
	call(c.site, "ina", api.CreateAssignment, in)
	call(c.site, "ina", api.UpdateMarking, api.MarkingInput{Course: "c1", Assignment: "ab", Posting: lms.PostingAutomatic})
	call(c.site, "ina", api.GrantOverrides, api.OverridesInput{Course: "c1", Assignment: "ab", Targets: []string{"student/uidcanary"}, IDs: []string{"o9"}, DueAt: in.DueAt.Add(time.Hour)})
	c.file = c.upload("uidcanary", "c1", "Namecanary essay.pdf", "%PDF-1.4 essay")
	notes := c.upload("uidcanary", "c1", "logincanary notes.txt", "notes")
	call(c.site, "uidcanary", api.Submit, api.SubmitInput{Course: "c1", Assignment: "ab", ID: "sub-blind", Text: "worktext", Files: []string{c.file.ID}})
	call(c.site, "sue", api.Submit, api.SubmitInput{Course: "c1", Assignment: "ab", ID: "sub-sue", Text: "Hers."})
	call(c.site, "uidcanary", api.AddComment, api.CommentInput{Course: "c1", Submission: "sub-blind", ID: "m1", Body: "commentcanary", Files: []string{notes.ID}})
	call(c.site, "tom", api.SaveGrade, api.GradeInput{Course: "c1", Submission: "sub-blind", Points: 7_77, Feedback: "feedbackcanary"})
	call(c.site, "tom", api.AddComment, api.CommentInput{Course: "c1", Submission: "sub-blind", ID: "m2", Body: "Well."})
	call(c.site, "tom", api.Annotate, api.AnnotationInput{Course: "c1", Submission: "sub-blind", ID: "n1", Body: "Here.", Anchor: lms.Anchor{End: 1, Quote: "w"}})
	c.assignment, c.submission = "ab", "sub-blind"
	return c, notes
}

func blindInput() api.AssignmentInput {
	return api.AssignmentInput{Course: "c1", ID: "ab", Title: "Blind essay", Points: 10_00, AllowText: true, MaxFiles: 2, MaxFileSize: 1 << 20, Published: true,
		DueAt: time.Now().Add(-time.Hour).Truncate(time.Millisecond), AssignmentRules: lms.AssignmentRules{Blind: true, HideMarkers: true}}
}

// TestBlindWalk calls every endpoint of the course, and the home page, about the work of the canary as everybody who marks: no answer
// puts it and who wrote it together, and none about the work or its files says who (GRADE-8).
func TestBlindWalk(t *testing.T) {
	c, notes := newBlind(t)
	actors := map[string]lms.Actor{"ina": {UserID: "ina", Role: lms.RoleInstructor, Confirmed: true}, "tom": {UserID: "tom", Role: lms.RoleTA, Confirmed: true},
		"root": {UserID: "root", Admin: true, Confirmed: true}}
	ends := []string{"RevealIdentities", "ArchiveCourse", "DeleteAssignment", "ArchiveAssignment", "ReturnAttempt"} // afterwards there is nothing to read
	calls := func(user string, r api.Route, path, query string) {
		body := ""
		if r.Writes() {
			b, err := json.Marshal(c.body(r.Name))
			c.check(err)
			body = string(b)
		}
		res := c.send(r.Method, strings.ReplaceAll(path, "/sam", "/uidcanary")+query, c.token(user, time.Hour), body)
		all := res.header.Get("Content-Disposition") + " " + res.body
		if res.status >= 500 {
			t.Errorf("%s as %s: %d %s", r.Name, user, res.status, res.body)
		}
		who := whoTraces.FindString(all)
		if who != "" && workTraces.MatchString(all) {
			t.Errorf("%s%s as %s puts %q and the work together: %.800s", r.Name, query, user, who, all)
		}
		if who != "" && (slices.Contains(r.Params(), "submission") || slices.Contains(r.Params(), "file")) {
			t.Errorf("%s as %s says %q: %.800s", r.Name, user, who, all)
		}
	}
	seen := 0
	for _, last := range []bool{false, true} {
		for _, r := range api.Routes() {
			if !r.Access.OfCourse() && r.Name != "GetHome" || slices.Contains(ends, r.Name) && r.Name != "ReturnAttempt" || last != (r.Name == "ReturnAttempt") {
				continue
			}
			for user, actor := range actors {
				if lms.Can(actor, r.Access) != nil {
					continue
				}
				seen++
				queries := []string{""}
				if r.Name == "ListSubmissions" {
					queries = nil
					for _, f := range lms.SubmissionFilters {
						queries = append(queries, "?filter="+f)
					}
				}
				for _, q := range queries {
					calls(user, r, c.fill(r), q)
				}
				if slices.Contains(r.Params(), "file") {
					calls(user, r, strings.Replace(c.fill(r), c.file.ID, notes.ID, 1), "")
				}
			}
		}
	}
	if seen < 200 {
		t.Errorf("only %d calls", seen)
	}
}

// TestBlindMarking follows a blind assignment from the first work to what the student reads in the end.
func TestBlindMarking(t *testing.T) {
	c, _ := newBlind(t)
	path, work := api.AssignmentPath{Course: "c1", Assignment: "ab"}, api.SubmissionPath{Course: "c1", Submission: "sub-blind"}
	first := call(c.site, "tom", api.GetSubmission, work)
	if !first.Blind || !strings.HasPrefix(first.UserName, "Participant ") || first.Files[0].Name != "file-1.pdf" || first.Files[0].OwnerID != first.UserID || first.LateSeconds != 0 {
		t.Errorf("the marker sees %+v", first)
	}
	call(c.site, "uidcanary", api.Submit, api.SubmitInput{Course: "c1", Assignment: "ab", ID: "sub-blind2", Text: "worktext again"})
	for _, s := range call(c.site, "ina", api.ListAttempts, work).Items {
		if s.UserID != first.UserID || s.UserName != first.UserName {
			t.Errorf("attempt %d is by %s", s.Attempt, s.UserName)
		}
	}
	list := call(c.site, "ina", api.ListSubmissions, api.ListSubmissionsInput{Course: "c1", Assignment: "ab"})
	if len(list.Items) != 2 || list.Items[0].UserName == list.Items[1].UserName {
		t.Errorf("the list: %+v", list.Items)
	}
	if thread := call(c.site, "tom", api.ListComments, work).Items; thread[0].AuthorName != first.UserName || thread[0].Files[0].Name != "attachment-1.txt" || thread[1].AuthorName != "Tom" {
		t.Errorf("the thread: %+v", thread)
	}
	missing := call(c.site, "ina", api.ListSubmissions, api.ListSubmissionsInput{Course: "c1", Assignment: "ab", Filter: "missing"})
	if len(missing.Items) != 0 || missing.Total == 0 {
		t.Errorf("missing: %+v", missing)
	}
	if r := c.send("GET", "/api/v1/courses/c1/assignments/ab/archive", c.token("tom", time.Hour), ""); !strings.Contains(r.body, first.UserID+"_2_") {
		t.Errorf("the names of the archive are not those of participants: %d", r.status)
	}

	sooner := api.OverridesInput{Course: "c1", Assignment: "ab", Targets: []string{"student/uidcanary"}, IDs: []string{"o9"}, DueAt: time.Now().Add(-30 * time.Minute)}
	if p := call(c.site, "ina", api.PreviewOverrides, sooner); len(p.Changes) != 0 {
		t.Errorf("a preview tells whose work is late: %+v", p.Changes)
	}

	e := refused(c.site, "ina", api.PostGrades, api.PostGradesInput{Course: "c1", Assignment: "ab"}, lms.KindRule)
	if !strings.Contains(e.Message, "Reveal the identities first") {
		t.Errorf("refused with %q", e.Message)
	}
	refused(c.site, "ina", api.PostColumn, api.PostColumnInput{Course: "c1", Column: "ab"}, lms.KindRule)
	refused(c.site, "ina", api.SetMark, api.MarkInput{Course: "c1", Column: "ab", User: "uidcanary", Mark: "EX"}, lms.KindRule)
	refused(c.site, "ina", api.GetBookCell, api.CellPath{Course: "c1", Column: "ab", User: "uidcanary"}, lms.KindRule)
	at, row := c.bookRow("ab", "uidcanary")
	if !at.Blind || row.Current != "" || strings.Trim(row.Cells, " ") != "" && strings.Contains(row.Cells, "7.77") {
		t.Errorf("the gradebook has %+v, %+v", at, row)
	}
	if mine := call(c.site, "uidcanary", api.MySubmissions, path).Items[1]; mine.Grade != nil || mine.Files[0].Name != "Namecanary essay.pdf" {
		t.Errorf("the student sees %+v", mine)
	}
	if csv := c.export(""); !strings.Contains(csv, lms.ReadOnly) || strings.Contains(csv, "7.77") {
		t.Errorf("the file has %s", csv)
	}
	for _, g := range call(c.site, "ina", api.GetStatistics, api.CoursePath{Course: "c1"}).Items {
		if g.ID == "ab" {
			t.Errorf("statistics of blind marks: %+v", g)
		}
	}

	refused(c.site, "tom", api.RevealIdentities, path, lms.KindForbidden)
	if a := call(c.site, "ina", api.RevealIdentities, path); a.RevealedAt.IsZero() || a.BlindNow() {
		t.Errorf("revealed: %+v", a)
	}
	refused(c.site, "ina", api.RevealIdentities, path, lms.KindRule)
	if s := call(c.site, "tom", api.GetSubmission, work); s.UserName != "Namecanary Smith" || s.Blind || s.Files[0].Name != "Namecanary essay.pdf" {
		t.Errorf("after the reveal: %+v", s)
	}
	if at, row := c.bookRow("ab", "uidcanary"); at.Blind || !strings.Contains(row.Cells, "7.77") {
		t.Errorf("the gradebook has %+v after the reveal", row)
	}
	if mine := call(c.site, "uidcanary", api.MySubmissions, path).Items[1]; mine.Grade != nil {
		t.Errorf("the reveal has posted %+v", mine.Grade)
	}
	call(c.site, "ina", api.PostGrades, api.PostGradesInput{Course: "c1", Assignment: "ab"})
	c.hiddenMarkers(t)
}

// hiddenMarkers reads as the student what was posted: it is there without a name of who marked.
func (c *course) hiddenMarkers(t *testing.T) {
	t.Helper()
	student := c.token("uidcanary", time.Hour)
	for path, there := range map[string]string{"/assignments/ab": "feedbackcanary", "/assignments/ab/submissions/mine": "feedbackcanary", "/submissions/sub-blind": "feedbackcanary",
		"/submissions/sub-blind/comments": "Well.", "/submissions/sub-blind/annotations": "Here."} {
		r := c.send("GET", "/api/v1/courses/c1"+path, student, "")
		if !strings.Contains(r.body, there) || strings.Contains(r.body, `"Tom"`) || strings.Contains(r.body, `"tom"`) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := c.send("GET", "/api/v1/courses/c1/submissions/sub-blind", c.token("ina", time.Hour), ""); !strings.Contains(r.body, `"by":"Tom"`) {
		t.Errorf("staff do not see who marked: %s", r.body)
	}
}

// bookRow is a column of the gradebook and a student's row.
func (c *course) bookRow(column, user string) (col lms.BookColumn, row lms.BookRow) {
	c.t.Helper()
	g := call(c.site, "ina", api.GetGradebook, api.GradebookInput{Course: "c1"})
	for _, k := range g.Columns {
		if k.ID == column {
			col = k
		}
	}
	for _, r := range g.Rows {
		if r.UserID == user {
			row = r
		}
	}
	return col, row
}

// TestBlindIsLocked: once there is work or a grade, blind marking is neither switched on nor off.
func TestBlindIsLocked(t *testing.T) {
	c := newCourse(t, nil)
	change := func(id string, blind, paper bool) (lms.Assignment, error) {
		a := call(c.site, "ina", api.GetAssignment, api.AssignmentPath{Course: "c1", Assignment: id})
		in := api.UpdateAssignmentInput{Assignment: id, Version: a.Version, AssignmentInput: api.AssignmentInput{Course: "c1", ID: id, Title: a.Title, Points: a.Points,
			AllowText: !paper, Published: true, DueAt: a.DueAt, AssignmentRules: lms.AssignmentRules{Blind: blind, OnPaper: paper}}}
		return api.Call(t.Context(), c.as("ina"), api.UpdateAssignment, in)
	}
	locked := func(id string, blind bool) {
		t.Helper()
		if _, err := change(id, blind, false); lms.KindOf(err) != lms.KindRule || refusalOf(err).Field != "blind" {
			t.Errorf("%s to %v: %v", id, blind, err)
		}
		if a := call(c.site, "ina", api.GetAssignment, api.AssignmentPath{Course: "c1", Assignment: id}); a.Blind == blind {
			t.Errorf("%s was changed", id)
		}
	}
	locked("a1", true) // there is work in it
	call(c.site, "ina", api.CreateAssignment, blindInput())
	refused(c.site, "ina", api.RevealIdentities, api.AssignmentPath{Course: "c1", Assignment: "ab"}, lms.KindRule)
	for _, blind := range []bool{false, true} { // there is none
		if _, err := change("ab", blind, false); err != nil {
			t.Errorf("without work: %v", err)
		}
	}
	if _, err := change("ab", true, true); lms.KindOf(err) != lms.KindRule {
		t.Errorf("on paper: %v", err)
	}
	call(c.site, "sue", api.Submit, api.SubmitInput{Course: "c1", Assignment: "ab", ID: "sb", Text: "T"})
	locked("ab", false)
	if _, err := change("ab", true, false); err != nil {
		t.Errorf("another change: %v", err)
	}
	call(c.site, "ina", api.RevealIdentities, api.AssignmentPath{Course: "c1", Assignment: "ab"})
	locked("ab", false)
	call(c.site, "ina", api.CreateAssignment, api.AssignmentInput{Course: "c1", ID: "ap", Title: "Talk", Points: 10_00, AllowText: true, Published: true})
	call(c.site, "ina", api.SetMark, api.MarkInput{Course: "c1", Column: "ap", User: "sam", Mark: "5"})
	locked("ap", true) // a mark without work is a grade
}
