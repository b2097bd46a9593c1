//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"trivium/app/api"
	"trivium/app/lms"
)

// uploadPDF adds the demo's lecture notes to the course and returns the id of the material.
func (s *school) uploadPDF() string {
	s.t.Helper()
	const name = "lecture-notes.pdf"
	data, err := os.ReadFile(filepath.Join("..", "..", "assets", "demo", name))
	if err != nil {
		s.t.Fatal(err)
	}
	receipt, err := api.Upload(context.Background(), s.ines, s.course, api.NewBlob(name, int64(len(data)), bytes.NewReader(data)), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	m := call(s.t, s.ines, api.CreateMaterial, api.MaterialInput{Course: s.course, ID: lms.NewID(), Title: "Lecture notes", Kind: lms.MaterialFile, FileID: receipt.File.ID, Published: true})
	return m.ID
}

// TestPDF: the citation of a student's answer opens the PDF at the page that it names, in the page, with all pages to turn.
func TestPDF(t *testing.T) {
	s := startSchool(t)
	pdf := s.uploadPDF()
	s.readable()
	s.enrol("zquartz", "Zelda Quartz")
	n := s.nodes[1]
	b := s.tabOf(t, "zquartz", n)

	// The source that is cited, so that the test knows the page without reading it off the screen.
	var cited lms.Passage
	for _, x := range call(t, s.ines, api.ListPassages, api.MaterialPath{Course: s.course, Material: pdf}).Items {
		if x.Page > 2 {
			cited = x
			break
		}
	}
	at := func(page int) string {
		return fmt.Sprintf(`(s => { const p = document.querySelector(".pdf-page[data-page='%d']"); if (!p) return false;
			const r = p.getBoundingClientRect(), v = s.getBoundingClientRect();
			return Math.abs(r.top - v.top) < 40 && p.querySelector("canvas") !== null; })(document.querySelector(".pdf-scroll"))`, page)
	}
	b.open(fmt.Sprintf("%s%s#p%d", n.origin(), s.page("materials", pdf), cited.Ordinal))
	b.waitFor(30*time.Second, "the cited page to be drawn", at(cited.Page))
	b.waitFor(10*time.Second, "the text of the page", fmt.Sprintf(`document.querySelector(".pdf-page[data-page='%d'] .textLayer span") !== null`, cited.Page))
	b.look("pdf-cited")

	// Through the answer itself: the link of the first source.
	b.open(n.origin() + s.page("questions"))
	b.click("#ask-to-tutor")
	b.fill("#ask-body", "What does the vote for a leader of a term need?")
	b.click("Ask the tutor")
	b.seeWithin(30*time.Second, "From the materials")
	var link string
	b.eval(fmt.Sprintf(`[...document.querySelectorAll("a.source")].find(a => a.href.includes(%s))?.getAttribute("href") ?? ""`, quote(pdf)), &link)
	if link == "" {
		t.Fatal("no source of the answer is the PDF")
	}
	b.click(".source[href='" + link + "']")
	b.waitFor(30*time.Second, "a page of the PDF", `document.querySelector(".pdf-page canvas") !== null`)
	var page int
	b.eval(`Number(document.querySelector(".pdf-number").value)`, &page)
	b.waitFor(10*time.Second, "the cited page", at(page))

	// The view itself: turning, typing a page, size, keyboard, events and the place for an overlay.
	b.run("listen", chromedp.Evaluate(`window.seen = []; document.getElementById("pdf-view").addEventListener("pdfpage", e => seen.push(e.detail.page + "/" + e.detail.pages))`, nil))
	b.set(".pdf-number", "2")
	b.waitFor(10*time.Second, "page 2", at(2))
	b.click("Next page")
	b.waitFor(10*time.Second, "page 3", at(3))
	b.click("Larger")
	b.waitFor(10*time.Second, "page 3 in another size", at(3)+` && document.querySelector(".pdf-bar").innerText.includes("125 %")`)
	b.run("press a key", chromedp.Evaluate(`document.querySelector(".pdf-scroll").dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft", bubbles: true}))`, nil))
	b.waitFor(10*time.Second, "page 2 by the keyboard", at(2))
	b.waitFor(5*time.Second, "the events", `seen.includes("2/6") || seen.some(x => x.startsWith("2/")) && seen.some(x => x.startsWith("3/"))`)
	b.waitFor(5*time.Second, "an overlay that outlives the drawing", `(o => { o.textContent = "mark"; return document.querySelectorAll(".pdf-overlay").length === document.querySelectorAll(".pdf-page").length; })(document.querySelector(".pdf-page[data-page='2'] .pdf-overlay"))`)
	b.click("Smaller")
	b.waitFor(10*time.Second, "the mark on the page drawn anew", at(2)+` && document.querySelector(".pdf-page[data-page='2'] .pdf-overlay").textContent === "mark"`)
	s.damagedPDF(t)
}

// damagedPDF: a file that is no PDF inside says so, in words.
func (s *school) damagedPDF(t *testing.T) {
	data := []byte("%PDF-1.7\nthis is no document\n")
	receipt, err := api.Upload(context.Background(), s.ines, s.course, api.NewBlob("broken.pdf", int64(len(data)), bytes.NewReader(data)), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := call(t, s.ines, api.CreateMaterial, api.MaterialInput{Course: s.course, ID: lms.NewID(), Title: "Broken", Kind: lms.MaterialFile, FileID: receipt.File.ID, Published: true})
	b := s.tabOf(t, "ines", s.nodes[0])
	b.open(s.nodes[0].origin() + s.page("materials", m.ID))
	b.seeWithin(30*time.Second, "This PDF is damaged.")
}
