package tutor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"trivium/app/lms"
)

// Kick makes the index loop look for new material at once.
func (t *Tutor) Kick() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// IndexLoop reads new material into passages until ctx ends. Every node runs it; only the leader works.
func (t *Tutor) IndexLoop(ctx context.Context) {
	tick := time.NewTicker(2 * t.cfg.Limits.Poll)
	defer tick.Stop()
	failures := map[string]failure{}
	for {
		if t.cfg.IsLeader == nil || t.cfg.IsLeader() {
			t.indexPending(ctx, failures)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.ctx.Done():
			return
		case <-t.kick:
		case <-tick.C:
		}
	}
}

// failure delays the next attempt at a material whose bytes could not be read, or whose text could not be stored.
type failure struct {
	times int
	next  time.Time
}

// indexPending reads what is pending, one after the other: extraction takes one processor at most.
func (t *Tutor) indexPending(ctx context.Context, failures map[string]failure) {
	pending, err := t.store.MaterialsToIndex(ctx)
	if err != nil {
		if ctx.Err() == nil {
			t.log.Debug("tutor: material to index is not known", "error", err)
		}
		return
	}
	open := map[string]bool{}
	for _, m := range pending {
		key := fmt.Sprintf("%s/%d", m.ID, m.Version)
		open[key] = true
		f := failures[key]
		if ctx.Err() != nil || time.Now().Before(f.next) {
			continue
		}
		if err := t.index(ctx, m); err != nil && ctx.Err() == nil {
			f.times++
			pause := min(t.cfg.Limits.Poll<<min(f.times, 9), 5*time.Minute)
			f.next = time.Now().Add(pause)
			failures[key] = f
			t.log.Warn("tutor: material not indexed yet", "material", m.ID, "attempt", f.times, "again", pause, "error", err)
		}
	}
	for key := range failures {
		if !open[key] {
			delete(failures, key)
		}
	}
}

// index reads one material and stores its passages, or why it has none.
func (t *Tutor) index(ctx context.Context, m lms.Material) error {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Limits.Extract+time.Minute)
	defer cancel()
	began := time.Now()
	passages, err := t.read(ctx, m)
	state, note := lms.IndexReady, ""
	var unreadable *UnreadableError
	switch {
	case errors.As(err, &unreadable):
		state, note, passages = lms.IndexFailed, unreadable.Reason, nil
	case err != nil:
		return err
	case len(passages) == 0:
		note = "it has no text"
	}
	for i := range passages {
		passages[i].MaterialID, passages[i].Title, passages[i].Ordinal = m.ID, m.Title, i+1
	}
	if err := t.store.ReplacePassages(ctx, m, passages, state, note); err != nil {
		if k := lms.KindOf(err); k == lms.KindConflict || k == lms.KindNotFound {
			return nil // changed or deleted meanwhile; the new version is pending itself
		}
		return fmt.Errorf("store passages: %w", err)
	}
	t.log.Info("tutor: material indexed", "material", m.ID, "state", state, "note", note, "passages", len(passages),
		"ms", time.Since(began).Milliseconds())
	return nil
}

// read extracts the text of a material.
func (t *Tutor) read(ctx context.Context, m lms.Material) ([]lms.Passage, error) {
	if m.Kind == lms.MaterialPage || m.File == nil {
		return ExtractPage(m.Body), nil
	}
	if t.cfg.OpenFile == nil {
		return nil, errors.New("no way to open files")
	}
	if err := readable(m.File.Name, m.File.Type); err != nil {
		return nil, err // before any byte is fetched
	}
	f, err := t.cfg.OpenFile(ctx, *m.File)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", m.File.ID, err)
	}
	defer f.Close()
	src := newBlockReader(ctx, f, m.File.Size)
	ctx, cancel := context.WithTimeoutCause(ctx, t.cfg.Limits.Extract, errSlowDocument)
	defer cancel()
	var passages []lms.Passage
	if len(t.cfg.Extractor) > 0 {
		passages, err = extractApart(ctx, t.cfg.Extractor, document{m.File.Name, m.File.Type, m.File.Size}, src)
	} else {
		passages, err = Extract(ctx, m.File.Name, m.File.Type, src, m.File.Size)
	}
	if ioErr := src.fault(); ioErr != nil { // the bytes could not be read: that says nothing about the document
		return nil, fmt.Errorf("read %s: %w", m.File.ID, ioErr)
	}
	return passages, err
}

// blockReader reads a file in blocks and keeps the latest ones, because documents are read in small pieces all over the file.
type blockReader struct {
	ctx  context.Context
	size int64

	mu     sync.Mutex
	src    io.ReadSeeker
	blocks map[int64][]byte
	order  []int64
	err    error
}

const (
	blockSize  = 256 << 10
	keepBlocks = 32
)

func newBlockReader(ctx context.Context, src io.ReadSeeker, size int64) *blockReader {
	return &blockReader{ctx: ctx, src: src, size: size, blocks: map[int64][]byte{}}
}

func (b *blockReader) fault() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// ReadAt implements io.ReaderAt.
func (b *blockReader) ReadAt(p []byte, off int64) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at < 0 || at >= b.size {
			return n, io.EOF
		}
		block, err := b.block(at / blockSize)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], block[at%blockSize:])
	}
	return n, nil
}

func (b *blockReader) block(i int64) ([]byte, error) {
	if data, ok := b.blocks[i]; ok {
		return data, nil
	}
	if err := b.ctx.Err(); err != nil {
		return nil, err
	}
	data := make([]byte, min(blockSize, b.size-i*blockSize))
	_, err := b.src.Seek(i*blockSize, io.SeekStart)
	if err == nil {
		_, err = io.ReadFull(b.src, data)
	}
	if err != nil {
		b.err = err
		return nil, err
	}
	if len(b.order) == keepBlocks {
		delete(b.blocks, b.order[0])
		b.order = b.order[1:]
	}
	b.blocks[i] = data
	b.order = append(b.order, i)
	return data, nil
}
