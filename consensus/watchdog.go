package consensus

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	probeEvery = 250 * time.Millisecond
	probeTick  = 100 * time.Millisecond
	pauseGap   = time.Second // between ticks: the process was stopped, not the disk
)

// watchDisk stops the node when its disk completes no fsync for DiskTimeout. Raft alone stays leader on a frozen disk for
// ever: its heartbeats need no disk, and every write fails.
func (db *DB) watchDisk() {
	f, err := os.OpenFile(filepath.Join(db.config.Dir, "probe"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		db.fatal("open the disk probe", err)
		return
	}
	w := diskWatch{limit: db.config.DiskTimeout}
	w.success(time.Now())
	go w.probe(f, db.stop, func(err error) { db.fatal("disk probe", err) }) // may hang on a frozen disk: nobody waits for it
	tick := time.NewTicker(probeTick)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := w.tick(time.Now()); err != nil {
				db.fatal("disk", err)
				return
			}
		case <-db.stop:
			return
		}
	}
}

// diskWatch decides from the times of the last fsync and of its own ticks.
type diskWatch struct {
	limit   time.Duration
	last    atomic.Pointer[time.Time] // last success
	ticked  time.Time
	resumed time.Time // end of the last pause of the process: the disk has from then on to answer
}

func (w *diskWatch) success(now time.Time) { w.last.Store(&now) }

func (w *diskWatch) tick(now time.Time) error {
	if !w.ticked.IsZero() && now.Sub(w.ticked) > pauseGap {
		w.resumed = now
	}
	w.ticked = now
	since := *w.last.Load()
	if w.resumed.After(since) {
		since = w.resumed
	}
	if stuck := now.Sub(since); stuck > w.limit {
		return fmt.Errorf("no fsync completed for %s", stuck.Round(time.Millisecond))
	}
	return nil
}

func (w *diskWatch) probe(f *os.File, stop <-chan struct{}, fail func(error)) {
	defer f.Close()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for n := byte(0); ; n++ {
		_, err := f.WriteAt([]byte{n}, 0)
		if err == nil {
			err = f.Sync()
		}
		if err != nil {
			fail(err)
			return
		}
		w.success(time.Now())
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}
