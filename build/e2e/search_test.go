//go:build e2e

package e2e

import (
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestSearch is a student who searches a course by keyboard: types half a word, opens a place, comes back to the words, and never
// finds what is hidden.
func TestSearch(t *testing.T) {
	s := openSchool(t, startSiteIn(t, []string{newDir(t)}))
	s.enrol("sue", "Sue Student")
	call(t, s.ines, api.CreateMaterial, api.MaterialInput{Course: s.course, ID: "m-heaps", Title: "Heaps", Kind: lms.MaterialPage, Published: true,
		Body: "# Order\n\nA heap is a tree in which each parent precedes its children.\n\n# Cost\n\nAn insertion is logarithmic."})
	call(t, s.ines, api.CreateMaterial, api.MaterialInput{Course: s.course, ID: "m-draft", Title: "Heapsort draft", Kind: lms.MaterialPage, Body: "Secret heapsort."})
	call(t, s.ines, api.AskQuestion, api.QuestionInput{Course: s.course, ID: "q-heap", To: lms.ToStaff, Title: "Is a heap sorted?", Body: "It looks so.", Visibility: lms.VisibleCourse})
	sue := s.signedIn("sue")
	eventually(t, 60*time.Second, "the page to be indexed", func() error {
		_, err := api.Call(t.Context(), sue, api.ListPassages, api.MaterialPath{Course: s.course, Material: "m-heaps"})
		return err
	})
	s.readable()
	b := s.tabOf(t, "sue", s.nodes[0])
	b.open(s.nodes[0].origin() + s.page())
	b.see("This week and next")
	b.shortcut("/")
	b.focused("#course-search")
	b.look("search-bar")
	b.fill("#course-search", "pare")
	b.shortcut("/")
	b.focused("#course-search")
	b.keys("search", "\r")
	b.see("each parent precedes")
	b.waitFor(20*time.Second, "the word to be marked", `[...document.querySelectorAll("mark")].some(m => m.textContent === "parent")`)

	// Other words, typed in the page: the address follows them, and a reload finds the same.
	b.fill("#course-search", "heap")
	b.see("Is a heap sorted?")
	b.absent("draft")
	b.waitFor(20*time.Second, "the address", `new URLSearchParams(location.search).get("q") === "heap"`)
	b.look("search-results")
	b.open(s.nodes[0].origin() + s.page("search") + "?q=heap&kind=question")
	b.see("Is a heap sorted?")
	b.absent("precedes")
	b.waitFor(20*time.Second, "the words to be in the field", `document.querySelector("#course-search").value === "heap"`)
	b.click("All")
	b.click(".place[href*='m-heaps']")
	b.see("Cost")
	b.waitFor(20*time.Second, "the place", `location.hash.startsWith("#p")`)
	b.eval(`history.back()`, nil)
	b.see("Is a heap sorted?")
	b.waitFor(20*time.Second, "the words on the way back", `document.querySelector("#course-search")?.value === "heap"`)

	b.fill("#course-search", "xylophone")
	b.see("Nothing found")
	b.look("search-nothing")
	b.eval(`document.querySelector("#course-search").focus()`, nil)
	b.keys("clear", "\x1b")
	b.see("What are you looking for?")
	b.look("search-empty")

	// Staff find the draft, and are told that students do not.
	staff := s.tabOf(t, "ines", s.nodes[0])
	staff.open(s.nodes[0].origin() + s.page("search") + "?q=heapsort")
	staff.see("Hidden from students")
	staff.look("search-staff")
}
