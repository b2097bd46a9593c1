//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestSignOut is a student at a device that others use too: signing out asks about what only this device has, and leaves nothing.
func TestSignOut(t *testing.T) {
	s := oneNodeSchool(t)
	s.enrol("sue", "Sue Student")
	n := s.nodes[0]
	b := s.tabOf(t, "sue", n)
	b.expect("401")
	kept := func(want int) {
		t.Helper()
		b.waitFor(20*time.Second, fmt.Sprintf("%d drafts on this device", want), fmt.Sprintf(`Object.keys(localStorage).filter(k => k.startsWith("draft/")).length === %d`, want))
	}
	write := func(text string) {
		t.Helper()
		b.open(n.origin() + s.page("assignments", s.assignment))
		b.see("Explain why two majorities share a member.")
		b.deaf("PUT", "/draft")
		b.fill("#text", text)
		kept(1)
	}
	leave := func() {
		t.Helper()
		b.click("Account of Sue Student")
		b.click("Sign out")
	}
	left := func() {
		t.Helper()
		eventually(t, 30*time.Second, "the sign-in page", func() error { // which is loaded anew: a poll inside the page would end with it
			if at, _, _ := strings.Cut(b.textNow(), "\n"); !strings.HasSuffix(at, "/signin") {
				return fmt.Errorf("at %s", at)
			}
			return nil
		})
	}

	var before, after int
	b.eval(`navigator.serviceWorker.ready.then(() => caches.keys()).then(k => k.length)`, &before)

	write("They share one member.")
	leave()
	b.see("1 unsaved text is only on this device")
	b.look("sign-out")
	b.click("Stay signed in")
	b.waitFor(20*time.Second, "the dialog to close", `document.querySelector("dialog[open]") === null`)
	kept(1)
	leave()
	b.click("Sign out and delete it")
	left()
	kept(0)

	// A session that ends without the person's doing keeps the text for the next sign-in.
	b.enter(n.origin(), "sue", password)
	if b.eval(`caches.keys().then(k => k.length)`, &after); before == 0 || after != before {
		t.Errorf("the service worker had %d caches of the program, and %d after the sign-out", before, after)
	}
	write("Any two majorities share a member.")
	b.leave(n.origin())
	kept(1)
	b.enter(n.origin(), "sue", password)
	b.open(n.origin() + s.page("assignments", s.assignment))
	b.waitFor(20*time.Second, "the text", `document.querySelector("#text") !== null && document.querySelector("#text").value === "Any two majorities share a member."`)
	kept(0) // saved by now
	leave() // and nothing to ask about
	left()
}
