package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// gradebookPage shows staff the grid of the course, and a student the own row. Below the width of a tablet staff get a list of
// students and the columns of one of them.
type gradebookPage struct {
	app.Compo
	inCourse
	user   string // whose row is shown as the student sees it; empty: the grid
	mine   Remote[lms.StudentGrades]
	read   Remote[lms.Gradebook]
	grid   bookGrid
	narrow bool
	shown  int // students of the narrow list

	ctx     *app.Context
	drawn   window
	editing *editing
	rested  app.Func
	timer   app.Value

	pending  int
	said     string
	undo     *editing // gives the last mark back
	problem  Problem
	above    *typedMark
	conflict *typedMark
	saved    time.Time // when the own last mark was saved

	detail    Remote[lms.BookCellDetail]
	open      string // dialog: "cell", "column" or "edit"
	openUser  string
	openCol   string
	typed     string
	form      *columnForm
	restore   *lms.BookColumn // was archived last
	posting   bool
	setTopics func(...string)
}

// editing is a cell whose mark is being typed.
type editing struct {
	user, column string
	was, exact   string // the mark as it was shown, and so that every column reads it as the same
	version      int64
}

// typedMark is a mark that waits for a decision.
type typedMark struct {
	editing
	text, message string
}

// OnMount listens for what others change.
func (p *gradebookPage) OnMount(ctx app.Context) {
	p.ctx = &ctx
	p.setTopics = OnLive(ctx, 2*time.Minute, p.live, "course/"+CourseParam(ctx))
	p.measure()
}

// OnDismount forgets the page.
func (p *gradebookPage) OnDismount() { p.ctx = nil }

// OnResize follows the width of the window.
func (p *gradebookPage) OnResize(ctx app.Context) {
	was := p.narrow
	p.measure()
	if was != p.narrow {
		ctx.Update()
	}
	p.show(ctx)
}

func (p *gradebookPage) measure() {
	if app.IsClient {
		width, _ := app.Window().Size()
		p.narrow = width < 720
	}
}

// OnNav loads the grid, or the row of the address.
func (p *gradebookPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	user := Param(ctx, "students")
	if p.enter(ctx) || user != p.user || p.grid.saving == nil {
		p.user = user
		p.read.Reset()
		p.mine.Reset()
		p.grid = bookGrid{saving: map[string]string{}, bad: map[string]string{}, section: Query(ctx, "section")}
		p.close(ctx)
		if p.setTopics != nil {
			p.setTopics("course/" + p.id)
		}
	}
	p.load(ctx)
}

func (p *gradebookPage) load(ctx app.Context) {
	afterSession(ctx, func(ctx app.Context) {
		switch {
		case p.user != "":
			p.mine.Load(ctx, Call(api.GetStudentGrades, api.StudentGradesPath{Course: p.id, User: p.user}))
		case p.staff():
			began := Now()
			p.read.Load(ctx, Call(api.GetGradebook, api.GradebookInput{Course: p.id, Section: p.grid.section}), func(ctx app.Context) {
				if p.saved.After(began) { // the answer may be older than what was saved here since
					p.load(ctx)
					return
				}
				p.grid.set(p.read.Value)
				p.show(ctx)
			})
		default:
			p.mine.Load(ctx, Call(api.GetStudentGrades, api.StudentGradesPath{Course: p.id, User: Me().ID}))
		}
	})
}

// live reads again what others may have changed, not while a mark is typed or on its way, and not because of an own one.
func (p *gradebookPage) live(ctx app.Context) {
	if p.editing == nil && p.pending == 0 && !p.read.Loading() && Now().Sub(p.saved) > 3*time.Second {
		p.load(ctx)
	}
}

// own is the page's context: what an element of a dialog defers is dropped when the dialog goes.
func (p *gradebookPage) own(ctx app.Context) app.Context {
	if p.ctx != nil {
		return *p.ctx
	}
	return ctx
}

// show draws the grid after the page.
func (p *gradebookPage) show(ctx app.Context) {
	p.own(ctx).Defer(func(app.Context) {
		p.attach()
		if p.editing == nil {
			p.draw(true)
		}
	})
}

// refocus gives the keyboard back to the grid after a dialog: the cell that had it has been drawn anew meanwhile.
func (p *gradebookPage) refocus(ctx app.Context) {
	if app.IsServer {
		return
	}
	p.own(ctx).After(50*time.Millisecond, func(app.Context) { // the dialog goes with the next drawing of the page
		doc := app.Window().Get("document")
		if p.editing == nil && doc.Get("activeElement").Equal(doc.Get("body")) && app.Window().GetElementByID(bookElement).Truthy() {
			p.focusCell()
		}
	})
}

func (p *gradebookPage) readOnly() bool { return p.inCourse.readOnly() }

func (p *gradebookPage) close(ctx app.Context) {
	p.refocus(ctx)
	if !p.narrow {
		p.openUser = ""
	}
	p.open, p.openCol, p.above, p.conflict, p.form, p.problem = "", "", nil, nil, nil, Problem{}
}

// Render draws the page.
func (p *gradebookPage) Render() app.UI {
	s := &Shell{Title: "Grades", Active: "grades", Wide: true, Back: Crumbs(p.label(), CoursePath(p.id))}
	switch {
	case !p.ready():
		s.Content = Skeleton(8)
	case p.user != "" && p.staff():
		s.Title = cond(p.mine.Value.Name != "", p.mine.Value.Name, "Grades")
		s.Lead = "As the student sees it: only what is posted."
		s.Back = Crumbs(p.label(), CoursePath(p.id), "Grades", CoursePath(p.id, "grades"))
		s.Content = p.mine.View(8, p.load, p.studentView)
	case !p.staff():
		s.Title = "My grades"
		if p.mine.Ready && p.mine.Value.UserID != Me().ID { // of the student of an observer
			s.Title = "Grades of " + p.mine.Value.Name
		}
		s.Content = stackOf(gradeTabs(p.id, false, p.mine.Value.Stats, CoursePath(p.id, "grades")),
			p.mine.View(8, p.load, p.studentView))
	default:
		s.Content = stackOf(gradeTabs(p.id, true, true, CoursePath(p.id, "grades")), p.staffView())
	}
	return p.frame(s)
}

// gradeTabs lead to what belongs to the grades of a course.
func gradeTabs(course string, staff, stats bool, active string) app.UI {
	tabs := []Tab{{Label: cond(staff, "Gradebook", "My grades"), Href: CoursePath(course, "grades")}}
	if stats {
		tabs = append(tabs, Tab{Label: "Statistics", Href: CoursePath(course, "grades", "statistics")})
	}
	if staff {
		tabs = append(tabs, Tab{Label: "Import and export", Href: CoursePath(course, "grades", "files")},
			Tab{Label: "Categories and letters", Href: CoursePath(course, "grades", "setup")})
	}
	return Tabs("Grades", active, append(tabs, Tab{Label: "Feedback", Href: CoursePath(course, "grades", "notes")})...)
}

func (p *gradebookPage) staffView() app.UI {
	if !p.read.Ready {
		return p.read.View(10, p.load, func(lms.Gradebook) app.UI { return nil })
	}
	return stackOf(
		app.Div().Class("problem").Body(when(p.read.Err != nil, func() app.UI { return ErrorBox(p.read.Err, p.load) })),
		app.Div().Class("problem").Body(when(p.read.Value.Warning != "", func() app.UI { return Notice("warn", p.read.Value.Warning) })),
		app.Div().Class("problem").Body(when(p.restore != nil, func() app.UI {
			return Notice("info", p.restore.Title+" is archived with its marks, for 30 days.", actionsOf(Button("Undo", "", p.restored)))
		})),
		p.tools(),
		app.If(p.narrow, p.narrowList).Else(func() app.UI {
			return stackOf(p.selected(), p.gridElement(),
				app.P().ID("book-help").Class("fine").Text("Arrow keys move, Enter or a digit edits, Escape leaves a mark as it was, Space shows how a mark was made. Enter on a title shows what can be done with the column. EX excuses. Italic with a dot: not posted; underlined: late; ●: handed in, not graded; –: missing."))
		}),
		p.dialogs(),
	)
}

func (p *gradebookPage) gridElement() app.UI {
	return app.Div().ID(bookElement).Class("book").Role("grid").TabIndex(-1).Aria("label", "Marks by student and column").
		Aria("rowcount", len(p.grid.rows)+1).Aria("colcount", len(p.grid.cols)+1).Aria("describedby", "book-help")
}

// tools filter, and add a column.
func (p *gradebookPage) tools() app.UI {
	sections := []Option{{Label: "All sections"}}
	for _, s := range p.read.Value.Sections {
		sections = append(sections, Option{Value: s.ID, Label: s.Title})
	}
	return app.Div().Class("book-tools").Body(
		app.Div().Class("search").Role("search").Body(Icon("search"),
			app.Input().Class("input").Type("search").ID("book-search").Aria("label", "Find a student").Placeholder("Find a student").Value(p.grid.query).
				OnInput(func(ctx app.Context, _ app.Event) {
					p.grid.query = ctx.JSSrc().Get("value").String()
					p.grid.arrange()
					p.show(ctx)
				})),
		when(len(sections) > 1, func() app.UI {
			return Select(Field{ID: "book-section", Label: "Section", Value: p.grid.section, On: func(ctx app.Context, _ app.Event) {
				p.grid.section = ctx.JSSrc().Get("value").String()
				p.load(ctx)
			}}, sections...)
		}),
		actionsOf(
			app.Span().Class("muted").Role("status").Text(plural(len(p.grid.rows), "student")),
			when(p.instructor() && !p.readOnly(), func() app.UI { return Button("Add a column", "plus", p.newColumn) }),
		),
	)
}

// selected says what is in the cell that the keyboard is in, and what became of the last mark.
func (p *gradebookPage) selected() app.UI {
	g := &p.grid
	words := g.describe(g.row, g.col)
	return app.Div().Class("book-bar").Body(
		app.Div().Class("book-words").Attr("dir", "auto").Body(text(cond(words != "", words, "Choose a cell."))),
		actionsOf(
			app.Div().Class("book-said").Role("status").Body(p.saveState()),
			when(p.undo != nil && p.pending == 0, func() app.UI { return Button("Undo", "", p.takeBack) }),
			when(words != "", func() app.UI {
				return Button("Details", "info", func(ctx app.Context, _ app.Event) { p.openSelected(ctx) })
			}),
		),
	)
}

func (p *gradebookPage) saveState() app.UI {
	switch {
	case p.problem.Message != "":
		return app.Span().Class("error").Body(Icon("alert-circle"), text(p.problem.Message))
	case p.pending > 0:
		return app.Span().Class("muted").Text("Not saved yet …")
	}
	return app.Span().Class("muted").Text(p.said)
}

func (p *gradebookPage) sortBy(ctx app.Context, column string) {
	g := &p.grid
	g.down = (g.sort == column || g.sort == "" && column == "name") && !g.down
	g.sort = column
	g.arrange()
	p.show(ctx)
}

func (p *gradebookPage) openStudent(ctx app.Context, user string) {
	ctx.Navigate(CoursePath(p.id, "grades", "students", user))
}
