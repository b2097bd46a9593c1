package ui

import (
	"context"
	"slices"
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
	points     string // as typed, in the words of the kind of grades
	feedback   string
	marks      *lms.Marks
	version    int64
	saved      *lms.Grade // what the node has; it may be only begun
	asked      *lms.Grade // what it had when the submission was last asked for
	dirty      bool       // typed and not saved
	saving     bool
	round      int // counts the keystrokes, to save after the last one
	problem    Problem
	after      func(app.Context) // follows the save that is on its way
	theirs     *lms.Grade        // saved by somebody else meanwhile
	allowAbove bool
	near       map[string]lms.Submission // the page's submissions, to keep up to date
}

// gradeDraft is what this device keeps.
type gradeDraft struct {
	Points   string     `json:"points"`
	Feedback string     `json:"feedback"`
	Marks    *lms.Marks `json:"marks,omitempty"`
	Version  int64      `json:"version"`
}

func (g *gradeForm) key() string { return draftKey("grade", g.sub) }

// gradeOf is what the node has of a grade: a whole one or its beginning.
func gradeOf(s lms.Submission) *lms.Grade {
	if s.Grade != nil {
		return s.Grade
	}
	return s.Begun
}

// take fills the fields with what the node has.
func (g *gradeForm) take(of *lms.Grade) {
	g.saved, g.version, g.points, g.feedback, g.marks = of, 0, "", "", nil
	if of == nil {
		return
	}
	g.feedback, g.marks, g.version = of.Feedback, of.Marks, of.Version
	if !of.Begun {
		g.points = of.Shown()
	}
}

// open fills the fields once, and again when nothing of the marker's is lost by it: an answer to what was asked before the
// last save is older than what is shown.
func (g *gradeForm) open(ctx app.Context, s lms.Submission) {
	if s.ID != g.sub || g.dirty || g.saving || g.theirs != nil || g.opened && g.asked != g.saved {
		return
	}
	points, feedback := g.points, g.feedback
	g.take(gradeOf(s))
	first := !g.opened
	g.opened = true
	var d gradeDraft
	if first && Me().ID != "" && loadDraft(ctx, g.key(), &d) {
		if d.Points == g.points && d.Feedback == g.feedback && equalMarks(d.Marks, g.marks) {
			dropDraft(ctx, g.key())
		} else {
			if d.Version != g.version {
				g.theirs = gradeOf(s)
			}
			g.points, g.feedback, g.marks, g.dirty = d.Points, d.Feedback, d.Marks, true
		}
	}
	if first || points != g.points || feedback != g.feedback {
		g.show(ctx)
	}
}

func equalMarks(a, b *lms.Marks) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.RubricID == b.RubricID && a.Version == b.Version && slices.EqualFunc(a.Criteria, b.Criteria, func(x, y lms.CriterionMark) bool {
		return x.Criterion == y.Criterion && x.Level == y.Level && x.Comment == y.Comment && (x.Points == nil) == (y.Points == nil) &&
			(x.Points == nil || *x.Points == *y.Points)
	})
}

// show writes the fields into the inputs, which go-app does not clear.
func (g *gradeForm) show(ctx app.Context) {
	points, feedback, marks := g.points, g.feedback, g.marks
	ctx.Defer(func(app.Context) {
		SetValue("points", points)
		SetValue("feedback", feedback)
		if marks != nil {
			for _, m := range marks.Criteria {
				SetValue(rubricID(m.Criterion)+"-comment", m.Comment)
			}
		}
	})
}

// scored reports whether the node has a grade, and not only the beginning of one.
func (g *gradeForm) scored() bool { return g.saved != nil && !g.saved.Begun }

// input is what was typed; ok is false while there is nothing to save, or a grade was taken away.
func (g *gradeForm) input(course string) (in api.GradeInput, ok bool, err error) {
	typed := strings.TrimSpace(g.points)
	in = api.GradeInput{Course: course, Submission: g.sub, Grade: &typed, Feedback: g.feedback, Marks: g.marks, Version: g.version,
		AllowAbove: g.allowAbove, Draft: true}
	if typed == "" && (g.scored() || g.feedback == "" && (g.marks == nil || len(g.marks.Criteria) == 0) && g.saved == nil) {
		return in, false, nil
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
	keepDraft(ctx, g.key(), gradeDraft{Points: g.points, Feedback: g.feedback, Marks: g.marks, Version: g.version})
	p.own.After(saveAfter, func(ctx app.Context) {
		if g.round == round && !p.refuseGrade(g) {
			g.save(ctx, p.id, nil)
		}
	})
}

// parsed reads the grade as it is typed.
func (p *gradingPage) parsed(g *gradeForm) (lms.Points, error) {
	v, _, err := p.kind().Parse(g.points, p.assignment.Value.Points, p.marking.Value.Letters)
	return v, err
}

// refuseGrade says what is wrong with the grade, and asks for a confirmation of more points than the assignment is worth.
func (p *gradingPage) refuseGrade(g *gradeForm) bool {
	if strings.TrimSpace(g.points) == "" || !p.assignment.Ready {
		return false // the node decides
	}
	v, err := p.parsed(g)
	if err == nil {
		err = p.assignment.Value.CheckPoints(v, g.allowAbove)
	}
	if err != nil {
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
func (g *gradeForm) flushOnLeave(course string, finish bool) {
	if app.IsServer || g.saving || g.theirs != nil || !g.dirty && !g.unfinished(finish) {
		return
	}
	in, ok, err := g.input(course)
	if !ok || err != nil {
		return
	}
	in.Draft = !finish
	go guarded(context.Background(), func(ctx context.Context) error {
		_, err := api.Call(ctx, API, api.SaveGrade, in)
		return err
	})
}

// unfinished reports whether leaving the work posts its grade, because posting is automatic.
func (g *gradeForm) unfinished(automatic bool) bool {
	return automatic && g.scored() && g.saved.PostedAt.IsZero() && g.opened && g.touched()
}

// touched reports whether the grade was changed here: only looking at a draft does not post it.
func (g *gradeForm) touched() bool { return g.round > 0 }

// save sends the draft. then runs after it is saved, also where it is on its way already; it may be nil.
func (g *gradeForm) save(ctx app.Context, course string, then func(app.Context)) {
	in, ok, err := g.input(course)
	if err != nil {
		g.problem = ProblemOf(err)
		return
	}
	if !ok || g.theirs != nil {
		return
	}
	if g.saving {
		if then != nil {
			g.after = then
		}
		return
	}
	g.saving = true
	round := g.round
	Async(ctx, Call(api.SaveGrade, in), func(ctx app.Context, saved lms.Grade, err error) {
		g.saving = false
		switch lms.KindOf(err) {
		case "":
			g.accept(ctx, saved, round)
			if g.after != nil {
				then, g.after = g.after, nil
			}
			if g.dirty {
				g.save(ctx, course, then)
			} else if then != nil {
				then(ctx)
			}
		case lms.KindConflict:
			g.problem, g.after = ProblemOf(err), nil
			g.readTheirs(ctx, course)
		case lms.KindUnavailable, lms.KindUnknown:
			g.problem = ProblemOf(err)
			ctx.After(5*time.Second, func(ctx app.Context) { g.save(ctx, course, then) })
		default:
			g.problem, g.after = ProblemOf(err), nil
		}
	})
}

// accept takes what the node has saved. Keystrokes since then are still to be saved.
func (g *gradeForm) accept(ctx app.Context, saved lms.Grade, round int) {
	g.saved, g.version, g.problem = &saved, saved.Version, Problem{}
	if s, ok := g.near[g.sub]; ok {
		s.Grade, s.Begun = &saved, nil
		if saved.Begun {
			s.Grade, s.Begun = nil, &saved
		}
		g.near[g.sub] = s
	}
	if g.round != round {
		return
	}
	g.dirty = false
	if g.sub != "" {
		dropDraft(ctx, g.key())
	}
	if g.points == "" && !saved.Begun { // the rubric made it
		g.points = saved.Shown()
		g.show(ctx)
	}
}

// readTheirs fetches what somebody else has saved, to show it beside one's own.
func (g *gradeForm) readTheirs(ctx app.Context, course string) {
	sub := g.sub
	Async(ctx, Call(api.GetSubmission, api.SubmissionPath{Course: course, Submission: sub}), func(ctx app.Context, s lms.Submission, err error) {
		if err == nil && g.sub == sub && gradeOf(s) != nil {
			g.theirs = gradeOf(s)
		}
	})
}

// takeTheirs drops the own text for what somebody else has saved.
func (p *gradingPage) takeTheirs(ctx app.Context, _ app.Event) {
	g := p.form()
	g.take(g.theirs)
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

// finish posts the grade of the work that the marker leaves, where posting is automatic.
func (p *gradingPage) finish(ctx app.Context) {
	g, s := p.form(), p.submission.Value
	if s.ID != g.sub || !p.marking.Value.Automatic() || !g.touched() || g.theirs != nil || g.above(p) {
		return
	}
	post := func(ctx app.Context) {
		in := api.PostGradesInput{Course: p.id, Assignment: s.AssignmentID, Submissions: []string{s.ID}}
		Async(ctx, Call(api.PostGrades, in), func(ctx app.Context, _ api.PostGradesOutput, err error) {
			if err != nil {
				ToastError(ctx, err)
				return
			}
			delete(p.near, s.ID) // to be read again
		})
	}
	switch {
	case g.dirty:
		g.save(ctx, p.id, post)
	case g.scored() && g.saved.PostedAt.IsZero():
		post(ctx)
	}
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
		p.posted(ctx, s, err, "The grade of "+s.UserName+" is posted.")
	})
}

// hide takes the grade and the remarks away from the student again.
func (p *gradingPage) hide(ctx app.Context, _ app.Event) {
	s := p.submission.Value
	p.posting = true
	in := api.HideGradesInput{Course: p.id, Assignment: s.AssignmentID, Submissions: []string{s.ID}}
	Async(ctx, Call(api.HideGrades, in), func(ctx app.Context, _ api.HideGradesOutput, err error) {
		p.posted(ctx, s, err, s.UserName+" does not see the grade and the remarks any more.")
	})
}

func (p *gradingPage) posted(ctx app.Context, s lms.Submission, err error, done string) {
	p.posting = false
	if err != nil {
		ToastError(ctx, err)
		return
	}
	Toast(ctx, "good", done)
	if p.sub == s.ID {
		p.load(ctx)
	}
}
