package ui

import (
	"slices"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// gradingPage shows one submission to staff with the grade beside it, and the neighbours one key away. A student who
// opens it sees the own attempt.
type gradingPage struct {
	app.Compo
	inCourse
	own        app.Context // of the page, for what must not end with a field that is drawn anew
	sub        string
	submission Remote[lms.Submission]
	assignment Remote[lms.Assignment]
	marking    Remote[lms.Marking]
	attempts   Remote[api.Page[lms.Submission]] // of this student, latest first
	changes    Remote[api.Page[lms.GradeChange]]
	near       map[string]lms.Submission // prefetched neighbours
	extras     map[string]*workExtra     // by submission
	texts      map[string]Remote[string] // text files that were read, by file
	pdfs       map[string]pdfAt          // PDF files that were opened, by file
	grade      *gradeForm
	note       noteForm
	thread     threadForm
	removed    func(app.Context) // puts back what was removed last
	drag       [2]float64        // where the pointer went down on a picture
	keysOff    bool
	help       bool
	confirm    bool
	posting    bool
	returning  string // attempt that is about to be returned to draft
	stopKeys   func()
	setTopics  func(...string)
}

func (p *gradingPage) OnMount(ctx app.Context) {
	p.own = ctx
	p.stopKeys = onKeys(ctx, p.onKey)
	p.keysOff = keysOff(ctx)
	p.setTopics = OnLive(ctx, time.Minute, p.refresh, "course/"+CourseParam(ctx))
}

func (p *gradingPage) OnDismount() {
	if p.stopKeys != nil {
		p.stopKeys()
	}
	p.form().flushOnLeave(p.id, p.marking.Value.Automatic())
}

// refresh reads what others may have written meanwhile.
func (p *gradingPage) refresh(ctx app.Context) {
	if p.submission.Ready && p.sub == p.submission.Value.ID {
		p.readComments(ctx, p.sub)
		p.readNotes(ctx, p.sub)
		if g := p.form(); !g.dirty && !g.saving {
			g.asked = g.saved
			p.submission.Load(ctx, Call(api.GetSubmission, api.SubmissionPath{Course: p.id, Submission: p.sub}), func(ctx app.Context) {
				p.form().open(ctx, p.submission.Value)
			})
		}
	}
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
	if p.marking.Value.Automatic() {
		p.finish(ctx)
	} else {
		p.form().flush(ctx, p.id)
	}
	p.sub, p.confirm, p.help, p.note, p.thread, p.removed = sub, false, false, noteForm{}, threadForm{}, nil
	p.pdfs = nil
	p.trim()
	if changed || p.near == nil {
		p.near, p.extras, p.texts = map[string]lms.Submission{}, nil, nil
		if p.setTopics != nil {
			p.setTopics("course/" + p.id)
		}
	}
	if !p.knowsAttempt(sub) {
		p.attempts.Reset()
	}
	p.changes.Reset()
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
	p.form().asked = p.form().saved
	p.submission.Load(ctx, Call(api.GetSubmission, api.SubmissionPath{Course: p.id, Submission: p.sub}), func(ctx app.Context) {
		p.opened(ctx)
		p.readExtras(ctx, p.submission.Value)
	})
}

// opened fills the grade's fields, and reads what surrounds the submission.
func (p *gradingPage) opened(ctx app.Context) {
	s := p.submission.Value
	p.near[s.ID] = s
	p.form().open(ctx, s)
	if p.assignment.Value.ID != s.AssignmentID {
		p.assignment.Reset()
		p.assignment.Load(ctx, Call(api.GetAssignment, api.AssignmentPath{Course: p.id, Assignment: s.AssignmentID}))
		p.marking.Reset()
	}
	if !p.marking.Ready {
		p.marking.Load(ctx, Call(api.GetMarking, api.AssignmentPath{Course: p.id, Assignment: s.AssignmentID}))
	}
	var body string
	if p.thread.body == "" && Me().ID != "" && loadDraft(ctx, p.threadKey(), &body) {
		p.thread.body = body
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
	if known && (gradingQueue.next == "" || p.position() < last) {
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

// position is the student's place in the queue of latest attempts, from 0; -1 when the student is not there.
func (p *gradingPage) position() int {
	now := p.submission.Value
	if gradingQueue.assignment != now.AssignmentID {
		return -1
	}
	return slices.IndexFunc(gradingQueue.items, func(s lms.Submission) bool { return s.ID == p.sub || now.ID == p.sub && s.UserID == now.UserID })
}

// neighbour is the id of the submission so many steps away, or "".
func (p *gradingPage) neighbour(step int) string {
	at := p.position()
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
		Async(ctx, Call(api.GetSubmission, api.SubmissionPath{Course: p.id, Submission: id}), func(ctx app.Context, s lms.Submission, err error) {
			if err == nil {
				p.near[s.ID] = s
				p.readExtras(ctx, s)
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
	at := p.position()
	step := func(label, icon string, by int) app.UI {
		return Busy(IconButton(label, icon, func(ctx app.Context, _ app.Event) { p.step(ctx, by) }, Each(by)), p.neighbour(by) == "")
	}
	return app.Div().Class("actions", "stepper").Body(
		p.filterMenu(),
		step("Previous student (k)", "arrow-left", -1),
		app.If(at >= 0, func() app.UI {
			return app.Span().Class("muted", "num").Text(itoa(at+1) + " of " + itoa(max(gradingQueue.total, len(gradingQueue.items))))
		}),
		step("Next student (j)", "arrow-right", 1),
		app.Button().Type("button").Class("btn", "btn-quiet", "btn-icon").Title("Keyboard shortcuts (?)").Aria("label", "Keyboard shortcuts").
			OnClick(func(app.Context, app.Event) { p.help = true }).Body(app.Span().Class("kbd").Text("?")),
	)
}

// filterMenu chooses whose work "next" goes through.
func (p *gradingPage) filterMenu() app.UI {
	in := app.Select().ID("show").Class("input", "select").Aria("label", "Whose work").OnChange(p.onFilter)
	return in.Body(app.Range(workFilters).Slice(func(i int) app.UI {
		o := app.Option().Value(workFilters[i].Value).Text(workFilters[i].Label)
		if workFilters[i].Value == "missing" || p.submission.Value.Blind && tellsOfOne(workFilters[i].Value) {
			return nil // there is no work to look at, or nothing is told of it
		}
		return o.Selected(workFilters[i].Value == gradingQueue.filter)
	}))
}

func (p *gradingPage) onFilter(ctx app.Context, _ app.Event) {
	filter, as := ctx.JSSrc().Get("value").String(), p.submission.Value.AssignmentID
	Async(ctx, Call(api.ListSubmissions, api.ListSubmissionsInput{Course: p.id, Assignment: as, Filter: filter, Limit: gradingPageSize}), func(ctx app.Context, page api.Page[lms.Submission], err error) {
		switch {
		case err != nil:
			ToastError(ctx, err)
		case len(page.Items) == 0:
			Toast(ctx, "info", "No submission matches this filter.")
			SetValue("show", gradingQueue.filter)
		default:
			q := &gradingQueue
			q.assignment, q.filter, q.items, q.next, q.total = as, filter, page.Items, page.Next, page.Total
			if p.position() < 0 {
				ctx.Navigate(CoursePath(p.id, "submissions", page.Items[0].ID))
			} else {
				p.prefetch(ctx)
			}
		}
	})
}

func (p *gradingPage) view(s lms.Submission) app.UI {
	if !p.staff() {
		return app.Div().Class("split").Body(
			app.Div().Class("stack", "grading-work").Body(p.work(s)),
			app.Div().Class("stack").Body(latestGrade(p.assignment.Value, []lms.Submission{s}, false), p.undoBar(), p.notesCard(), p.threadCard()))
	}
	return app.Div().Class("grading").Body(
		app.Div().Class("stack", "grading-work").Body(p.attemptTabs(), p.work(s), p.attemptActions(s)),
		app.Div().Class("grading-side", "stack").Body(p.older(s), app.If(p.gradable(s), func() app.UI { return p.gradeView(s) }),
			p.undoBar(), p.notesCard(), p.threadCard()),
		app.If(p.help, p.helpDialog),
		app.If(p.note.open, p.noteDialog),
		app.If(p.confirm, func() app.UI {
			shown := p.form().points
			if k := p.kind(); k == "" || k == lms.GradePoints {
				shown += " of " + p.assignment.Value.Points.String() + " points"
			}
			return confirmPost("post-one", "Post the grade of "+s.UserName+"?", "The student sees "+shown+", your feedback, comments and annotations at once.", "Post the grade",
				p.post, func(app.Context) { p.confirm = false })
		}),
	)
}
