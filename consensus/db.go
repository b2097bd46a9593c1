package consensus

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"
)

// Errors of Apply and Query. Test with errors.Is.
var (
	// ErrUnavailable: no leader, or no majority, within the hold time. Nothing was changed.
	ErrUnavailable = errors.New("consensus: no majority")
	// ErrUnknown: the write was proposed but its outcome could not be learned. A repeat with the same key settles it.
	ErrUnknown = errors.New("consensus: outcome unknown")
	// ErrKeyConflict: the key was used before with other content.
	ErrKeyConflict = errors.New("consensus: key reused with other content")
	// ErrConstraint: a statement violated a constraint of the schema. Nothing was changed.
	ErrConstraint = errors.New("consensus: constraint violated")
	// ErrBusy: too many requests are held on this node. Nothing was changed.
	ErrBusy = errors.New("consensus: too many requests are waiting")
	// ErrMembership: the change of membership is refused (would lose the majority, one is under way, unknown node …).
	ErrMembership = errors.New("consensus: membership change refused")
)

// Config describes a node. The zero value of every optional field is its default.
type Config struct {
	ID      string   // unique for ever; a wiped node comes back under a new one
	Dir     string   // holds the log and the database
	Address string   // of the cluster port, as the other nodes reach it
	Network *Network // carries Raft and forwarded requests

	Bootstrap bool // start a new cluster of this one node if Dir is empty

	HeartbeatTimeout time.Duration // default 500 ms
	ElectionTimeout  time.Duration // default 500 ms
	LeaseTimeout     time.Duration // default 250 ms
	HoldTimeout      time.Duration // how long requests wait for a leader; default 10 s
	MaxHeld          int           // default 1,000
	TrailingLogs     uint64        // entries kept behind a snapshot; default 10,240
	SnapshotEvery    uint64        // entries between snapshots; default 8,192
	SnapshotInterval time.Duration // how often it is looked at; default 30 s
	ReadTimeout      time.Duration // of one query; default 2 s
	KeepKeys         time.Duration // how long results are kept under their keys; default 200 days

	Transport raft.Transport // instead of one over Network; for simulations
	LogStore  LogStore       // instead of the write-ahead log in Dir; for simulations

	Logger *slog.Logger     // default slog.Default
	Fatal  func(err error)  // called on a storage error; default logs and exits with status 1
	Now    func() time.Time // default time.Now
}

// LogStore is what Raft keeps its log and its vote in.
type LogStore interface {
	raft.LogStore
	raft.StableStore
}

// Level says how fresh a read must be.
type Level int

// The levels of a read.
const (
	Local        Level = iota // what this node has applied; with WaitIndex: a session read
	Linearizable              // everything that was acknowledged anywhere before the call
)

// Node is a member of the cluster as the replicated configuration has it, with what it last said of itself.
type Node struct {
	ID      string
	Address string
	Voter   bool
	Leader  bool
	Up      bool   // it answered
	Applied uint64 // 0 if it did not answer
	Commit  uint64
	Err     string // why it did not answer
}

// Status is how this node stands. It is cheap.
type Status struct {
	ID          string
	State       string // "leader", "follower", "candidate" or "stopped"
	Leader      string // id; empty: none known
	Term        uint64
	Commit      uint64
	Applied     uint64
	Ready       bool      // has applied what was committed when it started or last met a leader
	LastContact time.Time // last time this node was in touch with a majority (leader) or the leader (follower)
	Since       time.Time // start of this process's membership
}

// Event tells that batches with these topics have taken effect on this node.
type Event struct {
	Index  uint64
	Topics []string
	Lost   bool // the watcher was too slow and missed events: look at everything again
}

// Service names a protocol on the cluster port: the first byte of a connection.
type Service byte

// The services. Others belong to the application.
const (
	ServiceRaft Service = 'R'
	ServiceRPC  Service = 'C'
)

// DB is a node of the replicated database.
type DB struct{}

// Open starts the node. It returns when the database is open, not when the cluster has a leader: see WaitReady.
func Open(c Config) (*DB, error) { return nil, errors.ErrUnsupported }

// Apply replicates the batch and returns when a majority holds it and this node has applied it, so that a following
// local read shows it. On a follower the batch is forwarded; while there is no leader it is held up to HoldTimeout.
// Errors: the error of the Require that failed, ErrConstraint, ErrKeyConflict, ErrUnavailable, ErrUnknown, ErrBusy, an
// error of the SQL itself, or ctx's.
func (db *DB) Apply(ctx context.Context, b *Batch) (Result, error) {
	return Result{}, errors.ErrUnsupported
}

// Query runs one reading statement.
func (db *DB) Query(ctx context.Context, level Level, sql string, args ...any) (Rows, error) {
	return Rows{}, errors.ErrUnsupported
}

// WaitIndex waits until this node has applied the entry at index. ErrUnavailable when ctx ends or HoldTimeout passes first.
func (db *DB) WaitIndex(ctx context.Context, index uint64) error { return errors.ErrUnsupported }

// WaitReady waits until a leader is known and this node has applied what it had committed.
func (db *DB) WaitReady(ctx context.Context) error { return errors.ErrUnsupported }

// Applied is the index of the last entry in this node's database.
func (db *DB) Applied() uint64 { return 0 }

// Watch reports topics of batches as they take effect on this node, until ctx ends.
func (db *DB) Watch(ctx context.Context) <-chan Event { return nil }

// Status tells how this node stands.
func (db *DB) Status() Status { return Status{} }

// IsLeader reports whether this node leads and has applied an entry of its term. For work that one node should do;
// such work must stay correct when two nodes believe it for a moment.
func (db *DB) IsLeader() bool { return false }

// Nodes asks every member how it stands, for at most a second.
func (db *DB) Nodes(ctx context.Context) ([]Node, error) { return nil, errors.ErrUnsupported }

// Join adds a member, or changes its address. Any node may be asked. ErrMembership when another change is under way.
func (db *DB) Join(ctx context.Context, id, address string, voter bool) error {
	return errors.ErrUnsupported
}

// Remove removes a member, the leader too. Without force it refuses when the members that answer would be no majority
// of what remains.
func (db *DB) Remove(ctx context.Context, id string, force bool) error { return errors.ErrUnsupported }

// Transfer hands leadership to the member, or to the most advanced one when id is empty.
func (db *DB) Transfer(ctx context.Context, id string) error { return errors.ErrUnsupported }

// Backup writes a consistent copy of the database and returns the index it stands at.
func (db *DB) Backup(ctx context.Context, w io.Writer) (uint64, error) {
	return 0, errors.ErrUnsupported
}

// Hash returns a hash over the sorted rows of every table, and the index it stands at. Equal index, equal hash, on
// every node.
func (db *DB) Hash(ctx context.Context) (sum string, index uint64, err error) {
	return "", 0, errors.ErrUnsupported
}

// Close hands leadership over if it can, then stops the node. The network stays open.
func (db *DB) Close() error { return nil }
