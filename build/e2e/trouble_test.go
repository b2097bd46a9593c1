//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"trivium/app/api"
	"trivium/app/lms"
)

// TestTrouble tries what goes wrong in a school: two tabs, a session that ends, a node that freezes, nodes that cannot find
// each other.
func TestTrouble(t *testing.T) {
	s := startSchool(t)
	s.enrol("amara", "Amara")
	s.enrol("ben", "Ben")
	for _, step := range []struct {
		name string
		run  func(*school, *testing.T)
	}{
		{"two tabs of one student", (*school).twoTabs},
		{"the same attempt through two nodes", (*school).twice},
		{"the session ends while a form is filled", (*school).sessionEnds},
		{"the leader freezes", (*school).freezes},
		{"a node cannot join", (*school).cannotJoin},
		{"a member starts alone", (*school).startsAlone},
	} {
		t.Run(step.name, func(t *testing.T) { step.run(s.in(t), t) })
	}
}

// attempts are those of a student, the first one first.
func (s *school) attempts(login string) []lms.Submission {
	s.t.Helper()
	list := call(s.t, s.signedIn(login), api.MySubmissions, api.AssignmentPath{Course: s.course, Assignment: s.assignment}).Items
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

func (s *school) twoTabs(t *testing.T) {
	n := s.nodes[0]
	a := s.tabOf(t, "amara", n)
	a.open(n.origin() + s.page("assignments", s.assignment))
	a.fill("#text", "Written in the first tab.")
	a.see("Draft saved")
	b := a.sibling("amara's second tab")
	for _, x := range []*tab{a, b} {
		x.expect("409") // one tab saves a draft that the other has handed in meanwhile
	}
	b.open(n.origin() + s.page("assignments", s.assignment))
	shows := func(x *tab, what, text string) {
		t.Helper()
		x.waitFor(20*time.Second, what, `document.querySelector("#text")?.value === `+quote(text))
	}
	shows(b, "the draft of the first tab", "Written in the first tab.")
	b.see("Draft saved")
	// What one tab has not saved yet outlives the hand-in of the other.
	b.deaf("PUT", "/draft")
	b.fill("#text", "Written in the second tab, and longer.")
	a.click("Hand in")
	a.seeWithin(30*time.Second, "Attempt 1 handed in")
	b.waitFor(20*time.Second, "the second tab to know of the attempt", `document.body.innerText.includes("Attempt 1 handed in")`)
	shows(b, "the text of the second tab", "Written in the second tab, and longer.")
	b.hears()
	b.see("Draft saved")
	b.open(n.origin() + s.page("assignments", s.assignment))
	shows(b, "the draft after a reload", "Written in the second tab, and longer.")
	// The draft of the second tab is the student's draft: the first one shows it by now, and goes on from there.
	shows(a, "the draft of the second tab", "Written in the second tab, and longer.")
	a.deaf("PUT", "/draft")
	a.fill("#text", "First tab again.")
	// Both at once: both count, in some order.
	press := func(b *tab) chan error {
		done := make(chan error, 1)
		go func() {
			done <- chromedp.Run(b.ctx, chromedp.Evaluate(fmt.Sprintf(`(e => { e.click(); return 0; })(%s("Hand in as attempt"))`, find), nil))
		}()
		return done
	}
	for _, done := range []chan error{press(a), press(b)} {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []*tab{a, b} {
		x.waitFor(30*time.Second, "both attempts", `/Attempt 3/.test(document.body.innerText)`)
	}
	got := s.attempts("amara")
	if len(got) != 3 {
		t.Fatalf("%d attempts, want 3: %+v", len(got), got)
	}
	texts := map[string]bool{}
	for i, sub := range got {
		texts[sub.Text] = true
		if sub.Attempt != i+1 {
			t.Errorf("attempt %d has the number %d", i+1, sub.Attempt)
		}
	}
	for _, want := range []string{"Written in the first tab.", "Written in the second tab, and longer.", "First tab again."} {
		if !texts[want] {
			t.Errorf("no attempt with %q", want)
		}
	}
	// What is saved is one draft in both; handed in by one, it is gone from the other, which does not call it unsent.
	a.hears()
	a.click("Hand in again")
	a.fill("#text", "One draft in two tabs.")
	shows(b, "the draft that both have", "One draft in two tabs.")
	a.see("Draft saved")
	b.click("Hand in as attempt 4")
	a.waitFor(30*time.Second, "the first tab to have no draft", `document.body.innerText.includes("Attempt 4 handed in") && document.querySelector("#text") === null`)
	a.absent("It is not handed in yet")
	if got := s.attempts("amara"); len(got) != 4 || got[3].Text != "One draft in two tabs." {
		t.Errorf("attempts: %+v", got)
	}
	// Where both have written, one is asked which to go on with, until the other one is handed in.
	b.click("Hand in again")
	b.deaf("PUT", "/draft")
	b.fill("#text", "Only in the second tab.")
	a.click("Hand in again")
	a.fill("#text", "Only in the first tab.")
	b.see("Both are kept")
	a.click("Hand in as attempt 5")
	a.seeWithin(30*time.Second, "Attempt 5 handed in")
	b.hears()
	b.waitFor(20*time.Second, "the question to be gone", `!document.body.innerText.includes("Both are kept")`)
	b.see("Draft saved")
	shows(b, "the text of the second tab, still", "Only in the second tab.")
}

// twice hands one attempt in through two nodes at once: under two keys, and under one.
func (s *school) twice(t *testing.T) {
	before := len(s.attempts("ben"))
	for _, key := range []string{"", lms.NewID()} {
		in := api.SubmitInput{Course: s.course, Assignment: s.assignment, ID: lms.NewID(), Text: "Once is enough."}
		type answer struct {
			receipt lms.Receipt
			err     error
		}
		answers := make(chan answer, 2)
		for _, n := range s.nodes[:2] {
			client := bearer(t, n, "ben")
			go func() {
				r, err := api.Call(api.WithKey(t.Context(), key), client, api.Submit, in)
				answers <- answer{r, err}
			}()
		}
		one, two := <-answers, <-answers
		if one.err != nil || two.err != nil || one.receipt.Submission.ID != in.ID || one.receipt.Submission.Attempt != two.receipt.Submission.Attempt ||
			!one.receipt.Submission.SubmittedAt.Equal(two.receipt.Submission.SubmittedAt) {
			t.Errorf("key %q: %+v and %+v", key, one, two)
		}
		before++
		if got := s.attempts("ben"); len(got) != before || got[before-1].ID != in.ID {
			t.Errorf("key %q: %d attempts, want %d: %+v", key, len(got), before, got)
		}
	}
}

func (s *school) sessionEnds(t *testing.T) {
	n := s.nodes[1]
	before := len(s.attempts("ben"))
	b := s.tabOf(t, "ben", n)
	b.expect("401")
	b.open(n.origin() + s.page("assignments", s.assignment))
	b.click("Hand in again")
	b.deaf("PUT", "/draft") // else the draft may ask for the password before the click does
	b.fill("#text", "Typed before the session ended.")
	var cookie string
	b.run("read the cookie", chromedp.ActionFunc(func(ctx context.Context) error {
		all, err := network.GetCookies().Do(ctx)
		for _, c := range all {
			if c.Name == "sid" {
				cookie = c.Value
			}
		}
		return err
	}))
	if cookie == "" {
		t.Fatal("no session cookie")
	}
	call(t, api.NewClient(n.origin(), api.WithBearer(cookie)), api.SignOut, api.NoInput{})
	b.click("Hand in as attempt " + strconv.Itoa(before+1))
	b.seeWithin(20*time.Second, "Please sign in again")
	b.look("sign-in-again")
	b.fill("#reauth-password", password)
	b.confirm("Sign in")
	b.waitFor(20*time.Second, "the dialog to close", `document.querySelector("dialog[open]") === null`)
	b.waitFor(5*time.Second, "the text", `document.querySelector("#text") !== null && document.querySelector("#text").value === "Typed before the session ended." || document.body.innerText.includes("Try again")`)
	b.shot("signed-in-again-1280-light")
	b.run("hand in now", chromedp.Evaluate(fmt.Sprintf(`(f => { (f("Try again") || f("Hand in as attempt")).click(); return 0; })(%s)`, find), nil))
	b.seeWithin(30*time.Second, "Attempt "+strconv.Itoa(before+1)+" handed in")
	if got := s.attempts("ben"); len(got) != before+1 || got[before].Text != "Typed before the session ended." {
		t.Errorf("attempts: %+v", got)
	}
}

// freezes stops the leader's process for 4 s, as a machine that swaps or a virtual machine that is moved.
func (s *school) freezes(t *testing.T) {
	frozen := s.leader()
	var others []*node
	for _, n := range s.nodes {
		if n != frozen {
			others = append(others, n)
		}
	}
	client := api.NewClient(others[0].origin(), api.WithBearer(s.token), api.WithTimeouts(3*time.Second, 30*time.Second))
	client.SetNodes([]string{others[1].origin()})
	zero := "0"
	call(t, client, api.KVPut, api.KVPutInput{Key: "frozen", Value: &zero})
	signal := func(sig syscall.Signal) {
		t.Helper()
		if err := frozen.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	defer frozen.cmd.Process.Signal(syscall.SIGCONT)
	begin, last, first := time.Now(), 0, time.Duration(0)
	for time.Since(begin) < 4*time.Second || last < 5 && time.Since(begin) < 15*time.Second {
		last++
		value := strconv.Itoa(last)
		call(t, client, api.KVPut, api.KVPutInput{Key: "frozen", Value: &value})
		if first == 0 {
			first = time.Since(begin)
		}
	}
	t.Logf("%s frozen: the next write after %v, %d writes meanwhile", frozen.id, first.Round(10*time.Millisecond), last)
	if last < 5 {
		t.Errorf("only %d writes while the leader was frozen", last)
	}
	index := client.Index()
	signal(syscall.SIGCONT)
	s.noOlder(t, frozen, index, last)
	eventually(t, 20*time.Second, frozen.id+" to follow", func() error {
		res, body := get(t, frozen.origin()+"/readyz")
		var st struct{ State, Leader string }
		decode(t, []byte(body), &st)
		if res.StatusCode != 200 || !strings.EqualFold(st.State, "follower") || st.Leader == frozen.id {
			return fmt.Errorf("%s %s", res.Status, body)
		}
		return nil
	})
	s.sameRows()
}

// noOlder asks the woken node, until it answers, for what the client knows already.
func (s *school) noOlder(t *testing.T, n *node, index uint64, want int) {
	t.Helper()
	answered := 0
	eventually(t, 20*time.Second, "an answer of "+n.id, func() error {
		for _, level := range []string{api.KVSession, api.KVLinearizable} {
			req, err := http.NewRequest("GET", n.origin()+"/api/v1/kv/frozen?consistency="+level, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+s.token)
			req.Header.Set(api.HeaderIndex, strconv.FormatUint(index, 10))
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			var v api.KVValue
			err = json.NewDecoder(res.Body).Decode(&v)
			res.Body.Close()
			if res.StatusCode != 200 {
				return fmt.Errorf("%s", res.Status)
			}
			if stale := res.Header.Get(api.HeaderStale); err != nil || v.Data != strconv.Itoa(want) || stale != "" {
				t.Errorf("%s, %s: it answers %q (stale %q, %v) to a client that knows %d", n.id, level, v.Data, stale, err, want)
			}
			if answered++; answered < 10 {
				return fmt.Errorf("%d answers", answered)
			}
		}
		return nil
	})
}

// cannotJoin starts nodes that nobody lets in: each ends with a sentence, and the cluster stays as it is.
func (s *school) cannotJoin(t *testing.T) {
	token := func() string { return call(t, s.admin, api.CreateJoinToken, api.NoInput{}).Token }
	good, spoilt := token(), token()
	spoilt = spoilt[:len(spoilt)-4] + strings.Map(func(r rune) rune { return 'a' + (r+1)%10 }, spoilt[len(spoilt)-4:])
	foreign := token()
	foreign = "K10" + strings.Map(func(r rune) rune { return rune("0f"[r&1]) }, foreign[3:67]) + foreign[67:] // the hash of another authority
	tests := []struct {
		name, join, token string
		says              []string
	}{
		{"nobody there", port(t), good, []string{"this node has not joined", "refused"}},
		{"wrong secret", s.nodes[0].cluster, spoilt, []string{"this node has not joined", "token"}},
		{"another cluster's token", s.nodes[0].cluster, foreign, []string{"this node has not joined", "another cluster"}},
		{"no token", s.nodes[0].cluster, "K10nonsense", []string{"--token"}},
	}
	type end struct {
		said string
		code int
		took time.Duration
	}
	ends := make([]chan end, len(tests))
	for i, test := range tests {
		ends[i] = make(chan end, 1)
		cmd := exec.CommandContext(t.Context(), binary(t), "serve", "--data", filepath.Join(t.TempDir(), "data"), "--id", fmt.Sprintf("stranger%d", i),
			"--http", port(t), "--cluster", port(t), "--join", test.join, "--token", test.token)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr, cmd.Env = &said, &said, environment()
		go func() {
			begin := time.Now()
			cmd.Run()
			ends[i] <- end{said.String(), cmd.ProcessState.ExitCode(), time.Since(begin)}
		}()
	}
	for i, test := range tests {
		var e end
		select {
		case e = <-ends[i]:
		case <-time.After(40 * time.Second):
			t.Errorf("%s: it goes on", test.name)
			continue
		}
		t.Logf("%s: after %v: %s", test.name, e.took.Round(10*time.Millisecond), tail([]byte(strings.TrimSpace(e.said)), 300))
		if e.code != 1 {
			t.Errorf("%s: it ends with %d", test.name, e.code)
		}
		for _, part := range test.says {
			if !strings.Contains(e.said, part) {
				t.Errorf("%s: it does not say %q: %s", test.name, part, e.said)
			}
		}
	}
	if got := call(t, s.admin, api.GetCluster, api.NoInput{}); len(got.Nodes) != 3 {
		t.Errorf("the cluster has %d nodes", len(got.Nodes))
	}
}

// startsAlone starts one member while the two others are away.
func (s *school) startsAlone(t *testing.T) {
	before := len(s.attempts("ben"))
	amara := call(t, s.client(""), api.SignIn, api.SignInInput{Login: "amara", Password: password, Bearer: true}).Token
	s.sameRows() // the last node knows the session
	for _, n := range s.nodes {
		s.kill(n)
	}
	n := s.nodes[2]
	from := len(s.log(n))
	s.start(n)
	eventually(t, 60*time.Second, "the node to say that it waits", func() error {
		if said := s.log(n)[from:]; !strings.Contains(said, "waiting for them") {
			return fmt.Errorf("it says %s", tail([]byte(said), 500))
		}
		return nil
	})
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503} {
		if res, body := get(t, n.origin()+path); res.StatusCode != want {
			t.Errorf("%s: %s %.300s", path, res.Status, body)
		}
	}
	eventually(t, 40*time.Second, "the node to be readable, as of its last entry", func() error {
		req, err := http.NewRequest("GET", n.origin()+"/api/v1/courses/"+s.course+"/assignments", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+amara)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != 200 || res.Header.Get(api.HeaderStale) == "" {
			return fmt.Errorf("%s, stale %q", res.Status, res.Header.Get(api.HeaderStale))
		}
		return nil
	})
	if err := n.cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("it has ended: %v", err)
	}
	s.start(s.nodes[0])
	s.start(s.nodes[1])
	for _, n := range s.nodes {
		s.waitReady(n)
	}
	s.sameRows()
	if got := len(s.attempts("ben")); got != before {
		t.Errorf("%d attempts, want %d", got, before)
	}
}
