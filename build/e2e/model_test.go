//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// model is a language model behind an OpenAI-compatible endpoint that says what the test has scripted.
type model struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	requests []string
	scripts  []func(*speech)
}

func startModel(t *testing.T) *model {
	m := &model{t: t}
	m.Server = httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(func() { m.CloseClientConnections(); m.Close() })
	return m
}

// next tells what the coming calls answer, one script each.
func (m *model) next(scripts ...func(*speech)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scripts = append(m.scripts, scripts...)
}

// calls counts the requests so far.
func (m *model) calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.requests)
}

// last is the request that came last.
func (m *model) last() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.requests[len(m.requests)-1]
}

func (m *model) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	m.requests = append(m.requests, r.Method+" "+r.URL.Path+"\n"+string(body))
	var script func(*speech)
	if len(m.scripts) > 0 {
		script, m.scripts = m.scripts[0], m.scripts[1:]
	}
	m.mu.Unlock()
	if script == nil {
		m.t.Errorf("a call that nobody expects: %.200s", body)
		http.Error(w, "unexpected", http.StatusInternalServerError)
		return
	}
	script(&speech{w: w, r: r})
}

// speech is one answer of the model.
type speech struct {
	w     http.ResponseWriter
	r     *http.Request
	begun bool
}

// say sends one piece of the answer at once.
func (s *speech) say(text string) {
	if !s.begun {
		s.w.Header().Set("Content-Type", "text/event-stream")
		s.begun = true
	}
	piece, _ := json.Marshal(text)
	fmt.Fprintf(s.w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\n\n", piece)
	s.w.(http.Flusher).Flush()
}

func (s *speech) end() {
	fmt.Fprint(s.w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
}

// cut ends at the length limit.
func (s *speech) cut() {
	fmt.Fprint(s.w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n")
}

// wait blocks until the test goes on or the caller has gone; it reports whether the caller is still there. A model that has
// begun to speak must not be silent for long, so it says nothing now and then.
func (s *speech) wait(gate <-chan struct{}) bool {
	beat := time.NewTicker(5 * time.Second)
	defer beat.Stop()
	for {
		select {
		case <-gate:
			return true
		case <-s.r.Context().Done():
			return false
		case <-beat.C:
			if s.begun {
				s.say("")
			}
		}
	}
}

// says answers in one go.
func says(text string) func(*speech) {
	return func(s *speech) { s.say(text); s.end() }
}

// refuses answers with an error page.
func refuses(status int) func(*speech) {
	return func(s *speech) { http.Error(s.w, "the model of Zelda Quartz fell over", status) }
}

// hangsUp breaks the connection off after a piece of text, which may be empty.
func hangsUp(text string) func(*speech) {
	return func(s *speech) {
		if text != "" {
			s.say(text)
		}
		panic(http.ErrAbortHandler)
	}
}
