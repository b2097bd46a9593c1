package consensus

import (
	"math"
	"sync/atomic"
	"time"
)

// Latency summarises the requests of the last half to whole minute.
type Latency struct {
	Count         uint64
	P50, P95, P99 time.Duration // upper bounds, within a fifth; 0 without requests
}

const (
	latencyWindow  = 30 * time.Second
	latencyFloor   = 10e-6 // seconds: the first bucket
	latencyStep    = 1.19  // ratio of neighbouring buckets: the error of a percentile
	latencyBuckets = 96    // up to some 150 s
)

// latencies counts durations in two windows, of which the older one is forgotten when the newer is full.
type latencies struct {
	window  atomic.Int64 // number of the current one since 1970
	buckets [2][latencyBuckets]atomic.Uint32
}

func (l *latencies) observe(d time.Duration) {
	now := time.Now().UnixNano() / int64(latencyWindow)
	if was := l.window.Load(); was != now && l.window.CompareAndSwap(was, now) {
		l.clear(now)
		if now-was > 1 {
			l.clear(now + 1)
		}
	}
	i := 0
	if s := d.Seconds(); s > latencyFloor {
		i = min(int(math.Log(s/latencyFloor)/math.Log(latencyStep))+1, latencyBuckets-1)
	}
	l.buckets[now&1][i].Add(1)
}

func (l *latencies) clear(window int64) {
	for i := range l.buckets[window&1] {
		l.buckets[window&1][i].Store(0)
	}
}

func (l *latencies) summary() (s Latency) {
	now := time.Now().UnixNano() / int64(latencyWindow)
	var counts [latencyBuckets]uint64
	newest := l.window.Load()
	for age := int64(0); age < 2; age++ {
		if newest < now-age { // nothing has come since: these are older
			continue
		}
		for i := range counts {
			n := uint64(l.buckets[(now-age)&1][i].Load())
			counts[i] += n
			s.Count += n
		}
	}
	if s.Count == 0 {
		return s
	}
	at := func(share float64) time.Duration {
		need, sum := uint64(math.Ceil(share*float64(s.Count))), uint64(0)
		for i, n := range counts {
			if sum += n; sum >= need {
				return time.Duration(latencyFloor * math.Pow(latencyStep, float64(i)) * float64(time.Second))
			}
		}
		return 0
	}
	s.P50, s.P95, s.P99 = at(0.50), at(0.95), at(0.99)
	return s
}
