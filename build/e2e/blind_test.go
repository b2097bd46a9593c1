//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestBlindMarking marks work of which nobody may know whose it is, with the letters of the course, and reveals it; the gradebook takes
// and shows letters, and the student reads one.
func TestBlindMarking(t *testing.T) {
	s := oneNodeSchool(t)
	for login, name := range map[string]string{"amara": "Amara Okafor", "ben": "Ben Novak"} {
		s.enrol(login, name)
	}
	call(t, s.ines, api.SetBookSettings, api.BookSettingsInput{Course: s.course, BookSettings: lms.BookSettings{Categories: []lms.Category{},
		Letters: []lms.Letter{{Letter: "Excellent", Min: 85_00}, {Letter: "Good", Min: 60_00}, {Letter: "Not yet"}}}})
	b := s.tabOf(t, "ines", s.nodes[0])
	origin := s.nodes[0].origin()
	b.open(origin + s.page("assignments", s.assignment, "edit"))
	b.click("#fold-grading summary")
	b.set("#blind", true)
	b.set("#hideMarkers", true)
	b.set("#gradeType", "letter")
	b.look("blind-form")
	b.click("Save")
	b.see("Blind: names show after the reveal")
	s.handInFile("amara", "Amara Okafor essay.txt", []byte("Six is more than five, so they share one.\n"), "")
	s.handInFile("ben", "", nil, "Two majorities are more than all members.\n")

	b.open(origin + s.page("assignments", s.assignment, "submissions"))
	b.see("Participant ")
	b.see("Marked blind")
	b.absent("Amara")
	b.look("blind-list")
	b.run("open the first work", chromedp.Evaluate(`document.querySelector(".rows .row-link").click()`, nil))
	b.see("file-1.txt")
	b.set("#points", "Good")
	b.seeWithin(30*time.Second, "Draft saved")
	b.absent("Post the grade")
	b.absent("Amara")
	b.look("blind-work")
	b.open(origin + s.page("grades"))
	b.waitFor(20*time.Second, "the grid", `document.querySelector("#book [role=gridcell]") !== null`)
	b.see("blind: reveal to see")
	b.look("blind-gradebook")

	b.open(origin + s.page("assignments", s.assignment, "submissions"))
	b.click("Reveal identities")
	b.see("This cannot be taken back")
	b.look("blind-reveal")
	b.confirm("Reveal the identities")
	b.see("Amara Okafor")
	b.absent("Participant")
	lettersInTheGrid(t, s, b)
}

// lettersInTheGrid types letters into the gradebook and posts them.
func lettersInTheGrid(t *testing.T, s *school, b *tab) {
	t.Helper()
	origin := s.nodes[0].origin()
	b.open(origin + s.page("grades"))
	b.waitFor(20*time.Second, "the letter", `[...document.querySelectorAll("#book [role=gridcell]")].some(e => e.innerText.startsWith("Good"))`)
	b.see("letter, of 20")
	cell := func(row int) string { return fmt.Sprintf("bc%d-5", row) } // after the name and the three totals and the letter
	b.run("choose Ben's cell", chromedp.Evaluate(`(e => e.dispatchEvent(new MouseEvent("mousedown", {bubbles: true, cancelable: true})))(document.getElementById("`+cell(2)+`"))`, nil))
	b.waitFor(10*time.Second, "the cell", `document.activeElement.id === "`+cell(2)+`"`)
	for _, k := range []string{"e", "x", "c", "e", "l", "l", "e", "n", "t", kb.Enter} {
		b.run("type a letter", chromedp.KeyEvent(k))
	}
	b.see("Saved: Ben Novak, Quorums, Excellent.")
	b.run("choose it again", chromedp.Evaluate(`(e => e.dispatchEvent(new MouseEvent("mousedown", {bubbles: true, cancelable: true})))(document.getElementById("`+cell(2)+`"))`, nil))
	b.look("letters-gradebook")
	b.click("Undo")
	b.see("no mark.")
	call(t, s.ines, api.PostGrades, api.PostGradesInput{Course: s.course, Assignment: s.assignment})
	amara := s.tabOf(t, "amara", s.nodes[0])
	amara.open(origin + s.page("grades"))
	amara.see("Good · 12 / 20")
	amara.look("letters-student")
	amara.open(origin + s.page("assignments", s.assignment))
	amara.see("Good")
	amara.see("Posted ")
	amara.absent("By Ines")
}
