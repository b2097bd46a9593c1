package consensus_test

import (
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// stops collects why nodes stopped.
type stops struct {
	mu  sync.Mutex
	why map[string]error
}

func (s *stops) option(c *consensus.Config) {
	id := c.ID
	c.Fatal = func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.why[id] = err
	}
}

func (s *stops) of(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why[id]
}

// TestNodeWithOtherDataStops plants a divergence, in a follower and in the leader: a row of one node's file is changed
// behind its back.
func TestNodeWithOtherDataStops(t *testing.T) {
	for _, role := range []string{"follower", "leader"} {
		t.Run(role, func(t *testing.T) {
			s := &stops{why: map[string]error{}}
			c := consensustest.Cluster(t, 3, s.option, func(c *consensus.Config) { c.CheckEvery = 10 })
			write := func(n *consensustest.Node) {
				t.Helper()
				if err := insert(n.DB, `INSERT INTO t VALUES (1)`, false); err != nil {
					t.Fatal(err)
				}
			}
			if err := insert(c.Leader().DB, `CREATE TABLE t (a INTEGER) STRICT`, false); err != nil {
				t.Fatal(err)
			}
			bad := c.Follower()
			if role == "leader" {
				bad = c.Leader()
			}
			// Where hashing is slow beside the writes only some places are hashed, so the writes go on until enough were.
			for _, n := range c.Nodes {
				until(t, n.ID+" agrees with the others", func() bool {
					insert(n.DB, `INSERT INTO t VALUES (1)`, false)
					return n.DB.Status().Checked > 10
				})
			}
			plant(t, bad, `UPDATE t SET a = 2 WHERE rowid = 7`)
			until(t, "the node with other data stops", func() bool {
				for _, n := range c.Nodes {
					if n != bad {
						insert(n.DB, `INSERT INTO t VALUES (1)`, false)
					}
				}
				return s.of(bad.ID) != nil
			})
			var diverged *consensus.DivergedError
			if err := s.of(bad.ID); !errors.As(err, &diverged) || diverged.Node != bad.ID {
				t.Errorf("it stopped with %v", err)
			}
			for _, n := range c.Nodes {
				if n == bad {
					continue
				}
				if err := s.of(n.ID); err != nil {
					t.Errorf("%s stopped as well: %v", n.ID, err)
				}
				write(n)
			}
			c.Stop(c.Index(bad))
			_, err := consensus.Open(consensus.Config{ID: bad.ID, Dir: bad.Dir, Network: bad.Network, Logger: slog.New(slog.DiscardHandler)})
			if !errors.As(err, &diverged) {
				t.Errorf("it starts again: %v", err)
			}
		})
	}
}

func plant(t *testing.T, n *consensustest.Node, q string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(n.Dir, "state", "g1", "db")+"?_busy_timeout=10000")
	if err == nil {
		_, err = db.Exec(q)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
