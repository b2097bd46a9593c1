package ui

import (
	"context"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// saveAfter is how long the marker must pause before the draft is saved; GRADE-5 asks for 2 s at most.
const saveAfter = 800 * time.Millisecond

// gradeForm is a grade while it is typed. What is typed is kept on this device until a node has it, saved as a draft
// when the marker pauses, and never overwrites what somebody else has saved meanwhile.
type gradeForm struct {
	sub        string
	opened     bool
	points     string
	feedback   string
	version    int64
	saved      *lms.Grade // what the node has
	dirty      bool       // typed and not saved
	saving     bool
	round      int // counts the keystrokes, to save after the last one
	problem    Problem
	theirs     *lms.Grade // saved by somebody else meanwhile
	allowAbove bool
	near       map[string]lms.Submission // the page's submissions, to keep up to date
}

// gradeDraft is what this device keeps.
type gradeDraft struct {
	Points   string `json:"points"`
	Feedback string `json:"feedback"`
	Version  int64  `json:"version"`
}

func (g *gradeForm) key() string { return draftKey("grade", g.sub) }

// open fills the fields once, and again when nothing of the marker's is lost by it.
func (g *gradeForm) open(ctx app.Context, s lms.Submission) {
	if s.ID != g.sub || g.dirty || g.saving || g.theirs != nil {
		return
	}
	points, feedback := g.points, g.feedback
	g.saved, g.version, g.points, g.feedback = s.Grade, 0, "", ""
	if s.Grade != nil {
		g.points, g.feedback, g.version = s.Grade.Points.String(), s.Grade.Feedback, s.Grade.Version
	}
	first := !g.opened
	g.opened = true
	var d gradeDraft
	if first && Me().ID != "" && loadDraft(ctx, g.key(), &d) {
		if d.Points == g.points && d.Feedback == g.feedback {
			dropDraft(ctx, g.key())
		} else {
			if d.Version != g.version {
				g.theirs = s.Grade
			}
			g.points, g.feedback, g.dirty = d.Points, d.Feedback, true
		}
	}
	if first || points != g.points || feedback != g.feedback {
		g.show(ctx)
	}
}

// show writes the fields into the inputs, which go-app does not clear.
func (g *gradeForm) show(ctx app.Context) {
	points, feedback := g.points, g.feedback
	ctx.Defer(func(app.Context) {
		SetValue("points", points)
		SetValue("feedback", feedback)
	})
}

// input reads what was typed; ok is false while there is no number of points.
func (g *gradeForm) input(course string) (in api.GradeInput, ok bool, err error) {
	in = api.GradeInput{Course: course, Submission: g.sub, Feedback: g.feedback, Version: g.version, AllowAbove: g.allowAbove}
	if strings.TrimSpace(g.points) == "" {
		return in, false, nil
	}
	if in.Points, err = lms.ParsePoints(g.points); err != nil {
		return in, false, lms.FieldErrorf(lms.KindRule, "points", "%s", ProblemOf(err).Message)
	}
	return in, true, in.Validate()
}

func (p *gradingPage) onPoints(ctx app.Context, _ app.Event) {
	p.form().points = ctx.JSSrc().Get("value").String()
	p.form().allowAbove = false
	p.typedGrade(ctx)
}

func (p *gradingPage) onFeedback(ctx app.Context, _ app.Event) {
	p.form().feedback = ctx.JSSrc().Get("value").String()
	p.typedGrade(ctx)
}

func (p *gradingPage) typedGrade(ctx app.Context) {
	g := p.form()
	g.dirty, g.problem = true, Problem{}
	g.round++
	round := g.round
	keepDraft(ctx, g.key(), gradeDraft{Points: g.points, Feedback: g.feedback, Version: g.version})
	ctx.After(saveAfter, func(ctx app.Context) {
		if g.round == round && !p.refuseAbove(g) {
			g.save(ctx, p.id, nil)
		}
	})
}

// refuseAbove asks for a confirmation of more points than the assignment is worth.
func (p *gradingPage) refuseAbove(g *gradeForm) bool {
	v, err := lms.ParsePoints(g.points)
	if err != nil || !p.assignment.Ready {
		return false // the node decides
	}
	if err = p.assignment.Value.CheckPoints(v, g.allowAbove); err != nil {
		g.problem = ProblemOf(err)
	}
	return err != nil
}

// flush saves at once what waits for the marker to pause.
func (g *gradeForm) flush(ctx app.Context, course string) {
	if g.dirty && !g.saving {
		g.save(ctx, course, nil)
	}
}

// flushOnLeave saves when the page goes away and has no context of its own any more. If it fails, this device still
// keeps the text.
func (g *gradeForm) flushOnLeave(course string) {
	if app.IsServer || !g.dirty || g.saving || g.theirs != nil {
		return
	}
	in, ok, err := g.input(course)
	if !ok || err != nil {
		return
	}
	go guarded(context.Background(), func(ctx context.Context) error {
		_, err := api.Call(ctx, API, api.SaveGrade, in)
		return err
	})
}

// save sends the draft. then runs after it is saved; it may be nil.
func (g *gradeForm) save(ctx app.Context, course string, then func(app.Context)) {
	in, ok, err := g.input(course)
	if err != nil {
		g.problem = ProblemOf(err)
		return
	}
	if !ok || g.saving || g.theirs != nil {
		return
	}
	g.saving = true
	round := g.round
	Async(ctx, Call(api.SaveGrade, in), func(ctx app.Context, saved lms.Grade, err error) {
		g.saving = false
		switch lms.KindOf(err) {
		case "":
			g.accept(ctx, saved, round)
			if g.dirty {
				g.save(ctx, course, then)
			} else if then != nil {
				then(ctx)
			}
		case lms.KindConflict:
			g.problem = ProblemOf(err)
			g.readTheirs(ctx, course)
		case lms.KindUnavailable, lms.KindUnknown:
			g.problem = ProblemOf(err)
			ctx.After(5*time.Second, func(ctx app.Context) { g.save(ctx, course, then) })
		default:
			g.problem = ProblemOf(err)
		}
	})
}

// accept takes what the node has saved. Keystrokes since then are still to be saved.
func (g *gradeForm) accept(ctx app.Context, saved lms.Grade, round int) {
	g.saved, g.version, g.problem = &saved, saved.Version, Problem{}
	if s, ok := g.near[g.sub]; ok {
		s.Grade = &saved
		g.near[g.sub] = s
	}
	if g.round != round {
		return
	}
	g.dirty = false
	if g.sub != "" {
		dropDraft(ctx, g.key())
	}
}

// readTheirs fetches what somebody else has saved, to show it beside one's own.
func (g *gradeForm) readTheirs(ctx app.Context, course string) {
	sub := g.sub
	Async(ctx, Call(api.GetSubmission, api.SubmissionPath{Course: course, Submission: sub}), func(ctx app.Context, s lms.Submission, err error) {
		if err == nil && g.sub == sub && s.Grade != nil {
			g.theirs = s.Grade
		}
	})
}

// takeTheirs drops the own text for what somebody else has saved.
func (p *gradingPage) takeTheirs(ctx app.Context, _ app.Event) {
	g := p.form()
	g.saved, g.version = g.theirs, g.theirs.Version
	g.points, g.feedback = g.theirs.Points.String(), g.theirs.Feedback
	g.theirs, g.dirty, g.problem = nil, false, Problem{}
	dropDraft(ctx, g.key())
	g.show(ctx)
}

// keepMine saves the own text over what was shown.
func (p *gradingPage) keepMine(ctx app.Context, _ app.Event) {
	p.form().version = p.form().theirs.Version
	p.form().theirs, p.form().problem = nil, Problem{}
	p.form().save(ctx, p.id, nil)
}

// post makes the grade visible to the student; first it saves what is not saved yet.
func (p *gradingPage) post(ctx app.Context) {
	p.confirm = false
	if p.form().dirty {
		p.form().save(ctx, p.id, p.postSaved)
		return
	}
	p.postSaved(ctx)
}

func (p *gradingPage) postSaved(ctx app.Context) {
	s := p.submission.Value
	p.posting = true
	in := api.PostGradesInput{Course: p.id, Assignment: s.AssignmentID, Submissions: []string{s.ID}}
	Async(ctx, Call(api.PostGrades, in), func(ctx app.Context, _ api.PostGradesOutput, err error) {
		p.posting = false
		if err != nil {
			ToastError(ctx, err)
			return
		}
		Toast(ctx, "good", "The grade of "+s.UserName+" is posted.")
		if p.sub == s.ID {
			p.load(ctx)
		}
	})
}
