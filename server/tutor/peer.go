package tutor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"trivium/app/api"
)

// Handler serves other nodes: the stream and the stop of answers that run here, and calls of this node's language model. It must be
// reachable by nodes only.
func (t *Tutor) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stream/{reply}", t.serveStream)
	mux.HandleFunc("POST /stop/{reply}", t.serveStop)
	mux.HandleFunc("GET /model", t.serveModel)
	mux.HandleFunc("GET /health", t.serveHealth)
	mux.HandleFunc("POST /call", t.serveCall)
	return mux
}

// serveStream writes the events of a run as lines of JSON.
func (t *Tutor) serveStream(w http.ResponseWriter, req *http.Request) {
	r := t.running(req.PathValue("reply"))
	if r == nil {
		http.NotFound(w, req)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out, lines := http.NewResponseController(w), json.NewEncoder(w)
	r.follow(req.Context(), func(e api.ReplyEvent) error {
		out.SetWriteDeadline(time.Now().Add(10 * time.Second)) // a peer that has frozen must not hold a goroutine
		if err := lines.Encode(e); err != nil {
			return err
		}
		return out.Flush()
	})
}

func (t *Tutor) serveStop(w http.ResponseWriter, req *http.Request) {
	r := t.running(req.PathValue("reply"))
	if r == nil {
		http.NotFound(w, req)
		return
	}
	r.stop()
	select {
	case <-r.done:
		if r.lost {
			http.Error(w, "not here", http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case <-req.Context().Done():
	}
}

// peerRequest sends a request to the tutor of another node.
func (t *Tutor) peerRequest(ctx context.Context, node, method, path, replyID string, body io.Reader) (*http.Response, error) {
	if t.cfg.Peers == nil {
		return nil, errors.New("no way to other nodes")
	}
	client, base, err := t.cfg.Peers(ctx, node)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path+url.PathEscape(replyID), body)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		res.Body.Close()
		return nil, fmt.Errorf("node %s answered %s", node, res.Status)
	}
	return res, nil
}

// relay passes on the events of a run on another node. It returns true when the final reply was sent.
func (t *Tutor) relay(ctx context.Context, node, replyID string, send func(api.ReplyEvent) error) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Silence may be a dead peer. The store knows: the claim of a dead node grows stale.
	watch := time.AfterFunc(t.cfg.Limits.Stale, cancel)
	defer watch.Stop()
	res, err := t.peerRequest(ctx, node, http.MethodGet, "/stream/", replyID, nil)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	lines := json.NewDecoder(bufio.NewReader(io.LimitReader(res.Body, 4*maxAnswer)))
	for {
		var e api.ReplyEvent
		if err := lines.Decode(&e); err != nil {
			return false, err
		}
		watch.Reset(t.cfg.Limits.Stale)
		if err := send(e); err != nil {
			return false, err
		}
		if e.Reply != nil {
			return true, nil
		}
	}
}

func (t *Tutor) stopOnPeer(ctx context.Context, node, replyID string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	res, err := t.peerRequest(ctx, node, http.MethodPost, "/stop/", replyID, nil)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
