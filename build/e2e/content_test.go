//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestContent is an instructor who orders a course: modules, items, releases, versions of a page; and what students see of it.
func TestContent(t *testing.T) {
	s := openSchool(t, startSiteIn(t, []string{newDir(t)}))
	s.enrol("sue", "Sue Student")
	call(t, s.ines, api.CreateMaterial, api.MaterialInput{Course: s.course, ID: "m-heaps", Title: "Heaps", Kind: lms.MaterialPage, Body: "A heap is a tree.", Published: true})
	b := s.tabOf(t, "ines", s.nodes[0])
	b.open(s.nodes[0].origin() + s.page("materials"))
	b.see("Heaps")
	add := func(title string) {
		b.click("Add a module")
		b.fill("#title", title)
		b.click("Add")
		b.waitFor(20*time.Second, title, `[...document.querySelectorAll(".module h2")].some(h => h.textContent === `+quote(title)+`)`)
	}
	add("Week 1")
	add("Week 2")
	b.entry("Glossary", "Move to “Week 1”")
	b.holds("Week 1", "Glossary")
	b.entry("Heaps", "Move to “Week 1”")
	b.holds("Week 1", "Glossary, Heaps")
	b.entry("Heaps", "Move up")
	b.holds("Week 1", "Heaps, Glossary")
	b.entry("Week 1", "Add to this module")
	b.set("#kind", "link")
	b.fill("#title", "A picture of a heap")
	b.fill("#url", "javascript:alert(1)")
	b.click("Add")
	b.see("This is not the address of a web page")
	b.fill("#url", "https://example.edu/heap")
	b.click("Add")
	b.holds("Week 1", "Heaps, Glossary, A picture of a heap")
	b.entry("Week 2", "Add to this module")
	b.set("#kind", "assignment")
	b.waitFor(20*time.Second, "the assignment to choose", `document.querySelector("#id option") !== null`)
	b.click("Add")
	b.holds("Week 2", "Quorums")
	b.look("content")

	// What is released later is not there for students, wherever they look.
	b.entry("Week 1", "Title and release")
	b.set("#releaseAt", "2099-01-01T08:00")
	b.click("Save")
	b.see("From")
	sue := s.signedIn("sue")
	eventually(t, 20*time.Second, "the module to be hidden from students", func() error {
		o := call(t, sue, api.GetOutline, api.CoursePath{Course: s.course})
		if len(o.Modules) != 1 || len(o.Loose) != 0 {
			return fmt.Errorf("a student sees %d modules and %d materials", len(o.Modules), len(o.Loose))
		}
		return nil
	})
	student := s.tabOf(t, "sue", s.nodes[0])
	student.open(s.nodes[0].origin() + s.page("materials"))
	student.see("Week 2")
	student.absent("Week 1")
	student.absent("Heaps")
	student.look("content-student")
	student.absent("Add a module")

	// A page: what is typed is kept as a draft, what was published can be had again.
	b.open(s.nodes[0].origin() + s.page("materials", "m-heaps", "edit"))
	b.fill("#body", "A heap is a complete tree.")
	b.see("Draft saved")
	b.click("Save")
	b.see("A heap is a complete tree.")
	b.click("Versions")
	b.see("Version 2 (the latest)")
	b.look("versions")
	b.click("Restore")
	b.see("Version 1 is what students see now")
	b.see("A heap is a tree.")

	// A module that is archived comes back.
	b.open(s.nodes[0].origin() + s.page("materials"))
	b.entry("Week 1", "Archive")
	b.confirm("Archive")
	b.see("Archived modules (1)")
	b.eval(`document.querySelector("details.fold > summary").click()`, nil)
	b.click("Restore")
	b.holds("Week 1", "Heaps, Glossary, A picture of a heap")
}
