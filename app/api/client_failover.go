package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"trivium/app/lms"
)

// transport sends one request to one node. There is one for the browser and one for other programs.
type transport interface {
	do(ctx context.Context, r *wireRequest) (*wireResponse, error)
}

type wireRequest struct {
	method, url string
	header      map[string]string
	body        []byte
}

type wireResponse struct {
	status int
	header func(name string) string
	body   io.ReadCloser
}

// Delays between two rounds over the nodes.
const (
	firstPause = 150 * time.Millisecond
	lastPause  = 3 * time.Second
)

// errNoPass means that this client cannot sign calls to a node, which therefore is not asked.
var errNoPass = errors.New("no credentials for this node")

// send delivers the request to whichever node answers and returns the body of the answer.
//
// It is safe to repeat because a write carries the same key each time: a node that has done it already answers with
// the kept result. It stops at an answer that decides, when ctx ends, or when the patience is over.
func (c *Client) send(ctx context.Context, r *request) ([]byte, error) {
	digest := c.assignKey(ctx, r)
	deadline := time.Now().Add(r.patience)
	pause := firstPause
	maybeDone := false // a node may have done it without our knowing
	for {
		for _, origin := range c.order() {
			body, verdict := c.attempt(ctx, r, origin)
			if !retryable(verdict) {
				c.settle(digest)
				c.noteTrouble(nil)
				return body, verdict
			}
			if verdict == errNoPass {
				continue
			}
			if lms.KindOf(verdict) != lms.KindUnavailable {
				maybeDone = true
			}
			if ctx.Err() != nil || time.Now().After(deadline) {
				return nil, c.giveUp(ctx, r, digest, maybeDone)
			}
			c.noteTrouble(verdict)
		}
		if !sleep(ctx, pause/2+rand.N(pause)) || time.Now().After(deadline) {
			return nil, c.giveUp(ctx, r, digest, maybeDone)
		}
		pause = min(2*pause, lastPause)
	}
}

// assignKey gives a write its key: that of ctx, that of an equal write whose outcome is unknown, or a new one.
func (c *Client) assignKey(ctx context.Context, r *request) (digest string) {
	if !r.writes() {
		return ""
	}
	if r.raw { // the bytes of a chunk name themselves; hashing them once more would be for nothing
		r.key = lms.NewID()
		return ""
	}
	digest = r.digest()
	c.mu.Lock()
	defer c.mu.Unlock()
	if key, ok := ctx.Value(keyOfCall{}).(string); ok && key != "" {
		r.key = key
	} else if key := c.pending[digest]; key != "" {
		r.key = key
	} else {
		r.key = lms.NewID()
	}
	return digest
}

// settle forgets the key of a write whose outcome is known.
func (c *Client) settle(digest string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, digest)
}

func (c *Client) giveUp(ctx context.Context, r *request, digest string, maybeDone bool) error {
	if r.writes() && maybeDone && !r.raw {
		c.mu.Lock()
		c.pending[digest] = r.key
		c.mu.Unlock()
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case r.writes() && maybeDone:
		return lms.ErrUnknown
	}
	return lms.ErrUnavailable
}

// order lists the nodes for one round: first the one that answered last.
func (c *Client) order() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := []string{c.current}
	for _, n := range c.nodes {
		if n != c.current {
			list = append(list, n)
		}
	}
	return list
}

// retryable reports whether another node may still answer. A refusal of a person's request is final.
func retryable(err error) bool {
	if err == nil {
		return false
	}
	var e *lms.Error
	if errors.As(err, &e) {
		return e.Kind == lms.KindUnavailable || e.Kind == lms.KindUnknown
	}
	return true
}

// attempt sends the request to one node. Failures of the network come back as they are, answers as nil or *lms.Error.
func (c *Client) attempt(ctx context.Context, r *request, origin string) ([]byte, error) {
	token, err := c.pass(ctx, r.access, origin)
	if err != nil {
		return nil, err
	}
	body, header, verdict := c.exchange(ctx, r, origin, token)
	if lms.KindOf(verdict) == lms.KindSignIn && r.access != lms.Public && token != "" {
		if next := c.renew(ctx, origin, token); next != token {
			body, header, verdict = c.exchange(ctx, r, origin, next)
		}
	}
	if header != nil && (verdict == nil || !retryable(verdict)) {
		c.noteAnswer(origin, header)
		c.noteSession(r, origin, verdict)
	}
	return body, verdict
}

// exchange sends the request once. header is nil when there was no answer.
func (c *Client) exchange(ctx context.Context, r *request, origin, token string) (body []byte, header func(string) string, verdict error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	res, err := c.transport.do(ctx, &wireRequest{method: r.method, url: origin + r.path, header: c.headers(r, token), body: r.body})
	if err != nil {
		return nil, nil, err
	}
	defer res.body.Close()
	limit := r.limit
	if limit == 0 {
		limit = maxAnswer
	}
	if body, err = io.ReadAll(io.LimitReader(res.body, limit+1)); err != nil {
		return nil, nil, err
	}
	if int64(len(body)) > limit {
		return nil, nil, lms.Errorf(lms.KindTooLarge, "The answer is larger than %s.", lms.FormatBytes(limit))
	}
	return body, res.header, decodeError(res.status, body)
}

// decodeError returns nil for success and the node's refusal otherwise. Answers that no node of ours wrote (a proxy's
// error page) count as an unknown outcome when they say that the node is away.
func decodeError(status int, body []byte) error {
	if status >= 200 && status < 400 {
		return nil
	}
	var e lms.Error
	if json.Unmarshal(body, &e) == nil && e.Kind != "" && e.Message != "" {
		return &e
	}
	switch {
	case status == 502 || status == 503 || status == 504:
		return lms.ErrUnknown
	case status == 401:
		return lms.ErrSignIn
	case status == 403:
		return lms.ErrForbidden
	case status == 404:
		return lms.ErrNotFound
	case status == 413:
		return lms.Errorf(lms.KindTooLarge, "This is larger than the node accepts. Nothing was sent; your text is kept.")
	case status == 429:
		return lms.Errorf(lms.KindLimit, "Too many requests at once. Wait a moment and try again.")
	case status >= 400 && status < 500:
		return lms.Errorf(lms.KindInvalid, "The node did not accept this request. Reload the page and try again; nothing you typed is lost.")
	}
	return lms.ErrInternal
}

// sleep waits and reports false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
