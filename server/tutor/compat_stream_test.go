package tutor

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/tutor/tutortest"
)

func TestEndpointItem07FinishReasonsAndEmptyAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		parts []string
		state lms.ReplyState
		note  string
	}{
		"stop":                {[]string{tutortest.Chunk(answered), tutortest.Stop, tutortest.Done}, lms.ReplyDone, ""},
		"length":              {[]string{tutortest.Chunk(answered), tutortest.Cut, tutortest.Done}, lms.ReplyDone, noteCut},
		"content filter":      {[]string{tutortest.Chunk(answered), tutortest.Filtered, tutortest.Done}, lms.ReplyDone, noteFiltered},
		"null":                {[]string{tutortest.Chunk(answered)}, lms.ReplyDone, ""},
		"an empty word":       {[]string{tutortest.Chunk(answered), `data: {"choices":[{"index":0,"delta":{},"finish_reason":""}]}` + "\n\n"}, lms.ReplyDone, ""},
		"empty":               {[]string{tutortest.Stop, tutortest.Done}, lms.ReplyFailed, noteOffline},
		"empty and filtered":  {[]string{tutortest.Filtered, tutortest.Done}, lms.ReplyFailed, noteOffline},
		"white space only":    {[]string{tutortest.Chunk(" \n\t"), tutortest.Stop, tutortest.Done}, lms.ReplyFailed, noteOffline},
		"only the end mark":   {[]string{tutortest.Done}, lms.ReplyFailed, noteOffline},
		"nothing at all":      {nil, lms.ReplyFailed, noteOffline},
		"content of null":     {[]string{`data: {"choices":[{"index":0,"delta":{"content":null}}]}` + "\n\n", tutortest.Stop}, lms.ReplyFailed, noteOffline},
		"no choices anywhere": {[]string{`data: {"choices":[]}` + "\n\n", tutortest.Done}, lms.ReplyFailed, noteOffline},
	} {
		t.Run(name, func(t *testing.T) {
			model := tutortest.New(t, tutortest.Events(c.parts...))
			final, _, _ := answerOf(t, model.URL)
			if final.State != c.state || final.Note != c.note || c.state == lms.ReplyDone && final.Body != answered || c.state == lms.ReplyFailed && len(final.Citations) == 0 {
				t.Errorf("%+v", final)
			}
		})
	}
}

func TestEndpointItem08ReasoningIsNeitherShownNorStored(t *testing.T) {
	field := func(name string) string {
		return `data: {"choices":[{"index":0,"delta":{"` + name + `":"secret plan"}}]}` + "\n\n"
	}
	for name, play := range map[string]tutortest.Play{
		"a tag":                       tutortest.Says("<think>secret plan</think>\n\nIt repeats [1]."),
		"a tag, letter by letter":     tutortest.Spells("<think>secret\nplan. With sentences. </think>\n\nIt repeats [1]."),
		"a tag that the prompt opens": tutortest.Says("secret plan</think>It repeats [1]."),
		"another tag":                 tutortest.Spells("<reasoning>secret plan</reasoning>It repeats [1]."),
		"reasoning_content":           tutortest.Events(field("reasoning_content"), tutortest.Chunk(answered), tutortest.Done),
		"reasoning":                   tutortest.Events(field("reasoning"), field("reasoning"), tutortest.Chunk(answered), tutortest.Done),
		"in a body": tutortest.Body("application/json",
			`{"choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"secret plan","content":"<think>secret plan</think>It repeats [1]."}}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			model := tutortest.New(t, play)
			s := newStore(loops...)
			tu := newTutor(t, s, "n1", model.URL)
			s.ask(askLoop, "r1")
			tu.Answer("r1")
			text, _, final := watch(t, tu, "r1")
			if strings.TrimSpace(text) != answered || final.Body != answered || s.stored("r1").Body != answered {
				t.Errorf("shown %q, stored %q", text, final.Body)
			}
		})
	}
}

func TestEndpointItem09RetryAfterAndRefusedKeys(t *testing.T) {
	soon := time.Now().Add(-time.Second).UTC().Format(http.TimeFormat)
	for name, c := range map[string]struct {
		first tutortest.Play
		calls int
		state lms.ReplyState
		note  string
		warns string
	}{
		"429, come back at once":     {tutortest.Status(429, "{}", "Retry-After", "0"), 2, lms.ReplyDone, "", ""},
		"503, come back at once":     {tutortest.Status(503, "{}", "Retry-After", "0"), 2, lms.ReplyDone, "", ""},
		"503, a date that has been":  {tutortest.Status(503, "{}", "Retry-After", soon), 2, lms.ReplyDone, "", ""},
		"429, beyond the limit":      {tutortest.Status(429, "{}", "Retry-After", "3600"), 1, lms.ReplyFailed, noteBusy, ""},
		"429, without a time":        {tutortest.Status(429, "{}"), 1, lms.ReplyFailed, noteBusy, ""},
		"429, with nonsense":         {tutortest.Status(429, "{}", "Retry-After", "-5"), 1, lms.ReplyFailed, noteBusy, ""},
		"500 does not ask for more":  {tutortest.Status(500, "{}", "Retry-After", "0"), 1, lms.ReplyFailed, noteOffline, ""},
		"401":                        {tutortest.Status(401, "{}", "Retry-After", "0"), 1, lms.ReplyFailed, noteOffline, "refuses the key (status 401)"},
		"403":                        {tutortest.Status(403, `{"error":{"message":"secret"}}`), 1, lms.ReplyFailed, noteOffline, "refuses the key (status 403)"},
		"404 without a word on whom": {tutortest.Status(404, "page not found"), 1, lms.ReplyFailed, noteOffline, "does not know the address or the model"},
	} {
		t.Run(name, func(t *testing.T) {
			model := tutortest.New(t, tutortest.Script(c.first, tutortest.Says(answered)))
			final, _, tu := answerOf(t, model.URL)
			if final.State != c.state || final.Note != c.note || model.Count() != c.calls {
				t.Errorf("%s, %q, %d requests", final.State, final.Note, model.Count())
			}
			if w := tu.Warning(); (w == "") != (c.warns == "") || !strings.Contains(w, c.warns) || strings.Contains(w, "secret") {
				t.Errorf("the administrator reads %q", w)
			}
		})
	}
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	busy := func() error {
		model := tutortest.New(t, tutortest.Status(429, "{}"))
		m := newModelClient(Config{Endpoint: model.URL, Model: "m", Temperature: new(float64), Limits: quick})
		defer m.close()
		_, err := m.attempt(t.Context(), []message{{roleUser, "x"}}, func(string) {}, func(string) {}, &callInfo{})
		return err
	}()
	for after, want := range map[string]time.Duration{"7": 7 * time.Second, "60": time.Minute, "61": -1, "Mon, 30 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Mon, 30 Nov 2026 12:02:00 GMT": -1, "soon": -1, "": -1, "99999999999999999999": -1} {
		if pause, ok := retryPause(busy, after, now, time.Minute); ok != (want >= 0) || ok && pause != want {
			t.Errorf("Retry-After %q: %v %v", after, pause, ok)
		}
	}
	if _, ok := retryPause(errors.New("no status"), "1", now, time.Minute); ok {
		t.Error("an error without a status is tried again")
	}
}

// The first token of a local model may take as long as loading it; others must be quick.
func TestEndpointItem10LoadingAModelAndTheSizeOfThePrompt(t *testing.T) {
	for url, want := range map[string]time.Duration{"http://127.0.0.1:11434": time.Minute, "http://localhost:11434/v1": time.Minute, "https://api.example.com": 10 * time.Second} {
		m := newModelClient(Config{Endpoint: url, Model: "m", Temperature: new(float64)})
		if m.cfg.Limits.FirstToken != want {
			t.Errorf("%s: first token within %v", url, m.cfg.Limits.FirstToken)
		}
	}
	t.Run("no key is needed and loading is told", func(t *testing.T) {
		loaded := make(chan struct{})
		model := tutortest.New(t, tutortest.Holds(nil, loaded, tutortest.Says(answered)))
		s := newStore(loops...)
		tu := newTutor(t, s, "n1", model.URL, func(c *Config) {
			c.Key = ""
			c.Limits.Found = 10 * time.Millisecond
			c.Limits.FirstToken = 10 * time.Second
		})
		s.ask(askLoop, "r1")
		tu.Answer("r1")
		waitsFor(t, tu, "r1", waitLoading)
		close(loaded)
		if _, _, final := watch(t, tu, "r1"); final.Body != answered || model.Last().Header.Get("Authorization") != "" {
			t.Errorf("%+v", final)
		}
	})
	// A service that cuts silently from the front would cut the rules: the prompt is built to the size that is set, and what the
	// service counts is never more than was estimated.
	for _, size := range []int{1500, 2048, 4096, 16_384} {
		long := strings.Repeat("A while loop repeats its body as long as its condition is true, again and again. ", 60)
		var passages []lms.Passage
		for i := range 12 {
			passages = append(passages, passage("m-"+string(rune('a'+i)), "Lecture on loops", "While loops", i+1, long))
		}
		model := tutortest.New(t, func(w http.ResponseWriter, r *http.Request, n int) {
			req := tutortest.RequestOf(r)
			count := 4 * len(req.Messages)
			for _, word := range strings.Fields(req.Prompt()) {
				count += 1 + len(word)/5 // about what models count in English
			}
			if count+req.MaxTokens > size {
				t.Errorf("size %d: the prompt has %d tokens and leaves no room for the answer", size, count)
			}
			tutortest.Events(tutortest.Chunk(answered), tutortest.Stop, tutortest.Usage(count, 5), tutortest.Done)(w, r, n)
		})
		s := newStore(passages...)
		tu := newTutor(t, s, "n1", model.URL, func(c *Config) { c.ContextTokens = size })
		s.ask(askLoop+strings.Repeat(" Please explain at length what a while loop does.", 300), "r1")
		tu.Answer("r1")
		watch(t, tu, "r1")
		if estimate := s.reserved - 500; int64(s.record.PromptTokens) > estimate || s.record.Estimated || s.record.PromptTokens == 0 {
			t.Errorf("size %d: %d tokens counted, %d estimated", size, s.record.PromptTokens, estimate)
		}
	}
}

// waitsFor polls until a run tells its readers the line.
func waitsFor(t *testing.T, tu *Tutor, id, line string) {
	t.Helper()
	eventually(t, line, func() bool {
		r := tu.running(id)
		if r == nil {
			return false
		}
		_, wait, _, _ := r.snapshot(0)
		return wait == line
	})
}

// A loopback endpoint belongs to one node; the others make their calls through it.
func TestEndpointItem11LoopbackModelOfOneNodeIsRelayed(t *testing.T) {
	with, serve := peers(t)
	nodes := func(c *Config) {
		with(c)
		c.Nodes = func(context.Context) ([]string, error) { return []string{"n0", "n1", "n2"}, nil }
	}
	model := tutortest.New(t, tutortest.Events(tutortest.Chunk("It repeats "), tutortest.Chunk("[1]."), tutortest.Stop, tutortest.Usage(300, 4), tutortest.Done))
	s := newStore(loops...)
	owner := newTutor(t, s, "n1", model.URL, nodes)
	server := serve("n1", owner)
	none := newTutor(t, s, "n2", "", nodes)
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() { none.Resume(ctx) })
	defer loop.Wait()
	defer cancel()
	eventually(t, "the node without a model finds the one that has it", none.writes)
	if st := none.Status(); st.Model != "test-model" || st.Where != onSite {
		t.Errorf("status %+v", st)
	}
	ask := func(tu *Tutor, id string) lms.Reply {
		s.ask(askLoop, id)
		tu.Answer(id)
		_, _, final := watch(t, tu, id)
		return final
	}
	if final := ask(none, "r1"); final.Body != answered || !final.Generated || final.Model != "test-model" || s.record.PromptTokens != 300 || s.record.Estimated {
		t.Errorf("a node without an endpoint: %+v, %+v", final, s.record)
	}
	if model.Count() != 1 || s.claims["r1"].node != "n2" {
		t.Errorf("%d calls; the reply is %s's", model.Count(), s.claims["r1"].node)
	}

	// The same setting on every node: on this one nothing listens at it.
	closed := newTutor(t, s, "n0", unusedAddress(t), nodes)
	if final := ask(closed, "r2"); final.Body != answered || model.Count() != 2 {
		t.Errorf("a node whose own endpoint is down: %+v", final)
	}

	t.Run("Stop reaches the call", func(t *testing.T) {
		gone := make(chan struct{})
		model.Play(func(w http.ResponseWriter, r *http.Request, n int) {
			tutortest.Events(tutortest.Chunk("It repeats [1]. And"))(w, r, n)
			<-r.Context().Done()
			close(gone)
		})
		s.ask(askLoop, "r3")
		none.Answer("r3")
		begun(t, none, "r3")
		if err := none.Stop(t.Context(), "r3"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Error("the call goes on after Stop")
		}
		if r := s.stored("r3"); r.State != lms.ReplyStopped || !strings.HasPrefix(r.Body, "It repeats [1].") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a failure there is one here", func(t *testing.T) {
		model.Play(tutortest.Status(500, `{"error":{"message":"secret"}}`))
		if final := ask(none, "r4"); final.State != lms.ReplyFailed || final.Note != noteOffline || len(final.Citations) == 0 || strings.Contains(final.Body, "secret") {
			t.Errorf("%+v", final)
		}
	})
	t.Run("nobody is left", func(t *testing.T) {
		server.CloseClientConnections()
		server.Close()
		eventually(t, "the helper is gone", func() bool { return !none.writes() })
		if final := ask(none, "r5"); final.State != lms.ReplyDone || final.Note != noteNoModel {
			t.Errorf("without a helper: %+v", final)
		}
		if final := ask(closed, "r6"); final.State != lms.ReplyFailed || final.Note != noteOffline {
			t.Errorf("without a helper: %+v", final)
		}
	})
}

// unusedAddress is where nothing listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	m := tutortest.New(t, tutortest.Says(""))
	m.Close()
	return m.URL
}
