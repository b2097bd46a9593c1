package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// modeOptions are the modes of the tutor in words, in the order in which they are offered.
var modeOptions = []Option{
	{string(lms.ModeSocratic), "Guide me", "Leads with questions and hints, so that you find the answer."},
	{string(lms.ModeExplain), "Explain", "Explains directly, with the places in the materials."},
	{string(lms.ModeQuizMe), "Quiz me", "Asks you one question at a time about the materials."},
}

// levelOptions are the levels of a student in words.
var levelOptions = []Option{
	{string(lms.LevelBeginner), "Beginner", "Short sentences, everyday words, an analogy and an example."},
	{string(lms.LevelIntermediate), "Intermediate", "The terms of the subject, explained, and the reasons."},
	{string(lms.LevelAdvanced), "Advanced", "Precise terms, limits and special cases."},
}

func optionName(options []Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Label
		}
	}
	return value
}

func modeName(m lms.TutorMode) string {
	if m == lms.ModeOff {
		return "Off"
	}
	return optionName(modeOptions, string(m))
}

func levelName(l lms.Level) string { return optionName(levelOptions, string(l)) }

// tutorNotice is what a student must know before the first question, and can read again at any time (TUTOR-16, TUTOR-33).
func tutorNotice(t api.TutorStatus) []string {
	where := "No language model is set up here: the tutor shows passages of your materials, and your text stays on this site."
	if t.Model != "" {
		where = "The model " + t.Model + " writes the answers. Your text " + cond(strings.HasPrefix(t.Where, "stays"), t.Where, "goes to "+t.Where) +
			", without your name, mail address and grades."
	}
	return []string{
		"The tutor is a computer program and can be wrong. Check what matters: every answer names the places in the materials that it rests on.",
		where,
		"The staff of your course can read your conversations with the tutor, and you can see when somebody did.",
		"With graded work the tutor gives hints, not answers. Ask a person whenever you want to: it takes one tap below every answer.",
		"If you write that somebody is in danger, the staff are told.",
	}
}

// noticeView shows the notice in full before the first question, folded afterwards.
func noticeView(t api.TutorStatus) app.UI {
	list := app.Ul().Class("notice-list").Body(app.Range(tutorNotice(t)).Slice(func(i int) app.UI { return app.Li().Text(tutorNotice(t)[i]) }))
	if !t.Accepted && t.Notice > 0 {
		return app.Div().ID("tutor-notice").Body(Notice("info", "Before your first question to the tutor:", list, app.P().Body(app.Strong().Text("Asking accepts this."))))
	}
	return app.Details().Class("md-help", "tutor-notice").ID("tutor-notice").Body(
		app.Summary().Body(Icon("chevron-right"), text("What the tutor does with your question")), list)
}

// quotaWords say what may still be asked, and when there is more.
func quotaWords(q lms.TutorQuota) string {
	switch {
	case q.Limit == 0:
		return ""
	case q.Left > 0:
		return itoa(q.Left) + " of " + plural(q.Limit, "question") + " left this hour"
	case !q.RenewsAt.IsZero():
		return "You can ask again at " + FormatTime(q.RenewsAt) + ". Until then you can read, search, and ask the instructors."
	}
	return "The course has used its questions to the tutor for now. You can read, search, and ask the instructors."
}

func quotaView(t api.TutorStatus) app.UI {
	words := quotaWords(t.Quota)
	if words == "" || t.Model == "" {
		return app.Div()
	}
	return app.P().Class("quota", cond(t.Quota.Left == 0, "quota-out", "fine")).Body(app.If(t.Quota.Left == 0, func() app.UI { return Icon("clock") }), text(words))
}

// starter is a question that a student can begin with. Each brings content first; none only asks back (TUTOR-41).
type starter struct{ key, label, icon string }

var starters = []starter{
	{"summary", "Summarise this page", "file-text"},
	{"example", "Show a worked example", "edit"},
	{"practice", "Give me a practice question", "check-circle"},
}

// starterText is the message that a starter sends, about one material or the whole course.
func starterText(key, title string) string {
	of := "the materials of this course"
	if title != "" {
		of = "“" + title + "”"
	}
	switch key {
	case "summary":
		return "Summarise " + of + " in a few sentences, with the most important terms."
	case "example":
		return "Show me a worked example for the main idea of " + of + ", step by step."
	case "practice":
		return "Repeat the main idea of " + of + " in two sentences, then give me one practice question about it."
	}
	return ""
}

// spoken makes of an answer what a screen reader reads out: no marks of Markdown and no numbers of sources.
func spoken(markdown string) string {
	var b strings.Builder
	for s := markdown; s != ""; {
		i := strings.IndexAny(s, "[*#`>")
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		if end := strings.IndexByte(s[i:], ']'); s[i] == '[' && end > 1 && strings.Trim(s[i+1:i+end], "0123456789") == "" {
			i += end
		} else if s[i] == '[' {
			b.WriteByte('[')
		}
		s = s[i+1:]
	}
	return trimSpace(strings.ReplaceAll(b.String(), " .", "."))
}

// accepting accepts the tutor's notice before the work, if the user has not yet.
func accepting[T any](t api.TutorStatus, do work[T]) work[T] {
	if t.Accepted || t.Notice == 0 {
		return do
	}
	return afterCall(Call(api.AcceptTutorNotice, api.TutorNoticeInput{Notice: t.Notice}), do)
}
