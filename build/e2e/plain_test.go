//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestPlain tries what must work before, without and beside the browser's program.
func TestPlain(t *testing.T) {
	s := startSchool(t)
	s.enrol("amara", "Amara")
	t.Run("prerendered sign-in", func(t *testing.T) { s.in(t).prerendered(t) })
	t.Run("sign-in without scripts", func(t *testing.T) { s.in(t).withoutScripts(t) })
	t.Run("handing in without scripts", func(t *testing.T) { s.in(t).plainHandIn(t) })
	t.Run("no such endpoint", func(t *testing.T) { s.in(t).noEndpoint(t) })
	t.Run("shell of a dead node", func(t *testing.T) { s.in(t).deadShell(t) })
}

// get reads an address as a program without a browser does.
func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func (s *school) prerendered(t *testing.T) {
	for _, n := range s.nodes {
		res, body := get(t, n.origin()+"/signin")
		if res.StatusCode != 200 {
			t.Errorf("%s answers %s", n.id, res.Status)
		}
		for _, part := range []string{`action="/signin"`, `method="post"`, `name="login"`, `name="password"`, `type="password"`, `<button`, "<h1", "Sign in"} {
			if !strings.Contains(body, part) {
				t.Errorf("the page of %s lacks %s", n.id, part)
			}
		}
		policy := res.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "script-src 'self' 'wasm-unsafe-eval';") || strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "'unsafe-eval'") {
			t.Errorf("the policy of %s: %s", n.id, policy)
		}
		for _, inline := range []string{" style=", " onclick=", " onload=", "<style"} {
			if strings.Contains(body, inline) {
				t.Errorf("the page of %s has %s, which the policy forbids", n.id, inline)
			}
		}
	}
	eventually(t, 10*time.Second, "the policies to let a page go on at every other node", func() error {
		for _, n := range s.nodes {
			res, _ := get(t, n.origin()+"/signin")
			for _, other := range s.nodes {
				if policy := res.Header.Get("Content-Security-Policy"); other != n && !strings.Contains(policy, " "+other.origin()) {
					return fmt.Errorf("that of %s lacks %s: %s", n.id, other.id, policy)
				}
			}
		}
		return nil
	})
}

// plainText waits for a text on a page whose own timers do not run.
func (b *tab) plainText(want string) {
	b.t.Helper()
	eventually(b.t, 20*time.Second, fmt.Sprintf("the text %q", want), func() error {
		if s := strings.Join(strings.Fields(b.textNow()), " "); !strings.Contains(s, want) {
			return fmt.Errorf("the page shows %.400s", s)
		}
		return nil
	})
}

func (s *school) withoutScripts(t *testing.T) {
	b := openTab(t, "no scripts")
	b.run("scripts off", emulation.SetScriptExecutionDisabled(true))
	submit := func(secret string) {
		t.Helper()
		b.run("fill the form", chromedp.SetValue("#login", "amara", chromedp.ByQuery), chromedp.SetValue("#password", secret, chromedp.ByQuery),
			chromedp.SendKeys("#password", kb.Enter, chromedp.ByQuery))
	}
	b.run("open", chromedp.Navigate(s.nodes[1].origin()+"/signin?next="+s.page()))
	b.plainText("Register with your code")
	b.plainText("Scripts are blocked in this browser. The plain pages work without")
	b.shot("signin-without-scripts-1280-light")
	submit("not the password")
	b.plainText("User name or password are not right.")
	b.shot("signin-refused-without-scripts-1280-light")
	submit(password)
	eventually(t, 20*time.Second, "the page that was asked for", func() error {
		var at string
		ctx, cancel := context.WithTimeout(b.ctx, 3*time.Second)
		defer cancel()
		if err := chromedp.Run(ctx, chromedp.Location(&at)); err != nil {
			return err
		}
		if at != s.nodes[1].origin()+s.page() {
			return fmt.Errorf("at %s", at)
		}
		return nil
	})
	b.run("scripts on", emulation.SetScriptExecutionDisabled(false))
	b.open(s.nodes[1].origin() + s.page())
	b.see("Distributed Systems")
	b.waitFor(20*time.Second, "the account menu", `document.querySelector("[aria-label='Account of Amara']") !== null`)
}

// press presses what a selector names, on a page without scripts.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.run("press "+selector, chromedp.Click(selector, chromedp.ByQuery))
}

// plainLook photographs a plain page in both sizes and colour schemes.
func (b *tab) plainLook(name string) {
	b.t.Helper()
	for _, width := range []int64{1280, 360} {
		for _, scheme := range []string{"light", "dark"} {
			b.run("size", emulation.SetDeviceMetricsOverride(width, 800, 1, false))
			b.scheme(scheme)
			b.shot(fmt.Sprintf("%s-%d-%s", name, width, scheme))
			var wide bool
			b.run("measure", chromedp.EvaluateAsDevTools(`document.documentElement.scrollWidth > document.documentElement.clientWidth`, &wide))
			if wide {
				b.t.Errorf("%s scrolls sideways at %d", name, width)
			}
		}
	}
	b.run("size", emulation.SetDeviceMetricsOverride(1280, 800, 1, false))
	b.scheme("light")
	b.run("scripts on", emulation.SetScriptExecutionDisabled(false))
	b.axe(name)
	b.run("scripts off", emulation.SetScriptExecutionDisabled(true))
}

// plainHandIn signs in, reads a page and hands a file in with scripts blocked, and sends the same form again.
func (s *school) plainHandIn(t *testing.T) {
	n := s.nodes[1]
	page := lms.NewID()
	call(t, s.ines, api.CreateMaterial, api.MaterialInput{Course: s.course, ID: page, Title: "Reading list", Kind: lms.MaterialPage, Body: "Read *The Part-Time Parliament* first.", Published: true})
	task := lms.NewID()
	call(t, s.ines, api.CreateAssignment, api.AssignmentInput{Course: s.course, ID: task, Title: "Leases", Description: "What does a **lease** promise?", Points: 100_00,
		DueAt: time.Now().Add(-25 * time.Hour).UTC().Truncate(time.Second), AllowText: true, MaxFiles: 2, MaxFileSize: 25 << 20, Published: true,
		AssignmentRules: lms.AssignmentRules{Honour: "I wrote this myself.", LatePolicy: &lms.LatePolicy{Rate: 10_00}}})
	file := filepath.Join(t.TempDir(), "lease.txt")
	if err := os.WriteFile(file, bytes.Repeat([]byte("A lease promises that nobody else leads. "), 60_000), 0o600); err != nil { // some chunks
		t.Fatal(err)
	}
	b := openTab(t, "no scripts, hand in")
	b.expect("status of 422")
	b.run("scripts off", emulation.SetScriptExecutionDisabled(true))
	b.run("open", chromedp.Navigate(n.origin()+"/plain"))
	b.plainText("Register with your code")
	b.run("fill the form", chromedp.SetValue("#login", "amara", chromedp.ByQuery), chromedp.SetValue("#password", password, chromedp.ByQuery),
		chromedp.SendKeys("#password", kb.Enter, chromedp.ByQuery))
	b.plainText("Your courses")
	b.plainLook("plain-courses")
	b.press(".row-link")
	b.plainText("Reading list")
	b.plainLook("plain-course")
	b.press("a[href$='/materials/" + page + "']")
	b.plainText("Read The Part-Time Parliament first.")
	b.plainLook("plain-page")
	b.run("open the assignment", chromedp.Navigate(n.origin()+"/plain/courses/"+s.course+"/assignments/"+task))
	b.plainText("Handing in now takes up to 20 of 100 points")
	b.plainLook("plain-assignment")
	b.run("choose a file", chromedp.SetUploadFiles("#files", []string{file}, chromedp.ByQuery), chromedp.SetValue("#text", "See the file.", chromedp.ByQuery))
	b.press("#honour")
	b.run("without the tick that the browser asks for", chromedp.SetAttributeValue("form.stack", "novalidate", "", chromedp.ByQuery))
	b.press("button.btn-primary")
	b.plainText("Nothing was handed in")
	b.plainText("lease.txt, 2.3 MiB")
	b.plainLook("plain-refused")
	b.press("#late")
	form := b.plainForm()
	b.press("button.btn-primary")
	b.plainText("Your work is handed in.")
	eventually(b.t, 60*time.Second, "every node to have the file", func() error { // the page does not change by itself
		s := strings.Join(strings.Fields(b.textNow()), " ")
		if strings.Contains(s, "Everything is on 3 of 3 nodes") {
			return nil
		}
		b.run("look again", chromedp.Reload())
		return fmt.Errorf("the page shows %.400s", s)
	})
	b.plainLook("plain-receipt")
	if got := s.attemptsAt("amara", task); len(got) != 1 || len(got[0].Files) != 1 || got[0].Text != "See the file." {
		t.Fatalf("attempts %+v", got)
	}
	b.run("the assignment again", chromedp.Navigate(n.origin()+"/plain/courses/"+s.course+"/assignments/"+task))
	b.plainText("Hand in as attempt 2")
	b.run("the form as it was", chromedp.SetAttributeValue("input[name=id]", "value", form, chromedp.ByQuery), chromedp.SetValue("#text", "See the file.", chromedp.ByQuery),
		chromedp.SetUploadFiles("#files", []string{file}, chromedp.ByQuery))
	b.press("#honour")
	b.press("#late")
	b.press("button.btn-primary")
	b.plainText("Your work is handed in.")
	if got := s.attemptsAt("amara", task); len(got) != 1 {
		t.Errorf("%d attempts of one form", len(got))
	}
	b.press("header button")
	b.plainText("Register with your code")
}

// plainForm is the number of the form that the page shows.
func (b *tab) plainForm() (id string) {
	b.t.Helper()
	b.run("the number of the form", chromedp.AttributeValue("input[name=id]", "value", &id, nil, chromedp.ByQuery))
	return id
}

func (s *school) noEndpoint(t *testing.T) {
	for _, path := range []string{"/api/", "/api/v1/nothing", "/api/v2/courses", "/api/v1/courses/../../x"} {
		res, body := get(t, s.nodes[2].origin()+path)
		var e struct{ Kind, Message string }
		if res.StatusCode != 404 || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") || json.Unmarshal([]byte(body), &e) != nil || e.Message == "" {
			t.Errorf("%s: %s %s %.200s", path, res.Status, res.Header.Get("Content-Type"), body)
		}
	}
}

// deadShell opens a page of the program at a node that has died: the kept shell starts, says so, and goes on when the node is
// back.
func (s *school) deadShell(t *testing.T) {
	n := s.nodes[2]
	b := s.tabOf(t, "amara", n)
	b.expectDeath()
	b.expect("ERR_FAILED") // what the service worker cannot fetch
	b.eval(`navigator.serviceWorker.ready.then(() => true)`, nil)
	b.open(n.origin() + s.page("assignments"))
	b.waitFor(20*time.Second, "the service worker", `navigator.serviceWorker.controller !== null`)
	b.see("Quorums")
	s.kill(n)
	b.open(n.origin() + s.page("assignments", s.assignment))
	b.waitFor(30*time.Second, "a page of the program that says what is wrong", `document.querySelector("main h1") !== null && /No node answers|away|does not answer/.test(document.body.innerText)`)
	b.shot("dead-node-deep-link-1280-light")
	s.start(n)
	s.waitReady(n)
	b.plainText("Explain why two majorities share a member.") // by itself: the page may load anew meanwhile
}
