package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"trivium/app/lms"
)

// PutChunk takes chunk number of a file. It returns nil when the chunk is on the disks of a majority of the voters, this node
// among them. A repeat is harmless; what arrived stays, also when a majority could not be reached. The caller bounds the time
// that the body may take.
func (s *Files) PutChunk(ctx context.Context, f lms.File, number int, r io.Reader) error {
	if err := check(f); err != nil {
		return err
	}
	if number < 0 || number >= len(f.Chunks) {
		return lms.FieldErrorf(lms.KindInvalid, "number", "%s has %d parts; there is no part %d.", f.Name, len(f.Chunks), number+1)
	}
	select {
	case s.receiving <- struct{}{}:
		defer func() { <-s.receiving }()
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return lms.ErrUnavailable
	}
	tmp, err := s.disk.receive(r, f.Chunks[number], lms.ChunkLen(f.Size, number))
	if err != nil {
		return s.refusal(f, number, err)
	}
	if !s.begin() { // only now: Close does not wait for a sender
		s.disk.discard(tmp)
		return lms.ErrUnavailable
	}
	defer s.wg.Done()
	return s.spread(ctx, f, number, tmp)
}

// spread stores a received chunk here and pushes it to the other voters, all at the same time, until a majority has it.
func (s *Files) spread(ctx context.Context, f lms.File, number int, tmp *os.File) error {
	ctx, cancel := s.hold(ctx)
	defer cancel()
	src := &shared{File: tmp}
	src.refs.Add(1)
	defer src.release()

	local := make(chan error, 1)
	go func() { local <- s.disk.store(tmp, f.ID, number, f.Chunks[number]) }()
	members, memberErr := s.peers.list(ctx)
	t := tally{acks: make(chan struct{}, len(members))}
	for _, m := range members {
		if !m.Voter {
			continue
		}
		t.voters++
		if m.ID == s.cfg.Self {
			t.have++
			continue
		}
		src.refs.Add(1)
		if !s.goes(func() { defer src.release(); s.pushUntil(ctx, m, f, number, src, &t) }) {
			src.release()
		}
	}
	if err := <-local; err != nil {
		os.Remove(tmp.Name())
		return s.refusal(f, number, err)
	}
	if memberErr != nil {
		return s.refusal(f, number, memberErr)
	}
	return s.refusal(f, number, t.wait(ctx))
}

// hold bounds how long a request waits for a majority.
func (s *Files) hold(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.HoldTimeout)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// tally counts the voters that have a chunk on disk.
type tally struct {
	voters, have int
	acks         chan struct{}
	full         atomic.Pointer[fullError] // a voter that refused for want of space
}

func (t *tally) wait(ctx context.Context) error {
	for t.have < t.voters/2+1 {
		select {
		case <-t.acks:
			t.have++
		case <-ctx.Done():
			if full := t.full.Load(); full != nil {
				return full
			}
			return errNoMajority
		}
	}
	return nil
}

// pushUntil pushes a chunk to a member, again and again until ctx ends. A push that has begun is finished even when ctx ends
// because a majority has the chunk already: the member then need not fetch it.
func (s *Files) pushUntil(ctx context.Context, m Member, f lms.File, number int, src io.ReaderAt, t *tally) {
	slots := s.peers.state(m.ID).slots
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		pushCtx, cancel := context.WithTimeout(s.ctx, s.cfg.HoldTimeout)
		err := s.peers.push(pushCtx, m, f.ID, number, f.Chunks[number], src, lms.ChunkLen(f.Size, number))
		cancel()
		<-slots
		if err == nil {
			s.count.pushed.Add(1)
			t.acks <- struct{}{}
			return
		}
		var full *fullError
		if errors.As(err, &full) {
			t.full.Store(full)
		}
		s.log.Debug("a push failed", "to", m.ID, "file", f.ID, "chunk", number, "err", err)
		if !sleep(ctx, pause) {
			return
		}
	}
}

// refusal words an error of storing a chunk for the person who sent it.
func (s *Files) refusal(f lms.File, number int, err error) error {
	var full *fullError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errDiskFull):
		full = &fullError{s.cfg.Self}
		fallthrough
	case errors.As(err, &full):
		s.log.Error("a disk is full", "peer", full.node, "file", f.ID, "chunk", number, "err", err)
		return &lms.Error{Kind: lms.KindUnavailable, RetryIn: 30, Message: fmt.Sprintf("The disk of node %s is full, so part %d of %s "+
			"cannot be kept. The parts before it are safe; tell the administrator, and send the file again later: it continues where it stopped.",
			full.node, number+1, f.Name)}
	case errors.Is(err, errDamaged):
		return lms.Errorf(lms.KindInvalid, "Part %d of %s arrived damaged. Send this part again.", number+1, f.Name)
	case errors.Is(err, errBroken):
		return lms.Errorf(lms.KindInvalid, "Part %d of %s arrived incomplete. Send this part again.", number+1, f.Name)
	case errors.Is(err, errBusy):
		return &lms.Error{Kind: lms.KindUnavailable, RetryIn: 2, Message: "This node is busy. Nothing is lost; it will be tried again."}
	}
	s.log.Warn("a chunk is not on a majority", "file", f.ID, "chunk", number, "err", err)
	return lms.ErrUnavailable
}

// shared is a file that several readers use, closed by the last.
type shared struct {
	*os.File
	refs atomic.Int32
}

func (f *shared) release() {
	if f.refs.Add(-1) == 0 {
		f.Close()
	}
}
