package tutortest

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Play answers the nth call, from 1.
type Play func(w http.ResponseWriter, r *http.Request, n int)

// Model is the server. Its methods may be called concurrently.
type Model struct {
	*httptest.Server
	connections atomic.Int64

	mu       sync.Mutex
	requests []Request
	count    int
	forget   bool
	play     Play
}

// Message is one turn of a prompt.
type Message struct{ Role, Content string }

// Request is what the server was sent.
type Request struct {
	Model               string
	Stream              bool
	StreamOptions       json.RawMessage `json:"stream_options"`
	Temperature         *float64
	MaxTokens           int `json:"max_tokens"`
	MaxCompletionTokens int `json:"max_completion_tokens"`
	Messages            []Message

	Path   string      `json:"-"`
	Query  string      `json:"-"`
	Header http.Header `json:"-"`
	Raw    string      `json:"-"` // the body
}

// Prompt is the text of all messages.
func (r Request) Prompt() string {
	var parts []string
	for _, m := range r.Messages {
		parts = append(parts, m.Content)
	}
	return strings.Join(parts, "\n\n")
}

// Last is the text of the last message.
func (r Request) Last() string {
	if len(r.Messages) == 0 {
		return ""
	}
	return r.Messages[len(r.Messages)-1].Content
}

// New starts a server that ends with the test.
func New(t testing.TB, play Play) *Model {
	m := unstarted(t, play)
	m.Start()
	return m
}

// NewTLS starts a server with a certificate that nobody trusts.
func NewTLS(t testing.TB, play Play) *Model {
	m := unstarted(t, play)
	m.Config.ErrorLog = log.New(io.Discard, "", 0) // each refusal of the certificate would be told
	m.StartTLS()
	return m
}

func unstarted(t testing.TB, play Play) *Model {
	m := &Model{play: play}
	m.Server = httptest.NewUnstartedServer(http.HandlerFunc(m.serve))
	m.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			m.connections.Add(1)
		}
	}
	t.Cleanup(func() {
		m.CloseClientConnections()
		m.Close()
	})
	return m
}

func (m *Model) serve(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	req := Request{Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Raw: string(raw)}
	_ = json.Unmarshal(raw, &req) // the test sees what is missing
	m.mu.Lock()
	m.count++
	n, play := m.count, m.play
	if !m.forget {
		m.requests = append(m.requests, req)
	}
	m.mu.Unlock()
	play(w, r.WithContext(withRequest(r.Context(), req)), n)
}

// Play changes what the coming calls are answered.
func (m *Model) Play(play Play) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.play = play
}

// Forget keeps no requests any more; they are counted only.
func (m *Model) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests, m.forget = nil, true
}

// Calls lists the requests so far.
func (m *Model) Calls() []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests)
}

// Count is the number of requests so far.
func (m *Model) Count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// Last is the latest request; the zero value if there was none.
func (m *Model) Last() Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.requests) == 0 {
		return Request{}
	}
	return m.requests[len(m.requests)-1]
}

// Connections is the number of connections so far, whether a request came over them or not.
func (m *Model) Connections() int { return int(m.connections.Load()) }

// Chunk is an event with a piece of text.
func Chunk(text string) string {
	b, _ := json.Marshal(text)
	return fmt.Sprintf(`data: {"choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}]}`+"\n\n", b)
}

// Events that end an answer.
const (
	Stop     = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	Cut      = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}` + "\n\n"
	Filtered = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}` + "\n\n"
	Done     = "data: [DONE]\n\n"
)

// Usage is the last event of a server that tells what was used.
func Usage(prompt, answer int) string {
	return fmt.Sprintf(`data: {"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d}}`+"\n\n", prompt, answer)
}

// Events writes an event stream, flushed after each part.
func Events(parts ...string) Play {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, p := range parts {
			io.WriteString(w, p)
			w.(http.Flusher).Flush()
		}
	}
}

// Says answers a text in one piece.
func Says(text string) Play { return Events(Chunk(text), Stop, Done) }

// Spells answers a text one character at a time.
func Spells(text string) Play {
	var parts []string
	for _, c := range text {
		parts = append(parts, Chunk(string(c)))
	}
	return Events(append(parts, Stop, Done)...)
}

// Script plays one answer for each call, the last one for ever.
func Script(plays ...Play) Play {
	return func(w http.ResponseWriter, r *http.Request, n int) { plays[min(n, len(plays))-1](w, r, n) }
}

// Status refuses with a status and a body.
func Status(code int, body string, header ...string) Play {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// Body answers with a body of a type and status 200.
func Body(kind, body string) Play {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", kind)
		io.WriteString(w, body)
	}
}

// Each answers each call by its own request.
func Each(text func(Request) string) Play {
	return func(w http.ResponseWriter, r *http.Request, n int) { Says(text(RequestOf(r)))(w, r, n) }
}

// Echo says the whole prompt, system text included.
func Echo(w http.ResponseWriter, r *http.Request, n int) {
	Says(RequestOf(r).Prompt())(w, r, n)
}

// Holds plays the first part, waits until the gate is closed or the caller has gone, and plays the second part.
func Holds(first Play, gate <-chan struct{}, then Play) Play {
	return func(w http.ResponseWriter, r *http.Request, n int) {
		if first != nil {
			first(w, r, n)
		}
		select {
		case <-gate:
			then(w, r, n)
		case <-r.Context().Done():
		}
	}
}

// HangsUp breaks the connection off after the first part, which may be nil.
func HangsUp(first Play) Play {
	return func(w http.ResponseWriter, r *http.Request, n int) {
		if first != nil {
			first(w, r, n)
		}
		panic(http.ErrAbortHandler)
	}
}

// Dribbles sends a text of an event stream byte by byte.
func Dribbles(text string, every time.Duration) Play {
	return func(w http.ResponseWriter, r *http.Request, _ int) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := range len(text) {
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
			io.WriteString(w, text[i:i+1])
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}
}

// Floods sends one line of n bytes without an end; sent tells how many bytes found a way.
func Floods(n int64, sent *atomic.Int64) Play {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: ")
		block := []byte(strings.Repeat("x", 64<<10))
		for sent.Load() < n {
			k, err := w.Write(block)
			sent.Add(int64(k))
			if err != nil {
				return
			}
		}
	}
}
