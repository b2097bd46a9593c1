package lms

import (
	"fmt"
	"strings"
	"time"
)

// StaleReads is how long a node that is in touch with no majority answers reads, unless it is told otherwise.
const StaleReads = time.Hour

// Cluster is how the nodes stand, as one of them sees it.
type Cluster struct {
	Node       string        `json:"node"`             // the node that answered
	Leader     string        `json:"leader,omitempty"` // id; empty: none
	State      string        `json:"state"`            // of the node that answered: "leader", "follower", "candidate" or "stopped"
	Term       uint64        `json:"term"`
	Commit     uint64        `json:"commit"`  // as the node that answered knows it
	Applied    uint64        `json:"applied"` // entries in its database
	LeaseMs    int64         `json:"leaseMs"` // for so long it answers reads as leader without asking; 0: it has no lease
	Nodes      []ClusterNode `json:"nodes"`
	Health     Health        `json:"health"`
	Warnings   []string      `json:"warnings,omitempty"` // of the node that answered: what needs a person
	Version    string        `json:"version"`            // of the program
	AppVersion string        `json:"appVersion"`
}

// ClusterNode is one member of the cluster.
type ClusterNode struct {
	ID      string `json:"id"`
	Address string `json:"address"`          // of the cluster port
	Origin  string `json:"origin,omitempty"` // where people reach it, such as https://lms1.example.edu
	Voter   bool   `json:"voter"`
	Replica bool   `json:"replica,omitempty"` // serves reads without a vote; a node without a vote that is none is joining
	Leader  bool   `json:"leader,omitempty"`
	Up      bool   `json:"up"`
	Applied uint64 `json:"applied,omitempty"` // index of the last entry in its database
	Commit  uint64 `json:"commit,omitempty"`
	Lag     uint64 `json:"lag,omitempty"` // entries behind the leader's commit index
	Error   string `json:"error,omitempty"`

	LowSpace     bool   `json:"lowSpace,omitempty"`     // its disk is almost full: it does not want to lead
	SpaceMessage string `json:"spaceMessage,omitempty"` // what to do about it

	ClockSkewMs  int64  `json:"clockSkewMs,omitempty"`  // its clock is so much ahead of the others'
	ClockMessage string `json:"clockMessage,omitempty"` // what to do about it, if it is too much

	Files *FileCopy `json:"files,omitempty"` // nil: it is away, or the node that answered is of a version that does not ask
}

// Copying reports whether files are still being copied to the node, so that it does not protect them all.
func (n ClusterNode) Copying() bool { return n.Files != nil && !n.Files.Whole }

// Behind reports whether the node's database lacks much of what the leader's has.
func (n ClusterNode) Behind() bool { return n.Lag > 500 }

// FilesMessage says in plain words that files are still being copied to the node; "" if they are not.
func (n ClusterNode) FilesMessage() string {
	if !n.Copying() {
		return ""
	}
	return fmt.Sprintf("Files are still being copied to %s: %s. It goes on by itself; until then %s does not protect them all.", n.ID, n.Files.Left(), n.ID)
}

// FileCopy is how complete a node's copy of the files is.
type FileCopy struct {
	Whole   bool  `json:"whole"`             // it has every file that a node has, but for what was handed in a moment ago
	Missing int64 `json:"missing,omitempty"` // parts that it lacks
	Bytes   int64 `json:"bytes,omitempty"`   // of them
	Gone    int64 `json:"gone,omitempty"`    // parts that no node has
	Silent  bool  `json:"silent,omitempty"`  // it did not tell
}

// Left says how much is to be copied yet.
func (c FileCopy) Left() string {
	switch {
	case c.Silent:
		return "it has not told yet how much it lacks"
	case c.Missing == 0:
		return "it still looks how much it lacks"
	}
	return FormatBytes(c.Bytes) + " to go"
}

// SpaceMessageOf says in plain words that the disk of a node is almost full, and what to do; "" if it is not.
func SpaceMessageOf(node string, low bool, free int64) string {
	if !low {
		return ""
	}
	return fmt.Sprintf("The disk of %s is almost full (%s free). Make space or give it a larger disk: it no longer leads, and stops when nothing is left. It goes on by itself once there is space.",
		node, FormatBytes(max(free, 0)))
}

// MaxClockSkew is how far a node's clock may be off the others'. Beyond that the node does not lead.
const MaxClockSkew = 2 * time.Second

// ClockMessageOf says in plain words that the clock of a node is off, and what to do; "" if it is not.
func ClockMessageOf(node string, skew time.Duration) string {
	if skew.Abs() <= MaxClockSkew {
		return ""
	}
	direction := "ahead"
	if skew < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("The clock of %s is %s %s. Turn on its time service (NTP; on most systems: timedatectl set-ntp true). Until its clock is right another node should lead, and does if a majority of the nodes is up.",
		node, roughly(skew.Abs()), direction)
}

// roughly is a duration in the unit that a person would choose.
func roughly(d time.Duration) string {
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if n := int(d.Round(u.size) / u.size); d >= u.size && n == 1 {
			return "1 " + u.name
		} else if d >= u.size {
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return fmt.Sprintf("%d seconds", int(d.Round(time.Second)/time.Second))
}

// NodeHash is a hash over the sorted rows of every table of one node. Two nodes at the same index have the same hash.
type NodeHash struct {
	Node  string `json:"node"`
	Index uint64 `json:"index"`
	Hash  string `json:"hash"`
}

// HealthLevel colours a health sentence.
type HealthLevel string

// The levels of health.
const (
	HealthGood HealthLevel = "good"
	HealthWarn HealthLevel = "warn"
	HealthBad  HealthLevel = "bad"
)

// Health says in a layperson's words what the cluster survives.
type Health struct {
	Level    HealthLevel `json:"level"`
	Summary  string      `json:"summary"`
	Detail   string      `json:"detail"`
	Voters   int         `json:"voters"`
	Up       int         `json:"up"`             // voters that answer
	Survives int         `json:"survives"`       // further voters that may fail before writes stop
	Gone     int64       `json:"gone,omitempty"` // parts of files that no node has
}

// HealthOfNodes describes a cluster of these nodes. A voter to which files are still being copied does not protect them all, so that
// it is not counted among those that may take over from another one. What no node has any more is told first.
func HealthOfNodes(nodes []ClusterNode) Health {
	voters, up, everywhere, gone := 0, 0, true, int64(0)
	var copying []string
	for _, n := range nodes {
		everywhere = everywhere && n.Up && n.Files != nil && n.Files.Whole && !n.Behind()
		if n.Files != nil {
			gone = max(gone, n.Files.Gone)
		}
		if n.Voter {
			voters++
		}
		if n.Voter && n.Up {
			up++
			if n.Copying() {
				copying = append(copying, n.ID)
			}
		}
	}
	rest := ""
	if gone > 0 {
		rest = "else "
	}
	h := healthOf(voters, up, rest)
	switch {
	case h.Level == HealthBad:
		return h
	case voters == 1:
	case len(copying) > 0:
		h.copying(copying, rest)
	case everywhere && h.Level == HealthGood:
		h.Detail = "Everything " + rest + "is on every node."
	case everywhere:
		h.Detail += " Everything " + rest + "is on every node."
	}
	if gone > 0 {
		h.lost(gone)
	}
	return h
}

// copying says that these of the voters do not protect all files yet.
func (h *Health) copying(nodes []string, rest string) {
	h.Level, h.Survives = HealthWarn, max(0, h.Survives-len(nodes))
	h.Summary = fmt.Sprintf("%d of %d up: files are still being copied to %s", h.Up, h.Voters, strings.Join(nodes, ", "))
	may := "no further node may fail"
	if h.Survives > 0 {
		may = fmt.Sprintf("%d more may fail", h.Survives)
	}
	h.Detail = fmt.Sprintf("Everything works and nothing %sis lost. The copying goes on by itself; until it is done %s, and none should be removed.", rest, may)
	if h.Up < h.Voters {
		h.Detail += " Start the missing nodes or replace them."
	}
}

// lost puts before the rest that no node has these parts of files.
func (h *Health) lost(parts int64) {
	h.Detail = "They were lost with a disk or a machine. The files that they belong to cannot be opened; all others can. An old disk or a backup may still have them: " +
		"the operating guide says how to bring them back (\"Parts of files are on no node\"). Besides: " + h.Summary + ". " + h.Detail
	h.Level, h.Gone, h.Summary = HealthBad, parts, GoneMessage(parts)
}

// GoneMessage says that no node has these parts of files.
func GoneMessage(parts int64) string {
	if parts == 1 {
		return "1 part of a file is on no node"
	}
	return fmt.Sprintf("%d parts of files are on no node", parts)
}

// HealthOf describes a cluster with so many voters, so many of which answer (INSTALL-3).
func HealthOf(voters, up int) Health { return healthOf(voters, up, "") }

// healthOf is HealthOf. rest is "else " when something else is lost, and empty otherwise.
func healthOf(voters, up int, rest string) Health {
	h := Health{Voters: voters, Up: up, Survives: max(0, up-(voters/2+1))}
	switch {
	case up < voters/2+1:
		h.Level = HealthBad
		h.Summary = fmt.Sprintf("%d of %d nodes down: read only, nothing lost", voters-up, voters)
		h.Detail = "A majority of the nodes must answer before anything can be saved. Start the missing nodes; service returns by itself."
	case voters == 1:
		h.Level = HealthWarn
		h.Summary = "1 of 1: no protection"
		h.Detail = "There is a single node. Add two more, and any one of the three may fail."
	case up < voters && h.Survives == 0:
		h.Level = HealthWarn
		h.Summary = fmt.Sprintf("%d of %d up: work continues, replace the missing node", up, voters)
		h.Detail = "Everything works and nothing " + rest + "is lost, but no further node may fail. Start the missing node or replace it."
	case up < voters:
		h.Level = HealthWarn
		h.Summary = fmt.Sprintf("%d of %d up: work continues, %d more may fail", up, voters, h.Survives)
		h.Detail = "Everything works and nothing " + rest + "is lost. Start the missing nodes or replace them."
	case h.Survives == 0:
		h.Level = HealthWarn
		h.Summary = fmt.Sprintf("%d of %d healthy: none may fail", up, voters)
		h.Detail = "An even number of nodes protects no better than one fewer. Add one node."
	case h.Survives == 1:
		h.Level = HealthGood
		h.Summary = fmt.Sprintf("%d of %d healthy: any one may fail", up, voters)
		h.Detail = "Everything " + rest + "that Trivium confirmed is on a majority of the nodes' disks."
	default:
		h.Level = HealthGood
		h.Summary = fmt.Sprintf("%d of %d healthy: any %d may fail", up, voters, h.Survives)
		h.Detail = "Everything " + rest + "that Trivium confirmed is on a majority of the nodes' disks."
	}
	return h
}
