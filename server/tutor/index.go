package tutor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
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
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Limits.Extract+5*time.Minute)
	defer cancel()
	began := time.Now()
	passages, err := t.read(ctx, m)
	state, note := lms.IndexReady, ""
	var unreadable *UnreadableError
	switch {
	case errors.As(err, &unreadable) && m.Kind == lms.MaterialPage && unreadable.Reason == noText:
		note, passages = noText, nil // a page of pictures is no failure
	case errors.As(err, &unreadable):
		state, note, passages = lms.IndexFailed, unreadable.Reason, nil
	case err != nil:
		return err
	case len(passages) == 0:
		note = noText
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
	t.wakeEmbeds()
	return nil
}

// read extracts the text of a material. All bytes are fetched first, so that a slow network is not taken for a slow document.
func (t *Tutor) read(ctx context.Context, m lms.Material) ([]lms.Passage, error) {
	if m.Kind == lms.MaterialPage || m.File == nil {
		if strings.TrimSpace(m.Body) == "" {
			return nil, nil
		}
		return t.extract(ctx, document{"page.md", "text/markdown", int64(len(m.Body))}, strings.NewReader(m.Body))
	}
	if err := readable(m.File.Name, m.File.Type); err != nil {
		return nil, err // before any byte is fetched
	}
	f, err := t.fetch(ctx, *m.File)
	if err != nil {
		return nil, fmt.Errorf("fetch file %s: %w", m.File.ID, err)
	}
	defer f.Close()
	return t.extract(ctx, document{m.File.Name, m.File.Type, m.File.Size}, f)
}

// extract reads a document within its time, in a process of its own if there is one.
func (t *Tutor) extract(ctx context.Context, d document, r io.ReaderAt) ([]lms.Passage, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.cfg.Limits.Extract, errSlowDocument)
	defer cancel()
	if len(t.cfg.Extractor) > 0 {
		return extractApart(ctx, t.cfg.Extractor, d, r)
	}
	return Extract(ctx, d.Name, d.Type, r, d.Size)
}

// fetch copies a file to a temporary one that is gone when it is closed.
func (t *Tutor) fetch(ctx context.Context, file lms.File) (*os.File, error) {
	if t.cfg.OpenFile == nil {
		return nil, errors.New("no way to open files")
	}
	src, err := t.cfg.OpenFile(ctx, file)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	f, err := os.CreateTemp("", "trivium-document-*")
	if err != nil {
		return nil, err
	}
	err = os.Remove(f.Name())
	if err == nil {
		var n int64
		if n, err = io.Copy(f, io.LimitReader(src, file.Size+1)); err == nil && n != file.Size {
			err = fmt.Errorf("%d of %d bytes", n, file.Size)
		}
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
