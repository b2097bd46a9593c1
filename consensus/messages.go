package consensus

import (
	"sync/atomic"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
)

// messageKind is a kind of message between nodes. Questions are counted, not their answers.
type messageKind int

const (
	msgHeartbeat messageKind = iota
	msgAppend
	msgVote
	msgPreVote
	msgSnapshot
	msgTransfer
	msgForward
	msgReadIndex
	msgMember
	msgStatus
	messageKinds
)

var messageNames = [messageKinds]string{"heartbeat", "append", "vote", "prevote", "snapshot", "transfer", "forward", "readindex", "member", "status"}

// tally counts messages by kind.
type tally [messageKinds]atomic.Uint64

func (t *tally) count(k messageKind) { t[k].Add(1) }

// byName returns the counts, zeroes included.
func (t *tally) byName() map[string]uint64 {
	m := make(map[string]uint64, messageKinds)
	for k := range t {
		m[messageNames[k]] = t[k].Load()
	}
	return m
}

func kindOf(command any) (messageKind, bool) {
	switch c := command.(type) {
	case *raft.AppendEntriesRequest:
		if isHeartbeat(c) {
			return msgHeartbeat, true
		}
		return msgAppend, true
	case *raft.RequestVoteRequest:
		return msgVote, true
	case *raft.RequestPreVoteRequest:
		return msgPreVote, true
	case *raft.InstallSnapshotRequest:
		return msgSnapshot, true
	case *raft.TimeoutNowRequest:
		return msgTransfer, true
	}
	return 0, false
}

// isHeartbeat: Raft's heartbeats say nothing of the log.
func isHeartbeat(r *raft.AppendEntriesRequest) bool {
	return r.PrevLogEntry == 0 && len(r.Entries) == 0 && r.LeaderCommitIndex == 0
}

var rpcKinds = map[string]messageKind{"/apply": msgForward, "/readindex": msgReadIndex, "/member": msgMember, "/status": msgStatus}

// messageCounts shows the messages and the latencies as metrics.
type messageCounts struct{ db *DB }

func (m messageCounts) describe() (messages, latency *prometheus.Desc) {
	labels := prometheus.Labels{"node": m.db.config.ID}
	return prometheus.NewDesc("trivium_consensus_messages_total", "Messages between nodes, without answers.", []string{"direction", "type"}, labels),
		prometheus.NewDesc("trivium_consensus_latency_seconds", "Percentiles of this node's requests of the last minute.", []string{"request", "quantile"}, labels)
}

// Describe implements prometheus.Collector.
func (m messageCounts) Describe(out chan<- *prometheus.Desc) {
	messages, latency := m.describe()
	out <- messages
	out <- latency
}

// Collect implements prometheus.Collector.
func (m messageCounts) Collect(out chan<- prometheus.Metric) {
	messages, latency := m.describe()
	for k := range messageKinds {
		out <- prometheus.MustNewConstMetric(messages, prometheus.CounterValue, float64(m.db.sent[k].Load()), "sent", messageNames[k])
		out <- prometheus.MustNewConstMetric(messages, prometheus.CounterValue, float64(m.db.received[k].Load()), "received", messageNames[k])
	}
	for request, times := range map[string]*latencies{"write": &m.db.writeTimes, "read": &m.db.readTimes} {
		s := times.summary()
		for quantile, d := range map[string]float64{"0.5": s.P50.Seconds(), "0.95": s.P95.Seconds(), "0.99": s.P99.Seconds()} {
			out <- prometheus.MustNewConstMetric(latency, prometheus.GaugeValue, d, request, quantile)
		}
	}
}
