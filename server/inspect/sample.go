package inspect

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"trivium/app/lms"
)

// Sampling of a node's counters.
const (
	sampleEvery = 2 * time.Second
	sampleCount = 90 // three minutes
	metricStart = "trivium_consensus_"
)

// histogram is a cumulative histogram with its bounds in seconds.
type histogram struct {
	bounds []float64
	counts []uint64
	total  uint64
}

// minus is what came after an earlier state.
func (h histogram) minus(old histogram) histogram {
	if len(old.counts) != len(h.counts) {
		return h
	}
	d := histogram{bounds: h.bounds, counts: slices.Clone(h.counts), total: h.total - old.total}
	for i := range d.counts {
		d.counts[i] -= old.counts[i]
	}
	return d
}

// quantile is in milliseconds, interpolated within its bucket; 0 without observations. Beyond the last bound it is that
// bound.
func (h histogram) quantile(q float64) float64 {
	if h.total == 0 || len(h.bounds) == 0 {
		return 0
	}
	rank := q * float64(h.total)
	i, _ := slices.BinarySearchFunc(h.counts, rank, func(c uint64, r float64) int {
		if float64(c) < r {
			return -1
		}
		return 1
	})
	if i == len(h.bounds) {
		return h.bounds[i-1] * 1000
	}
	low, below := 0.0, 0.0
	if i > 0 {
		low, below = h.bounds[i-1], float64(h.counts[i-1])
	}
	within := 1.0
	if n := float64(h.counts[i]) - below; n > 0 {
		within = (rank - below) / n
	}
	return math.Round((low+(h.bounds[i]-low)*within)*1e6) / 1e3
}

func (h histogram) latency() lms.Latency {
	return lms.Latency{Count: h.total, P50: h.quantile(0.50), P95: h.quantile(0.95), P99: h.quantile(0.99)}
}

// counters is the state of a node's counters at one time.
type counters struct {
	at           time.Time
	write, apply histogram
	figures      map[string]float64
}

// sampler keeps the figures of the last minutes.
type sampler struct {
	from prometheus.Gatherer

	mu      sync.Mutex
	last    counters
	samples []lms.NodeSample
}

func newSampler(from prometheus.Gatherer) *sampler {
	s := &sampler{from: from}
	s.last = s.gather()
	return s
}

func (s *sampler) run(ctx context.Context) {
	t := time.NewTicker(sampleEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.take(s.gather())
		}
	}
}

// take adds the sample between the last state and this one.
func (s *sampler) take(now counters) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seconds := now.at.Sub(s.last.at).Seconds()
	if seconds <= 0 {
		return
	}
	writes := now.write.minus(s.last.write)
	l := writes.latency()
	s.samples = append(s.samples, lms.NodeSample{At: now.at.UTC(), Entries: rate(now.figures["entries"]-s.last.figures["entries"], seconds),
		Writes: rate(float64(writes.total), seconds), P50: l.P50, P95: l.P95, P99: l.P99})
	if n := len(s.samples) - sampleCount; n > 0 {
		s.samples = slices.Delete(s.samples, 0, n)
	}
	s.last = now
}

func rate(n, seconds float64) float64 { return math.Round(n/seconds*10) / 10 }

func (s *sampler) read() (samples []lms.NodeSample, write, apply lms.Latency, figures map[string]float64) {
	now := s.gather()
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]lms.NodeSample{}, s.samples...), now.write.latency(), now.apply.latency(), maps.Clone(now.figures)
}

// gather reads the counters. Families that cannot be read are left out: a report with a gap is better than none.
func (s *sampler) gather() counters {
	c := counters{at: time.Now(), figures: map[string]float64{}}
	families, _ := s.from.Gather()
	for _, f := range families {
		name, ours := strings.CutPrefix(f.GetName(), metricStart)
		if !ours || len(f.GetMetric()) != 1 {
			continue
		}
		m := f.GetMetric()[0]
		switch {
		case m.GetCounter() != nil:
			c.figures[strings.TrimSuffix(name, "_total")] = m.GetCounter().GetValue()
		case name == "write_seconds":
			c.write = histogramOf(m.GetHistogram())
		case name == "apply_seconds":
			c.apply = histogramOf(m.GetHistogram())
		}
	}
	return c
}

func histogramOf(m *dto.Histogram) histogram {
	h := histogram{total: m.GetSampleCount()}
	for _, b := range m.GetBucket() {
		if !math.IsInf(b.GetUpperBound(), 1) {
			h.bounds, h.counts = append(h.bounds, b.GetUpperBound()), append(h.counts, b.GetCumulativeCount())
		}
	}
	return h
}
