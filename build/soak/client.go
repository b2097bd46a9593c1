//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strconv"
	"sync/atomic"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// outcome is what is known of a call after all its tries.
type outcome int

const (
	done    outcome = iota // answered with success
	refused                // answered with a refusal that decides
	unknown                // it may have taken effect, or may yet
)

func (o outcome) String() string { return [...]string{"ok", "refused", "unknown"}[o] }

// session is somebody who calls, with what they have seen: the highest log index.
type session struct {
	name  string
	token atomic.Pointer[string]
	index atomic.Uint64
	from  string // address in X-Forwarded-For: each person comes from their own
}

func newSession(name, token string) *session {
	s := &session{name: name, from: fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), 1+rand.IntN(250))}
	s.token.Store(&token)
	return s
}

func (s *session) saw(index uint64) {
	for {
		old := s.index.Load()
		if index <= old || s.index.CompareAndSwap(old, index) {
			return
		}
	}
}

// answer is one call with all its tries.
type answer struct {
	outcome    outcome
	err        error
	kind       lms.Kind
	node       int // that answered last
	tries      int
	stale      bool // marked as of an earlier time
	start, end time.Time
	body       []byte
}

const (
	attemptLimit = 4 * time.Second
	callLimit    = 30 * time.Second
)

// raw is one request to one node, made ready.
type raw struct {
	method, path, key string
	body              []byte
	bytes             bool // body is no JSON
}

func prepare[In, Out any](e api.Endpoint[In, Out], in In, key string) (raw, error) {
	path, err := api.PathOf(e, in)
	r := raw{method: e.Method, path: path, key: key}
	if err == nil && e.Method != "GET" && bodied(reflect.TypeOf(in)) {
		r.body, err = json.Marshal(in)
	}
	return r, err
}

func bodied(t reflect.Type) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && bodied(f.Type) || !f.Anonymous && f.Tag.Get("json") != "-" {
			return true
		}
	}
	return false
}

// send makes one try. status 0: no answer came.
func (r *rig) send(ctx context.Context, s *session, n int, q raw) (status int, header http.Header, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.method, "http://"+r.nodes[n].http+q.path, bytes.NewReader(q.body))
	if err != nil {
		return 0, nil, nil, err
	}
	h := req.Header
	h.Set(api.HeaderClient, api.ClientName)
	h.Set("X-Forwarded-For", s.from)
	if t := *s.token.Load(); t == operatorToken {
		h.Set("Authorization", "Bearer "+r.nodes[n].token())
	} else if t != "" {
		h.Set("Authorization", "Bearer "+t)
	}
	if q.key != "" {
		h.Set(api.HeaderKey, q.key)
	}
	if i := s.index.Load(); i > 0 {
		h.Set(api.HeaderIndex, strconv.FormatUint(i, 10))
	}
	if q.bytes {
		h.Set("Content-Type", "application/octet-stream")
	} else if q.body != nil {
		h.Set("Content-Type", "application/json")
	}
	res, err := r.http.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 32<<20))
	if err != nil {
		return 0, nil, nil, err
	}
	return res.StatusCode, res.Header, body, nil
}

// operatorToken stands for the token of whichever node is asked.
const operatorToken = "operator"

// once makes one try at one node and classifies the answer.
func (r *rig) once(ctx context.Context, s *session, n int, q raw) answer {
	a := answer{node: n, tries: 1, start: time.Now()}
	status, header, body, err := r.send(ctx, s, n, q)
	a.end = time.Now()
	r.count(status, err)
	switch {
	case err != nil:
		a.outcome, a.err, a.kind = unknown, err, lms.KindUnknown
	case status < 300:
		a.outcome, a.body, a.stale = done, body, header.Get(api.HeaderStale) != ""
		i, _ := strconv.ParseUint(header.Get(api.HeaderIndex), 10, 64)
		if !a.stale {
			s.saw(i)
		}
	default:
		refusal := &lms.Error{Kind: lms.KindInternal, Message: string(body[:min(len(body), 200)])}
		if json.Unmarshal(body, refusal) != nil || refusal.Kind == "" {
			refusal.Kind = lms.KindInternal
		}
		a.err, a.kind, a.outcome = refusal, refusal.Kind, refused
		if refusal.Kind == lms.KindUnavailable || refusal.Kind == lms.KindUnknown || refusal.Kind == lms.KindInternal || refusal.Kind == lms.KindLimit {
			a.outcome = unknown
		}
		if refusal.Kind == lms.KindInternal {
			r.internal(q, n, refusal)
		}
	}
	return a
}

// do calls until an answer decides: first a node, then any other one, for 30 s, always with the same key.
func (r *rig) do(ctx context.Context, s *session, first int, q raw) answer {
	total := answer{start: time.Now()}
	deadline := total.start.Add(callLimit)
	pause := 20 * time.Millisecond
	for n := first; ; n = (n + 1) % len(r.nodes) {
		a := r.once(ctx, s, n, q)
		total.tries++
		total.outcome, total.err, total.kind, total.node, total.stale, total.body, total.end = a.outcome, a.err, a.kind, a.node, a.stale, a.body, a.end
		if a.outcome != unknown {
			break
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, time.Second)
	}
	return total
}

// call is do for an endpoint of the table.
func call[In, Out any](ctx context.Context, r *rig, s *session, first int, e api.Endpoint[In, Out], in In, key string) (out Out, a answer) {
	q, err := prepare(e, in, key)
	if err != nil {
		return out, answer{outcome: refused, err: err, kind: lms.KindInvalid}
	}
	a = r.do(ctx, s, first, q)
	return decode[Out](a)
}

// callOnce is one try at one node.
func callOnce[In, Out any](ctx context.Context, r *rig, s *session, n int, e api.Endpoint[In, Out], in In, key string) (out Out, a answer) {
	q, err := prepare(e, in, key)
	if err != nil {
		return out, answer{outcome: refused, err: err, kind: lms.KindInvalid}
	}
	return decode[Out](r.once(ctx, s, n, q))
}

func decode[Out any](a answer) (out Out, _ answer) {
	if _, isRaw := any(out).(api.Raw); a.outcome == done && !isRaw && len(a.body) > 0 {
		if err := json.Unmarshal(a.body, &out); err != nil {
			a.outcome, a.err, a.kind = unknown, fmt.Errorf("the answer of node %d cannot be read: %w", a.node, err), lms.KindInternal
		}
	}
	return out, a
}
