//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestHandIn is late work from both sides: the instructor sets a rule and gives an extension, a student writes a draft, loses
// the page, hands in late and sees what it costs, and hands in again.
func TestHandIn(t *testing.T) {
	s := startSchool(t)
	s.enrol("amara", "Amara Student")
	s.enrol("ben", "Ben Student")
	n := s.nodes[0]
	late := lms.NewID()
	call(t, s.ines, api.CreateAssignment, api.AssignmentInput{Course: s.course, ID: late, Title: "Leases", Description: "What does a lease promise?", Points: 100_00,
		DueAt: time.Now().Add(-25 * time.Hour).UTC().Truncate(time.Second), AllowText: true, MaxFiles: 2, MaxFileSize: 25 << 20, Published: true,
		AssignmentRules: lms.AssignmentRules{AllowURL: true, Honour: "I wrote this myself."}})
	for _, step := range []struct {
		name string
		run  func(*school, *testing.T)
	}{
		{"the instructor sets a late policy", func(s *school, t *testing.T) { s.latePolicy(t, n) }},
		{"a draft is kept", func(s *school, t *testing.T) { s.keepsDraft(t, n, late) }},
		{"handing in late asks, and handing in again replaces", func(s *school, t *testing.T) { s.handsInLate(t, n, late) }},
		{"an extension is asked for and granted after a preview", func(s *school, t *testing.T) { s.extension(t, n, late) }},
		{"the student sees how the number was made", func(s *school, t *testing.T) { s.howItWasMade(t, n, late) }},
		{"staff return an attempt, which is a draft again", func(s *school, t *testing.T) { s.returned(t, n, late) }},
		{"a draft outlives the node that the page came from", func(s *school, t *testing.T) { s.draftOutlivesNode(t) }},
		{"the forms", func(s *school, t *testing.T) { s.forms(t, n, late) }},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(s.in(t), t) }) {
			return
		}
	}
}

// attemptsAt are those of a student at an assignment, the first one first.
func (s *school) attemptsAt(login, assignment string) []lms.Submission {
	s.t.Helper()
	other := *s
	other.assignment = assignment
	return other.attempts(login)
}

func (s *school) latePolicy(t *testing.T, n *node) {
	b := s.tabOf(t, "ines", n)
	b.open(n.origin() + s.page("assignments"))
	b.click("Late work")
	b.fill("#late\\.rate", "10")
	b.fill("#late\\.missing", "100")
	b.see("Late work loses 10 % of the possible points for each begun day. Missing work counts 0 %.")
	b.click("Save")
	b.see("This changes results")
	b.see("Amara Student")
	b.look("late-policy-preview")
	b.click("Apply to 2 results")
	b.waitFor(20*time.Second, "the list of assignments", `location.pathname.endsWith("/assignments")`)
}

func (s *school) keepsDraft(t *testing.T, n *node, late string) {
	b := s.tabOf(t, "amara", n)
	b.open(n.origin() + s.page("assignments", late))
	b.see("Missing: nothing was handed in")
	b.fill("#text", "A lease promises that nobody else leads.")
	b.fill("#url", "https://example.org/leases")
	notes := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(notes, []byte("My notes.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.attach("#files", notes)
	b.see("Draft saved")
	eventually(t, 20*time.Second, "the draft with its file on the nodes", func() error {
		d := call(t, s.signedIn("amara"), api.GetDraft, api.AssignmentPath{Course: s.course, Assignment: late})
		if len(d.Files) != 1 || d.URL != "https://example.org/leases" {
			return lms.ErrNotFound
		}
		return nil
	})
	b.run("forget what this device keeps", chromedp.Evaluate(`localStorage.clear()`, nil))
	other := s.nodes[1]
	c := s.tabOf(t, "amara", other)
	c.open(other.origin() + s.page("assignments", late))
	c.waitFor(20*time.Second, "the draft on another device", `document.querySelector("#text") !== null && document.querySelector("#text").value === "A lease promises that nobody else leads."`)
	c.see("notes.txt")
	c.see("Missing: your draft is not handed in")
	c.look("draft")
}

func (s *school) handsInLate(t *testing.T, n *node, late string) {
	b := s.tabOf(t, "amara", n)
	b.open(n.origin() + s.page("assignments", late))
	b.see("notes.txt")
	b.click("Hand in")
	b.see("Please read the statement and tick it")
	b.set("#honour", true)
	b.click("Hand in")
	b.see("This is late by 1 day")
	b.see("Handing in now takes up to 20 of 100 points for 2 begun late days.")
	b.look("hand-in-late")
	b.click("Hand in late")
	b.seeWithin(30*time.Second, "Attempt 1 handed in")
	b.see("late by 1 day")
	b.click("Hand in again")
	b.see("Handing in again replaces attempt 1")
	b.fill("#text", "A lease promises that nobody else leads before it ends.")
	b.set("#honour", true)
	// Ten clicks are one attempt.
	b.run("ten clicks", chromedp.Evaluate(`(e => { for (let i = 0; i < 10; i++) e.click(); })(`+find+`("Hand in as attempt 2"))`, nil))
	b.confirm("Hand in late")
	b.seeWithin(30*time.Second, "Attempt 2 handed in")
	if got := s.attemptsAt("amara", late); len(got) != 2 || got[1].Honour != "I wrote this myself." || got[0].URL != "https://example.org/leases" {
		t.Errorf("attempts: %+v", got)
	}
}

func (s *school) extension(t *testing.T, n *node, late string) {
	ben := s.tabOf(t, "ben", n)
	ben.open(n.origin() + s.page("assignments", late))
	ben.click("Request an extension")
	ben.fill("#reason", "I was ill. Until Sunday, please.")
	ben.click("Ask")
	ben.see("You have asked for an extension")

	b := s.tabOf(t, "ines", n)
	b.open(n.origin() + "/")
	b.click("Extension for Leases")
	b.click("Grant an extension")
	b.see("Grant the extension")
	b.set("#dueAt", time.Now().Add(48*time.Hour).Format("2006-01-02T15:04"))
	b.look("grant-extension")
	b.click("Grant it")
	b.see("This changes results")
	b.see("Ben Student")
	b.click("Apply to 1 result")
	b.see("Resolved")

	ben.open(n.origin() + "/")
	ben.see("What is new")
	ben.see("Extension")
	ben.look("home-extension")
	ben.open(n.origin() + s.page("assignments", late))
	ben.see("These dates are your own.")
	ben.see("Not handed in yet")
	ben.absent("Missing:")
}

func (s *school) howItWasMade(t *testing.T, n *node, late string) {
	latest := s.attemptsAt("amara", late)[1]
	call(t, s.ines, api.SaveGrade, api.GradeInput{Course: s.course, Submission: latest.ID, Points: 90_00, Feedback: "Well argued."})
	call(t, s.ines, api.PostGrades, api.PostGradesInput{Course: s.course, Assignment: late})
	b := s.tabOf(t, "amara", n)
	b.open(n.origin() + s.page("assignments", late))
	b.see("70 of 100 points")
	b.see("Taken for 2 late days")
	b.look("how-it-was-made")
	b.open(n.origin() + "/")
	b.see("90 − 20 for being late")
	b.see("70 / 100")
	b.open(n.origin() + s.page("assignments"))
	b.see("70 / 100")
}

func (s *school) returned(t *testing.T, n *node, late string) {
	call(t, s.signedIn("ben"), api.Submit, api.SubmitInput{Course: s.course, Assignment: late, ID: lms.NewID(), Text: "Too short.", Honour: true})
	sub := s.attemptsAt("ben", late)[0]
	b := s.tabOf(t, "ines", n)
	b.open(n.origin() + s.page("submissions", sub.ID))
	b.click("Return to draft")
	b.see("Return attempt 1 to draft?")
	b.confirm("Return it")
	b.see("This attempt was returned to Ben Student as a draft.")
	b.look("returned")
	ben := s.tabOf(t, "ben", n)
	ben.open(n.origin() + "/")
	ben.see("your attempt is a draft again")
	ben.open(n.origin() + s.page("assignments", late))
	ben.see("Attempt 1 was returned to you as a draft by Ines Instructor")
	ben.waitFor(20*time.Second, "the text of the attempt", `document.querySelector("#text") !== null && document.querySelector("#text").value === "Too short."`)
	ben.see("Hand in as attempt 2")
}

// draftOutlivesNode kills the node of an open page while a draft is written: the page saves it on another one.
func (s *school) draftOutlivesNode(t *testing.T) {
	n := s.nodes[2]
	b := s.tabOf(t, "ben", n)
	b.expectDeath()
	b.open(n.origin() + s.page("assignments", s.assignment))
	b.fill("#text", "Before the node died.")
	b.see("Draft saved")
	s.kill(n)
	b.fill("#text", "After the node died.")
	client := s.signedIn("ben")
	eventually(t, 60*time.Second, "the draft on the other nodes", func() error {
		if d := call(t, client, api.GetDraft, api.AssignmentPath{Course: s.course, Assignment: s.assignment}); d.Text != "After the node died." {
			return fmt.Errorf("they keep %q", d.Text)
		}
		return nil
	})
	b.see("Draft saved")
	s.start(n)
	s.waitReady(n)
}

func (s *school) forms(t *testing.T, n *node, late string) {
	b := s.tabOf(t, "ines", n)
	b.open(n.origin() + s.page("assignments", late, "edit"))
	b.click("What to do")
	b.click("What is handed in")
	b.click("More dates")
	b.click("Points, grading and lateness")
	b.set("#ownLate", true)
	b.look("assignment-form")
	b.open(n.origin() + s.page("assignments", late, "dates"))
	b.see("Who has other dates")
	b.see("by Ines Instructor")
	b.look("other-dates")
	b.open(n.origin() + s.page("assignments", late))
	b.click("Archive")
	b.see("The work of 1 student and its grades are kept")
	b.confirm("Archive")
	b.see("This is archived")
	b.look("archived")
	b.click("Restore it")
	b.see("Students see it again")
}
