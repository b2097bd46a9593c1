//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"trivium/app/api"
	"trivium/app/lms"
)

// term is one whole term in small: who sits where, and what exists.
type term struct {
	*school
	dir          string // of the files that people bring
	late, essay  string // ids of the assignments beside the one of the school
	teach, amara *tab
	lead         *node // died in the middle of the marking
}

// TestTerm is a course from its roster to the student's grades, told in one piece: the steps build on each other, as they do
// in a school. The leader dies in the middle of the marking.
func TestTerm(t *testing.T) {
	m := &term{school: openSchool(t, startSite(t)), dir: t.TempDir()}
	m.teach = m.tabOf(t, "ines", m.nodes[0])
	m.teach.expectDeath()
	for _, step := range []struct {
		name string
		run  func(*term)
	}{
		{"the roster comes from a file, after a dry run", (*term).roster},
		{"two modules with pages", (*term).modules},
		{"assignments with a late rule, an extension and a rubric", (*term).assignments},
		{"students hand in, one late, one with an extension", (*term).handIns},
		{"grading by keyboard alone, while the leader dies", (*term).grading},
		{"totals and an override", (*term).totals},
		{"the gradebook goes out as a file and comes back", (*term).roundTrip},
		{"the course goes out as an archive and comes back", (*term).archive},
		{"students see what they have and how it was made", (*term).results},
	} {
		begin := time.Now()
		step.run(m)
		if t.Failed() {
			t.Fatalf("step %q failed after %v", step.name, time.Since(begin))
		}
		t.Logf("%-56s %v", step.name, time.Since(begin).Round(100*time.Millisecond))
	}
}

func (m *term) open(b *tab, path ...string) { b.open(m.nodes[0].origin() + m.page(path...)) }

// file writes a file that somebody brings.
func (m *term) file(name, text string) string {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

func (m *term) roster() {
	b := m.teach
	m.open(b, "roster")
	b.attach("#file", m.file("roster.csv", "login,mail,name,section,role\namara,amara@example.org,Amara Diallo,Monday,student\n"+
		"ben,ben@example.org,\"Okafor, Ben\",Monday,student\nchen,,Chen Li,Tuesday,student\ntomas,,Tomas Assist,,ta\n"))
	b.see("Join (4)")
	b.see("New sections: Monday, Tuesday.")
	if got := call(m.t, m.ines, api.ListMembers, api.ListMembersInput{Course: m.course}).Total; got != 1 {
		m.t.Errorf("looking at a roster makes %d members", got)
	}
	b.click("Apply 4 changes")
	b.see("The roster is applied.")
	b.click("To the people")
	b.see("Ben Okafor")
	for _, l := range call(m.t, m.ines, api.IssueClaims, api.IssueClaimsInput{Course: m.course}).Items {
		call(m.t, m.client(""), api.Claim, api.ClaimInput{Token: l.Token, Password: password})
	}
}

func (m *term) modules() {
	b := m.teach
	call(m.t, m.ines, api.CreateMaterial, api.MaterialInput{Course: m.course, ID: "leases", Title: "Leases", Kind: lms.MaterialPage, Body: "# Leases\n\nA lease ends.", Published: true})
	m.open(b, "materials")
	for _, week := range []string{"Week 1", "Week 2"} {
		b.click("Add a module")
		b.fill("#title", week)
		b.click("Add")
		b.waitFor(20*time.Second, week, `[...document.querySelectorAll(".module h2")].some(h => h.textContent === `+quote(week)+`)`)
	}
	b.entry("Glossary", "Move to “Week 1”")
	b.holds("Week 1", "Glossary")
	b.entry("Leases", "Move to “Week 2”")
	b.holds("Week 2", "Leases")
}

// entry chooses an entry of the menu of something in a list.
func (b *tab) entry(of, entry string) {
	b.t.Helper()
	menu := `document.querySelector("summary[aria-label="+JSON.stringify("More for "+` + quote(of) + `)+"]")`
	b.waitFor(20*time.Second, "the menu of "+of, menu+` !== null`)
	b.eval(menu+`.click()`, nil)
	b.eval(`[...`+menu+`.parentElement.querySelectorAll(".menu-item")].find(x => x.textContent.trim() === `+quote(entry)+`).click()`, nil)
}

// holds waits until the module shows just these items.
func (b *tab) holds(module, list string) {
	b.t.Helper()
	b.waitFor(20*time.Second, module+" holds "+list, `[...document.querySelectorAll(".module")].some(m => m.querySelector("h2").textContent === `+quote(module)+
		` && [...m.querySelectorAll(".row-title")].map(x => x.textContent).join(", ") === `+quote(list)+`)`)
}

// inZone is a moment as a field for a date and time of the course takes it.
func (m *term) inZone(at time.Time) string {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		m.t.Fatal(err)
	}
	return at.In(zone).Format("2006-01-02T15:04")
}

// posted posts an assignment in the form and returns its id.
func (m *term) posted(title string, due time.Time, more func(b *tab)) string {
	b := m.teach
	m.open(b, "assignments", "new")
	b.fill("#title", title)
	b.set("#dueAt", m.inZone(due))
	b.click("Points, grading and lateness")
	more(b)
	b.click("Post the assignment")
	b.see("“" + title + "” is posted.")
	return filepath.Base(b.path(m.page("assignments") + "/"))
}

func (m *term) assignments() {
	b := m.teach
	m.open(b, "late")
	b.fill("#late\\.rate", "10")
	b.fill("#late\\.missing", "100")
	b.click("Save")
	b.see("Saved. Late work loses 10 %")
	m.late = m.posted("Leases at work", time.Now().Add(-26*time.Hour), func(*tab) {})
	m.essay = m.posted("Essay", time.Now().AddDate(0, 0, 5), func(b *tab) {
		b.fill("#points", "20")
		b.set("#gradeType", string(lms.GradeLetter))
	})
	levels := func(full, half lms.Points) []lms.CriterionLevel {
		return []lms.CriterionLevel{{ID: "full", Title: "Convincing", Points: full}, {ID: "half", Title: "Partly", Points: half}, {ID: "none", Title: "Missing"}}
	}
	call(m.t, m.ines, api.CreateRubric, api.RubricInput{Course: m.course, ID: "proof", Title: "Proof", Criteria: []lms.Criterion{
		{ID: "argument", Title: "Argument", Points: 1200, Levels: levels(1200, 600)}, {ID: "clarity", Title: "Clarity", Points: 800, Levels: levels(800, 400)}}})
	at := api.AssignmentPath{Course: m.course, Assignment: m.essay}
	marking := call(m.t, m.ines, api.GetMarking, at)
	call(m.t, m.ines, api.UpdateMarking, api.MarkingInput{Course: m.course, Assignment: m.essay, Posting: marking.Posting, RubricID: "proof", Version: marking.Version})

	m.open(b, "assignments", m.late, "dates")
	b.click("Ben Okafor")
	b.set("#dueAt", m.inZone(time.Now().Add(48*time.Hour)))
	b.click("Give these dates")
	b.see("This changes results") // missing work counts nothing, and Ben's is not missing any more
	b.click("Apply to 1 result")
	b.see("The other dates are in force.")
}

func (m *term) handIns() {
	lead := m.leader()
	a := m.tabOf(m.t, "amara", lead)
	m.amara = a
	a.expectDeath()
	a.open(lead.origin() + m.page("assignments", m.late))
	a.fill("#text", "A lease promises that nobody else leads.")
	a.click("Hand in")
	a.see("Handing in now takes up to 20 of 100 points for 2 begun late days.")
	a.confirm("Hand in late")
	a.seeWithin(30*time.Second, "Attempt 1 handed in")

	ben := m.tabOf(m.t, "ben", m.nodes[1])
	ben.expectDeath() // the page stays open while a node dies
	ben.open(m.nodes[1].origin() + m.page("assignments", m.late))
	ben.see("These dates are your own.")
	ben.attach("#files", m.file("leases.txt", "A lease ends by itself.\n"))
	ben.see("leases.txt")
	ben.click("Hand in")
	ben.seeWithin(30*time.Second, "Attempt 1 handed in")
	ben.absent("Hand in late")

	for _, w := range []struct{ login, assignment, text string }{{"amara", m.assignment, "They meet."}, {"ben", m.assignment, "They share a node."}, {"chen", m.assignment, "No idea."}, {"ben", m.essay, "Leases and clocks."}} {
		call(m.t, m.signedIn(w.login), api.Submit, api.SubmitInput{Course: m.course, Assignment: w.assignment, ID: lms.NewID(), Text: w.text})
	}
	// Amara's essay is written and not handed in when the leader dies.
	a.open(lead.origin() + m.page("assignments", m.essay))
	a.fill("#text", "Time and leases.")
	a.see("Draft saved")
}

// marks are what the marker types, by assignment and student.
var marks = map[string]map[string]string{
	"Quorums":        {"Amara Diallo": "18", "Ben Okafor": "16", "Chen Li": "10"},
	"Leases at work": {"Amara Diallo": "90", "Ben Okafor": "90"},
}

func (m *term) grading() {
	m.lead = m.leader()
	b := m.tabOf(m.t, "ines", m.lead)
	b.expectDeath()
	list := func(assignment string) {
		b.open(m.lead.origin() + m.page("assignments", assignment, "submissions"))
		b.see("to grade")
		b.noMouse()
		b.tabTo(".rows .row-link")
		b.keys("Enter", kb.Enter)
		b.see("No grade yet")
	}
	postAll := func(n int) {
		m.t.Helper()
		b.shortcut("u")
		b.see(fmt.Sprintf("0 to grade, %d to post", n))
		b.tabTo("Post grades")
		b.keys("Enter", kb.Enter)
		b.see("Graded work only")
		b.tabTo("Post")
		b.keys("Enter", kb.Enter)
		b.see("0 to grade, 0 to post")
		if !b.onlyKeys() {
			m.t.Error("the mouse was used")
		}
	}
	list(m.assignment)
	b.shortcut("?")
	b.see("Annotate what is marked")
	b.keys("Escape", kb.Escape)
	b.waitFor(5*time.Second, "the list of keys to close", `document.querySelector("dialog[open]") === null`)
	b.markByKeys("Quorums", nil)
	postAll(3)

	list(m.late)
	b.markByKeys("Leases at work", func() { m.leaderDies(b) })
	postAll(2)
	m.start(m.lead)
	m.waitReady(m.lead)

	list(m.essay)
	b.rubricByKeys(0)
	b.shortcut("j")
	b.waitFor(20*time.Second, "the other essay", `document.querySelector("h1").innerText.includes("Amara")`)
	b.rubricByKeys(1)
	postAll(2)
}

// markByKeys types a grade for every student of the assignment in the order of the list. at runs once, at the first of them.
func (b *tab) markByKeys(assignment string, at func()) {
	b.t.Helper()
	all, name := marks[assignment], ""
	for i := range len(all) {
		b.waitFor(20*time.Second, "another student than "+name, `(h => h && h.innerText && h.innerText !== `+quote(name)+` && document.querySelector("#points") !== null)(document.querySelector("h1"))`)
		b.eval(`document.querySelector("h1").innerText`, &name)
		b.shortcut("g")
		b.focused("#points")
		b.keys("the grade of "+name, all[name])
		b.see("Draft saved")
		b.keys("Escape", kb.Escape)
		if i == 0 && at != nil {
			at()
		}
		if i < len(all)-1 {
			b.shortcut("j")
		}
	}
}

// rubricByKeys marks the essay on screen: the best level of the first criterion and, so many levels below the best, the second.
func (b *tab) rubricByKeys(down int) {
	b.t.Helper()
	b.waitFor(20*time.Second, "the rubric", `document.querySelector("#rubric-argument input") !== null`)
	b.shortcut("r")
	b.focused("#rubric-argument input")
	b.keys("the best level", " ", kb.Tab)
	b.focused("#rubric-argument-comment")
	b.keys("to the next criterion", kb.Tab, " ")
	for range down {
		b.keys("a level below", kb.ArrowDown)
	}
	b.waitFor(5*time.Second, "the letter of the sum", `document.querySelector("#points").value === `+quote([]string{"A", "B-"}[down]))
	b.see("Draft saved")
	b.keys("Escape", kb.Escape)
}

// leaderDies kills the node that leads and that two open pages came from, while feedback is typed and an essay is written.
func (m *term) leaderDies(b *tab) {
	var sub string
	b.eval(`location.pathname.split("/").pop()`, &sub)
	b.shortcut("f")
	b.focused("#feedback")
	b.keys("feedback", "Half before, ")
	m.kill(m.lead)
	b.keys("more feedback", "half after.")
	m.amara.click("Hand in")
	m.amara.seeWithin(60*time.Second, "Attempt 1 handed in")
	client := bearer(m.t, m.up()[0], "ines")
	eventually(m.t, 60*time.Second, "the feedback on the other nodes", func() error {
		s := call(m.t, client, api.GetSubmission, api.SubmissionPath{Course: m.course, Submission: sub})
		if s.Grade == nil || s.Grade.Feedback != "Half before, half after." {
			return fmt.Errorf("they keep %+v", s.Grade)
		}
		return nil
	})
	b.see("Draft saved")
	b.keys("Escape", kb.Escape)
}

// tabTo presses Tab until a control has the keyboard.
func (b *tab) tabTo(what string) {
	b.t.Helper()
	b.waitFor(20*time.Second, what, fmt.Sprintf(`(e => e && !e.disabled)(%s(%s))`, find, quote(what)))
	for range 80 {
		var there bool
		if b.eval(fmt.Sprintf(`%s(%s) === document.activeElement`, find, quote(what)), &there); there {
			return
		}
		b.keys("Tab", kb.Tab)
	}
	b.t.Fatalf("%s: Tab does not lead to %s", b.name, what)
}

// noMouse begins to watch for a mouse, and for clicks that no key has made.
func (b *tab) noMouse() {
	b.t.Helper()
	b.eval(`window.mouse = 0; for (const e of ["pointerdown", "mousedown", "touchstart", "click"])
		document.addEventListener(e, x => { if (x.type !== "click" || !x.isTrusted) window.mouse++; }, true)`, nil)
}

func (b *tab) onlyKeys() bool {
	b.t.Helper()
	n := -1
	b.eval(`window.mouse`, &n)
	return n == 0
}

// csvOf is the gradebook as the link of the page downloads it.
func (b *tab) csvOf() (csv string) {
	b.t.Helper()
	const link = `document.querySelector("a[download='grades.csv'][href^='/api/']")`
	b.waitFor(20*time.Second, "the export", link+` !== null`)
	b.eval(`fetch(`+link+`.href).then(r => r.text())`, &csv)
	return strings.TrimPrefix(csv, "\ufeff")
}
