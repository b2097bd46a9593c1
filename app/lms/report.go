package lms

import "time"

// NodeReport is what one node tells of itself, for administrators.
type NodeReport struct {
	Node    string    `json:"node"`
	State   string    `json:"state"`            // "leader", "follower", "candidate", "suspended" or "stopped"
	Leader  string    `json:"leader,omitempty"` // id; empty: none known
	At      time.Time `json:"at"`               // by its own clock
	Since   time.Time `json:"since"`            // start of the process
	Contact time.Time `json:"contact"`          // last time it was in touch with the majority
	Version string    `json:"version"`          // of the program
	Runtime string    `json:"runtime"`          // Go release, system and processor

	Term    uint64 `json:"term"`
	Commit  uint64 `json:"commit"`
	Applied uint64 `json:"applied"`
	LeaseMs int64  `json:"leaseMs"` // how long it may go on answering reads as leader without asking; 0: it has no lease

	Candidacies uint64            `json:"candidacies"` // elections it has started
	Elections   uint64            `json:"elections"`   // elections it has won
	Renewals    uint64            `json:"renewals"`    // of its lease
	Sent        map[string]uint64 `json:"sent"`        // messages by kind
	Received    map[string]uint64 `json:"received"`

	FreeBytes   int64 `json:"freeBytes"` // of the disk with its data
	TotalBytes  int64 `json:"totalBytes"`
	LowSpace    bool  `json:"lowSpace"`
	MemoryBytes int64 `json:"memoryBytes"` // of the process, as its runtime has it from the system
	Goroutines  int   `json:"goroutines"`

	Figures map[string]float64 `json:"figures"` // counters since Since, by the name of their metric without prefix and suffix
	Samples []NodeSample       `json:"samples"` // of the last minutes, oldest first
	Write   Latency            `json:"write"`   // of writes since Since
	Apply   Latency            `json:"apply"`   // of entries applied since Since
	Events  []LogEvent         `json:"events"`  // the last warnings and errors, newest first
}

// NodeSample is a short time of a node.
type NodeSample struct {
	At      time.Time `json:"at"`      // its end
	Entries float64   `json:"entries"` // applied per second
	Writes  float64   `json:"writes"`  // through this node, per second
	P50     float64   `json:"p50"`     // of these writes, ms; 0: there were none
	P95     float64   `json:"p95"`
	P99     float64   `json:"p99"`
}

// Latency has percentiles in milliseconds, as exact as the buckets of the histogram are narrow.
type Latency struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
}

// LogEvent is a line of a node's log.
type LogEvent struct {
	At      time.Time `json:"at"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
}

// NodeTexts are the texts that a node renders for people who study it (CLUSTER-21, CLUSTER-22).
var NodeTexts = []string{"logs.txt", "metadata.txt", "dump.txt"}
