package consensus

import (
	"cmp"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/hashicorp/raft"

	"trivium/consensus/internal/fault"
)

// Config describes a node. The zero value of every optional field is its default.
type Config struct {
	ID      string   // unique for ever; a wiped node comes back under a new one
	Dir     string   // holds the log and the database
	Address string   // of the cluster port, as the other nodes reach it; default the network's
	Network *Network // carries Raft and forwarded requests

	Bootstrap bool // start a new cluster of this one node if Dir is empty

	Timing           string        // profile of the next three, "fast" (default) or "classroom": see Timings
	HeartbeatTimeout time.Duration // default 500 ms
	ElectionTimeout  time.Duration // default 500 ms
	LeaseTimeout     time.Duration // how long a leader is one after a majority confirmed it; default 250 ms
	HoldTimeout      time.Duration // how long requests wait for a leader; default 10 s
	MaxHeld          int           // default 1,000
	TrailingLogs     uint64        // entries kept behind a snapshot; default 10,240
	SnapshotEvery    uint64        // entries between snapshots; default 8,192
	SnapshotInterval time.Duration // how often it is looked at; default 30 s
	ReadTimeout      time.Duration // of one query; default 2 s
	KeepKeys         time.Duration // how long results are kept under their keys; default 200 days
	DiskTimeout      time.Duration // a node whose disk completes no fsync for so long stops; default 2 s
	MaxClockSkew     time.Duration // a node whose clock is farther off the others' does not lead; default 2 s

	Quarantine uint64 // entry of the log that every node is told to leave out, because none can apply it; 0: none
	Format     int    // newest format to begin to write, to hold an upgrade back; default: the newest of the program
	CheckEvery uint64 // entries after which the nodes compare their data; default 1,000

	Reserve  int64 // bytes set aside for a disk that is full; default 32 MiB, at most a twentieth of the disk
	LowSpace int64 // free bytes below which the node gives its leadership away; default 96 MiB, at most a tenth of the disk

	FreeSpace func(dir string) (free, total int64, err error) // instead of asking the system; for simulations

	Transport raft.Transport // instead of one over Network; for simulations
	LogStore  LogStore       // instead of the write-ahead log in Dir; for simulations

	Logger *slog.Logger     // default slog.Default
	Fatal  func(err error)  // called on a storage error; default logs and exits with status 1
	Now    func() time.Time // default time.Now
	// Events gets what this node sees and does, in lines such as "Node n1 became the leader for term 3."; one call at a
	// time. Nothing waits for it: lines that it is too slow for are lost, and of a busy node's single entries only some are told.
	Events func(line string)
}

// LogStore is what Raft keeps its log and its vote in.
type LogStore interface {
	raft.LogStore
	raft.StableStore
}

func (c Config) withDefaults() (Config, error) {
	if c.ID == "" || c.Dir == "" {
		return c, errors.New("consensus: a node needs an id and a folder")
	}
	if c.Network == nil && c.Transport == nil {
		return c, errors.New("consensus: a node needs a network")
	}
	if c.Address == "" && c.Transport != nil {
		c.Address = string(c.Transport.LocalAddr())
	}
	if c.Address == "" {
		c.Address = c.Network.Addr().String()
	}
	t, err := Timing{c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout}.Complete(c.Timing)
	if err != nil {
		return c, err
	}
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout = t.Heartbeat, t.Election, t.Lease
	c.HoldTimeout = cmp.Or(c.HoldTimeout, 10*time.Second)
	c.MaxHeld = cmp.Or(c.MaxHeld, 1000)
	c.TrailingLogs = cmp.Or(c.TrailingLogs, fault.Number("TRAILING", 10240))
	c.SnapshotEvery = cmp.Or(c.SnapshotEvery, fault.Number("SNAPSHOT", 8192))
	c.SnapshotInterval = cmp.Or(c.SnapshotInterval, time.Duration(fault.Number("SNAPSHOT_MS", 30_000))*time.Millisecond)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, 2*time.Second)
	c.KeepKeys = cmp.Or(c.KeepKeys, 200*24*time.Hour)
	c.DiskTimeout = cmp.Or(c.DiskTimeout, 2*time.Second)
	c.MaxClockSkew = cmp.Or(c.MaxClockSkew, 2*time.Second)
	c.Format = min(cmp.Or(c.Format, knownFormat), knownFormat)
	c.CheckEvery = cmp.Or(c.CheckEvery, fault.Number("CHECK", 1000))
	c.Reserve = cmp.Or(c.Reserve, 32<<20)
	c.LowSpace = cmp.Or(c.LowSpace, 96<<20)
	if c.FreeSpace == nil {
		c.FreeSpace = freeSpace
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = fault.Now
	}
	if c.Fatal == nil {
		logger := c.Logger
		c.Fatal = func(err error) {
			logger.Error(Reason(err), "error", err)
			os.Exit(1)
		}
	}
	return c, nil
}

func (c Config) raft() *raft.Config {
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(c.ID)
	rc.HeartbeatTimeout, rc.ElectionTimeout, rc.LeaderLeaseTimeout = c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout
	rc.TrailingLogs, rc.SnapshotThreshold, rc.SnapshotInterval = c.TrailingLogs, c.SnapshotEvery, c.SnapshotInterval
	rc.NoSnapshotRestoreOnStart = true // the database is already in place: see snapshots.List
	rc.NoLegacyTelemetry = true
	rc.ShutdownOnRemove = false // a removed node keeps answering for itself until it is closed
	rc.Logger = raftLogger{c.Logger.With("part", "raft")}
	return rc
}
