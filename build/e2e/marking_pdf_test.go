//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/tutor/tutortest"
)

// drag draws with the mouse from one place of an element to another, both in shares of its size.
func (b *tab) drag(selector string, from, to [2]float64) {
	b.t.Helper()
	var r struct{ X, Y, Width, Height float64 }
	b.eval(fmt.Sprintf(`document.querySelector(%s).getBoundingClientRect().toJSON()`, quote(selector)), &r)
	at := func(kind input.MouseType, p [2]float64) *input.DispatchMouseEventParams {
		return input.DispatchMouseEvent(kind, r.X+p[0]*r.Width, r.Y+p[1]*r.Height).WithButton(input.Left).WithButtons(1).WithClickCount(1)
	}
	half := [2]float64{(from[0] + to[0]) / 2, (from[1] + to[1]) / 2}
	b.run("draw on "+selector, at(input.MousePressed, from), at(input.MouseMoved, half), at(input.MouseMoved, to), at(input.MouseReleased, to).WithButtons(0))
}

// loaded counts how often a file of the site was loaded since the page was opened.
func (b *tab) loaded(name string) (n int) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`performance.getEntriesByType("resource").filter(e => e.name.split("?")[0].endsWith(%s)).length`, quote("/"+name)), &n)
	return n
}

// TestMarkingPDF draws an area on the second page of a PDF that was handed in, and enters another by keyboard. The student
// sees both on the page after posting and not before.
func TestMarkingPDF(t *testing.T) {
	s := markingSchool(t)
	s.enrol("dora", "Dora Lind")
	s.enrol("emil", "Emil Sand")
	s.handInFile("dora", "proof.pdf", tutortest.PDF([]string{"The claim"}, []string{"The proof", "Six is more than five."}, []string{"The end"}), "")
	s.handInFile("emil", "answer.pdf", tutortest.PDF([]string{"No idea"}), "")
	origin := s.nodes[0].origin()
	b := s.tabOf(t, "ines", s.nodes[0])
	b.open(origin + s.page("assignments", s.assignment, "submissions"))
	b.click("Chen")
	b.see("My sketch.")
	if b.loaded("pdf.js") != 0 {
		t.Error("the view of PDF files is loaded for a picture")
	}
	b.shortcut("j")
	b.waitFor(30*time.Second, "the first page with its text", `document.querySelector(".pdf-page[data-page='1'] canvas") && document.querySelector(".pdf-page[data-page='1'] .textLayer")?.textContent === "The claim"`)
	b.set(".pdf-number", "2")
	const page2 = ".pdf-page[data-page='2']"
	b.waitFor(10*time.Second, "page 2", `(p => p.querySelector("canvas") && Math.abs(p.getBoundingClientRect().top - document.querySelector(".pdf-scroll").getBoundingClientRect().top) < 40)(document.querySelector("`+page2+`"))`)
	b.run("scroll", chromedp.Evaluate(`document.querySelector(".pdf-scroll").scrollIntoView({block: "start"})`, nil))
	b.drag(page2, [2]float64{0.5, 0.12}, [2]float64{0.2, 0.07})
	b.see("The area that you have marked on proof.pdf, page 2.")
	b.fill("#note-body", "Which five?")
	b.click("Save")
	b.see("proof.pdf, page 2")
	b.waitFor(10*time.Second, "the area", `document.querySelectorAll("`+page2+` .pdf-overlay .area").length === 1`)
	if n := len(s.notes(b)); n != 1 {
		t.Fatalf("%d annotations after one was drawn", n)
	}
	drawn := s.notes(b)[0]
	if a := drawn.Anchor; a.Page != 2 || off(a.X, 2000) || off(a.Y, 700) || off(a.Width, 3000) || off(a.Height, 500) {
		t.Errorf("drawn from 20 %% and 7 %%, 30 %% wide and 5 %% high: %+v", a)
	}

	b.shortcut("a")
	b.waitFor(5*time.Second, "the page in view", `document.querySelector("#page")?.value === "2"`)
	b.fill("#page", "4")
	b.fill("#note-body", "And this?")
	b.click("Save")
	b.see("The file has 3 pages.")
	b.fill("#page", "2")
	b.fill("#area-1", "50")
	b.click("Save")
	b.waitFor(10*time.Second, "both areas", `document.querySelectorAll("`+page2+` .pdf-overlay .area").length === 2`)
	b.look("marking-pdf")
	s.nextPDF(b)
	s.postedPDF(b, page2, drawn)
}

// off tells whether a place is not where it was drawn, but for the rounding to points of the screen.
func off(got, want int) bool { return got < want-100 || got > want+100 }

// notes reads the annotations of the submission that the marker has open.
func (s *school) notes(b *tab) []lms.Annotation {
	s.t.Helper()
	var id string
	b.eval(`location.pathname.split("/").pop()`, &id)
	return call(s.t, s.ines, api.ListAnnotations, api.SubmissionPath{Course: s.course, Submission: id}).Items
}

// nextPDF goes to the next student and back: nothing of the view is loaded again.
func (s *school) nextPDF(b *tab) {
	s.t.Helper()
	b.shortcut("j")
	b.waitFor(10*time.Second, "the next student's page", `document.querySelector(".pdf-page .textLayer")?.textContent === "No idea"`)
	b.waitFor(5*time.Second, "no area on it", `document.querySelectorAll(".area").length === 0`)
	b.shortcut("k")
	b.waitFor(10*time.Second, "the areas again", `document.querySelectorAll(".pdf-page[data-page='2'] .area").length === 2`)
	for _, name := range []string{"pdf.js", "pdf.min.mjs"} {
		if n := b.loaded(name); n != 1 {
			s.t.Errorf("%s was loaded %d times", name, n)
		}
	}
}

func (s *school) postedPDF(b *tab, page2 string, drawn lms.Annotation) {
	s.t.Helper()
	dora := s.tabOf(s.t, "dora", s.nodes[0])
	work := s.nodes[0].origin() + s.page("submissions", drawn.SubmissionID)
	dora.open(work)
	dora.waitFor(30*time.Second, "the student's PDF", `document.querySelector(".pdf-page canvas") !== null`)
	dora.see("No comments yet")
	dora.absent("Which five?")
	b.shortcut("g")
	b.focused("#points")
	b.keys("points", "12")
	b.see("Draft saved")
	b.keys("Escape", kb.Escape)
	b.shortcut("p")
	b.waitFor(5*time.Second, "the question", `document.querySelector("dialog[open]") !== null`)
	b.keys("Post", kb.Tab, kb.Tab, kb.Enter)
	b.see("the student sees it")
	dora.open(work)
	dora.see("Which five?")
	mark := "#mark-" + drawn.ID
	dora.waitFor(30*time.Second, "the area on page 2", `document.querySelector("`+page2+` .pdf-overlay `+mark+`") !== null`)
	dora.click(".note-where")
	dora.waitFor(10*time.Second, "the area in view", `(r => r.top >= 0 && r.bottom <= innerHeight)(document.querySelector("`+mark+`").getBoundingClientRect())`)
	dora.look("marking-pdf-student")
	if dora.loaded("pdf.min.mjs") != 1 {
		s.t.Error("the student's view is not that of pdf.js")
	}
	dora.waitFor(5*time.Second, "no drawing for students", `document.querySelector(".pdf") && !document.querySelector(".pdf-areas")`)
}
