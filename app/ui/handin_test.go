package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

func TestLateDraftReadsWhatWasTyped(t *testing.T) {
	missing := lms.Percent(60_00)
	for _, p := range []lms.LatePolicy{{Interval: lms.LateByDay}, {Rate: 12_50, Interval: lms.LateByHour, Floor: 40_00, Missing: &missing}} {
		got, err := lateDraftOf(p).policy()
		if err != nil || got.Describe() != p.Describe() || got.Interval != p.Interval {
			t.Errorf("%+v came back as %+v, %v", p, got, err)
		}
	}
	for field, d := range map[string]lateDraft{"late.rate": {Rate: "ten"}, "late.floor": {Floor: "101"}, "late.missing": {Missing: "-1"}} {
		if _, err := d.policy(); ProblemOf(err).Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	typed := func(*string) app.EventHandler { return nil }
	d := lateDraft{Rate: "10", Interval: "day"}
	wantHTML(t, app.HTMLString(d.fields(Problem{}, typed)), "Late work loses 10 % of the possible points for each begun day.")
}

func TestPreviewNamesWhomAChangeAffects(t *testing.T) {
	p := lms.Preview{Changes: []lms.PreviewChange{
		{UserName: "Ada", Title: "Essay", Old: lms.Scored{Graded: true, Final: 90_000_000}, New: lms.Scored{Graded: true, Final: 80_000_000}, NewLate: 3600},
		{UserName: "Bob", Title: "Essay", Old: lms.Scored{Missing: true}, New: lms.Scored{Missing: true, Graded: true}},
	}}
	wantHTML(t, app.HTMLString(previewDialog(p, false, nil, nil).(*Dialog).Render()), "2 results will change", "Ada", "90", "80, late by 1 hour", "Bob", "Missing", "0, missing", "Apply to 2 results")
}

func TestOverridesAreListed(t *testing.T) {
	c := atTestNow(t, lms.RoleInstructor)
	c.course.Value.Zone = "America/New_York"
	attempts := 0
	o := lms.Override{ID: "o1", Target: lms.OverrideStudent, TargetName: "Ada", DueAt: testNow.Add(24 * time.Hour), MaxAttempts: &attempts, GrantedBy: "Grace", GrantedAt: testNow}
	p := &overridePage{inCourse: c, as: "a1", assignment: Remote[lms.Assignment]{Value: testAssignment(), remote: remote{Ready: true}},
		list:    Remote[api.Page[lms.Override]]{Value: api.Page[lms.Override]{Items: []lms.Override{o}}, remote: remote{Ready: true}},
		choices: Remote[lms.Choices]{Value: lms.Choices{Students: []lms.Choice{{ID: "u1", Name: "Ada"}}, Sections: []lms.Choice{{ID: "s1", Name: "Monday"}}}, remote: remote{Ready: true}}}
	wantHTML(t, drawn(t, p), "Due Wed 2 Sep 2026, 08:00 EDT (12:00 UTC where you are), attempts without limit", "by Grace", "Section Monday", "Nobody is chosen yet")
	p.request = "q1"
	wantHTML(t, drawn(t, p), "Grant the extension", "Answer to the request")
	ta := &overridePage{inCourse: atTestNow(t, lms.RoleTA), list: p.list, choices: p.choices}
	wantHTML(t, drawn(t, ta), "by Grace", "!Give these dates", "!Take back")
}

func TestStaffReturnAndChooseAttempts(t *testing.T) {
	p := gradingTestPage(t, nil)
	first, second := p.submission.Value, p.submission.Value
	second.ID, second.Attempt, second.Counts = "s2", first.Attempt+1, true
	p.attempts = Remote[api.Page[lms.Submission]]{remote: remote{Ready: true}, Value: api.Page[lms.Submission]{Items: []lms.Submission{second, first}}}
	wantHTML(t, app.HTMLString(app.Div().Body(p.attemptActions(first))), "Grade this attempt", "!Return to draft")
	wantHTML(t, app.HTMLString(app.Div().Body(p.attemptActions(second))), "Return to draft", "!Grade this attempt")
	second.Grade = &lms.Grade{PostedAt: testNow}
	wantHTML(t, app.HTMLString(app.Div().Body(p.attemptActions(second))), "!Return to draft")
	second.Chosen = true
	wantHTML(t, app.HTMLString(app.Div().Body(p.attemptActions(second))), "Let the latest attempt count")
}

func TestHomeTellsWhatIsNew(t *testing.T) {
	atTestNow(t, lms.RoleStudent)
	news := []lms.News{
		{Kind: lms.NewsExtension, CourseID: "c1", CourseCode: "CS 1", AssignmentID: "a1", Title: "Essay", Zone: "UTC", DueAt: testNow.Add(24 * time.Hour), At: testNow},
		{Kind: lms.NewsIncomplete, CourseID: "c1", CourseCode: "CS 1", AssignmentID: "a2", SubmissionID: "s2", Title: "Report", Who: "Ben", At: testNow},
		{Kind: lms.NewsReturned, CourseID: "c1", CourseCode: "CS 1", AssignmentID: "a3", Title: "Code", At: testNow},
	}
	var html strings.Builder
	app.PrintHTML(&html, homeNews(news))
	wantHTML(t, html.String(), "What is new", "Essay", "Report", "Code")
	for i, want := range []string{"now due Wed 2 Sep 2026, 12:00 UTC", "Ben: the files of the attempt did not arrive", "your attempt is a draft again"} {
		if got := newsText(news[i]); !strings.Contains(got, want) {
			t.Errorf("%s: %q", news[i].Kind, got)
		}
	}
}

func TestScoreText(t *testing.T) {
	s := lms.Scored{Graded: true, Final: 70_000_000}
	for kind, want := range map[lms.GradeType]string{"": "70 / 80", lms.GradePercent: "87.5 %", lms.GradePassFail: "Fail", lms.GradeUngraded: ""} {
		if got := scoreText(s, 80_00, kind); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}
