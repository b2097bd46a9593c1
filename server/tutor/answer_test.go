package tutor

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
)

func TestNoEndpoint(t *testing.T) {
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", "")
	s.ask("Why does my while loop never end?", "r1")
	began := time.Now()
	tu.Answer("r1")
	text, _, final := watch(t, tu, "r1")
	if d := time.Since(began); d > 200*time.Millisecond {
		t.Errorf("took %s", d)
	}
	if final.State != lms.ReplyDone || final.Generated || final.Note != noteNoModel || final.AuthorID != lms.TutorID {
		t.Errorf("reply = %+v", final)
	}
	if text != final.Body || !strings.Contains(text, "[1]") || !strings.Contains(text, "infinite loop") || !strings.Contains(text, askInstructor) {
		t.Errorf("body = %q", text)
	}
	if len(final.Citations) == 0 || final.Citations[0].MaterialID != "m-loops" || final.Citations[0].Page != 12 || final.Citations[0].Heading != "Loops" || final.Citations[0].N != 1 {
		t.Errorf("citations = %+v", final.Citations)
	}
	if st := tu.Status(); st.Model != "" || st.Where != onSite {
		t.Errorf("status = %+v", st)
	}
}

func TestFixedReplies(t *testing.T) {
	model := newModel(t, events(chunk("no"), doneEvent))
	for _, tt := range []struct{ name, ask, want, note string }{
		{"greeting", "Hello there!", replyGreeting, ""},
		{"greeting in German", "Guten Morgen", replyGreeting, ""},
		{"thanks", "ok, thank you very much", replyThanks, ""},
		{"off topic", "Which pizzeria in Naples has the crispiest crust?", "found nothing", noteNothing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(loops...)
			tu := newTutor(t, s, "n1", model.URL)
			s.ask(tt.ask, "r1")
			tu.Answer("r1")
			_, _, final := watch(t, tu, "r1")
			if !strings.Contains(final.Body, tt.want) || final.Note != tt.note || final.State != lms.ReplyDone {
				t.Errorf("reply = %+v", final)
			}
		})
	}
	if n := len(model.calls()); n != 0 {
		t.Errorf("%d model calls, want none", n)
	}
}

func TestModelAnswer(t *testing.T) {
	model := newModel(t, events(`: keep-alive`+"\r\n\r\n", chunk("<thi"), chunk("nk>secret plan</th"), chunk("ink>\n\nThe condition stays "), chunk("true [1]. Page 99 says so [99]"),
		chunk(" and [1][7]. See ![x](http://evil.example/a.png) and [this](http://evil.example) or http://evil.example/b."), stopEvent, doneEvent))
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL+"/v1/")
	s.ask("Mary Jones here (mjones, mary@example.org): why does my while loop never end?", "r1")
	tu.Answer("r1")
	tu.Answer("r1")
	text, _, final := watch(t, tu, "r1")
	want := "The condition stays true [1]. Page 99 says so and [1]. See x and this or (link removed)."
	if strings.TrimRight(text, " ") != want || final.Body != want {
		t.Errorf("text = %q\nbody = %q\nwant = %q", text, final.Body, want)
	}
	if !final.Generated || final.Model != "test-model" || final.Note != "" || len(final.Citations) != 1 || final.Citations[0].N != 1 {
		t.Errorf("reply = %+v", final)
	}
	calls := model.calls()
	if len(calls) != 1 {
		t.Fatalf("%d calls, want 1", len(calls))
	}
	c := calls[0]
	if c.auth != "Bearer secret-key" || c.MaxTokens != 500 || c.Temperature == nil || *c.Temperature < 0.29 || *c.Temperature > 0.31 || !c.Stream {
		t.Errorf("request = %+v", c)
	}
	for _, never := range []string{"Mary", "Jones", "mjones", "example.org", "u-4711", "q1", "r1", "m-loops"} {
		if strings.Contains(c.raw, never) {
			t.Errorf("the request holds %q", never)
		}
	}
	if !strings.Contains(c.raw, "Introduction to Programming") || !strings.Contains(c.raw, "infinite loop") {
		t.Error("the request lacks the course or the passage")
	}
	if st := tu.Status(); st.Model != "test-model" || st.Where != onSite {
		t.Errorf("status = %+v", st)
	}
}

func TestEndpointBehaviour(t *testing.T) {
	status := func(code int, body string) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			io.WriteString(w, body)
		}
	}
	secret := `{"error":{"message":"upstream secret text","type":"x"}}`
	for _, tt := range []struct {
		name  string
		play  func(http.ResponseWriter, *http.Request, int)
		state lms.ReplyState
		note  string
		body  string // contained
		calls int
	}{
		{"key refused", status(401, secret), lms.ReplyFailed, noteOffline, "infinite loop", 1},
		{"forbidden", status(403, "no"), lms.ReplyFailed, noteOffline, "infinite loop", 1},
		{"busy", status(429, secret), lms.ReplyFailed, noteBusy, "infinite loop", 1},
		{"server error", status(500, secret), lms.ReplyFailed, noteOffline, "infinite loop", 1},
		{"HTML page", func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<html>upstream secret text</html>")
		}, lms.ReplyFailed, noteOffline, "infinite loop", 1},
		{"HTML without its type", events("<html>\n", "upstream secret text\n"), lms.ReplyFailed, noteOffline, "infinite loop", 1},
		{"empty answer", events(chunk(" \n"), stopEvent, doneEvent), lms.ReplyFailed, noteOffline, "infinite loop", 1},
		{"only reasoning", events(chunk("<think>hm"), chunk("m</think>"), stopEvent, doneEvent), lms.ReplyFailed, noteOffline, "infinite loop", 1},
		{"error in the stream", events(chunk("It begins. And "), `data: {"error":{"message":"upstream secret text"}}`+"\n\n"), lms.ReplyFailed, noteBroken, "It begins.", 1},
		{"malformed event", events(chunk("It begins. "), "data: {oops\n\n"), lms.ReplyFailed, noteBroken, "It begins.", 1},
		{"no end mark", events(chunk("Short answer [1].")), lms.ReplyDone, "", "Short answer [1].", 1},
		{"cut", events(chunk("Long answer [1]"), cutEvent, doneEvent), lms.ReplyDone, noteCut, "Long answer [1]", 1},
		{"uncited", events(chunk("Just so [5]."), stopEvent, doneEvent), lms.ReplyDone, noteNotGrounded, "Just so.", 1},
		{"JSON body", status(200, "{\n \"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Whole answer [1].\"},\n\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5}}"), lms.ReplyDone, "", "Whole answer [1].", 1},
		{"JSON error with status 200", status(200, secret), lms.ReplyFailed, noteOffline, "infinite loop", 1},
		{"usage in a last chunk", events(chunk("Answer [1]."), stopEvent, `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}`+"\n\n", doneEvent), lms.ReplyDone, "", "Answer [1].", 1},
		{"reasoning field", events(`data: {"choices":[{"index":0,"delta":{"reasoning_content":"secret plan","reasoning":"secret plan"}}]}`+"\n\n", chunk("Answer [1]."), doneEvent), lms.ReplyDone, "", "Answer [1].", 1},
		{"a line without end", events("data: " + strings.Repeat("x", maxLine+10)), lms.ReplyFailed, noteOffline, "infinite loop", 1},
		{"redirect", func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, lms.ReplyFailed, noteOffline, "infinite loop", 1},
		{"max_tokens unknown", func(w http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				status(400, `{"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.","param":"max_tokens"}}`)(w, r, n)
				return
			}
			events(chunk("Answer [1]."), doneEvent)(w, r, n)
		}, lms.ReplyDone, "", "Answer [1].", 2},
		{"come back at once", func(w http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				w.Header().Set("Retry-After", "0")
				status(503, "busy")(w, r, n)
				return
			}
			events(chunk("Answer [1]."), doneEvent)(w, r, n)
		}, lms.ReplyDone, "", "Answer [1].", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			model := newModel(t, tt.play)
			s := newStore(loops...)
			tu := newTutor(t, s, "n1", model.URL)
			s.ask("Why does my while loop never end?", "r1")
			tu.Answer("r1")
			text, _, final := watch(t, tu, "r1")
			if final.State != tt.state || final.Note != tt.note || !strings.Contains(final.Body, tt.body) {
				t.Errorf("state %s, note %q, body %q", final.State, final.Note, final.Body)
			}
			if strings.Contains(text+final.Body+final.Note, "secret") {
				t.Errorf("text of the endpoint is shown: %q %q", text, final.Body)
			}
			if final.State == lms.ReplyFailed && final.Note != noteBroken && len(final.Citations) == 0 {
				t.Error("no passages are offered")
			}
			if n := len(model.calls()); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
			if got := s.stored("r1"); got.Body != final.Body || s.finishes() != 1 {
				t.Errorf("stored %d times: %q", s.finishes(), got.Body)
			}
		})
	}
}

func TestTimeLimits(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parts []string
		note  string
	}{
		{"no headers", nil, noteOffline},
		{"no token", []string{": alive\n\n"}, noteOffline},
		{"silence after a token", []string{chunk("One. Two")}, noteBroken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			model := newModel(t, func(w http.ResponseWriter, r *http.Request, n int) {
				if tt.parts != nil {
					events(tt.parts...)(w, r, n)
				}
				<-r.Context().Done()
			})
			s := newStore(loops...)
			tu := newTutor(t, s, "n1", model.URL, func(c *Config) {
				c.Limits.FirstToken, c.Limits.Idle = 100*time.Millisecond, 100*time.Millisecond
			})
			s.ask("Why does my while loop never end?", "r1")
			tu.Answer("r1")
			_, waits, final := watch(t, tu, "r1")
			if final.State != lms.ReplyFailed || final.Note != tt.note || final.Body == "" {
				t.Errorf("reply = %+v", final)
			}
			if tt.note == noteOffline && len(waits) == 0 {
				t.Error("the reader was not told that it waits")
			}
		})
	}
}

func TestBreaker(t *testing.T) {
	now := time.Now()
	b := breaker{now: func() time.Time { return now }}
	for i := range breakerFailures {
		if err := b.allow(); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		b.failure()
	}
	if b.allow() == nil {
		t.Error("open breaker allows")
	}
	now = now.Add(breakerOpen)
	if err := b.allow(); err != nil {
		t.Errorf("test call: %v", err)
	}
	if b.allow() == nil {
		t.Error("a second call while testing")
	}
	b.failure()
	if b.allow() == nil {
		t.Error("allowed right after a failed test")
	}
	now = now.Add(breakerOpen)
	if b.allow() != nil {
		t.Error("no second test")
	}
	b.success()
	if b.allow() != nil {
		t.Error("closed breaker refuses")
	}
}

func TestFollowUpPrompt(t *testing.T) {
	model := newModel(t, events(chunk("Answer [1]."), stopEvent, doneEvent))
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL)
	s.ask("What is recursion?", "r1")
	tu.Answer("r1")
	watch(t, tu, "r1")
	s.further("explain this again", "r2")
	tu.Answer("r2")
	_, _, final := watch(t, tu, "r2")
	if len(final.Citations) != 1 || final.Citations[0].MaterialID != "m-rec" {
		t.Errorf("citations = %+v", final.Citations)
	}
	m := model.calls()[1].Messages
	if len(m) != 4 || m[0].Role != roleSystem || m[1].Role != roleUser || m[1].Content != "What is recursion?" || m[2].Content != "Answer." ||
		!strings.HasSuffix(m[3].Content, "explain this again") || !strings.Contains(m[3].Content, "base case") {
		t.Errorf("messages = %+v", m)
	}
}

func TestQuotedPlace(t *testing.T) {
	for want, p := range map[string]lms.Passage{
		"**Glossary** [1]":               {Title: "Glossary", Heading: "Glossary"},
		"**Glossary, Durability** [1]":   {Title: "Glossary", Heading: "Glossary › Durability"},
		"**Notes, Quorums, page 3** [1]": {Title: "Notes", Heading: "Quorums", Page: 3},
		"**Notes, Terms › Leaders** [1]": {Title: "Notes", Heading: "Terms › Leaders"},
	} {
		if got, _, _ := strings.Cut(quoted([]lms.Passage{p}), "\n"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
