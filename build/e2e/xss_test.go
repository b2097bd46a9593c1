//go:build e2e

package e2e

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"trivium/app/lms"
)

// xssTexts are attempts to run a script in a reader's page, or to have it ask a foreign host. Those that succeed call xssRan.
//
//go:embed testdata/xss.json
var xssTexts []byte

// attacked is a school in which every text that anybody can write is an attack, and files of each kind, too.
type attacked struct {
	*school
	texts, titles []string // each attack, and as many as fit into a title
	body          string   // all of them, each in a paragraph of its own
	submission    string
	questions     []string
	files         []string // paths of their content
	materials     []string
}

// TestAttacksInTexts opens every page on which texts and files of others stand: no script of theirs runs, and no foreign host
// is asked, whoever reads.
func TestAttacksInTexts(t *testing.T) {
	a := openAttacked(t)
	for _, reader := range []struct {
		login string
		pages []string
	}{
		{"mallory", a.studentPages()},
		{"ines", append(a.studentPages(), a.staffPages()...)},
		{"ada", append(a.staffPages(), "/users", "/audit", "/cluster", "/tutor-settings")},
	} {
		b := a.tabOf(t, reader.login, a.nodes[0])
		b.expect("/favicon.ico") // of a file that is shown by itself, in its sandbox
		guard := b.guard(a.nodes[0].http)
		b.eval("xssRan('a script that runs is noticed')", nil)
		b.eval("0", nil)
		if guard() == "" {
			t.Fatal("nobody would notice a script")
		}
		for _, path := range reader.pages {
			b.open(a.nodes[0].origin() + path)
			b.settled()
			if found := guard(); found != "" {
				t.Errorf("%s as %s: %s", path, reader.login, found)
			}
		}
		for _, path := range a.files {
			b.visit(a.nodes[0].origin() + path)
			if found := guard(); found != "" {
				t.Errorf("%s as %s: %s", path, reader.login, found)
			}
		}
	}
}

// guard watches for scripts of an attack and for requests to other hosts. The function that it returns says what there was.
func (b *tab) guard(host string) func() string {
	b.t.Helper()
	var mu sync.Mutex
	var found []string
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if text := fmt.Sprintf(format, args...); !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	chromedp.ListenTarget(b.ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventBindingCalled:
			note("a script ran: %s", e.Name)
		case *page.EventJavascriptDialogOpening:
			note("a script opened a dialog")
		case *page.EventWindowOpen:
			note("a window was opened: %s", e.URL)
		case *network.EventRequestWillBeSent:
			if u, err := url.Parse(e.Request.URL); err != nil || u.Host != host && u.Scheme != "data" && u.Scheme != "blob" {
				note("a foreign host was asked: %.100s", e.Request.URL)
			}
		}
	})
	b.run("watch for scripts", runtime.AddBinding("xssRan"), page.Enable())
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		text := strings.Join(found, "; ")
		found = nil
		return text
	}
}

// settled waits until the page has loaded what it shows, and lets what would run by itself run.
func (b *tab) settled() {
	b.t.Helper()
	b.complete()
	b.eval(`(async () => {
		for (const d of document.querySelectorAll("details")) d.open = true;
		for (const e of document.querySelectorAll("main *")) { e.dispatchEvent(new MouseEvent("mouseover", {bubbles: false})); }
		await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
	})()`, nil)
}

// visit opens an address that may be a download, and waits until the browser has decided what it is.
func (b *tab) visit(address string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	err := chromedp.Run(ctx, chromedp.Navigate(address))
	if err != nil && !strings.Contains(err.Error(), "net::ERR_ABORTED") { // that is a download
		b.t.Fatalf("%s: %v", address, err)
	}
}

func openAttacked(t *testing.T) *attacked {
	one := startSiteIn(t, []string{newDir(t)})
	s := openSchool(t, one)
	a := &attacked{school: s}
	if err := json.Unmarshal(xssTexts, &a.texts); err != nil || len(a.texts) < 150 {
		t.Fatalf("%d attacks: %v", len(a.texts), err)
	}
	a.body = strings.Join(a.texts, "\n\n")
	a.titles = pack(a.texts, lms.MaxTitle-4)
	a.people()
	a.content()
	a.work()
	a.talk()
	a.uploads()
	return a
}

// pack joins texts to titles of at most so many characters, without what a title refuses.
func pack(texts []string, limit int) []string {
	var out []string
	for _, s := range texts {
		s = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' {
				return -1
			}
			return r
		}, s))
		if last := len(out) - 1; last >= 0 && len([]rune(out[last]))+1+len([]rune(s)) <= limit {
			out[last] += " " + s
		} else {
			out = append(out, s)
		}
	}
	return out
}
