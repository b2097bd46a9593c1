package api

import (
	"context"
	"encoding/json"
	"time"

	"trivium/app/lms"
)

// How often the hand-over ticket (valid for 10 minutes) and the list of nodes are renewed.
const (
	ticketEvery = 4 * time.Minute
	retryEvery  = 20 * time.Second
)

// pass returns the token that signs a call to the origin; "" where the browser's cookie does, or none is needed.
// A node that needs a token gets one for the hand-over ticket first.
func (c *Client) pass(ctx context.Context, access lms.Access, origin string) (string, error) {
	c.mu.Lock()
	token, ticket, home, handOver := c.bearer, c.ticket, origin == c.home, c.handOver
	c.mu.Unlock()
	if access == lms.Public || token != "" || home || !handOver {
		return token, nil
	}
	if ticket == "" {
		return "", errNoPass
	}
	return c.redeem(ctx, origin, ticket)
}

// redeem exchanges the ticket for a bearer token of the same session. The key is derived from the ticket, so that an
// exchange whose answer was lost can be repeated on any node.
func (c *Client) redeem(ctx context.Context, origin, ticket string) (string, error) {
	r, err := newRequest(RedeemTicket.Route(), Ticket{Ticket: ticket})
	if err != nil {
		return "", err
	}
	r.key, r.timeout = r.digest()[:32], c.timeout
	body, err := c.attempt(ctx, r, origin)
	if retryable(err) {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ticket == ticket {
		c.ticket = "" // single use
	}
	var s lms.Session
	if err != nil || json.Unmarshal(body, &s) != nil || s.Token == "" {
		if c.bearer != "" {
			return c.bearer, nil // another call was faster with the same ticket
		}
		return "", errNoPass
	}
	c.bearer = s.Token
	return c.bearer, nil
}

// renew exchanges a token whose access may be over for the one that follows it, and answers the token to go on with: the same one if
// that is not possible. Of several calls at once the first does it.
func (c *Client) renew(ctx context.Context, origin, token string) string {
	c.renewing.Lock()
	defer c.renewing.Unlock()
	c.mu.Lock()
	now := c.bearer
	c.mu.Unlock()
	if now != token {
		return now
	}
	r := &request{method: RenewSession.Method, path: RenewSession.Path, access: lms.Public, timeout: c.timeout}
	body, _, err := c.exchange(ctx, r, origin, token)
	var s lms.Session
	if err != nil || json.Unmarshal(body, &s) != nil || s.Token == "" {
		return token
	}
	c.mu.Lock()
	c.bearer = s.Token
	c.mu.Unlock()
	if c.hooks.OnToken != nil {
		c.hooks.OnToken(s.Token)
	}
	return s.Token
}

// noteSession follows sign-in and sign-out.
func (c *Client) noteSession(r *request, origin string, verdict error) {
	switch {
	case lms.KindOf(verdict) == lms.KindSignIn && r.access != lms.Public:
		c.forget()
		if c.hooks.OnSignedOut != nil {
			c.hooks.OnSignedOut()
		}
	case verdict != nil:
	case r.method == SignOut.Method && r.path == SignOut.Path:
		c.forget()
	case r.access != lms.Public && origin == c.home:
		c.keepTicket()
	}
}

func (c *Client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bearer, c.ticket = "", ""
}

// keepTicket starts the loop that renews the ticket, unless it runs.
func (c *Client) keepTicket() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.handOver || c.keeping || c.bearer != "" {
		return
	}
	c.keeping = true
	go c.keep()
}

// keep renews the ticket and the list of nodes until the session ends.
func (c *Client) keep() {
	defer func() {
		c.mu.Lock()
		c.keeping = false
		c.mu.Unlock()
	}()
	ctx := context.Background()
	for {
		next := ticketEvery
		if _, err := Call(ctx, c, GetCluster, NoInput{}); err != nil {
			next = retryEvery
		}
		c.mu.Lock()
		alone, moved := len(c.nodes) < 2, c.bearer != ""
		c.mu.Unlock()
		if !alone && !moved {
			t, err := Call(ctx, c, IssueTicket, NoInput{})
			if lms.KindOf(err) == lms.KindSignIn {
				return
			}
			if err != nil {
				next = retryEvery
			} else {
				c.mu.Lock()
				c.ticket = t.Ticket
				c.mu.Unlock()
			}
		}
		if !sleep(ctx, next) {
			return
		}
	}
}
