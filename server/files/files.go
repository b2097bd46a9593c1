package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// Service is the file service on the cluster port.
const Service consensus.Service = 'F'

// Bounds of what one node does at a time.
const (
	maxReceiving = 256 // bodies that are being read: a descriptor and a small buffer each
	maxFetching  = 8   // chunks that are being fetched from peers
	maxHashing   = 2   // whole files that are being hashed
	maxPushing   = 16  // chunks on their way to one peer
)

// Member is a node that keeps files.
type Member struct {
	ID      string
	Address string // of its cluster port
	Voter   bool
}

// Config describes the file store of a node. The zero value of every optional field is its default.
type Config struct {
	Dir     string             // everything lies below; nobody else writes there
	Network *consensus.Network // carries the service between nodes
	Self    string             // id of this node

	// Members tells who belongs to the cluster, this node included. It is asked every two seconds at most. See MembersOf.
	Members func(ctx context.Context) ([]Member, error)
	// List returns up to limit rows of files whose id is greater than after, by id, with their chunks.
	List func(ctx context.Context, after string, limit int) ([]lms.File, error)

	Logger *slog.Logger    // default slog.Default
	Fatal  func(err error) // called when the disk fails; default logs and exits with status 1

	HoldTimeout time.Duration // how long a majority is waited for; default 10 s
	SyncEvery   time.Duration // how often every row is compared with the disk; default 2 min
	ScrubEvery  time.Duration // how often every chunk is read and compared with its hash; default 24 h
	OrphanAge   time.Duration // how long chunks that no row names are kept; default 24 h
}

// MembersOf makes Config.Members of the replicated configuration.
func MembersOf(db *consensus.DB) func(ctx context.Context) ([]Member, error) {
	return func(ctx context.Context) ([]Member, error) {
		nodes, err := db.Nodes(ctx)
		if err != nil {
			return nil, err
		}
		members := make([]Member, len(nodes))
		for i, n := range nodes {
			members[i] = Member{ID: n.ID, Address: n.Address, Voter: n.Voter}
		}
		return members, nil
	}
}

func (c *Config) validate() error {
	switch {
	case c.Dir == "":
		return errors.New("files: no directory")
	case c.Network == nil || c.Members == nil || c.List == nil:
		return errors.New("files: Network, Members and List are needed")
	case c.Self == "":
		return errors.New("files: no node id")
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.HoldTimeout = cmp.Or(c.HoldTimeout, 10*time.Second)
	c.SyncEvery = cmp.Or(c.SyncEvery, 2*time.Minute)
	c.ScrubEvery = cmp.Or(c.ScrubEvery, 24*time.Hour)
	c.OrphanAge = cmp.Or(c.OrphanAge, 24*time.Hour)
	if c.Fatal == nil {
		log := c.Logger
		c.Fatal = func(err error) {
			log.Error("the disk under the files failed, this node stops", "err", err)
			os.Exit(1)
		}
	}
	return nil
}

// Files is the file store of one node.
type Files struct {
	cfg   Config
	log   *slog.Logger
	disk  *disk
	peers *peers
	srv   *http.Server

	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	receiving chan struct{}
	hashing   chan struct{}
	fetching  chan struct{}
	kick      chan struct{}
	recheck   atomic.Bool // the next pass looks at every file, also at those that were whole
	count     counters
	progress  progress

	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
	sums   map[string]string // hash of a list of chunks -> SHA-256 of their content
}

// Open starts the file store of a node.
func Open(c Config) (*Files, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	s := &Files{cfg: c, log: c.Logger.With("part", "files"), receiving: make(chan struct{}, maxReceiving),
		fetching: make(chan struct{}, maxFetching), kick: make(chan struct{}, 1), hashing: make(chan struct{}, maxHashing), sums: map[string]string{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	var err error
	if s.disk, err = openDisk(c.Dir, c.Fatal); err != nil {
		s.cancel()
		return nil, fmt.Errorf("files: open %s: %w", c.Dir, err)
	}
	s.peers = newPeers(c.Network.Client(Service), c, s.goes)
	s.serve(c.Network.Listen(Service))
	for _, loop := range []func(){s.replicateLoop, s.scrubLoop, s.orphanLoop} {
		s.goes(loop)
	}
	return s, nil
}

// Close stops the service and waits for everything under way but the bodies that PutChunk reads and the open readers: stop
// what calls them before. The network stays open.
func (s *Files) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	err := s.srv.Close()
	s.wg.Wait()
	s.peers.client.CloseIdleConnections()
	return err
}

// Kick tells that rows of files have changed: the node looks soon for what it lacks. It never blocks.
func (s *Files) Kick() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// begin registers work that Close waits for. It reports false after Close.
func (s *Files) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	return true
}

// goes runs f in the background until it returns; Close waits for it.
func (s *Files) goes(f func()) bool {
	if !s.begin() {
		return false
	}
	go func() {
		defer s.wg.Done()
		f()
	}()
	return true
}

// sleep waits, and reports false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// check refuses rows that must not become paths.
func check(f lms.File) error {
	if !lms.ValidID(f.ID) {
		return lms.FieldErrorf(lms.KindInvalid, "id", "This is not the id of a file.")
	}
	if f.Size < 0 || len(f.Chunks) != lms.ChunkCount(f.Size) {
		return lms.FieldErrorf(lms.KindInvalid, "chunks", "The list of parts does not fit the size of the file. Choose the file again.")
	}
	for _, h := range f.Chunks {
		if !validHash(h) {
			return lms.FieldErrorf(lms.KindInvalid, "chunks", "A part's SHA-256 is malformed. Choose the file again.")
		}
	}
	return nil
}

func validHash(h string) bool {
	if len(h) != lms.FileHashSize {
		return false
	}
	for _, c := range []byte(h) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
