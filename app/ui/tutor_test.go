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

func form(t api.TutorStatus, body string) string {
	in := askInput(lms.ToTutor, "")
	in.Body = body
	return app.HTMLString((&askForm{Course: "c1", Known: true, Tutor: t, in: in}).Render())
}

func TestAskFormOffersOnlyWhatTheCourseAllows(t *testing.T) {
	s := status("m", "stays on your computers")
	contains(t, form(s, ""), "Guide me", "Explain", "Quiz me", "From my grades: Beginner", "17 of 20 questions left this hour", "Summarise the materials")
	s.Modes, s.Mode = []lms.TutorMode{lms.ModeExplain, lms.ModeQuizMe}, lms.ModeExplain
	s.Chosen.Level, s.Level = lms.LevelAdvanced, lms.LevelAdvanced
	h := form(s, "typed")
	contains(t, h, "Quiz me", "Explains directly", "limits and special cases")
	for _, gone := range []string{"Guide me", "Summarise the materials"} {
		if strings.Contains(h, gone) {
			t.Errorf("%q is offered: %s", gone, h)
		}
	}
	s.Modes = []lms.TutorMode{lms.ModeExplain}
	if h := form(s, ""); strings.Contains(h, "ask-mode") || !strings.Contains(h, "How it helps: Explain.") {
		t.Error("the only mode is shown, not chosen:", h)
	}
	s.Enabled = false
	if h := form(s, ""); strings.Contains(h, "ask-to-tutor") || !strings.Contains(h, "Ask the instructors") {
		t.Error("a tutor that is off has an entry:", h)
	}
}

func TestAskFormShowsTheNoticeUntilAccepted(t *testing.T) {
	s := status("m", "api.example.org")
	if h := form(s, ""); !strings.Contains(h, "<details") || strings.Contains(h, "Asking accepts this") {
		t.Error("after it was accepted the notice can be read again:", h)
	}
	s.Accepted = false
	contains(t, form(s, ""), "Asking accepts this", "goes to api.example.org", "staff of your course can read")
}

func TestQuotaWords(t *testing.T) {
	at := time.Date(2026, 3, 2, 15, 4, 0, 0, time.UTC)
	for _, c := range []struct {
		quota lms.TutorQuota
		want  string
	}{
		{lms.TutorQuota{Limit: 20, Left: 1}, "1 of 20 questions left"},
		{lms.TutorQuota{Limit: 20, RenewsAt: at}, "You can ask again at " + FormatTime(at)},
		{lms.TutorQuota{Limit: 20}, "The course has used its questions"},
		{lms.TutorQuota{}, ""},
	} {
		if got := quotaWords(c.quota); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%+v: %q, want %q", c.quota, got, c.want)
		}
	}
}

func TestSpoken(t *testing.T) {
	for in, want := range map[string]string{
		"A **quorum** [1] decides [2].":        "A quorum decides.",
		"# Title\n\n- `x[i]` and [text] and [": "Title - x[i] and [text] and [",
		"":                                     "",
		"النصاب [1].":                          "النصاب.",
	} {
		if got := spoken(in); got != want {
			t.Errorf("spoken(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStartersBringContentFirst(t *testing.T) {
	for _, s := range starters {
		text := starterText(s.key, "Week 1")
		if !strings.Contains(text, "“Week 1”") || strings.HasSuffix(text, "?") {
			t.Errorf("%s: %q", s.key, text)
		}
		if text := starterText(s.key, ""); !strings.Contains(text, "the materials of this course") {
			t.Errorf("%s: %q", s.key, text)
		}
	}
	if starterText("forged", "x") != "" {
		t.Error("a starter that does not exist")
	}
}

func TestPostOffersWhatHelps(t *testing.T) {
	v := postView{ID: "r1", Course: "c1", Tutor: true, Author: "Tutor", State: lms.ReplyDone, Text: "x", Anyway: 2, More: true, Human: true}
	contains(t, app.HTMLString(&v), "Ask anyway", "2 times left today", "Continue", "Ask a human")
	v = postView{ID: "r1", Course: "c1", Tutor: true, Author: "Tutor", State: lms.ReplyAnswering, Found: []lms.Citation{{N: 1, MaterialID: "m1", Ordinal: 2, Title: "Handout"}}}
	contains(t, app.HTMLString(&v), "may help meanwhile", `href="/courses/c1/materials/m1#p2"`)
	if h := app.HTMLString(&v); strings.Contains(h, "aria-live") {
		t.Error("every piece would be read out:", h)
	}
	v.Text = "So far"
	if h := app.HTMLString(&v); strings.Contains(h, "Handout") {
		t.Error("once the model speaks the passages wait for the end:", h)
	}
}

func TestReplyTellsWhatCanBeDone(t *testing.T) {
	for _, c := range []struct {
		reply        lms.Reply
		nothing, cut bool
	}{
		{lms.Reply{State: lms.ReplyDone, Note: lms.NoteNothing}, true, false},
		{lms.Reply{State: lms.ReplyDone, Generated: true, Note: "This answer is not from the course materials. " + lms.NoteCut}, false, true},
		{lms.Reply{State: lms.ReplyFailed, Note: lms.NoteCut}, false, false},
		{lms.Reply{State: lms.ReplyDone}, false, false},
	} {
		if c.reply.FoundNothing() != c.nothing || c.reply.Cut() != c.cut {
			t.Errorf("%+v: nothing %v, cut %v", c.reply, c.reply.FoundNothing(), c.reply.Cut())
		}
	}
}

func TestPolicyFormRefusesWhatIsNoNumberAndKeepsTheRest(t *testing.T) {
	f := policyFormOf(lms.DefaultTutorPolicy("c1", "u1"))
	if v, err := f.value(); err != nil || v.HourlyQuota != 20 || v.DailyQuota != 500 || v.AskAnyway != 3 {
		t.Fatalf("%+v, %v", v, err)
	}
	for field, change := range map[string]func(*policyForm){
		"hourlyQuota": func(f *policyForm) { f.Hourly = "many" },
		"dailyQuota":  func(f *policyForm) { f.Daily = "-1" },
		"askAnyway":   func(f *policyForm) { f.Anyway = "101" },
		"monthlyCap":  func(f *policyForm) { f.Monthly = "1.5" },
		"ownerId":     func(f *policyForm) { f.Policy.OwnerID = "" },
		"modes":       func(f *policyForm) { f.Policy.Modes = nil },
		"mode":        func(f *policyForm) { f.Policy.Modes = []lms.TutorMode{lms.ModeExplain} },
		"language":    func(f *policyForm) { f.Policy.Language = "the same" },
	} {
		bad := policyFormOf(lms.DefaultTutorPolicy("c1", "u1"))
		change(&bad)
		if _, err := bad.value(); ProblemOf(err).Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestWithModeKeepsTheOrder(t *testing.T) {
	got := withMode(withMode([]lms.TutorMode{lms.ModeQuizMe}, lms.ModeSocratic, true), lms.ModeQuizMe, false)
	if !slices.Equal(got, []lms.TutorMode{lms.ModeSocratic}) {
		t.Error(got)
	}
	if got := withMode(nil, "forged", true); len(got) != 0 {
		t.Error(got)
	}
}

func TestGapReportIsDrawnAndInATable(t *testing.T) {
	items := []lms.GapItem{{Title: "2026-W47", Count: 10, NoPassage: 5, Unhelpful: 2}, {Title: "<b>", Count: 1}}
	contains(t, gapBars(`a "label"`, items), `width="300"`, `width="150"`, `aria-label="a &#34;label&#34;`)
	contains(t, app.HTMLString((&gapPage{}).view(lms.GapReport{Asked: 11, Students: 4, Weeks: items})), "11 questions of 4 students", "2026-W47", "&lt;b&gt;", "Nothing yet.")
	contains(t, app.HTMLString((&gapPage{}).view(lms.GapReport{})), "No questions yet")
}
