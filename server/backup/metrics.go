package backup

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	running, lastGood, lastSize prometheus.Gauge
	failures                    prometheus.Counter
}

func newMetrics() *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "trivium", Subsystem: "backup", Name: name, Help: help})
	}
	return &metrics{
		running:  gauge("running", "1 while this node makes a backup of the schedule."),
		lastGood: gauge("last_success_timestamp_seconds", "When the schedule last succeeded, on any node; 0: never."),
		lastSize: gauge("last_size_bytes", "Size of the last backup of the schedule that this node made."),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "trivium", Subsystem: "backup", Name: "failures_total",
			Help: "Backups of this node that failed."}),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.running, m.lastGood, m.lastSize, m.failures}
}
