package sql

import (
	"context"
	"strconv"
	"sync"
	"time"

	"trivium/app/lms"
)

// Bounds of the records of reads.
const (
	readsEvery    = time.Minute
	readsPatience = 5 * time.Second // for a majority
)

// readLog records who reads: at once, and then every minute while they go on, with the number of statements since the last
// record. It is written beside the reading, which may do without a majority; what cannot be written is in the next record.
// Up to a minute of numbers is lost with the process.
type readLog struct {
	c      Config
	mu     sync.Mutex
	by     map[reader]*tally
	closed bool
	done   chan struct{}
	wg     sync.WaitGroup
}

// reader is an administrator at an address: a record names one of each.
type reader struct{ user, address string }

type tally struct {
	actor      lms.Actor
	statements int // since the last record
}

func newReadLog(c Config) *readLog {
	return &readLog{c: c, by: map[reader]*tally{}, done: make(chan struct{})}
}

// add counts n statements.
func (l *readLog) add(actor lms.Actor, address string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n == 0 || l.closed {
		return
	}
	who := reader{actor.UserID, address}
	if l.by[who] == nil {
		l.by[who] = &tally{actor: actor}
		l.wg.Go(func() { l.run(who) })
	}
	l.by[who].statements += n
}

// run writes the records of one reader, until a minute passes without a statement.
func (l *readLog) run(who reader) {
	for last := false; ; {
		l.mu.Lock()
		r := *l.by[who]
		if r.statements == 0 {
			delete(l.by, who)
			l.mu.Unlock()
			return
		}
		l.by[who].statements = 0
		l.mu.Unlock()
		if err := l.write(who, r); err != nil {
			l.c.Logger.Warn("reads by SQL are not recorded yet", "administrator", r.actor.Login, "statements", r.statements, "error", err)
			l.mu.Lock()
			l.by[who].statements += r.statements
			l.mu.Unlock()
		}
		if last {
			return
		}
		select {
		case <-l.done:
			last = true
		case <-time.After(readsEvery):
		}
	}
}

func (l *readLog) write(who reader, r tally) error {
	ctx, cancel := context.WithTimeout(context.Background(), readsPatience)
	defer cancel()
	return l.c.Audit(ctx, r.actor, who.address, lms.AuditSQLRead, "database", "statements", strconv.Itoa(r.statements))
}

// close writes what is left, if a majority answers soon.
func (l *readLog) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	close(l.done)
	l.wg.Wait()
}
