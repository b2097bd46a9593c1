package web

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"trivium/app/lms"
)

// Bounds of calls without a session from one address, on this node. Guessing of passwords is counted over the cluster;
// this only keeps one address from occupying the node.
const (
	publicPerMinute = 240
	publicBurst     = 120
	sharedFactor    = 10     // of an address that many people share: a lesson that signs in at the same minute
	limiterSize     = 20_000 // addresses kept
)

// limiter counts calls by address.
type limiter struct {
	now    func() time.Time
	shared func(address string) bool // by many people
	mu     sync.Mutex
	by     map[string]*rate.Limiter
}

func newLimiter(now func() time.Time, shared func(string) bool) *limiter {
	return &limiter{now: now, shared: shared, by: map[string]*rate.Limiter{}}
}

// allow counts one call of the address.
func (l *limiter) allow(address string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.by[address]
	if b == nil {
		if len(l.by) >= limiterSize {
			l.forget()
		}
		n := 1
		if l.shared(address) {
			n = sharedFactor
		}
		b = rate.NewLimiter(rate.Limit(n*publicPerMinute)/60, n*publicBurst)
		l.by[address] = b
	}
	if b.AllowN(l.now(), 1) {
		return nil
	}
	return &lms.Error{Kind: lms.KindLimit, RetryIn: 30, Message: "Too many requests came from your address. Please try again in half a minute."}
}

// forget drops the addresses that have all their calls left, or everything when a flood leaves none.
func (l *limiter) forget() {
	now := l.now()
	for a, b := range l.by {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.by, a)
		}
	}
	if len(l.by) >= limiterSize {
		clear(l.by)
	}
}
