package ui

import (
	"context"
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// gradingPage shows one submission to staff with the grade beside it, and the neighbours one key away. A student who
// opens it sees the own attempt.
type gradingPage struct {
	app.Compo
	inCourse
	sub        string
	submission Remote[lms.Submission]
	assignment Remote[lms.Assignment]
	attempts   Remote[api.Page[lms.Submission]] // of this student, latest first
	near       map[string]lms.Submission        // prefetched neighbours
	texts      map[string]Remote[string]        // text files that were opened
	grade      *gradeForm
	keysOff    bool
	help       bool
	confirm    bool
	posting    bool
	returning  string // attempt that is about to be returned to draft
	stopKeys   func()
}

func (p *gradingPage) OnMount(ctx app.Context) {
	p.stopKeys = onKeys(ctx, p.onKey)
	p.keysOff = keysOff(ctx)
}

func (p *gradingPage) OnDismount() {
	if p.stopKeys != nil {
		p.stopKeys()
	}
	p.form().flushOnLeave(p.id)
}

func (p *gradingPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	changed := p.enter(ctx)
	sub := Param(ctx, "submissions")
	if sub == p.sub && !changed {
		return
	}
	p.form().flush(ctx, p.id)
	p.sub, p.confirm, p.help, p.texts = sub, false, false, nil
	if changed || p.near == nil {
		p.near = map[string]lms.Submission{}
	}
	if !p.knowsAttempt(sub) {
		p.attempts.Reset()
	}
	p.grade = &gradeForm{sub: sub, near: p.near}
	p.submission.Reset()
	if s, ok := p.near[sub]; ok { // shown at once, then read again
		p.submission.Set(s)
		p.opened(ctx)
	}
	p.load(ctx)
}

// form is the grade of the submission on screen. Each submission has its own, so that a late answer about the one before
// does not touch it.
func (p *gradingPage) form() *gradeForm {
	if p.grade == nil {
		p.grade = &gradeForm{sub: p.sub}
	}
	return p.grade
}

func (p *gradingPage) load(ctx app.Context) {
	p.submission.Load(ctx, Call(api.GetSubmission, api.SubmissionPath{Course: p.id, Submission: p.sub}), p.opened)
}

// opened fills the grade's fields, and reads what surrounds the submission.
func (p *gradingPage) opened(ctx app.Context) {
	s := p.submission.Value
	p.near[s.ID] = s
	p.form().open(ctx, s)
	if p.assignment.Value.ID != s.AssignmentID {
		p.assignment.Reset()
		p.assignment.Load(ctx, Call(api.GetAssignment, api.AssignmentPath{Course: p.id, Assignment: s.AssignmentID}))
	}
	afterSession(ctx, func(ctx app.Context) {
		if p.staff() && p.sub == s.ID {
			p.attempts.Load(ctx, Call(api.ListAttempts, api.SubmissionPath{Course: p.id, Submission: s.ID}))
			p.fillQueue(ctx, s.AssignmentID)
		}
	})
}

// fillQueue reads the list around the submission, unless the marker came from it, and then the neighbours.
func (p *gradingPage) fillQueue(ctx app.Context, assignment string) {
	last := len(gradingQueue.items) - 1
	known := gradingQueue.assignment == assignment
	if known && (gradingQueue.next == "" || p.place() < last) {
		p.prefetch(ctx)
		return
	}
	in := api.ListSubmissionsInput{Course: p.id, Assignment: assignment, Limit: gradingPageSize}
	if known {
		in.Filter, in.After = gradingQueue.filter, gradingQueue.next
	}
	Async(ctx, Call(api.ListSubmissions, in), func(ctx app.Context, page api.Page[lms.Submission], err error) {
		if err != nil {
			return // the work itself is here; only "next" has to wait
		}
		q := &gradingQueue
		if q.assignment != assignment {
			q.assignment, q.filter, q.items = assignment, "", nil
		}
		q.items, q.next, q.total = append(q.items, page.Items...), page.Next, page.Total
		p.prefetch(ctx)
	})
}

// place is the student's position in the queue of latest attempts, from 0; -1 when the student is not there.
func (p *gradingPage) place() int {
	now := p.submission.Value
	if gradingQueue.assignment != now.AssignmentID {
		return -1
	}
	return slices.IndexFunc(gradingQueue.items, func(s lms.Submission) bool { return s.ID == p.sub || now.ID == p.sub && s.UserID == now.UserID })
}

// neighbour is the id of the submission so many steps away, or "".
func (p *gradingPage) neighbour(step int) string {
	at := p.place()
	if at < 0 || at+step < 0 || at+step >= len(gradingQueue.items) {
		return ""
	}
	return gradingQueue.items[at+step].ID
}

// prefetch reads the neighbours, so that the next student shows without waiting.
func (p *gradingPage) prefetch(ctx app.Context) {
	for _, step := range []int{1, -1} {
		id := p.neighbour(step)
		if _, ok := p.near[id]; ok || id == "" {
			continue
		}
		Async(ctx, Call(api.GetSubmission, api.SubmissionPath{Course: p.id, Submission: id}), func(_ app.Context, s lms.Submission, err error) {
			if err == nil {
				p.near[s.ID] = s
			}
		})
	}
}

func (p *gradingPage) step(ctx app.Context, step int) {
	if id := p.neighbour(step); id != "" {
		ctx.Navigate(CoursePath(p.id, "submissions", id))
	}
}

func (p *gradingPage) Render() app.UI {
	s, a := p.submission.Value, p.assignment.Value
	title := s.UserName
	if title == "" {
		title = cond(s.Attempt > 0, "Attempt "+itoa(s.Attempt), "Submission")
	}
	back := Crumbs(p.label(), CoursePath(p.id))
	if s.AssignmentID != "" {
		back = Crumbs(p.label(), CoursePath(p.id), cond(a.Title != "", a.Title, "Assignment"), CoursePath(p.id, "assignments", s.AssignmentID),
			"Submissions", CoursePath(p.id, "assignments", s.AssignmentID, "submissions"))
		if p.ready() && !p.staff() {
			back = Crumbs(p.label(), CoursePath(p.id), cond(a.Title != "", a.Title, "Assignment"), CoursePath(p.id, "assignments", s.AssignmentID))
		}
	}
	return p.frame(&Shell{Title: title, Active: "assignments", Wide: true, Back: back,
		Actions: app.If(p.staff(), p.stepper),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(6) }).Else(func() app.UI { return p.submission.View(6, p.load, p.view) })})
}

func (p *gradingPage) stepper() app.UI {
	at := p.place()
	step := func(label, icon string, by int) app.UI {
		return Busy(IconButton(label, icon, func(ctx app.Context, _ app.Event) { p.step(ctx, by) }, Each(by)), p.neighbour(by) == "")
	}
	return app.Div().Class("actions", "stepper").Body(
		step("Previous student (k)", "arrow-left", -1),
		app.If(at >= 0, func() app.UI {
			return app.Span().Class("muted", "num").Text(itoa(at+1) + " of " + itoa(max(gradingQueue.total, len(gradingQueue.items))))
		}),
		step("Next student (j)", "arrow-right", 1),
		app.Button().Type("button").Class("btn", "btn-quiet", "btn-icon").Title("Keyboard shortcuts (?)").Aria("label", "Keyboard shortcuts").
			OnClick(func(app.Context, app.Event) { p.help = true }).Body(app.Span().Class("kbd").Text("?")),
	)
}

func (p *gradingPage) view(s lms.Submission) app.UI {
	if !p.staff() {
		return app.Div().Class("stack").Body(latestGrade(p.assignment.Value, []lms.Submission{s}), p.work(s))
	}
	return app.Div().Class("grading").Body(
		app.Div().Class("stack").Body(p.attemptTabs(), p.work(s), p.attemptActions(s)),
		app.Div().Class("grading-side", "stack").Body(p.older(s), app.If(p.gradable(s), func() app.UI { return p.gradeView(s) })),
		app.If(p.help, p.helpDialog),
		app.If(p.confirm, func() app.UI {
			return confirmPost("post-one", "Post the grade of "+s.UserName+"?", "The student sees "+p.form().points+" of "+p.assignment.Value.Points.String()+" points and your feedback at once.", "Post the grade",
				p.post, func(app.Context) { p.confirm = false })
		}),
	)
}

func (p *gradingPage) work(s lms.Submission) app.UI {
	label, tone := stateBadge(s)
	return Card("Attempt "+itoa(s.Attempt), []app.UI{app.Span().Class("muted").Text(FormatTime(s.SubmittedAt)), Badge(label, tone)},
		app.If(s.Text == "" && s.URL == "" && len(s.Files) == 0, func() app.UI { return app.P().Class("muted").Text("This attempt is empty.") }),
		attemptBody(s),
		app.Div().Class("stack").Body(app.Range(withCourse(s)).Slice(func(i int) app.UI { return p.preview(withCourse(s)[i]) })),
	)
}

// maxPreview bounds a text that is shown in the page.
const maxPreview = 256 << 10

// preview shows pictures and short texts in the page. Everything else is opened in a tab of its own or downloaded.
func (p *gradingPage) preview(f lms.File) app.UI {
	switch {
	case !f.Complete():
		return nil
	case strings.HasPrefix(f.Type, "image/") && opensInline(f):
		return app.Figure().Class("preview").Body(app.Img().Src(contentPath(f, true)).Alt("Picture "+f.Name).Attr("loading", "lazy"), app.FigCaption().Class("fine").Text(f.Name))
	case strings.HasPrefix(f.Type, "text/plain") && f.Size <= maxPreview:
		r := p.texts[f.ID]
		return app.Div().Class("stack-tight").Body(
			app.If(r.Ready, func() app.UI {
				return app.Div().Body(app.Pre().Class("panel", "preview-text").TabIndex(0).Aria("label", f.Name).Text(r.Value),
					app.P().Class("fine").Text(f.Name+", "+plural(len(strings.Fields(r.Value)), "word")))
			}).Else(func() app.UI {
				return app.Div().Class("actions").Body(Button("Show "+f.Name, "eye", func(ctx app.Context, _ app.Event) { p.showText(ctx, f) }, Each(f.ID)))
			}),
		)
	}
	return nil
}

func (p *gradingPage) showText(ctx app.Context, f lms.File) {
	sub := p.sub
	Async(ctx, func(c context.Context) ([]byte, error) { return API.Bytes(c, contentPath(f, true), maxPreview) }, func(ctx app.Context, b []byte, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		if p.sub != sub {
			return
		}
		if p.texts == nil {
			p.texts = map[string]Remote[string]{}
		}
		p.texts[f.ID] = Remote[string]{Value: strings.ToValidUTF8(string(b), "�"), remote: remote{Ready: true}}
	})
}
