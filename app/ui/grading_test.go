package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

func gradingTestPage(t *testing.T, grade *lms.Grade) *gradingPage {
	c := atTestNow(t, lms.RoleTA)
	s := lms.Submission{ID: "s1", CourseID: "c1", AssignmentID: "a1", UserName: "Grace Hopper", Attempt: 1, Text: "my work", State: lms.SubmissionReceived,
		SubmittedAt: testNow, Grade: grade, Files: []lms.File{{ID: "f1", Name: "w.pdf", Size: 9, Type: "application/pdf", CompleteAt: testNow}}}
	p := &gradingPage{inCourse: c, sub: "s1", submission: Remote[lms.Submission]{Value: s, remote: remote{Ready: true}},
		assignment: Remote[lms.Assignment]{Value: testAssignment(), remote: remote{Ready: true}}, grade: &gradeForm{sub: "s1"}}
	if grade != nil {
		p.grade.saved, p.grade.version, p.grade.points, p.grade.feedback = grade, grade.Version, grade.Points.String(), grade.Feedback
	}
	return p
}

func TestGradingPageStates(t *testing.T) {
	p := gradingTestPage(t, nil)
	wantHTML(t, drawn(t, p), "Grace Hopper", "my work", "2 words", "w.pdf", "?inline=true", "Points of 100", "No grade yet")
	if p.mayPost() {
		t.Error("without points there is nothing to post")
	}

	draft := &lms.Grade{Points: 8750, Feedback: "fine", By: "Tim", ChangedAt: testNow, Version: 2}
	p = gradingTestPage(t, draft)
	wantHTML(t, drawn(t, p), "Draft saved by Tim, not posted", `value="87.5"`)
	if !p.mayPost() {
		t.Error("a draft can be posted")
	}

	p.grade.dirty = true
	wantHTML(t, drawn(t, p), "Not saved yet")
	p.grade.saving = true
	wantHTML(t, drawn(t, p), "Saving")
	p.grade.saving, p.grade.theirs = false, &lms.Grade{Points: 100, By: "Ina", Feedback: "mine is better", ChangedAt: testNow}
	wantHTML(t, drawn(t, p), "Ina saved another grade", "mine is better", "1 / 100", "Take this one", "Save mine instead")
	if p.mayPost() {
		t.Error("nothing is posted during a conflict")
	}

	posted := *draft
	posted.PostedAt = testNow.Add(time.Minute)
	wantHTML(t, drawn(t, gradingTestPage(t, &posted)), "the student sees it", "!not posted")
	posted.ChangedAt = testNow.Add(time.Hour)
	wantHTML(t, drawn(t, gradingTestPage(t, &posted)), "The student still sees the grade posted")
}

func TestGradingShowsEveryAttempt(t *testing.T) {
	p := gradingTestPage(t, nil)
	first, third := p.submission.Value, p.submission.Value
	third.ID, third.Attempt, third.Counts = "s3", 3, true
	p.attempts = Remote[api.Page[lms.Submission]]{remote: remote{Ready: true}, Value: api.Page[lms.Submission]{Items: []lms.Submission{third, first}}}
	wantHTML(t, drawn(t, p), "Attempt 3 (latest)", `href="/courses/c1/submissions/s3"`, "This is an older attempt", "Show attempt 3", "!Points of 100")

	p.attempts.Value.Items[1].Grade = &lms.Grade{Points: 100}
	p.submission.Value.Grade = &lms.Grade{Points: 100}
	wantHTML(t, drawn(t, p), "Attempt 1, graded", "This is an older attempt", "Points of 100")

	p.sub, p.submission.Value = "s3", third
	wantHTML(t, drawn(t, p), "Attempt 3 (latest)", "!This is an older attempt", "Points of 100")

	p.attempts.Value.Items = p.attempts.Value.Items[:1]
	wantHTML(t, drawn(t, p), "!(latest)")
}

func TestGradingAsksAboutMoreThanPossible(t *testing.T) {
	p := gradingTestPage(t, nil)
	p.grade.points, p.grade.dirty = "120", true
	if !p.refuseGrade(p.grade) || p.grade.problem.Field != "points" || p.mayPost() {
		t.Errorf("120 of 100 must be asked about: %+v", p.grade.problem)
	}
	wantHTML(t, drawn(t, p), "Keep 120 of 100", "is more than the 100 points")
	p.grade.allowAbove = true
	if p.refuseGrade(p.grade) || !p.mayPost() {
		t.Error("a confirmed grade is saved")
	}
}

func TestGradeFormInput(t *testing.T) {
	for points, want := range map[string]struct {
		ok  bool
		bad bool
	}{"": {false, false}, "  ": {false, false}, "87,5": {true, false}, strings.Repeat("1", 40): {true, true}} {
		g := gradeForm{sub: "s1", points: points}
		_, ok, err := g.input("c1")
		if ok != want.ok || (err != nil) != want.bad {
			t.Errorf("%q: got %v, %v", points, ok, err)
		}
	}
}

func TestGradeFormKeepsWhatWasSavedMeanwhile(t *testing.T) {
	older, newer := &lms.Grade{Points: 2000, Version: 1}, &lms.Grade{Points: 1600, Version: 2}
	g := gradeForm{sub: "s1", opened: true, points: "16", saved: newer, version: 2, asked: older}
	g.open(app.Context{}, lms.Submission{ID: "s1", Grade: older})
	if g.points != "16" || g.version != 2 {
		t.Errorf("an answer from before the save leaves %q, version %d", g.points, g.version)
	}
}

func TestGradingPageOfAStudentShowsNoForm(t *testing.T) {
	p := gradingTestPage(t, &lms.Grade{Points: 5000})
	p.inCourse = atTestNow(t, lms.RoleStudent)
	wantHTML(t, drawn(t, p), "my work", "!Points of", "!Post the grade", "!>50<")
}

func TestSubmissionsPage(t *testing.T) {
	c := atTestNow(t, lms.RoleInstructor)
	a := testAssignment()
	a.Stats = &lms.AssignmentStats{Students: 3, Submitted: 2, Ungraded: 1, Unposted: 1}
	items := []lms.Submission{
		{ID: "s1", UserName: "Grace", Attempt: 1, SubmittedAt: testNow, State: lms.SubmissionReceived},
		{ID: "s2", UserName: "Alan", Attempt: 2, SubmittedAt: testNow, LateSeconds: 7200, State: lms.SubmissionReceived, Grade: &lms.Grade{Points: 100, ChangedAt: testNow}},
	}
	p := &submissionsPage{inCourse: c, as: "a1", assignment: Remote[lms.Assignment]{Value: a, remote: remote{Ready: true}},
		counts: Remote[lms.SubmissionCounts]{Value: lms.SubmissionCounts{Submitted: 2, Ungraded: 1, Unposted: 1, Missing: 1}},
		list:   Remote[api.Page[lms.Submission]]{Value: api.Page[lms.Submission]{Items: items, Total: 2}, remote: remote{Ready: true}}}
	wantHTML(t, drawn(t, p), "2 of 3 students handed in; 1 to grade, 1 to post", "Post grades (1)", "?show=missing", "Grace", "To grade", "Alan", "late by 2 hours", "Draft", "1 / 100")
	p.list.Value.Items, p.filter = nil, "late"
	wantHTML(t, drawn(t, p), "No submission matches this filter")
}

func TestGradingShowsPDFs(t *testing.T) {
	p := gradingTestPage(t, nil)
	s := &p.submission.Value
	s.Files = append(s.Files, lms.File{ID: "f2", Name: "more.pdf", Size: 9, Type: "application/pdf", CompleteAt: testNow}, lms.File{ID: "f3", Name: "half.pdf", Size: 9, Type: "application/pdf"})
	wantHTML(t, drawn(t, p), `id="pdf-f1"`, "Show more.pdf", `!id="pdf-f2"`, `!id="pdf-f3"`, "!Show half.pdf")

	note := lms.Annotation{ID: "n1", FileID: "f2", Body: "Why?", Anchor: lms.Anchor{Page: 4, Width: 900, Height: 900}}
	p.extra().notes = []lms.Annotation{note}
	wantHTML(t, drawn(t, p), "more.pdf, page 4")
	p.showNote(note)
	if p.pdfs["f2"].open != 4 {
		t.Errorf("the annotation must lead to page 4 of its file: %+v", p.pdfs)
	}
	wantHTML(t, drawn(t, p), `id="pdf-f2"`, "!Show more.pdf")

	p.keepPDF("f1", pdfAt{page: 3, pages: 4})
	p.note = noteForm{open: true, file: "f1", page: p.pageInView("f1"), area: [4]string{"10", "10", "30", "10"}}
	if a, err := p.place(); err != nil || a != (lms.Anchor{Page: 3, X: 1000, Y: 1000, Width: 3000, Height: 1000}) {
		t.Errorf("the page in view is offered: %+v, %v", a, err)
	}
	p.note.page = "5"
	if _, err := p.place(); ProblemOf(err).Field != "page" {
		t.Errorf("there is no page 5: %v", err)
	}
}
