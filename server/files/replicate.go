package files

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"trivium/app/lms"
)

const (
	rowsPerPage = 100
	workers     = 4 // chunks that one pass fetches at a time
	minPause    = 200 * time.Millisecond
	maxRetry    = 30 * time.Second
)

// replicateLoop compares the rows with the disk until Close: all of them at the start and every SyncEvery; after a Kick those
// that are complete and were not yet whole here. Passes leave the machine at least ten times as long as they took.
func (s *Files) replicateLoop() {
	have := map[string]bool{} // files that were whole here
	var lastFull time.Time
	for retry := minPause; ; {
		started := time.Now()
		full := s.recheck.Swap(false) || time.Since(lastFull) >= s.cfg.SyncEvery
		if full {
			clear(have)
		}
		left, err := s.pass(s.ctx, full, have)
		if s.ctx.Err() != nil {
			return
		}
		wait := s.cfg.SyncEvery
		switch {
		case err != nil:
			s.log.Warn("the files cannot be compared with the rows", "err", err)
			fallthrough
		case left > 0:
			wait = min(wait, retry)
			retry = min(2*retry, maxRetry)
		default:
			retry = minPause
			if s.progress.copy().Gone > 0 { // a disk with it may be put in at any time
				wait = min(wait, maxRetry)
			}
		}
		if err == nil && full {
			lastFull = started
		}
		if !sleep(s.ctx, min(max(minPause, 10*time.Since(started)), s.cfg.SyncEvery)) || !s.awaitKick(wait) {
			return
		}
	}
}

// awaitKick waits for a Kick, at most so long. It reports false after Close.
func (s *Files) awaitKick(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.kick:
	case <-t.C:
	case <-s.ctx.Done():
		return false
	}
	return true
}

// pass fetches what this node lacks, and returns how many chunks of complete files it still lacks after that. It counts before it
// fetches, so that what is told of a long copy is true from its start, and looks again after one: files have become complete meanwhile.
// What no member has is asked for again in each pass, but does not count as what this node lacks: no copying brings it.
func (s *Files) pass(ctx context.Context, full bool, have map[string]bool) (left int64, err error) {
	for again := false; ; again = true {
		started := time.Now()
		lacks, some, err := s.look(ctx, full, have)
		if err != nil {
			return 0, err
		}
		s.progress.found(lacks, full)
		switch {
		case !some:
			s.lost(nil)
			return 0, nil
		case again && lacks.chunks == 0:
			return 0, nil
		}
		missed, err := s.fetchAll(ctx, full, have)
		if err != nil {
			return 0, err
		}
		s.lost(missed.gone)
		if missed.chunks > 0 || time.Since(started) < grace {
			s.progress.found(missed.lack, false)
			return missed.chunks, nil
		}
		full = false
	}
}

// look counts what this node lacks of complete files. some: it lacks something, perhaps of files that are not complete.
func (s *Files) look(ctx context.Context, full bool, have map[string]bool) (l lack, some bool, err error) {
	err = s.eachPage(ctx, func(rows []lms.File) error {
		for _, f := range s.lackingOf(rows, full, have) {
			some = true
			if !f.Complete() {
				continue
			}
			for number, h := range s.holds(f) {
				if h != heldBoth && !s.progress.isGone(f.Chunks[number]) {
					l.add(job{file: f, number: number, have: h&heldChunk != 0})
				}
			}
		}
		return ctx.Err()
	})
	return l, some, err
}

// missed is what of complete files could not be had.
type missed struct {
	lack
	gone map[string]owner // by hash: every member was asked, and none has it
}

// fetchAll fetches what this node lacks.
func (s *Files) fetchAll(ctx context.Context, full bool, have map[string]bool) (m missed, err error) {
	m.gone = map[string]owner{}
	err = s.eachPage(ctx, func(rows []lms.File) error {
		if files := s.lackingOf(rows, full, have); len(files) > 0 {
			s.catchUp(ctx, files, &m)
		}
		return ctx.Err()
	})
	return m, err
}

// lost notes what no member has, and tells of what is new.
func (s *Files) lost(gone map[string]owner) {
	for hash, of := range s.progress.lost(gone) {
		s.log.Error("a part of a file is on no node: it was lost with a disk or a machine", "hash", hash, "file", of.file, "course", of.course)
	}
}

// lackingOf returns the files of which something is not here, and notes the complete ones that are here.
func (s *Files) lackingOf(rows []lms.File, full bool, have map[string]bool) (lacking []lms.File) {
	for _, f := range rows {
		if have[f.ID] || !f.Complete() && !full {
			continue
		}
		switch err := check(f); {
		case err != nil:
			s.log.Error("a row of a file is malformed", "file", f.ID, "err", err)
		case !s.isWhole(f):
			lacking = append(lacking, f)
		case f.Complete():
			have[f.ID] = true
		}
	}
	return lacking
}

func (s *Files) isWhole(f lms.File) bool { return len(lacking(s.holds(f))) == 0 }

// eachPage visits all rows by id.
func (s *Files) eachPage(ctx context.Context, visit func([]lms.File) error) error {
	for after := ""; ; {
		rows, err := s.cfg.List(ctx, after, rowsPerPage)
		if err != nil {
			return fmt.Errorf("list the files: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := visit(rows); err != nil {
			return err
		}
		last := rows[len(rows)-1].ID
		if last <= after {
			return fmt.Errorf("list the files: %q after %q", last, after)
		}
		after = last
	}
}

// job is a chunk to fetch or a marker to set.
type job struct {
	file   lms.File
	number int
	have   bool            // the bytes are here, only the marker is not
	from   map[string]bool // who has the bytes
}

// catchUp fetches chunks and markers of files from the peers that hold them, and adds what of complete files could not be had.
func (s *Files) catchUp(ctx context.Context, files []lms.File, m *missed) {
	members, err := s.peers.list(ctx)
	if err != nil {
		s.log.Warn("the members are not known", "err", err)
	}
	others := s.peers.others(members)
	found := s.peers.survey(ctx, others, files)
	// A node that is no member, or not yet, does not know whom to ask.
	askedAll := err == nil && len(others) == len(members)-1 && len(found) == len(others)
	var jobs []job
	for i, f := range files {
		here := s.holds(f)
		arrived := make([]held, len(here))
		for _, h := range found {
			merge(arrived, h[i])
		}
		for number, h := range here {
			switch j := (job{file: f, number: number, have: h&heldChunk != 0, from: map[string]bool{}}); {
			case h == heldBoth:
			case !f.Complete() && (h|arrived[number])&heldMarker == 0: // it was not sent for this file
			default:
				for id, theirs := range found {
					if theirs[i][number]&heldChunk != 0 {
						j.from[id] = true
					}
				}
				switch {
				case j.have || len(j.from) > 0:
					s.progress.back(j)
					delete(m.gone, f.Chunks[number]) // found gone in an earlier page, of another file
					jobs = append(jobs, j)
				case !f.Complete():
				case askedAll || s.progress.isGone(f.Chunks[number]): // a member that is away now has said so before
					m.gone[f.Chunks[number]] = owner{f.ID, f.CourseID}
				default:
					m.add(j)
				}
			}
		}
	}
	for _, j := range s.work(ctx, jobs) {
		m.add(j)
	}
}

// work does the jobs, a few at a time, and returns those of complete files that failed.
func (s *Files) work(ctx context.Context, jobs []job) (failed []job) {
	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range min(workers, len(jobs)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(jobs) && ctx.Err() == nil; i = next.Add(1) - 1 {
				j := jobs[i]
				err := s.do(ctx, j)
				if err != nil {
					s.log.Warn("a chunk cannot be fetched yet", "file", j.file.ID, "chunk", j.number, "err", err)
				}
				switch {
				case !j.file.Complete():
				case err != nil:
					mu.Lock()
					failed = append(failed, j)
					mu.Unlock()
				default:
					s.progress.arrived(j)
				}
			}
		})
	}
	wg.Wait()
	return failed
}

// bytes is how many the job brings.
func (j job) bytes() int64 {
	if j.have {
		return 0
	}
	return int64(lms.ChunkLen(j.file.Size, j.number))
}

func (s *Files) do(ctx context.Context, j job) error {
	hash := j.file.Chunks[j.number]
	// Two files of the pass may share the chunk; touch also keeps it from being removed as an orphan meanwhile.
	if !s.disk.touch(hash) || !j.have && !s.sound(j.file, j.number) {
		if err := s.fetchFrom(ctx, hash, j.from); err != nil {
			return err
		}
	}
	return s.disk.mark(j.file.ID, j.number, hash)
}

// sound reports whether the chunk lies on the disk in its full length.
func (s *Files) sound(f lms.File, number int) bool {
	chunk, _ := s.disk.holds(f.ID, number, f.Chunks[number], lms.ChunkLen(f.Size, number))
	return chunk
}
