//go:build e2e

package e2e

import (
	"bytes"
	"fmt"

	"trivium/app/api"
	"trivium/app/lms"
)

// people have attacks for names, and the course, its sections and its codes too.
func (a *attacked) people() {
	title := a.titles
	for i, name := range title {
		login := fmt.Sprint("student", i)
		if i == 0 {
			login = "mallory"
		}
		call(a.t, a.admin, api.CreateUser, api.CreateUserInput{ID: lms.NewID(), Login: login, Name: name, Password: password})
		call(a.t, a.ines, api.AddMember, api.AddMemberInput{Course: a.course, Login: login, Role: lms.RoleStudent})
		call(a.t, a.ines, api.CreateSection, api.SectionInput{Course: a.course, ID: lms.NewID(), Title: fmt.Sprint(i, name)}) // some differ only in case
		if i < 12 {                                                                                                           // these stand in lists of their own
			call(a.t, a.ines, api.CreateCourse, api.CourseInput{ID: lms.NewID(), Code: fmt.Sprint("X", i), Title: name, Summary: a.body, Zone: "Europe/Berlin", State: lms.CoursePublished})
		}
	}
	c := call(a.t, a.ines, api.GetCourse, api.CoursePath{Course: a.course})
	call(a.t, a.ines, api.UpdateCourse, api.UpdateCourseInput{Course: a.course, Version: c.Version,
		CourseInput: api.CourseInput{ID: a.course, Code: c.Code, Title: title[1], Summary: a.body, Zone: c.Zone, State: c.State, Term: title[2]}})
}

// content is modules, pages, headings and links.
func (a *attacked) content() {
	for i, name := range a.titles {
		module, page := lms.NewID(), lms.NewID()
		call(a.t, a.ines, api.CreateModule, api.ModuleInput{Course: a.course, ID: module, Title: name, Published: true})
		body := "A page."
		if i == 0 {
			body = a.body
		}
		call(a.t, a.ines, api.CreateMaterial, api.MaterialInput{Course: a.course, ID: page, Title: name, Kind: lms.MaterialPage, Body: body, Published: true})
		call(a.t, a.ines, api.CreateItem, api.ItemInput{Course: a.course, Module: module, ID: page, Kind: lms.ItemMaterial, Published: true})
		call(a.t, a.ines, api.CreateItem, api.ItemInput{Course: a.course, Module: module, ID: lms.NewID(), Kind: lms.ItemHeader, Title: name, Published: true})
		call(a.t, a.ines, api.CreateItem, api.ItemInput{Course: a.course, Module: module, ID: lms.NewID(), Kind: lms.ItemLink, Title: name, URL: "https://evil.example/?a='onmouseover='xssRan(1)", Published: true})
		if i == 0 {
			a.materials = append(a.materials, page)
		}
	}
}

// work is assignments, a rubric, columns of the gradebook, and what students hand in and staff write to them.
func (a *attacked) work() {
	var columns []lms.Category
	var criteria []lms.Criterion
	for i, name := range a.titles {
		call(a.t, a.ines, api.CreateAssignment, api.AssignmentInput{Course: a.course, ID: lms.NewID(), Title: name, Description: a.body, Points: 1000, AllowText: true, Published: true})
		call(a.t, a.ines, api.CreateColumn, api.ColumnInput{Course: a.course, ID: lms.NewID(), Title: name, Points: 1000, Published: true})
		if i < 8 {
			columns = append(columns, lms.Category{ID: fmt.Sprint("c", i), Name: name, Weight: 1000})
			criteria = append(criteria, lms.Criterion{ID: fmt.Sprint("k", i), Title: name, Description: a.body[:min(len(a.body), 2000)], Points: 1000,
				Levels: []lms.CriterionLevel{{ID: "all", Title: name, Points: 1000}, {ID: "none", Title: "None"}}})
		}
	}
	book := call(a.t, a.ines, api.GetBookSettings, api.CoursePath{Course: a.course})
	book.Categories = columns
	call(a.t, a.ines, api.SetBookSettings, api.BookSettingsInput{Course: a.course, BookSettings: book})
	call(a.t, a.ines, api.CreateRubric, api.RubricInput{Course: a.course, ID: "r1", Title: a.titles[3], Criteria: criteria})
	call(a.t, a.ines, api.UpdateMarking, api.MarkingInput{Course: a.course, Assignment: a.assignment, Posting: lms.PostingAutomatic, RubricID: "r1", RubricShown: true})

	mallory := a.signedIn("mallory")
	file, err := a.upload(mallory, `"><img src=x onerror=xssRan(1)>.txt`, []byte(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	a.submission = call(a.t, mallory, api.Submit, api.SubmitInput{Course: a.course, Assignment: a.assignment, ID: lms.NewID(), Text: a.body, Files: []string{file}}).Submission.ID
	at := api.SubmissionPath{Course: a.course, Submission: a.submission}
	call(a.t, mallory, api.AddComment, api.CommentInput{Course: at.Course, Submission: at.Submission, ID: lms.NewID(), Body: a.body})
	call(a.t, a.ines, api.AddComment, api.CommentInput{Course: at.Course, Submission: at.Submission, ID: lms.NewID(), Body: a.body})
	call(a.t, a.ines, api.Annotate, api.AnnotationInput{Course: at.Course, Submission: at.Submission, ID: lms.NewID(), Anchor: lms.Anchor{End: 8, Quote: a.body[:8]}, Body: a.body[:min(len(a.body), 4000)]})
	call(a.t, a.ines, api.SaveGrade, api.GradeInput{Course: at.Course, Submission: at.Submission, Points: 700, Feedback: a.body})
	call(a.t, a.ines, api.SendNote, api.NoteInput{Course: a.course, ID: lms.NewID(), To: a.user("mallory"), Body: a.body[:min(len(a.body), 4000)]})
}

// talk is questions to the staff and to the tutor, with answers that stand in the FAQ.
func (a *attacked) talk() {
	mallory := a.signedIn("mallory")
	call(a.t, mallory, api.AcceptTutorNotice, api.TutorNoticeInput{Notice: lms.TutorNotice})
	for i, to := range []lms.Addressee{lms.ToStaff, lms.ToTutor} {
		q := lms.NewID()
		call(a.t, mallory, api.AskQuestion, api.QuestionInput{Course: a.course, ID: q, ReplyID: lms.NewID(), To: to, Title: a.titles[4+i], Body: a.body[:min(len(a.body), 3000)], Visibility: lms.VisibleStaff})
		a.questions = append(a.questions, q)
	}
	reply := lms.NewID()
	call(a.t, a.ines, api.AddReply, api.ReplyInput{Course: a.course, Question: a.questions[0], ID: reply, Body: a.body})
	for _, name := range a.titles {
		q := lms.NewID()
		call(a.t, mallory, api.AskQuestion, api.QuestionInput{Course: a.course, ID: q, To: lms.ToStaff, Title: name, Visibility: lms.VisibleCourse})
	}
}

// uploads are files whose kind browsers run when they are asked to show them.
func (a *attacked) uploads() {
	script := []byte("<!doctype html><script>xssRan(1)</script><img src=https://evil.example/f.png onerror=xssRan(1)>")
	for name, data := range map[string][]byte{
		"page.html":  script,
		"page.xhtml": []byte(`<html xmlns="http://www.w3.org/1999/xhtml"><script>xssRan(1)</script></html>`),
		"image.svg":  []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="xssRan(1)"><script>xssRan(1)</script><image href="https://evil.example/i.png"/></svg>`),
		"feed.xml":   []byte(`<?xml version="1.0"?><?xml-stylesheet href="https://evil.example/s.xsl"?><a xmlns:h="http://www.w3.org/1999/xhtml"><h:script>xssRan(1)</h:script></a>`),
		"notes.md":   []byte(a.body),
		"plain.txt":  script,
		"talk.vtt":   []byte("WEBVTT\n\n00:01.000 --> 00:02.000\n<script>xssRan(1)</script>\n"),
		"mail.mhtml": script,
		"photo.png":  script,
		"paper.pdf":  script,
		"saved.htm":  script,
	} {
		id, err := a.upload(a.ines, name, data)
		if err != nil { // a type that materials do not take cannot harm
			continue
		}
		material := lms.NewID()
		call(a.t, a.ines, api.CreateMaterial, api.MaterialInput{Course: a.course, ID: material, Title: name, Kind: lms.MaterialFile, FileID: id, Published: true})
		a.materials = append(a.materials, material)
		content := "/api/v1/courses/" + a.course + "/files/" + id + "/content"
		a.files = append(a.files, content, content+"?inline=true")
	}
	if len(a.files) < 8 {
		a.t.Fatalf("only %d files were taken", len(a.files)/2)
	}
}

func (a *attacked) upload(c *api.Client, name string, data []byte) (string, error) {
	r, err := api.Upload(a.t.Context(), c, a.course, api.NewBlob(name, int64(len(data)), bytes.NewReader(data)), nil)
	return r.File.ID, err
}

// user is the id of an account.
func (a *attacked) user(login string) string {
	a.t.Helper()
	for _, u := range call(a.t, a.admin, api.ListUsers, api.ListInput{Query: login}).Items {
		if u.Login == login {
			return u.ID
		}
	}
	a.t.Fatalf("there is no account %s", login)
	return ""
}

func (a *attacked) studentPages() []string {
	list := []string{"/", "/courses", "/account", a.page(), a.page("materials"), a.page("assignments"), a.page("assignments", a.assignment), a.page("grades"),
		a.page("grades", "notes"), a.page("questions"), a.page("people"), a.page("faq"), a.page("conversations")}
	for _, m := range a.materials {
		list = append(list, a.page("materials", m))
	}
	for _, q := range a.questions {
		list = append(list, a.page("questions", q))
	}
	return list
}

func (a *attacked) staffPages() []string {
	return []string{a.page("settings"), a.page("sections"), a.page("roster"), a.page("rubrics"), a.page("rubrics", "r1"), a.page("late"), a.page("tutor"), a.page("tutor", "gaps"),
		a.page("tutor", "flags"), a.page("materials", a.materials[0], "edit"), a.page("assignments", a.assignment, "edit"), a.page("assignments", a.assignment, "submissions"),
		a.page("assignments", a.assignment, "dates"), a.page("assignments", a.assignment, "tutor"), a.page("submissions", a.submission), a.page("grades"), a.page("grades", "setup"),
		a.page("grades", "statistics"), a.page("grades", "files"), a.page("grades", "students", a.user("mallory"))}
}
