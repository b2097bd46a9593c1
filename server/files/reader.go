package files

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"trivium/app/lms"
)

// Open returns the bytes of a file. Chunks that are missing or damaged here are fetched from a peer while reading; a byte that
// does not belong to its hash is never returned. ctx bounds the reading.
func (s *Files) Open(ctx context.Context, f lms.File) (io.ReadSeekCloser, error) {
	if err := check(f); err != nil {
		return nil, err
	}
	return s.reader(ctx, f), nil
}

func (s *Files) reader(ctx context.Context, f lms.File) *reader {
	return &reader{s: s, ctx: ctx, f: f, number: -1, block: -1}
}

// reader holds one open chunk and one block of it.
type reader struct {
	s      *Files
	ctx    context.Context
	f      lms.File
	pos    int64
	closed bool

	chunk  *verified
	number int // of chunk; -1: none
	buf    *[blockSize]byte
	block  int // number of the block in buf; -1: none
	n      int // its length
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	switch {
	case r.closed:
		return 0, fs.ErrClosed
	case r.pos >= r.f.Size:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	number, offset := int(r.pos/lms.ChunkSize), int(r.pos%lms.ChunkSize)
	if err := r.fill(number, offset/blockSize); err != nil {
		return 0, err
	}
	n := copy(p, r.buf[offset%blockSize:r.n])
	r.pos += int64(n)
	return n, nil
}

// fill loads a block of a chunk. A block that changed since its chunk was verified is damage like any other.
func (r *reader) fill(number, block int) error {
	if number == r.number && block == r.block {
		return nil
	}
	if r.buf == nil {
		r.buf = blocks.Get().(*[blockSize]byte)
	}
	var err error
	for range 3 {
		if number != r.number {
			r.drop()
			if r.chunk, err = r.s.load(r.ctx, r.f, number); err != nil {
				return err
			}
			r.number = number
		}
		r.block = -1
		if r.n, err = r.chunk.block(block, r.buf[:]); err == nil {
			r.block = block
			return nil
		}
		r.s.damaged(r.f.Chunks[number], err)
		r.drop()
	}
	return err
}

func (r *reader) drop() {
	if r.chunk != nil {
		r.chunk.close()
	}
	r.chunk, r.number, r.block = nil, -1, -1
}

// Seek implements io.Seeker.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.f.Size
	}
	if whence < io.SeekStart || whence > io.SeekEnd || offset < 0 {
		return 0, errors.New("files: seek before the start of the file")
	}
	r.pos = offset
	return offset, nil
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.drop()
	if r.buf != nil {
		blocks.Put(r.buf)
		r.buf = nil
	}
	r.closed = true
	return nil
}

// load opens a chunk of a file, fetching it first where it is missing or damaged.
func (s *Files) load(ctx context.Context, f lms.File, number int) (*verified, error) {
	hash := f.Chunks[number]
	v, err := s.disk.open(hash)
	if err == nil {
		return v, nil
	}
	if errors.Is(err, errDamaged) {
		s.damaged(hash, err)
	}
	if errors.Is(err, errBusy) {
		return nil, s.refusal(f, number, err)
	}
	err = s.fetch(ctx, hash)
	if err == nil {
		if v, err = s.disk.open(hash); err == nil {
			return v, nil
		}
	}
	if errors.Is(err, errDiskFull) { // it can be served all the same
		if v, memErr := s.fetchToMemory(ctx, hash); memErr == nil {
			return v, nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if s.progress.isGone(hash) {
		return nil, lms.Errorf(lms.KindUnavailable, "Part of %s was lost with a disk or a machine, and no node has it. Who administers the site may still have it in a backup; "+
			"otherwise the file must be handed in or added again.", f.Name)
	}
	s.log.Error("a chunk is on no node that answers", "file", f.ID, "chunk", number, "hash", hash, "err", err)
	return nil, &lms.Error{Kind: lms.KindUnavailable, RetryIn: 5, Message: "Part of " + f.Name + " is on none of the nodes that answer at the moment. " +
		"It is fetched as soon as one that has it is back; try again then."}
}

// fetch brings a chunk from any peer that has it.
func (s *Files) fetch(ctx context.Context, hash string) error {
	return s.fetchFrom(ctx, hash, nil)
}

// fetchFrom brings a chunk from one of the peers with the ids, or from any when there are none given.
func (s *Files) fetchFrom(ctx context.Context, hash string, ids map[string]bool) error {
	return s.eachPeer(ctx, hash, ids, func(body io.Reader) error {
		tmp, err := s.disk.receive(body, hash, -1)
		if err != nil {
			return err
		}
		defer tmp.Close()
		if err := s.disk.commit(tmp, hash); err != nil {
			s.disk.discard(tmp)
			return err
		}
		s.count.fetched.Add(1)
		return nil
	})
}

// fetchToMemory brings a chunk for one reader, without keeping it.
func (s *Files) fetchToMemory(ctx context.Context, hash string) (*verified, error) {
	var v *verified
	err := s.eachPeer(ctx, hash, nil, func(body io.Reader) error {
		b, err := io.ReadAll(io.LimitReader(body, lms.ChunkSize+1))
		if err != nil {
			return err
		}
		if hashOf(b) != hash {
			return errDamaged
		}
		v = &verified{mem: b, size: len(b)}
		return nil
	})
	return v, err
}

// eachPeer asks one peer after the other for a chunk until take accepts it. A full disk here ends it: no other peer helps.
func (s *Files) eachPeer(ctx context.Context, hash string, ids map[string]bool, take func(io.Reader) error) error {
	if !s.begin() {
		return lms.ErrUnavailable
	}
	defer s.wg.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	select {
	case s.fetching <- struct{}{}:
		defer func() { <-s.fetching }()
	case <-ctx.Done():
		return ctx.Err()
	}
	members, err := s.peers.list(ctx)
	if err != nil {
		return err
	}
	err = errAbsent
	for _, m := range s.peers.others(members) {
		if ids != nil && !ids[m.ID] {
			continue
		}
		if err = s.takeFrom(ctx, m, hash, take); err == nil || errors.Is(err, errDiskFull) || ctx.Err() != nil {
			return err
		}
		s.log.Debug("a fetch failed", "from", m.ID, "hash", hash, "err", err)
	}
	return err
}

func (s *Files) takeFrom(ctx context.Context, m Member, hash string, take func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	asking, silent := context.WithCancelCause(ctx)
	defer silent(nil)
	t := time.AfterFunc(askTimeout, func() { silent(errSilent) })
	body, err := s.peers.get(asking, m, hash)
	if t.Stop(); err != nil {
		return err
	}
	defer body.Close()
	if err = take(body); errors.Is(ctx.Err(), context.DeadlineExceeded) {
		s.peers.note(m.ID, false)
	}
	return err
}

// damaged sets a chunk aside whose bytes do not fit its hash, and makes the node look for another copy.
func (s *Files) damaged(hash string, cause error) {
	moved, err := s.disk.setAside(hash)
	if err != nil {
		s.log.Error("a damaged chunk cannot be set aside", "hash", hash, "err", err)
	}
	if !moved {
		return // somebody else did, or it was replaced meanwhile
	}
	s.count.damaged.Add(1)
	s.log.Error("a damaged chunk was set aside; it is fetched from a peer", "hash", hash, "err", cause)
	s.recheck.Store(true)
	s.Kick()
}
