//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"trivium/app/api"
)

// TestNothingTypedIsLost is what can happen to a text in the hand-in form beside a session that ends (TestTrouble) and a node
// that dies (TestHandIn, TestJob): a reload before it is saved, a node that cannot take it, and another device that changes it.
func TestNothingTypedIsLost(t *testing.T) {
	s := oneNodeSchool(t)
	s.enrol("amara", "Amara Student")
	n := s.nodes[0]
	b := s.tabOf(t, "amara", n)
	address := n.origin() + s.page("assignments", s.assignment)
	holds := func(text string) {
		t.Helper()
		b.waitFor(20*time.Second, "the form to hold "+text, `document.querySelector("#text")?.value === `+quote(text))
	}
	saved := func(text string) {
		t.Helper()
		eventually(t, 20*time.Second, "the draft "+text, func() error {
			if d := call(t, s.signedIn("amara"), api.GetDraft, api.AssignmentPath{Course: s.course, Assignment: s.assignment}); d.Text != text {
				return fmt.Errorf("the node keeps %q", d.Text)
			}
			return nil
		})
	}

	b.open(address)
	b.deaf("PUT", "/draft")
	b.fill("#text", "Typed a moment before the reload.")
	b.open(address)
	holds("Typed a moment before the reload.")
	saved("Typed a moment before the reload.")

	b.deaf("POST", "/submissions")
	b.click("Hand in")
	b.see("Try again")
	b.click("Change it first")
	holds("Typed a moment before the reload.")
	if got := s.attempts("amara"); len(got) != 0 {
		t.Errorf("a failed hand-in leaves %+v", got)
	}
	b.open(address)
	holds("Typed a moment before the reload.")

	for _, c := range []struct{ choice, mine, theirs, want string }{
		{"Keep what is here", "Written at the desk.", "Written on the phone.", "Written at the desk."},
		{"Take the other one", "More at the desk.", "More on the phone.", "More on the phone."},
	} {
		b.expect("409")
		b.see("Draft saved")
		b.deaf("PUT", "/draft")
		b.fill("#text", c.mine)
		phone := s.signedIn("amara")
		now := call(t, phone, api.GetDraft, api.AssignmentPath{Course: s.course, Assignment: s.assignment})
		call(t, phone, api.SaveDraft, api.DraftInput{Course: s.course, Assignment: s.assignment, Text: c.theirs, Version: now.Version})
		b.hears()
		b.see("Your draft was changed on another device")
		b.see(c.theirs)
		holds(c.mine)
		saved(c.theirs)
		b.click(c.choice)
		holds(c.want)
		saved(c.want)
	}
	b.click("Hand in")
	b.seeWithin(30*time.Second, "Attempt 1 handed in")
	if got := s.attempts("amara"); len(got) != 1 || got[0].Text != "More on the phone." {
		t.Errorf("attempts: %+v", got)
	}
}

// deaf lets requests of the page fail inside the node, until it hears again or is loaded anew.
func (b *tab) deaf(method, end string) {
	b.t.Helper()
	b.run("fail "+method+" "+end, chromedp.Evaluate(fmt.Sprintf(`(f => {
		window.hears = () => { window.fetch = f; };
		window.fetch = (url, o) => o?.method === %s && String(url.url ?? url).endsWith(%s) ?
			Promise.resolve(new Response(JSON.stringify({code: "internal", message: "Something went wrong here."}), {status: 500, headers: {"Content-Type": "application/json"}})) : f(url, o);
	})(window.fetch)`, quote(method), quote(end)), nil))
}

func (b *tab) hears() {
	b.t.Helper()
	b.run("hear", chromedp.Evaluate(`window.hears()`, nil))
}
