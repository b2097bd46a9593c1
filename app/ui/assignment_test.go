package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

var testNow = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// atTestNow makes the pages believe that it is testNow, for somebody with a role in the course "c1".
func atTestNow(t *testing.T, role lms.Role) inCourse {
	t.Helper()
	oldNow, oldKnown := Now, known
	t.Cleanup(func() { Now, known = oldNow, oldKnown })
	Now = func() time.Time { return testNow }
	c := lms.Course{ID: "c1", Code: "CS 1", Title: "Computing", MyRole: role, State: lms.CoursePublished}
	known = lms.Session{User: lms.User{ID: "u1", Login: "ada", Name: "Ada Lovelace"}, Courses: []lms.Course{c}}
	return inCourse{id: "c1", course: Remote[lms.Course]{Value: c, remote: remote{Ready: true}}}
}

func testAssignment() lms.Assignment {
	return lms.Assignment{ID: "a1", CourseID: "c1", Title: "Essay", Points: 10000, DueAt: testNow.Add(48 * time.Hour), AllowText: true,
		MaxFiles: 2, MaxFileSize: 1 << 20, AllowedTypes: []string{".pdf"}, Published: true}
}

// drawn draws a page as the node would. In the browser the same Render runs.
func drawn(t *testing.T, c app.Composer) string {
	t.Helper()
	return app.HTMLString(c.Render())
}

func wantHTML(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if absent, ok := strings.CutPrefix(p, "!"); ok == strings.Contains(got, strings.TrimPrefix(p, "!")) {
			t.Errorf("%q: wanted absent: %v, in\n%s", absent, ok, got)
		}
	}
}

func TestWorkBadge(t *testing.T) {
	past, future := testNow.Add(-time.Hour), testNow.Add(72*time.Hour)
	for _, tc := range []struct {
		name string
		a    lms.Assignment
		want string
	}{
		{"nothing yet", lms.Assignment{DueAt: future}, "Not submitted"},
		{"a draft", lms.Assignment{DueAt: future, Mine: &lms.Work{DraftAt: past}}, "Draft"},
		{"past due", lms.Assignment{DueAt: past}, "Missing"},
		{"past due with a draft", lms.Assignment{DueAt: past, Mine: &lms.Work{DraftAt: past}}, "Missing, draft kept"},
		{"after the cut-off", lms.Assignment{CutoffAt: past}, "Missing"},
		{"on paper nothing is missing", lms.Assignment{DueAt: past, AssignmentRules: lms.AssignmentRules{OnPaper: true}}, "On paper"},
		{"not open", lms.Assignment{OpensAt: future}, "Not open yet"},
		{"waiting is not submitted", lms.Assignment{Mine: &lms.Work{Attempts: 1, Used: 1, State: lms.SubmissionWaiting}}, "Waiting for files"},
		{"incomplete is not submitted", lms.Assignment{Mine: &lms.Work{Attempts: 1, Used: 1, State: lms.SubmissionIncomplete}}, "Incomplete"},
		{"late", lms.Assignment{Mine: &lms.Work{Attempts: 1, Used: 1, State: lms.SubmissionReceived, LateSeconds: 5}}, "Submitted 1, late by < 1 minute"},
		{"received", lms.Assignment{Mine: &lms.Work{Attempts: 2, Used: 2, State: lms.SubmissionReceived}}, "Submitted 2"},
		{"returned to draft", lms.Assignment{Mine: &lms.Work{Attempts: 1, DraftAt: past}}, "Draft"},
		{"graded", lms.Assignment{Mine: &lms.Work{Attempts: 1, Used: 1, Grade: &lms.Grade{}}}, "Graded"},
	} {
		if got, _ := workBadge(tc.a, testNow); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestNextAssignments(t *testing.T) {
	a := func(id string, due time.Duration) lms.Assignment {
		return lms.Assignment{ID: id, Published: true, DueAt: testNow.Add(due)}
	}
	done := a("done", time.Hour)
	done.Mine = &lms.Work{Attempts: 1, Used: 1}
	draft := a("draft", time.Hour)
	draft.Published = false
	closed := a("closed", -2*time.Hour)
	closed.CutoffAt = testNow.Add(-time.Hour)
	list := []lms.Assignment{{ID: "undated", Published: true}, a("later", 5*time.Hour), a("overdue", -time.Hour), done, draft, closed, a("soon", time.Hour)}
	ids := func(list []lms.Assignment) (ids []string) {
		for _, a := range list {
			ids = append(ids, a.ID)
		}
		return ids
	}
	if got := ids(nextAssignments(list, true, testNow)); !slices.Equal(got, []string{"overdue", "soon", "later", "undated"}) {
		t.Errorf("student: %v", got)
	}
	if got := ids(nextAssignments(list, false, testNow)); !slices.Equal(got, []string{"done", "soon", "later", "undated"}) {
		t.Errorf("staff: %v", got)
	}
}

func TestAssignmentDraftReadsWhatWasTyped(t *testing.T) {
	full := testAssignment()
	full.OpensAt, full.CutoffAt, full.MaxAttempts = testNow, testNow.Add(72*time.Hour), 3
	in, err := draftOf(full, "UTC").input("c1", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	got := in.AssignmentValue()
	if got.Points != full.Points || !got.DueAt.Equal(full.DueAt) || !got.OpensAt.Equal(full.OpensAt) || got.MaxFileSize != full.MaxFileSize ||
		!slices.Equal(got.AllowedTypes, full.AllowedTypes) || got.MaxAttempts != 3 {
		t.Errorf("a draft of an assignment must read back as it: %+v", got)
	}
	minimal := newAssignmentDraft()
	minimal.Title, minimal.Due = "Essay", "2026-09-04T23:59"
	if _, err := minimal.input("c1", "UTC"); err != nil {
		t.Errorf("title and due date are enough: %v", err)
	}
	for field, change := range map[string]func(*assignmentDraft){
		"title":        func(d *assignmentDraft) { d.Title = " " },
		"points":       func(d *assignmentDraft) { d.Points = "-1" },
		"dueAt":        func(d *assignmentDraft) { d.Due = "tomorrow" },
		"opensAt":      func(d *assignmentDraft) { d.Opens = "2026-09-05T00:00" },
		"cutoffAt":     func(d *assignmentDraft) { d.Cutoff = "2026-09-01T00:00" },
		"maxFiles":     func(d *assignmentDraft) { d.MaxFiles = "many" },
		"maxFileSize":  func(d *assignmentDraft) { d.MaxMiB = "0" },
		"allowedTypes": func(d *assignmentDraft) { d.Types = "p/df" },
		"maxAttempts":  func(d *assignmentDraft) { d.MaxAttempts = "-2" },
		"allowText":    func(d *assignmentDraft) { d.AllowText, d.MaxFiles = false, "0" },
	} {
		d := minimal
		change(&d)
		if _, err := d.input("c1", "UTC"); ProblemOf(err).Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestOnlyTitleAndDueDateAreNotFolded(t *testing.T) {
	p := &assignmentForm{inCourse: atTestNow(t, lms.RoleInstructor), isNew: true, loaded: true, draft: newAssignmentDraft()}
	visible, folded, _ := strings.Cut(app.HTMLString(p.form()), "<details")
	wantHTML(t, visible, `id="title"`, `id="dueAt"`)
	for _, field := range []string{"description", "points", "opensAt", "cutoffAt", "maxFiles", "honour", "gradeType"} {
		wantHTML(t, visible, `!id="`+field+`"`)
		wantHTML(t, folded, `id="`+field+`"`)
	}
	for field, fold := range map[string]string{"points": "grading", "handInDrafts": "dates", "honour": "handin", "description": "task"} {
		p.problem = Problem{Field: field, Message: "x"}
		for _, tag := range strings.Split(app.HTMLString(p.form()), "<details")[1:] {
			tag, _, _ = strings.Cut(tag, ">")
			if open, here := strings.Contains(tag, " open"), strings.Contains(tag, `id="fold-`+fold+`"`); open != here {
				t.Errorf("after a refusal of %s: %s", field, tag)
			}
		}
	}
}

func TestParseTypes(t *testing.T) {
	if got := parseTypes(" PDF, .docx;*.md .pdf"); !slices.Equal(got, []string{".pdf", ".docx", ".md"}) {
		t.Errorf("got %q", got)
	}
}

func studentPage(t *testing.T, a lms.Assignment, attempts ...lms.Submission) *assignmentPage {
	c := atTestNow(t, lms.RoleStudent)
	return &assignmentPage{inCourse: c, as: a.ID, work: workForm{as: a.ID}, assignment: Remote[lms.Assignment]{Value: a, remote: remote{Ready: true}},
		attempts: Remote[api.Page[lms.Submission]]{Value: api.Page[lms.Submission]{Items: attempts}, remote: remote{Ready: true}}}
}

func TestAssignmentPageOfAStudent(t *testing.T) {
	a := testAssignment()
	first := drawn(t, studentPage(t, a))
	wantHTML(t, first, "Not handed in yet", "Your text", "Choose files", ".pdf; up to 2 files", "Hand in", "!Attempts", "!replaces")

	s := lms.Submission{ID: "s1", CourseID: "c1", AssignmentID: "a1", Attempt: 1, SubmittedAt: testNow.Add(-time.Minute), State: lms.SubmissionReceived, Counts: true}
	a.Mine = &lms.Work{Attempts: 1, Used: 1}
	again := studentPage(t, a, s)
	again.work.again = true
	wantHTML(t, drawn(t, again), "Attempt 1 handed in", "Handing in again replaces attempt 1", "Hand in as attempt 2")

	a.DueAt, a.MaxAttempts, a.Mine = testNow.Add(-2*time.Hour), 1, &lms.Work{Late: &lms.LateCost{Points: 20_000_000, Rule: "A rule."}}
	wantHTML(t, drawn(t, studentPage(t, a)), "passed 2 hours ago", "takes up to 20 of 100 points", "A rule.", "your last attempt", "Missing: nothing was handed in")
	a.Mine = &lms.Work{Attempts: 1, Used: 1}
	wantHTML(t, drawn(t, studentPage(t, a, s)), "You have used all attempts", "!Choose files")

	s.State, s.Files = lms.SubmissionWaiting, []lms.File{{ID: "f1", Name: "w.pdf", Size: 9}}
	waiting := drawn(t, studentPage(t, a, s))
	wantHTML(t, waiting, "waiting for files: 0 %", "Choose the files again", "w.pdf", "!handed in just now")
}

func TestAssignmentPageShowsOnlyAPostedGrade(t *testing.T) {
	a := testAssignment()
	s := lms.Submission{ID: "s1", CourseID: "c1", Attempt: 1, State: lms.SubmissionReceived, Grade: &lms.Grade{Points: 8750, Feedback: "Well argued", By: "Grace"}}
	wantHTML(t, drawn(t, studentPage(t, a, s)), "!87.5", "!Well argued")
	s.Grade.PostedAt = testNow
	wantHTML(t, drawn(t, studentPage(t, a, s)), "87.5", "of 100 points", "Well argued", "By Grace, posted")
	s.Score = &lms.Scored{Graded: true, Raw: 8750, Intervals: 2, Deduction: 20_000_000, Final: 67_500_000}
	a.LateText = "Late work loses 10 % of the possible points for each begun day."
	wantHTML(t, drawn(t, studentPage(t, a, s)), "67.5", "87.5 points", "Taken for 2 late days", "− 20 points", "loses 10 %")
}

func TestWhereADraftStands(t *testing.T) {
	a := testAssignment()
	p := studentPage(t, a)
	p.work = workForm{as: a.ID, course: "c1", text: "half", version: 1, savedAt: testNow.Add(-time.Minute)}
	wantHTML(t, drawn(t, p), "Draft: not handed in yet", "Draft saved 1 minute ago. It is not handed in yet")
	p.work.dirty = true
	wantHTML(t, drawn(t, p), "Saving the draft", "!Draft saved")
	p.work.saveErr = lms.ErrUnavailable
	wantHTML(t, drawn(t, p), "Not saved yet; kept on this device.", "!Draft saved")
	p.work.theirs = &lms.Draft{Text: "from the phone", SavedAt: testNow}
	wantHTML(t, drawn(t, p), "changed on another device", "from the phone", "Take the other one", "Keep what is here")

	a.CutoffAt, a.DueAt = testNow.Add(-time.Hour), testNow.Add(-2*time.Hour)
	a.Mine = &lms.Work{}
	closed := studentPage(t, a)
	closed.work = workForm{as: a.ID, text: "half", version: 1}
	wantHTML(t, drawn(t, closed), "Missing: your draft is not handed in", "The cut-off of this assignment has passed", "half", "Request an extension")
	closed.assignment.Value.Mine = &lms.Work{Requested: "q1"}
	wantHTML(t, drawn(t, closed), "You have asked for an extension", "!Request an extension")
}

func TestADraftChangesElsewhere(t *testing.T) {
	mine := workForm{as: "a1", text: "mine", version: 5, again: true, honour: true}
	dirty, files := mine, mine
	dirty.dirty = true
	files.items = []*transfer{{name: "being read.pdf"}}
	newer := lms.Draft{Text: "newer", Version: 7}
	for name, c := range map[string]struct {
		work  workForm
		saved lms.Draft
		asked int64
		want  string
		form  bool // is unfolded
		both  bool
	}{
		"saved elsewhere":                           {mine, newer, 5, "newer", true, false},
		"saved elsewhere, written here":             {dirty, newer, 5, "mine", true, true},
		"saved elsewhere, a file being read":        {files, newer, 5, "mine", true, true},
		"an older answer":                           {mine, lms.Draft{Text: "older", Version: 3}, 3, "mine", true, false},
		"handed in elsewhere":                       {mine, lms.Draft{}, 5, "", false, false},
		"handed in elsewhere, written here":         {dirty, lms.Draft{}, 5, "mine", true, false},
		"an answer from before there was a draft":   {mine, lms.Draft{}, 0, "mine", true, false},
		"nothing was ever saved, a form was opened": {workForm{as: "a1", again: true}, lms.Draft{}, 0, "", true, false},
	} {
		w := c.work
		w.overtaken(app.Context{}, c.saved, c.asked)
		if w.text != c.want || w.again != c.form || (w.theirs != nil) != c.both {
			t.Errorf("%s: shows %q, unfolded %v, asks which one %v", name, w.text, w.again, w.theirs != nil)
		}
	}
}

func TestAReturnedAttemptIsADraft(t *testing.T) {
	a := testAssignment()
	a.Mine = &lms.Work{Attempts: 1}
	s := lms.Submission{ID: "s1", CourseID: "c1", AssignmentID: "a1", Attempt: 1, State: lms.SubmissionReceived, ReturnedAt: testNow, ReturnedBy: "Grace"}
	wantHTML(t, drawn(t, studentPage(t, a, s)), "Attempt 1 was returned to you as a draft by Grace", "Returned as a draft", "Hand in as attempt 2", "!replaces")
}

func TestHandInIsCalledHandedInOnlyAfterTheAcknowledgement(t *testing.T) {
	t.Cleanup(func() { dropHandIn("a1") })
	p := studentPage(t, testAssignment())
	set := func(h handIn) { changeTransfers(func() { handIns["a1"] = &h }) }
	item := &transfer{name: "w.pdf", size: 100, sent: 43}

	set(handIn{running: true, items: []*transfer{item}})
	wantHTML(t, drawn(t, p), "Not handed in yet: handing in now", "!Received")
	set(handIn{running: true, accepted: true, items: []*transfer{item}})
	wantHTML(t, drawn(t, p), "Received, waiting for files: 43 %", "!Handed in")
	set(handIn{err: lms.ErrUnavailable, items: []*transfer{item}})
	wantHTML(t, drawn(t, p), "Not handed in: it stopped", "Try again", "Change it first")
	transfers.mu.Lock()
	handIns["a1"].running = false
	transfers.mu.Unlock()
}

func TestReceiptText(t *testing.T) {
	r := lms.Receipt{Index: 77, Replicas: 2, Nodes: 3, Submission: lms.Submission{ID: "s1", Attempt: 2, SubmittedAt: testNow, LateSeconds: 90, Text: "two words",
		State: lms.SubmissionReceived, Files: []lms.File{{Name: "a “b”.pdf", Size: 12, SHA256: "abc"}}}}
	got := receiptText(testAssignment(), lms.Course{Code: "CS 1", Title: "Computing"}, r, lms.User{Name: "Ada", Login: "ada"})
	wantHTML(t, got, "Receipt id:   s1", "2026-09-01 12:00:00.000 UTC", "Late by:      1m30s", "complete on 2 of 3 nodes", "2 words, 9 bytes", "a “b”.pdf", "12 bytes", "abc", "Log index:    77")
}
