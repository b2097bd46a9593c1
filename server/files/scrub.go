package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"trivium/app/lms"
)

const (
	scrubRate  = 16 << 20 // bytes a second
	keepAside  = 30 * 24 * time.Hour
	maxPatrol  = 6 * time.Hour
	minPatrol  = 100 * time.Millisecond
	patrolPart = 4 // orphans are looked for four times in the time that they are kept
)

// scrubLoop reads every chunk in turn and compares it with its hash, slowly, once in ScrubEvery.
func (s *Files) scrubLoop() {
	for {
		started := time.Now()
		err := s.disk.walk("chunks", func(hash string, info fs.FileInfo) error {
			s.scrub(hash)
			s.count.scrubbed.Add(1)
			if !sleep(s.ctx, time.Duration(info.Size())*time.Second/scrubRate) {
				return s.ctx.Err()
			}
			return nil
		})
		if err != nil && s.ctx.Err() == nil {
			s.log.Error("the chunks cannot be listed", "err", err)
		}
		if !sleep(s.ctx, max(time.Until(started.Add(s.cfg.ScrubEvery)), 10*time.Millisecond)) {
			return
		}
	}
}

// scrub verifies a chunk from the disk, not from memory, and replaces it from a peer when it is damaged.
func (s *Files) scrub(hash string) {
	if f, err := os.Open(s.disk.chunkPath(hash)); err == nil {
		uncache(f)
		f.Close()
	}
	v, err := s.disk.open(hash)
	if err == nil {
		v.close()
		return
	}
	if !errors.Is(err, errDamaged) {
		return
	}
	s.damaged(hash, err)
	ctx, cancel := context.WithTimeout(s.ctx, fetchTimeout)
	defer cancel()
	if err := s.fetch(ctx, hash); err != nil && s.ctx.Err() == nil {
		s.log.Warn("a damaged chunk cannot be replaced yet", "hash", hash, "err", err)
	}
}

// orphanLoop removes chunks and markers that no row names. Two looks in a row, the first some time after the start, must find them so,
// because the rows of a node that starts may be old.
func (s *Files) orphanLoop() {
	every := min(max(s.cfg.OrphanAge/patrolPart, minPatrol), maxPatrol)
	seen := map[string]bool{}
	for sleep(s.ctx, every) {
		next, err := s.removeOrphans(s.ctx, seen)
		if err != nil && s.ctx.Err() == nil {
			s.log.Warn("orphans cannot be removed", "err", err)
		}
		seen = next
	}
}

// removeOrphans removes what was an orphan at the last look and still is, and returns what is one now.
func (s *Files) removeOrphans(ctx context.Context, seen map[string]bool) (map[string]bool, error) {
	chunks, ids := map[string]bool{}, map[string]bool{}
	err := s.eachPage(ctx, func(rows []lms.File) error {
		for _, f := range rows {
			ids[f.ID] = true
			for _, h := range f.Chunks {
				chunks[h] = true
			}
		}
		return nil
	})
	if err != nil || len(ids) == 0 { // no rows at all: this database is more likely empty than the site
		return nil, err
	}
	before, next := time.Now().Add(-s.cfg.OrphanAge), map[string]bool{}
	visit := func(named func(string) bool, remove func(string) (bool, error)) func(string, fs.FileInfo) error {
		return func(name string, info fs.FileInfo) error {
			if named(name) || info.ModTime().After(before) {
				return ctx.Err()
			}
			if !seen[name] {
				next[name] = true
				return ctx.Err()
			}
			removed, err := remove(name)
			if removed {
				s.count.removed.Add(1)
			}
			return err
		}
	}
	err = errors.Join(
		s.disk.walk("chunks", visit(func(hash string) bool { return chunks[hash] },
			func(hash string) (bool, error) { return s.disk.remove(hash, before) })),
		s.disk.walk("markers", visit(func(name string) bool { return ids[markerFile(name)] },
			func(name string) (bool, error) { return s.disk.unmark(name, before) })),
		s.forgetAside())
	return next, err
}

// markerFile is the id of the file that a marker belongs to.
func markerFile(name string) string {
	id, _, _ := strings.Cut(name, ".")
	return id
}

// forgetAside removes damaged chunks that nobody looked at for long.
func (s *Files) forgetAside() error {
	entries, err := os.ReadDir(filepath.Join(s.cfg.Dir, "damaged"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > keepAside {
			os.Remove(filepath.Join(s.cfg.Dir, "damaged", e.Name()))
		}
	}
	return nil
}
