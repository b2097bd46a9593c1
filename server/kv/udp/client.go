package udp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Client gets and puts over a Network, for drills and tests. It repeats a request under its MID until it is done or ctx ends.
type Client struct {
	conn     *Conn
	replicas []string
	next     atomic.Int64
	wg       sync.WaitGroup

	mu      sync.Mutex
	leader  string
	waiting map[string]chan Message

	// Answers by their type, and the oks whose request had been answered already.
	ok, fail, redirect, repeated atomic.Int64
}

// ErrNotDone is the error of a request that nobody has confirmed: a put may have taken effect.
var ErrNotDone = errors.New("udp: no replica has confirmed this")

const clientWait = 150 * time.Millisecond // for an answer, before another replica is asked

// NewClient opens a client of the replicas.
func NewClient(port int, id string, replicas []string) (*Client, error) {
	conn, err := Dial(port, id)
	if err != nil {
		return nil, err
	}
	c := &Client{conn: conn, replicas: replicas, leader: Broadcast, waiting: map[string]chan Message{}}
	conn.Send(Message{Dst: Broadcast, Type: typeHello})
	c.wg.Go(c.receive)
	return c, nil
}

// Close closes the client.
func (c *Client) Close() error {
	err := c.conn.Close()
	c.wg.Wait()
	return err
}

// Counts are the answers so far; repeated are the oks that came although the request had been answered.
func (c *Client) Counts() (ok, fail, redirect, repeated int64) {
	return c.ok.Load(), c.fail.Load(), c.redirect.Load(), c.repeated.Load()
}

func (c *Client) receive() {
	for {
		m, err := c.conn.Receive()
		if err != nil {
			return
		}
		switch m.Type {
		case typeOK:
			c.ok.Add(1)
		case typeFail:
			c.fail.Add(1)
		case typeRedirect:
			c.redirect.Add(1)
		default:
			continue
		}
		c.mu.Lock()
		wait := c.waiting[m.MID]
		c.mu.Unlock()
		if wait == nil {
			if m.Type == typeOK {
				c.repeated.Add(1)
			}
			continue
		}
		select {
		case wait <- m:
		default:
		}
	}
}

// Put writes a key.
func (c *Client) Put(ctx context.Context, key, value string) error {
	_, err := c.do(ctx, Message{Type: typePut, Key: key, Value: value})
	return err
}

// Get reads a key; an unknown one is "".
func (c *Client) Get(ctx context.Context, key string) (string, error) {
	m, err := c.do(ctx, Message{Type: typeGet, Key: key})
	return m.Value, err
}

func (c *Client) do(ctx context.Context, m Message) (Message, error) {
	m.MID = fmt.Sprintf("%s%08X", c.conn.id, c.next.Add(1))
	wait := make(chan Message, 4)
	c.mu.Lock()
	c.waiting[m.MID] = wait
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, m.MID)
		c.mu.Unlock()
	}()
	for {
		m.Dst = c.target()
		c.conn.Send(m)
		t := time.NewTimer(clientWait)
		select {
		case a := <-wait:
			t.Stop()
			if a.Type == typeOK {
				c.learn(a.Src)
				return a, nil
			}
			c.learn(a.Leader)
			if a.Type == typeFail && !pause(ctx, 20*time.Millisecond) {
				return Message{}, ErrNotDone
			}
		case <-t.C:
			c.learn(Broadcast)
		case <-ctx.Done():
			t.Stop()
			return Message{}, ErrNotDone
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *Client) learn(leader string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leader = leader
}

// target is the leader if one is known, else any replica.
func (c *Client) target() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ValidID(c.leader) && c.leader != Broadcast {
		return c.leader
	}
	return c.replicas[rand.IntN(len(c.replicas))]
}
