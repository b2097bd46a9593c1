package ui

import (
	"context"
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// courseImportPage makes a course out of an archive: the file is uploaded in parts that any node takes, and then taken in.
type courseImportPage struct {
	app.Compo
	in      api.CourseInput // of the course that is made for the archive
	file    *transfer
	step    api.ImportStep
	reading bool // the nodes take the archive in
	problem Problem
	report  *lms.ImportReport
	stop    func()
}

func (p *courseImportPage) OnMount(ctx app.Context) {
	p.stop = watchTransfers(ctx, func(app.Context) {})
}

func (p *courseImportPage) OnDismount() {
	if p.stop != nil {
		p.stop()
	}
}

func (p *courseImportPage) Render() app.UI {
	return &Shell{Title: "Import a course", Active: "courses", Back: Crumbs("Courses", "/courses"), Content: app.Div().Class("stack", "form").Body(
		p.problem.Alert(),
		app.If(p.report != nil, p.done).ElseIf(p.file != nil && p.problem.Message == "", p.progress).Else(p.choose),
	)}
}

func (p *courseImportPage) choose() app.UI {
	return app.Div().Class("stack").Body(
		app.P().Text("An archive is made on the settings page of a course, on this site or another. It brings modules, pages, files, assignments and what instructors have decided; no people and none of their work. The new course is not published."),
		FilePicker("archive", "Choose the archive of a course", "A file that ends in .trivium.zip, at most "+lms.FormatBytes(lms.MaxFileSize)+".", false, ".zip", p.onPick),
	)
}

func (p *courseImportPage) progress() app.UI {
	transfers.mu.Lock()
	t := *p.file
	transfers.mu.Unlock()
	return app.Div().Class("stack").Role("status").Body(
		app.Ul().Class("transfers").Body(transferView(t)),
		app.If(p.reading, func() app.UI {
			return app.Div().Body(app.P().Text("The archive has arrived; its files are put on the nodes."), Progress("Files of the course", p.step.Done, max(p.step.Total, 1)))
		}),
	)
}

func (p *courseImportPage) done() app.UI {
	var parts []string
	for _, c := range p.report.Imported {
		parts = append(parts, strconv.Itoa(c.N)+" "+c.What)
	}
	return app.Div().Class("stack").Body(
		Notice("good", "“"+p.report.Course.Title+"” is here: "+cond(len(parts) > 0, strings.Join(parts, ", "), "an empty course")+". Only staff see it until you publish it."),
		app.If(len(p.report.Skipped) > 0, func() app.UI {
			return Notice("info", "Left out: "+strings.Join(p.report.Skipped, " "))
		}),
		app.Div().Class("actions").Body(PrimaryLink("Open the course", "arrow-right", CoursePath(p.report.Course.ID)), LinkButton("All courses", "", "/courses")),
	)
}

func (p *courseImportPage) onPick(ctx app.Context, _ app.Event) {
	picked := pickedFiles("archive")
	if len(picked) != 1 {
		return
	}
	b := picked[0]
	if b.Size() > lms.MaxFileSize {
		p.problem = Problem{Message: b.Name() + " has " + lms.FormatBytes(b.Size()) + "; at most " + lms.FormatBytes(lms.MaxFileSize) + " are taken."}
		return
	}
	p.problem, p.step, p.reading = Problem{}, api.ImportStep{}, false
	p.file = newTransfer(b)
	title := strings.TrimSuffix(strings.TrimSuffix(b.Name(), ".zip"), ".trivium")
	p.in = api.CourseInput{ID: lms.NewID(), Code: "import", Title: title, Zone: Zone(), State: lms.CourseUnpublished}
	file, in := p.file, p.in
	Async(ctx, func(c context.Context) (lms.Course, error) {
		made, err := api.Call(c, API, api.CreateCourse, in)
		if err != nil {
			return made, err
		}
		if err := file.prepare(c, in.ID); err != nil {
			return made, err
		}
		_, err = file.deliver(c)
		return made, err
	}, func(ctx app.Context, _ lms.Course, err error) {
		if err != nil {
			p.refused(ctx, err)
			return
		}
		p.reading = true
		p.take(ctx)
	})
}

// refused says why, and puts the course away that was made for the archive: nothing is in it.
func (p *courseImportPage) refused(ctx app.Context, err error) {
	p.problem = ProblemOf(err)
	in := p.in
	in.State = lms.CourseArchived
	Async(ctx, Call(api.UpdateCourse, api.UpdateCourseInput{Course: in.ID, CourseInput: in, Version: 1}), func(app.Context, lms.Course, error) {})
}

// take lets the nodes take the archive in, some seconds at a time.
func (p *courseImportPage) take(ctx app.Context) {
	Async(ctx, Call(api.ImportCourse, api.ImportInput{Course: p.in.ID, FileID: p.file.file.ID}), func(ctx app.Context, step api.ImportStep, err error) {
		switch {
		case err != nil:
			p.refused(ctx, err)
		case step.Report == nil:
			p.step = step
			p.take(ctx)
		default:
			p.report = step.Report
			RefreshSession(ctx, func(app.Context) {})
		}
	})
}

// archiveCard lets an instructor take a course along.
func archiveCard(course string) app.UI {
	path, err := api.PathOf(api.ExportCourse, api.CoursePath{Course: course})
	if err != nil {
		return nil
	}
	return Card("Take the course along", nil, app.Div().Class("stack").Body(
		app.P().Text("An archive holds modules, pages, files, assignments and what you have decided, but no people and none of their work. Any site of Trivium makes an equal course of it."),
		app.Div().Class("actions").Body(app.A().Class("btn").Href(path).Attr("download", "").Body(Icon("download"), text("Download the archive"))),
	))
}
