//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestRoster: an instructor imports a roster, orders it into sections, gives an assistant one of them, and looks at the
// course as a student; an imported person chooses a password with a link.
func TestRoster(t *testing.T) {
	s := startSchool(t)
	s.enrol("amara", "Amara Diallo")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	b := s.tabOf(t, "ines", s.nodes[0])
	origin := s.nodes[0].origin()

	b.open(origin + s.page("sections"))
	b.see("No sections yet")
	b.fill("#title", "Monday")
	b.click("Add")
	b.see("The section Monday is saved.")
	b.fill("#title", "Wednesday")
	b.click("Add")
	b.see("The section Wednesday is saved.")
	b.click("Actions for Wednesday")
	b.click("Move up")
	b.see("The order is saved.")
	b.look("sections")

	b.open(origin + s.page("roster"))
	b.see("A CSV file with one line for each person")
	b.look("roster-choose")
	b.expect("422")
	b.attach("#file", file("latin1.csv", "login,name\namara,Am\xe9ra\n"))
	b.see("Line 2, byte 9: this is not UTF-8")
	b.attach("#file", file("bad.csv", "login;name;section\namara;Amara;Monday\nx y;Nobody;\namara;Again;\n"))
	b.see("Errors (2)")
	b.see("line 4")
	b.absent("Apply")
	b.look("roster-errors")
	b.click("Choose another file")
	b.attach("#file", file("roster.csv", "\xef\xbb\xbfKennung;Mail;Full name;Group;Course role\r\namara;;Amara Diallo;Monday;\r\nben;ben@example.org;\"Okafor, Ben\";Tuesday;student\r\n"+
		"tomas;tomas@example.org;Tomas Assist;;ta\r\n"))
	b.see("Errors (")
	b.set("#column-0", "login")
	b.see("Join (2)")
	b.see("New sections: Tuesday.")
	b.see("Change (1)")
	b.look("roster-preview")

	// The roster changes between preview and apply: nothing is applied, and there is a new preview.
	call(t, s.ines, api.CreateSection, api.SectionInput{Course: s.course, ID: lms.NewID(), Title: "Friday"})
	b.expect("409")
	b.click("Apply 3 changes")
	b.see("The roster has changed since you looked at it.")
	b.click("Apply 3 changes")
	b.see("The roster is applied.")
	b.look("roster-applied")
	b.click("Take it back")
	b.see("The import is taken back")
	b.click("To the people")
	b.see("2 of 2 people")
	b.open(origin + s.page("roster"))
	b.attach("#file", filepath.Join(dir, "roster.csv"))
	b.set("#column-0", "login")
	b.see("Join (2)")
	b.click("Apply 3 changes")
	b.see("The roster is applied.")
	b.click("To the people")
	b.see("2 imported people have no password yet.")
	b.see("Ben Okafor")
	b.look("people")

	b.click("Change Tomas Assist")
	b.click("Tuesday")
	b.confirm("Save")
	b.see("looks after Tuesday only")
	b.set("#section", "none")
	b.see("2 of 2 people")
	b.set("#section", "")
	b.see("4 of 4 people")
	b.click("Put into a section")
	b.click("Choose Ben Okafor")
	b.see("1 member chosen.")
	b.shot("people-choose-1280-light")
	b.click("Move")
	b.see("1 member moved.")

	b.click("Make the links")
	b.confirm("Make the links")
	b.see("Save all as a file")
	b.shot("claims-1280-light")
	links := call(t, s.ines, api.IssueClaims, api.IssueClaimsInput{Course: s.course})
	ben := openTab(t, "Ben")
	for _, l := range links.Items {
		if l.Login == "ben" {
			ben.open(origin + "/claim#" + l.Token)
		}
	}
	ben.see("Hello Ben Okafor.")
	ben.look("claim")
	ben.fill("#password", password)
	ben.click("Save and sign in")
	ben.waitFor(30*time.Second, "the account menu", `document.querySelector("[aria-label^='Account of']") !== null`)
	ben.see("DS 1")

	b.open(origin + s.page())
	// An observer reads the work of the student that they are linked to.
	mother := s.enrol("fatou", "Fatou Diallo")
	observer := lms.RoleObserver
	linked := ""
	for _, m := range call(t, s.ines, api.ListMembers, api.ListMembersInput{Course: s.course, Query: "amara"}).Items {
		linked = m.UserID
	}
	call(t, s.ines, api.UpdateMember, api.UpdateMemberInput{Course: s.course, User: mother.ID, Role: &observer, Linked: &linked})
	call(t, s.signedIn("amara"), api.Submit, api.SubmitInput{Course: s.course, Assignment: s.assignment, ID: lms.NewID(), Text: "Any two majorities meet."})
	fatou := s.tabOf(t, "fatou", s.nodes[1])
	fatou.open(s.nodes[1].origin() + s.page("assignments", s.assignment))
	fatou.see("Attempt 1")
	fatou.eval(`document.querySelector("details.attempt").open = true`, nil)
	fatou.see("Any two majorities meet.")
	fatou.absent("Hand in again")
	fatou.look("observer")
	fatou.expect("404") // the page stays open while the course is archived

	// The page is loaded anew, so that nothing of the one user is shown to the other.
	loaded := func(text string) {
		t.Helper()
		eventually(t, 30*time.Second, "the page with "+text, func() error {
			if page := b.textNow(); !strings.Contains(page, text) {
				return fmt.Errorf("it shows %.300s", page)
			}
			return nil
		})
	}
	b.click("View as student")
	loaded("You see this course as its test student does.")
	b.see("You see this course as its test student does.")
	b.see("Quorums")
	b.absent("Course settings")
	b.look("student-view")
	b.open(origin + s.page("people"))
	b.see("5 of 5 people")
	b.absent("Invite codes")
	b.click("End the student view")
	loaded("Course settings")
	b.absent("test student")

	b.open(origin + s.page("settings"))
	b.fill("#term", "Autumn 2026")
	b.click("Archived")
	b.click("Save")
	b.see("Archive the course?")
	b.see("2 students and the assistants cannot open it.")
	b.confirm("Archive it")
	b.see("This course is archived")
	b.open(origin + "/courses")
	b.set("#state", "archived")
	b.click("Restore Distributed Systems")
	b.see("Distributed Systems is restored.")
	b.look("courses")
}
