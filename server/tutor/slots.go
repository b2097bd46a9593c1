package tutor

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Refusals before a call.
var (
	errQueueFull   = errors.New("tutor: too many answers wait already")
	errQueueLong   = errors.New("tutor: waited too long for a free call")
	errBreakerOpen = errors.New("tutor: the endpoint has failed repeatedly; it is left alone for a moment")
)

// slots lets a bounded number of calls run, first come first served, and tells those in line their place.
type slots struct {
	limit, queue int

	mu   sync.Mutex
	used int
	line []*ticket
}

// ticket is a place in line.
type ticket struct {
	ready chan struct{} // closed when the slot is given
	moved chan struct{} // capacity 1: the place has changed
}

func newSlots(limit, queue int) *slots { return &slots{limit: limit, queue: queue} }

// acquire waits for a slot. It calls place with the number of those before it, from 1, at once and whenever it changes.
func (s *slots) acquire(ctx context.Context, atMost time.Duration, place func(n int)) error {
	s.mu.Lock()
	if s.used < s.limit {
		s.used++
		s.mu.Unlock()
		return nil
	}
	if len(s.line) >= s.queue {
		s.mu.Unlock()
		return errQueueFull
	}
	t := &ticket{ready: make(chan struct{}), moved: make(chan struct{}, 1)}
	s.line = append(s.line, t)
	s.mu.Unlock()
	limit := time.NewTimer(atMost)
	defer limit.Stop()
	place(s.place(t))
	for {
		select {
		case <-t.ready:
			return nil
		case <-t.moved:
			place(s.place(t))
		case <-limit.C:
			return s.leave(t, errQueueLong)
		case <-ctx.Done():
			return s.leave(t, context.Cause(ctx))
		}
	}
}

// place returns the ticket's place in line, from 1.
func (s *slots) place(t *ticket) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.line {
		if other == t {
			return i + 1
		}
	}
	return 1
}

// leave takes the ticket out of the line; a slot that was given at the same moment is passed on.
func (s *slots) leave(t *ticket, cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.line {
		if other == t {
			s.line = append(s.line[:i], s.line[i+1:]...)
			s.tell()
			return cause
		}
	}
	s.next()
	return cause
}

func (s *slots) release() {
	s.mu.Lock()
	s.next()
	s.mu.Unlock()
}

// next passes a slot on to the first in line, or frees it. The caller holds the lock.
func (s *slots) next() {
	if len(s.line) == 0 {
		s.used--
		return
	}
	close(s.line[0].ready)
	s.line = s.line[1:]
	s.tell()
}

func (s *slots) tell() {
	for _, t := range s.line {
		select {
		case t.moved <- struct{}{}:
		default:
		}
	}
}

// Settings of the breaker (TUTOR-24).
const (
	breakerFailures = 5
	breakerWindow   = 60 * time.Second
	breakerOpen     = 30 * time.Second
)

// breaker keeps calls away from an endpoint that fails: after breakerFailures in breakerWindow it refuses for breakerOpen, then
// lets one call test the endpoint.
type breaker struct {
	now func() time.Time

	mu       sync.Mutex
	failures []time.Time
	until    time.Time // refuses until then; zero: closed
	testing  bool
}

// allow reports whether a call may be made. Every allowed call ends with success, failure or abandon.
func (b *breaker) allow() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return nil
	}
	if b.testing || b.now().Before(b.until) {
		return errBreakerOpen
	}
	b.testing = true
	return nil
}

// open reports whether calls are refused now.
func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.until.IsZero() && b.now().Before(b.until)
}

func (b *breaker) success() {
	b.mu.Lock()
	b.failures, b.until, b.testing = nil, time.Time{}, false
	b.mu.Unlock()
}

func (b *breaker) failure() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.testing {
		b.until, b.testing = now.Add(breakerOpen), false
		return
	}
	recent := b.failures[:0]
	for _, t := range b.failures {
		if now.Sub(t) < breakerWindow {
			recent = append(recent, t)
		}
	}
	b.failures = append(recent, now)
	if len(b.failures) >= breakerFailures {
		b.failures, b.until = nil, now.Add(breakerOpen)
	}
}

// abandon ends a call that says nothing about the endpoint, such as one that the reader stopped.
func (b *breaker) abandon() {
	b.mu.Lock()
	b.testing = false
	b.mu.Unlock()
}
