package tutor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

const askLoop = "Why does my while loop never end?"

// gated is a model that sends one piece, then waits for the gate before it ends.
func gated(t *testing.T) (*fakeModel, chan struct{}) {
	gate := make(chan struct{})
	return newModel(t, func(w http.ResponseWriter, r *http.Request, n int) {
		events(chunk("First sentence [1]. "), chunk("Second"))(w, r, n)
		select {
		case <-gate:
			events(chunk(" one."), stopEvent, doneEvent)(w, r, n)
		case <-r.Context().Done():
		}
	}), gate
}

const gatedText = "First sentence [1]. Second one."

// begun waits until a run shows text.
func begun(t *testing.T, tu *Tutor, id string) {
	t.Helper()
	eventually(t, "text is shown", func() bool { r := tu.running(id); return r != nil && r.body() != "" })
}

// peers connects tutors as nodes of a cluster.
func peers(t *testing.T) (func(*Config), func(node string, tu *Tutor) *httptest.Server) {
	var mu sync.Mutex
	urls := map[string]string{}
	with := func(c *Config) {
		c.Peers = func(_ context.Context, node string) (*http.Client, string, error) {
			mu.Lock()
			defer mu.Unlock()
			if urls[node] == "" {
				return nil, "", errors.New("no such node")
			}
			return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, urls[node], nil
		}
	}
	return with, func(node string, tu *Tutor) *httptest.Server {
		srv := httptest.NewServer(tu.Handler())
		t.Cleanup(srv.Close)
		mu.Lock()
		urls[node] = srv.URL
		mu.Unlock()
		return srv
	}
}

func TestClientGone(t *testing.T) {
	model, gate := gated(t)
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL)
	s.ask(askLoop, "r1")
	tu.Answer("r1")
	gone := errors.New("browser closed")
	err := tu.Stream(t.Context(), "r1", func(e api.ReplyEvent) error {
		if e.Text != "" {
			return gone
		}
		return nil
	})
	if !errors.Is(err, gone) {
		t.Fatalf("stream: %v", err)
	}
	close(gate)
	eventually(t, "the answer is stored", func() bool { return s.stored("r1").State == lms.ReplyDone })
	if b := s.stored("r1").Body; b != gatedText {
		t.Errorf("body = %q", b)
	}
	text, _, final := watch(t, tu, "r1") // from the store
	if text != gatedText || final.Body != gatedText {
		t.Errorf("read again: %q", text)
	}
}

func TestStop(t *testing.T) {
	with, serve := peers(t)
	for _, where := range []string{"the same node", "another node"} {
		t.Run("on "+where, func(t *testing.T) {
			model, _ := gated(t)
			s := newStore(loops...)
			one, two := newTutor(t, s, "n1", model.URL, with), newTutor(t, s, "n2", model.URL, with)
			serve("n1", one)
			s.ask(askLoop, "r1")
			one.Answer("r1")
			begun(t, one, "r1")
			stopper := one
			if where == "another node" {
				stopper = two
			}
			if err := stopper.Stop(t.Context(), "r1"); err != nil {
				t.Fatal(err)
			}
			r := s.stored("r1")
			if r.State != lms.ReplyStopped || !strings.HasPrefix(r.Body, "First sentence [1].") || r.Note != noteStopped || !r.Generated {
				t.Errorf("reply = %+v", r)
			}
			if err := stopper.Stop(t.Context(), "r1"); err != nil {
				t.Errorf("stop again: %v", err)
			}
		})
	}
	t.Run("before anybody works on it", func(t *testing.T) {
		s := newStore(loops...)
		tu := newTutor(t, s, "n1", "")
		s.ask(askLoop, "r1")
		if err := tu.Stop(t.Context(), "r1"); err != nil || s.stored("r1").State != lms.ReplyStopped {
			t.Errorf("%v, %+v", err, s.stored("r1"))
		}
	})
}

func TestTwoClaimsRace(t *testing.T) {
	for i := range 20 {
		model := newModel(t, events(chunk("Answer [1]."), stopEvent, doneEvent))
		s := newStore(loops...)
		nodes := []*Tutor{newTutor(t, s, "n1", model.URL), newTutor(t, s, "n2", model.URL), newTutor(t, s, "n3", model.URL)}
		s.ask(askLoop, "r1")
		var wg sync.WaitGroup
		for _, n := range nodes {
			wg.Go(func() { n.Answer("r1") })
		}
		wg.Wait()
		eventually(t, "an answer is stored", func() bool { return s.stored("r1").State == lms.ReplyDone })
		for _, n := range nodes {
			if _, _, final := watch(t, n, "r1"); final.Body != "Answer [1]." {
				t.Errorf("round %d: %+v", i, final)
			}
			n.Close()
		}
		if n := len(model.calls()); n != 1 || s.finishes() != 1 {
			t.Fatalf("round %d: %d calls, %d answers", i, n, s.finishes())
		}
		model.Close()
	}
}

func TestStreamFromAnotherNode(t *testing.T) {
	with, serve := peers(t)
	model, gate := gated(t)
	s := newStore(loops...)
	one, two := newTutor(t, s, "n1", model.URL, with), newTutor(t, s, "n2", model.URL, with)
	serve("n1", one)
	s.ask(askLoop, "r1")
	one.Answer("r1")
	begun(t, one, "r1")
	var text strings.Builder
	var final lms.Reply
	err := two.Stream(t.Context(), "r1", func(e api.ReplyEvent) error {
		if text.Len() == 0 && e.Text != "" {
			close(gate) // the text so far came while the answer was still being written
		}
		text.WriteString(e.Text)
		if e.Reply != nil {
			final = *e.Reply
		}
		return nil
	})
	if err != nil || text.String() != gatedText || final.Body != gatedText {
		t.Errorf("%v, %q, %+v", err, text.String(), final)
	}
	if n := len(model.calls()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestNodeDies(t *testing.T) {
	with, serve := peers(t)
	model, gate := gated(t)
	s := newStore(loops...)
	one, two := newTutor(t, s, "n1", model.URL, with), newTutor(t, s, "n2", model.URL, with)
	server := serve("n1", one)
	s.ask(askLoop, "r1")
	one.Answer("r1")
	begun(t, one, "r1")

	ctx, cancel := context.WithCancel(t.Context())
	var resume sync.WaitGroup
	resume.Go(func() { two.Resume(ctx) })
	defer resume.Wait()
	defer cancel()
	seen := make(chan struct{})
	read := make(chan string, 1)
	go func() {
		var text strings.Builder
		two.Stream(ctx, "r1", func(e api.ReplyEvent) error {
			if e.Text != "" && text.Len() == 0 {
				close(seen)
			}
			text.WriteString(e.Text)
			return nil
		})
		read <- text.String()
	}()
	<-seen
	server.CloseClientConnections()
	one.Close() // its claim stays and grows stale
	if st := s.stored("r1").State; st.Final() {
		t.Fatalf("a closing node stored state %s", st)
	}
	eventually(t, "the other node calls", func() bool { return len(model.calls()) == 2 })
	close(gate)
	eventually(t, "the answer is stored", func() bool { return s.stored("r1").State == lms.ReplyDone })
	if got := <-read; got != gatedText {
		t.Errorf("the reader saw %q", got)
	}
	if s.finishes() != 1 || s.claims["r1"].node != "n2" {
		t.Errorf("%d answers, by %s", s.finishes(), s.claims["r1"].node)
	}
}

func TestLostClaimEndsTheRun(t *testing.T) {
	model, _ := gated(t)
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL)
	s.ask(askLoop, "r1")
	tu.Answer("r1")
	begun(t, tu, "r1")
	s.mu.Lock()
	s.claims["r1"] = &claim{"n2", lms.ReplyAnswering, time.Now().Add(time.Hour)}
	s.mu.Unlock()
	eventually(t, "the run ends", func() bool { return tu.running("r1") == nil })
	if s.finishes() != 0 {
		t.Error("a node without the claim stored an answer")
	}
}

func TestNoMajority(t *testing.T) {
	model, gate := gated(t)
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL)
	s.ask(askLoop, "r1")
	s.setRefuse(lms.ErrUnavailable)
	tu.Answer("r1")
	s.setRefuse(nil)
	begun(t, tu, "r1")
	s.setRefuse(lms.ErrUnavailable)
	close(gate)
	eventually(t, "all text is there", func() bool { r := tu.running("r1"); return r != nil && r.body() == gatedText })
	s.setRefuse(nil)
	if _, _, final := watch(t, tu, "r1"); final.Body != gatedText || s.finishes() != 1 {
		t.Errorf("%d answers: %+v", s.finishes(), final)
	}
}

func TestResumeStartsPending(t *testing.T) {
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", "")
	s.ask(askLoop, "r1") // and the node that took the question died before it could start
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { tu.Resume(ctx) })
	if _, _, final := watch(t, tu, "r1"); final.State != lms.ReplyDone {
		t.Errorf("reply = %+v", final)
	}
	cancel()
	wg.Wait()
}

func TestPlaceInLine(t *testing.T) {
	var open atomic.Int32
	gate := make(chan struct{})
	model := newModel(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if open.Add(1) > 1 {
			t.Error("more calls at once than allowed")
		}
		select {
		case <-gate:
		case <-r.Context().Done():
		}
		open.Add(-1)
		events(chunk("Answer [1]."), stopEvent, doneEvent)(w, r, n)
	})
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL, func(c *Config) { c.Calls = 1; c.Waiting = 1 })
	s.ask(askLoop, "r1")
	tu.Answer("r1")
	eventually(t, "the first call", func() bool { return len(model.calls()) == 1 })
	for _, id := range []string{"r2", "r3"} {
		s.mu.Lock()
		s.claims[id] = &claim{state: lms.ReplyPending}
		s.question.Replies = append(s.question.Replies, lms.Reply{ID: id, AuthorID: lms.TutorID})
		s.mu.Unlock()
	}
	tu.Answer("r2")
	eventually(t, "a place in line", func() bool {
		r := tu.running("r2")
		if r == nil {
			return false
		}
		_, wait, _, _ := r.snapshot(0)
		return wait == "Waiting for the language model: place 1 in line."
	})
	tu.Answer("r3")
	if _, _, final := watch(t, tu, "r3"); final.State != lms.ReplyFailed || final.Note != noteBusy || len(final.Citations) == 0 {
		t.Errorf("full line: %+v", final)
	}
	close(gate)
	if _, _, final := watch(t, tu, "r2"); final.State != lms.ReplyDone {
		t.Errorf("reply = %+v", final)
	}
}

func TestIndexLoop(t *testing.T) {
	s := newStore()
	file := func(id, name, content string) lms.Material {
		return lms.Material{ID: id, CourseID: "c1", Title: id, Kind: lms.MaterialFile, Index: lms.IndexPending, Version: 1,
			File: &lms.File{ID: "f-" + id, Name: name, Size: int64(len(content)), SHA256: content}}
	}
	var opened atomic.Int32
	tu := newTutor(t, s, "n1", "", func(c *Config) {
		c.OpenFile = func(_ context.Context, f lms.File) (io.ReadSeekCloser, error) {
			if opened.Add(1) <= 2 {
				return nil, errors.New("the bytes are on no node that answers")
			}
			return nopCloser{strings.NewReader(f.SHA256)}, nil
		}
		leader := atomic.Int32{}
		c.IsLeader = func() bool { return leader.Add(1) > 2 }
	})
	s.materials = []lms.Material{
		{ID: "page", CourseID: "c1", Title: "Welcome", Kind: lms.MaterialPage, Body: "# Start\n\nRead this first.", Index: lms.IndexPending, Version: 1},
		file("text", "notes.txt", "Loops repeat their body."),
		file("program", "tool.bin", "\x7fELF"),
		file("broken", "slides.pdf", "not a pdf"),
		file("empty", "empty.md", ""),
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { tu.IndexLoop(ctx) })
	tu.Kick()
	eventually(t, "everything is indexed", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.indexed) == len(s.materials) })
	cancel()
	wg.Wait()
	got := map[string]string{}
	for id, m := range s.indexed {
		got[id] = fmt.Sprintf("%s %d %s", m.Index, m.Passages, m.IndexNote)
	}
	for id, want := range map[string]string{"page": "ready 1 ", "text": "ready 1 ",
		"program": "failed 0 this type of file is not read; PDF, DOCX, PPTX, HTML, captions (VTT, SRT), Markdown and plain text are",
		"broken":  "failed 0 the file is damaged: it is no PDF", "empty": "failed 0 the file is empty"} {
		if got[id] != want {
			t.Errorf("%s: %q, want %q", id, got[id], want)
		}
	}
	if p := s.passages[0]; p.Title != "Welcome" || p.MaterialID != "page" || p.Ordinal != 1 || p.Heading != "Start" {
		t.Errorf("passage = %+v", p)
	}
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }
