package consensus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// divergedFile says that a majority had other data than this node. It stays until the directory is emptied.
const divergedFile = "DIVERGED"

const (
	compareEvery = time.Second
	comparePause = 30 * time.Second // after a mark, how long the others are asked for theirs
)

// DivergedError says that this node's data are not those of the others.
type DivergedError struct {
	Node string
	At   uint64 // place in the log at which it was found
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("the data of node %s differ from those of a majority at entry %d, so it must not serve them: remove it from the cluster "+
		"and let it join again under a new name with an empty directory", e.Node, e.At)
}

// checkDiverged refuses to start a node that was found to differ.
func checkDiverged(c Config) error {
	p, err := os.ReadFile(filepath.Join(c.Dir, divergedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	e := &DivergedError{Node: c.ID}
	json.Unmarshal(p, e) // what it says matters less than that it is there
	return e
}

func (db *DB) serveMarks(w http.ResponseWriter, _ *http.Request) {
	json.NewEncoder(w).Encode(db.machine.checks.list())
}

func (db *DB) marksOf(ctx context.Context, address string) (marks []rowMark, err error) {
	status, body, err := db.call(ctx, http.MethodGet, address, "/marks", nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d", status)
	}
	if err == nil {
		err = json.Unmarshal(body, &marks)
	}
	return marks, err
}

// compare looks after each mark whether the others came to the same.
func (db *DB) compare() {
	tick := time.NewTicker(compareEvery)
	defer tick.Stop()
	var last time.Time
	told := map[string]uint64{} // by node: the last difference that was logged
	for {
		select {
		case <-db.machine.checks.taken:
			last = time.Now()
			continue
		case <-tick.C:
		case <-db.stop:
			return
		}
		if last.IsZero() || time.Since(last) > comparePause || !db.hasPeers() {
			continue
		}
		ctx, cancel := context.WithTimeout(db.life, nodesTimeout)
		at := db.compareOnce(ctx, told)
		cancel()
		if at > 0 {
			db.diverged(at)
			return
		}
	}
}

// compareOnce asks every voter, and returns the place at which a majority contradicts this node, or 0.
func (db *DB) compareOnce(ctx context.Context, told map[string]uint64) uint64 {
	future := db.raft.GetConfiguration()
	if future.Error() != nil {
		return 0
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	voters, others := 0, map[string][]rowMark{}
	for _, s := range future.Configuration().Servers {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if string(s.ID) == db.config.ID {
			continue
		}
		wg.Go(func() {
			marks, err := db.marksOf(ctx, string(s.Address))
			if err != nil {
				return // down, or of a version that takes no marks
			}
			mu.Lock()
			others[string(s.ID)] = marks
			mu.Unlock()
		})
	}
	wg.Wait()
	own := db.machine.checks.list()
	r := compareMarks(own, others, voters)
	for id, at := range r.differ {
		if told[id] < at {
			told[id] = at
			db.metrics.differences.Inc()
			db.config.Logger.Error("the data of two nodes differ", "this", db.config.ID, "other", id, "entry", at)
		}
	}
	if r.agreed > db.checked.Load() {
		db.checked.Store(r.agreed)
		db.config.Logger.Debug("the data of a majority are the same", "entry", r.agreed)
	}
	return r.minority
}

type comparison struct {
	differ   map[string]uint64 // by node: the last place at which it has something else
	minority uint64            // the place at which a majority has something else, all the same
	agreed   uint64            // the last place at which a majority has the same rows as this node
}

func compareMarks(own []rowMark, others map[string][]rowMark, voters int) comparison {
	r := comparison{differ: map[string]uint64{}}
	for _, k := range own {
		values, same := map[string]int{}, 1
		for id, marks := range others {
			for _, o := range marks {
				if o.Index != k.Index || o.Version != k.Version {
					continue
				}
				rows := k.Rows != "" && o.Rows != "" && o.Part == k.Part && o.Parts == k.Parts
				if rows && o.Rows == k.Rows {
					same++
				}
				if rows && o.Rows != k.Rows || k.Effects != "" && o.Effects != "" && o.Effects != k.Effects {
					r.differ[id] = max(r.differ[id], k.Index)
					values[cmp.Or(o.Rows, o.Effects)]++
				}
			}
		}
		for _, n := range values {
			if n >= voters/2+1 {
				r.minority = k.Index
			}
		}
		if same >= voters/2+1 {
			r.agreed = max(r.agreed, k.Index)
		}
	}
	return r
}

// diverged stops the node, and keeps it from starting again with these data.
func (db *DB) diverged(at uint64) {
	e := &DivergedError{Node: db.config.ID, At: at}
	p, err := json.Marshal(e)
	if err == nil {
		err = os.WriteFile(filepath.Join(db.config.Dir, divergedFile), p, 0o600)
	}
	if err == nil {
		err = syncDir(db.config.Dir)
	}
	db.fatal("compare the data", errors.Join(e, err))
}
