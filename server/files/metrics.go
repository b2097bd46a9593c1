package files

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Status is what one node keeps, and what it has done since it started.
type Status struct {
	Chunks   int64 `json:"chunks"`   // on the disk
	Bytes    int64 `json:"bytes"`    // of them
	Whole    bool  `json:"whole"`    // see lms.FileCopy
	Missing  int64 `json:"missing"`  // chunks of complete files that this node lacks, as far as it has looked
	Lacking  int64 `json:"lacking"`  // bytes of them
	Gone     int64 `json:"gone"`     // chunks of complete files that no node has
	Damaged  int64 `json:"damaged"`  // found not to fit their hash and set aside
	Repaired int64 `json:"repaired"` // of the damaged, replaced
	Pushed   int64 `json:"pushed"`   // chunks sent to peers
	Fetched  int64 `json:"fetched"`  // chunks got from peers
	Scrubbed int64 `json:"scrubbed"` // chunks compared with their hash in the background
	Removed  int64 `json:"removed"`  // orphaned chunks and markers
}

type counters struct {
	damaged, pushed, fetched, scrubbed, removed atomic.Int64
}

// Status tells how the file store stands. It is cheap.
func (s *Files) Status() Status {
	c := s.progress.copy()
	return Status{Chunks: s.disk.chunks.Load(), Bytes: s.disk.bytes.Load(), Whole: c.Whole, Missing: c.Missing, Lacking: c.Bytes, Gone: c.Gone,
		Damaged: s.count.damaged.Load(), Repaired: s.disk.repaired.Load(), Pushed: s.count.pushed.Load(),
		Fetched: s.count.fetched.Load(), Scrubbed: s.count.scrubbed.Load(), Removed: s.count.removed.Load()}
}

type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(Status) int64
}

func gauge(name, help string, value func(Status) int64) metric {
	return metric{prometheus.NewDesc("trivium_files_"+name, help, nil, nil), prometheus.GaugeValue, value}
}

func counter(name, help string, value func(Status) int64) metric {
	return metric{prometheus.NewDesc("trivium_files_"+name, help, nil, nil), prometheus.CounterValue, value}
}

var metrics = []metric{
	gauge("chunks", "Chunks on this node's disk.", func(s Status) int64 { return s.Chunks }),
	gauge("bytes", "Bytes of the chunks on this node's disk.", func(s Status) int64 { return s.Bytes }),
	gauge("whole", "1 if this node has every complete file; 0 while it copies them, and while it looks what it lacks after its start.",
		func(s Status) int64 {
			if s.Whole {
				return 1
			}
			return 0
		}),
	gauge("missing_chunks", "Chunks of complete files that this node lacks, as far as it has looked.", func(s Status) int64 { return s.Missing }),
	gauge("missing_bytes", "Bytes of the chunks that this node lacks.", func(s Status) int64 { return s.Lacking }),
	gauge("gone_chunks", "Chunks of complete files that no node has.", func(s Status) int64 { return s.Gone }),
	counter("damaged_total", "Chunks that did not fit their hash.", func(s Status) int64 { return s.Damaged }),
	counter("repaired_total", "Damaged chunks that were replaced.", func(s Status) int64 { return s.Repaired }),
	counter("pushed_total", "Chunks sent to peers.", func(s Status) int64 { return s.Pushed }),
	counter("fetched_total", "Chunks got from peers.", func(s Status) int64 { return s.Fetched }),
	counter("scrubbed_total", "Chunks compared with their hash in the background.", func(s Status) int64 { return s.Scrubbed }),
	counter("removed_total", "Orphaned chunks and markers removed.", func(s Status) int64 { return s.Removed }),
}

// Describe implements prometheus.Collector.
func (s *Files) Describe(out chan<- *prometheus.Desc) {
	for _, m := range metrics {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (s *Files) Collect(out chan<- prometheus.Metric) {
	st := s.Status()
	for _, m := range metrics {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, float64(m.value(st)))
	}
}
