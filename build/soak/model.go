//go:build linux

package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// model is a language model behind an OpenAI-compatible endpoint, as good or as bad as it is told to be.
type model struct {
	url    string
	server *http.Server
	mode   atomic.Pointer[string]
	asked  atomic.Int64
}

// modes of a model: F21.
var modelModes = []string{"refuse", "hang", "drip", "429", "truncated", "huge", "wrong-type"}

func startModel(host string) (*model, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	m := &model{url: "http://" + l.Addr().String() + "/v1"}
	m.set("well")
	m.server = &http.Server{Handler: m, ReadHeaderTimeout: 10 * time.Second}
	go m.server.Serve(l)
	return m, nil
}

func (m *model) set(mode string) { m.mode.Store(&mode) }
func (m *model) close()          { m.server.Close() }

func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.asked.Add(1)
	gone := r.Context().Done()
	flush := func() { http.NewResponseController(w).Flush() }
	say := func(text string) {
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", text)
		flush()
	}
	switch mode := *m.mode.Load(); mode {
	case "refuse":
		panic(http.ErrAbortHandler)
	case "429":
		http.Error(w, "slow down", http.StatusTooManyRequests)
		return
	case "hang":
		<-gone
		return
	case "wrong-type":
		w.Header().Set("Content-Type", "image/png")
		fmt.Fprint(w, "\x89PNG no text")
		return
	default:
		w.Header().Set("Content-Type", "text/event-stream")
		say("The material says so. ")
		switch mode {
		case "truncated":
			panic(http.ErrAbortHandler)
		case "drip", "huge":
			for range 1000 {
				select {
				case <-gone:
					return
				case <-time.After(time.Duration(map[string]int{"drip": 500, "huge": 0}[mode]) * time.Millisecond):
					say(strings.Repeat("x", map[string]int{"drip": 1, "huge": 1 << 20}[mode]))
				}
			}
		}
		fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}
}
