package consensus

import (
	"sync"
	"time"

	raftmetrics "github.com/hashicorp/go-metrics"
	raftprom "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	elections, leaderChanges, noops   prometheus.Counter
	candidacies                       prometheus.Counter
	entries, batches, refused, replay prometheus.Counter
	sent, received                    prometheus.Counter
	checked, unchecked, differences   prometheus.Counter
	forwarded, accepted, held         prometheus.Counter
	leaseReads, redirected            prometheus.Counter
	size, apply, latency              prometheus.Histogram
	all                               []prometheus.Collector
}

func newMetrics(id string) *metrics {
	m := &metrics{}
	labels := prometheus.Labels{"node": id}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "trivium_consensus_" + name + "_total", Help: help, ConstLabels: labels})
		m.all = append(m.all, c)
		return c
	}
	histogram := func(name, help string, start, factor float64, n int) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "trivium_consensus_" + name, Help: help, ConstLabels: labels,
			Buckets: prometheus.ExponentialBuckets(start, factor, n)})
		m.all = append(m.all, h)
		return h
	}
	m.elections = counter("elections_won", "Elections this node has won.")
	m.candidacies = counter("candidacies", "Elections this node has started.")
	m.leaderChanges = counter("leader_changes", "Changes of the leader that this node saw, to none included.")
	m.noops = counter("noops", "Entries without effect proposed because the queue ran empty.")
	m.entries = counter("entries", "Entries applied.")
	m.batches = counter("batches", "Batches applied, refused ones included.")
	m.refused = counter("batches_refused", "Batches refused by a guard, a constraint, their SQL or their key.")
	m.replay = counter("keys_replayed", "Batches answered with the result kept under their key.")
	m.sent = counter("snapshots_sent", "Databases sent to followers.")
	m.received = counter("snapshots_received", "Databases installed from a leader.")
	m.checked = counter("rows_hashed", "Times the rows were hashed for comparison with the other nodes.")
	m.unchecked = counter("rows_not_hashed", "Times hashing the rows was given up.")
	m.differences = counter("differences", "Differences found between the data of this node and another.")
	m.forwarded = counter("forwarded", "Tries to bring a batch to the leader.")
	m.accepted = counter("accepted", "Batches taken over from other nodes.")
	m.held = counter("held", "Times a request waited for a leader.")
	m.leaseReads = counter("lease_reads", "Reads answered under the lease, without a message.")
	m.redirected = counter("redirected", "Requests that did not want to be forwarded and were told the leader.")
	m.size = histogram("entry_batches", "Batches in one entry.", 1, 2, 10)
	m.apply = histogram("apply_seconds", "Time to apply one entry to the database.", 50e-6, 2, 14)
	m.latency = histogram("write_seconds", "Time of a write from Apply to its effect on this node.", 250e-6, 2, 16)
	return m
}

func (m *metrics) applied(outcomes []outcome, took time.Duration) {
	m.entries.Inc()
	m.apply.Observe(took.Seconds())
	if len(outcomes) == 0 {
		return
	}
	m.batches.Add(float64(len(outcomes)))
	m.size.Observe(float64(len(outcomes)))
	for i := range outcomes {
		switch {
		case outcomes[i].code != outcomeDone:
			m.refused.Inc()
		case outcomes[i].res.Replayed:
			m.replay.Inc()
		}
	}
}

// Raft counts into a sink that the whole process shares, whatever the number of nodes in it.
var raftSink = sync.OnceValue(func() prometheus.Collector {
	sink, err := raftprom.NewPrometheusSinkFrom(raftprom.PrometheusOpts{Name: "raft", Registerer: prometheus.NewRegistry()})
	if err != nil {
		return nil
	}
	c := raftmetrics.DefaultConfig("")
	c.EnableHostname, c.EnableRuntimeMetrics = false, false
	if _, err := raftmetrics.NewGlobal(c, sink); err != nil {
		return nil
	}
	return sink
})

// Collectors returns this node's figures, and those of Raft in this process. From the first call on, Raft's are kept.
func (db *DB) Collectors() []prometheus.Collector {
	out := append([]prometheus.Collector{}, db.metrics.all...)
	gauge := func(name, help string, f func() float64) {
		out = append(out, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "trivium_consensus_" + name, Help: help,
			ConstLabels: prometheus.Labels{"node": db.config.ID}}, f))
	}
	gauge("applied_index", "Last entry in this node's database.", func() float64 { return float64(db.machine.applied()) })
	gauge("commit_index", "Last entry known to be committed.", func() float64 { return float64(db.raft.CommitIndex()) })
	gauge("term", "Current term.", func() float64 { return float64(db.raft.CurrentTerm()) })
	gauge("leader", "1 on the node that leads.", func() float64 {
		if db.IsLeader() {
			return 1
		}
		return 0
	})
	gauge("format", "Format of the log and the database in use.", func() float64 { return float64(db.machine.format.Load()) })
	gauge("checked_index", "Last entry at which a majority had the same rows as this node.", func() float64 { return float64(db.checked.Load()) })
	gauge("free_bytes", "Free space on the disk of the node.", func() float64 { return float64(db.space.free.Load()) })
	gauge("low_space", "1 while the disk is almost full.", func() float64 {
		if db.space.isLow.Load() {
			return 1
		}
		return 0
	})
	gauge("lease_seconds", "How long this node's lease still lasts; 0: it has none.", func() float64 {
		return db.leaseLeft(db.raft.CurrentTerm()).Seconds()
	})
	out = append(out, messageCounts{db}, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "trivium_consensus_lease_renewals_total",
		Help: "Times a majority has confirmed this node's lease anew.", ConstLabels: prometheus.Labels{"node": db.config.ID}},
		func() float64 { return float64(db.lease.renewed()) }))
	gauge("log_sync_seconds", "Moving average of writing the log.", func() float64 { return time.Duration(db.logs.syncTime.Load()).Seconds() })
	if raft := raftSink(); raft != nil {
		out = append(out, raft)
	}
	return out
}
