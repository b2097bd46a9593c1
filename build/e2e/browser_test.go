//go:build e2e

package e2e

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.min.js
var axeSource string

// chromium is the one browser process of the package; every tab has a profile of its own.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path := os.Getenv("TRIVIUM_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path == "" {
			path, _ = exec.LookPath(name)
		}
	}
	if path == "" {
		return nil, fmt.Errorf("no Chromium: install the package chromium, or set TRIVIUM_CHROMIUM")
	}
	dir, err := os.MkdirTemp("", "e2e-profile")
	if err != nil {
		return nil, err
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(dir),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.WindowSize(1280, 900))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	first, _ := chromedp.NewContext(alloc, quiet)
	cleanups = append(cleanups, func() { chromedp.Cancel(first); stop(); os.RemoveAll(dir) })
	return first, chromedp.Run(first)
})

var cleanups []func()

// quiet drops chromedp's complaints about events that are newer than it.
var quiet = chromedp.WithErrorf(func(string, ...any) {})

func TestMain(m *testing.M) {
	code := m.Run()
	for _, f := range cleanups {
		f()
	}
	os.Exit(code)
}

// tab is one person at one browser: a profile of its own, every console error kept.
type tab struct {
	t       *testing.T
	name    string
	ctx     context.Context
	profile cdp.BrowserContextID
	drop    func() // forgets the profile

	mu      sync.Mutex
	console []string
	allow   []string // parts of console messages that are expected
	doing   string   // what the test last did here
}

// openTab opens a tab whose console must stay free of errors until the test ends.
func openTab(t *testing.T, name string) *tab {
	t.Helper()
	first, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	// New headless Chromium refuses chromedp's own browser contexts: the first target needs a window.
	exec := cdp.WithExecutor(first, chromedp.FromContext(first).Browser)
	profile, err := target.CreateBrowserContext().Do(exec)
	if err != nil {
		t.Fatal(err)
	}
	b := newTab(t, name, profile)
	b.drop = func() { target.DisposeBrowserContext(profile).Do(exec) }
	return b
}

// sibling opens a further tab of the same person in the same browser.
func (b *tab) sibling(name string) *tab {
	b.t.Helper()
	return newTab(b.t, name, b.profile)
}

func newTab(t *testing.T, name string, profile cdp.BrowserContextID) *tab {
	t.Helper()
	first, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	exec := cdp.WithExecutor(first, chromedp.FromContext(first).Browser)
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(profile).WithNewWindow(true).Do(exec)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(first, chromedp.WithTargetID(id))
	b := &tab{t: t, name: name, ctx: ctx, profile: profile, drop: func() {},
		allow: []string{"/readyz"}} // pages without a session ask once whether the node has a leader; a busy machine has elections
	chromedp.ListenTarget(ctx, b.listen)
	// Focus is emulated: of several windows only one has it, and typing goes nowhere in the others.
	if err := chromedp.Run(ctx, log.Enable(), network.Enable(), emulation.SetFocusEmulationEnabled(true)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			b.shotNow("failed-" + name)
		}
		for _, line := range b.unexpected() {
			t.Errorf("%s: console: %s", name, line)
		}
		cancel()
		b.drop()
	})
	return b
}

func (b *tab) listen(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		b.console = append(b.console, "exception "+e.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			b.console = append(b.console, fmt.Sprintf("%s %s %s (after: %s)", e.Entry.Level, e.Entry.Text, e.Entry.URL, b.doing))
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError {
			for _, a := range e.Args {
				b.console = append(b.console, "console "+string(a.Value))
			}
		}
	}
}

func (b *tab) unexpected() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
lines:
	for _, l := range b.console {
		for _, a := range b.allow {
			if strings.Contains(l, a) {
				continue lines
			}
		}
		out = append(out, l)
	}
	return out
}

// expect allows console messages that contain the part: Chromium itself reports every failed request.
func (b *tab) expect(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allow = append(b.allow, part)
}

func (b *tab) run(what string, actions ...chromedp.Action) {
	b.t.Helper()
	b.runFor(30*time.Second, what, actions...)
}

func (b *tab) runFor(limit time.Duration, what string, actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	b.mu.Lock()
	b.doing = what
	b.mu.Unlock()
	if err := chromedp.Run(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %s: %v\npage: %.1500s\nconsole: %s", b.name, what, err, b.textNow(), strings.Join(b.unexpected(), "\n"))
	}
}

func (b *tab) textNow() string {
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Second)
	defer cancel()
	var s string
	chromedp.Run(ctx, chromedp.Evaluate(`location.href+"\n"+document.body.innerText`, &s))
	return s
}

// open goes to an address and waits until the program runs in the page.
func (b *tab) open(url string) {
	b.t.Helper()
	b.runFor(60*time.Second, "open "+url, chromedp.Navigate(url), chromedp.WaitNotPresent("#app-wasm-loader", chromedp.ByQuery))
}

// complete waits until the page shows all that it loads.
func (b *tab) complete() {
	b.t.Helper()
	b.waitFor(30*time.Second, "the page to be complete", `document.querySelector("h1")?.innerText.trim() !== "" && document.querySelector("h1") !== null &&
		![...document.querySelectorAll(".skeleton, main [aria-busy=true]:not(button)")].some(e => e.checkVisibility())`) // what is folded away may wait
}

// find is a piece of JavaScript that finds a visible control by its label, its accessible name, its text or a selector.
const find = `(what => {
	const visible = e => e && e.getClientRects().length > 0 && !e.closest("[hidden]");
	const clean = s => (s || "").replace(/\s+/g, " ").trim();
	if (/^[#.\[]/.test(what)) return [...document.querySelectorAll(what)].find(visible) || null;
	const dialog = [...document.querySelectorAll("dialog[open]")].pop();
	const root = dialog || document;
	const name = e => clean(e.getAttribute("aria-label") || (e.labels && e.labels[0] && e.labels[0].innerText) || e.innerText || e.value || e.title);
	const all = [...root.querySelectorAll("button, a, input, textarea, select, summary, [role=button], [role=tab], [role=menuitem]")]
		.filter(e => visible(e) || (e.type === "file"));
	return all.find(e => name(e) === what) || all.find(e => name(e).startsWith(what)) || all.find(e => name(e).includes(what)) || null;
})`

func (b *tab) waitFor(limit time.Duration, what, expression string) {
	b.t.Helper()
	b.runFor(limit, "wait for "+what, chromedp.Poll(expression, nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(limit)))
}

func quote(s string) string { j, _ := json.Marshal(s); return string(j) }

// click presses a control, named by its label or text.
func (b *tab) click(what string) {
	b.t.Helper()
	b.waitFor(20*time.Second, what, fmt.Sprintf(`(e => e && !e.disabled)(%s(%s))`, find, quote(what)))
	b.run("click "+what, chromedp.Evaluate(fmt.Sprintf(`(e => { e.scrollIntoView({block: "center"}); e.click(); })(%s(%s))`, find, quote(what)), nil))
}

// confirm presses a button of the dialog that asks whether to go on.
func (b *tab) confirm(what string) {
	b.t.Helper()
	b.waitFor(20*time.Second, "a dialog", `document.querySelector("dialog[open]") !== null`)
	b.click(what)
}

// fill types a text into a field in place of what it held.
func (b *tab) fill(what, text string) {
	b.t.Helper()
	b.waitFor(20*time.Second, what, fmt.Sprintf(`%s(%s) !== null`, find, quote(what)))
	b.run("focus "+what, chromedp.Evaluate(fmt.Sprintf(`(e => { e.scrollIntoView({block: "center"}); e.focus(); if (e.select) e.select(); })(%s(%s))`, find, quote(what)), nil))
	b.run("type into "+what, chromedp.ActionFunc(func(ctx context.Context) error { return input.InsertText(text).Do(ctx) }))
	b.waitFor(5*time.Second, what+" to hold the text", fmt.Sprintf(`(e => e && e.value === %s)(%s(%s))`, quote(strings.ReplaceAll(text, "\r\n", "\n")), find, quote(what)))
	b.run("leave "+what, chromedp.Evaluate(fmt.Sprintf(`(e => e && e.blur())(%s(%s))`, find, quote(what)), nil))
}

// set gives a value to a field that people do not type into letter by letter: a date, a select, a checkbox.
func (b *tab) set(what string, value any) {
	b.t.Helper()
	b.waitFor(20*time.Second, what, fmt.Sprintf(`%s(%s) !== null`, find, quote(what)))
	v, _ := json.Marshal(value)
	b.run("set "+what, chromedp.Evaluate(fmt.Sprintf(`((e, v) => {
		if (e.type === "checkbox" || e.type === "radio") { if (e.checked !== v) e.click(); return; }
		e.value = v;
		e.dispatchEvent(new Event("input", {bubbles: true}));
		e.dispatchEvent(new Event("change", {bubbles: true}));
	})(%s(%s), %s)`, find, quote(what), v), nil))
}

// attach chooses files in a file field.
func (b *tab) attach(selector string, files ...string) {
	b.t.Helper()
	b.run("attach to "+selector, chromedp.SetUploadFiles(selector, files, chromedp.ByQuery))
}

// see waits until the page shows the text.
func (b *tab) see(text string) {
	b.t.Helper()
	b.seeWithin(20*time.Second, text)
}

func (b *tab) seeWithin(limit time.Duration, text string) {
	b.t.Helper()
	b.waitFor(limit, fmt.Sprintf("the text %q", text), fmt.Sprintf(`document.body.innerText.replace(/\s+/g, " ").includes(%s)`, quote(text)))
}

// absent fails when the page shows the text now. Wait for something of the finished page first.
func (b *tab) absent(text string) {
	b.t.Helper()
	if _, s, _ := strings.Cut(b.textNow(), "\n"); strings.Contains(strings.Join(strings.Fields(s), " "), text) { // not in the address: its ids hold anything
		b.t.Errorf("%s: the page shows %q: %.800s", b.name, text, s)
	}
}

// eval runs an expression, awaiting a promise, into out.
func (b *tab) eval(expression string, out any) {
	b.t.Helper()
	b.run("evaluate", chromedp.Evaluate(expression, out, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
}

// zone moves the person to another time zone.
func (b *tab) zone(name string) {
	b.t.Helper()
	b.run("zone "+name, emulation.SetTimezoneOverride(name))
}

// scheme switches between light and dark.
func (b *tab) scheme(name string) {
	b.t.Helper()
	b.run("scheme "+name, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name},
		{Name: "prefers-reduced-motion", Value: "reduce"}}))
}

// look takes screenshots at 1280 and 360 px, light and dark, and runs axe on each scheme: no violation is allowed.
func (b *tab) look(name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for _, width := range []int64{1280, 360} {
			b.run("resize", emulation.SetDeviceMetricsOverride(width, 900, 1, width < 500))
			b.run("scroll up", chromedp.Evaluate(`scrollTo(0, 0)`, nil)) // what lies half below the bar is no finding
			b.shot(fmt.Sprintf("%s-%d-%s", name, width, scheme))
			b.noSideScroll(name, width)
			b.axe(fmt.Sprintf("%s, %d px, %s", name, width, scheme))
		}
	}
	b.scheme("light")
	b.run("resize", emulation.ClearDeviceMetricsOverride())
}

func (b *tab) noSideScroll(name string, width int64) {
	b.t.Helper()
	var over int
	b.eval(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over)
	if over > 0 {
		b.t.Errorf("%s at %d px scrolls sideways by %d px", name, width, over)
	}
}

func (b *tab) axe(label string) {
	b.t.Helper()
	var out string
	b.run("axe", chromedp.Evaluate(axeSource+";0", nil)) // evaluation by the debugger is not subject to the page's CSP
	b.eval(`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html + " " + n.failureSummary).join("; "))))`, &out)
	if out != "[]" {
		b.t.Errorf("axe, %s: %s", label, out)
	}
}

func shotDir() string {
	dir := filepath.Join("..", "bin", "shots")
	os.MkdirAll(dir, 0o755)
	return dir
}

func (b *tab) shot(name string) {
	b.t.Helper()
	var png []byte
	b.run("screenshot", chromedp.ActionFunc(func(ctx context.Context) (err error) {
		png, err = page.CaptureScreenshot().WithCaptureBeyondViewport(true).WithFormat(page.CaptureScreenshotFormatPng).Do(ctx)
		return err
	}))
	if err := os.WriteFile(filepath.Join(shotDir(), name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// shotNow takes a screenshot of a failing test, as well as it can.
func (b *tab) shotNow(name string) {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	var png []byte
	if chromedp.Run(ctx, chromedp.CaptureScreenshot(&png)) == nil {
		os.WriteFile(filepath.Join(shotDir(), name+".png"), png, 0o644)
	}
}

// chromedpDouble clicks a control twice without a pause.
func chromedpDouble(what string) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf(`(e => { e.click(); e.click(); })(%s(%s))`, find, quote(what)), nil)
}

// chromedpClickFirst clicks the first element of the selector.
func chromedpClickFirst(selector string) chromedp.Action {
	return chromedp.Click(selector, chromedp.ByQuery)
}
