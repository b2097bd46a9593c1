package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"trivium/app/lms"
	"trivium/server/load"
	"trivium/server/tutor/quality"
)

// retrievalBudget is what the p95 of a search may take on one core.
const retrievalBudget = 50 * time.Millisecond

// timings are the times of searches in a large course, sorted.
type timings struct {
	passages          int
	ours, plain       []time.Duration
	oursCPU, plainCPU []time.Duration
}

// measureTime fills a course with many passages and asks all questions in it, on one core. All passages lie in one course, which is
// the hardest case: none is left out for belonging to another.
func (s *retrievalSite) measureTime(ctx context.Context, sets []*questionSet, passages int) (timings, error) {
	t := timings{passages: passages}
	const course, ofMaterial = "big", 2500
	w := newWriter(sets)
	var materials [][]lms.Passage
	for n := 0; n < passages; n += ofMaterial {
		ps := make([]lms.Passage, min(ofMaterial, passages-n))
		for i := range ps {
			ps[i] = lms.Passage{Ordinal: i + 1, Title: fmt.Sprintf("Volume %d", n/ofMaterial+1), Heading: w.invented(3), Text: w.passage()}
		}
		materials = append(materials, ps)
	}
	if err := s.course(ctx, course, "A large course", materials...); err != nil {
		return t, err
	}
	materials = nil
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for round := range 3 { // the first one warms up
		for _, set := range sets {
			for _, q := range set.questions {
				began, used := time.Now(), processorTime()
				if _, _, err := s.tutor.Rank(ctx, s.author, course, q.Text, q.Previous, quality.Depth); err != nil {
					return t, err
				}
				mid, usedMid := time.Now(), processorTime()
				if _, err := s.plainSearch(ctx, course, q.Text); err != nil {
					return t, err
				}
				if round > 0 {
					t.ours, t.plain = append(t.ours, mid.Sub(began)), append(t.plain, time.Since(mid))
					t.oursCPU, t.plainCPU = append(t.oursCPU, usedMid-used), append(t.plainCPU, processorTime()-usedMid)
				}
			}
		}
	}
	for _, d := range [][]time.Duration{t.ours, t.plain, t.oursCPU, t.plainCPU} {
		slices.Sort(d)
	}
	return t, nil
}

// processorTime is what this process has used: other programs on the machine do not count.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (t timings) print(w io.Writer) {
	fmt.Fprintf(w, "\nTime of a search in a course of %d passages, one core (GOMAXPROCS=1), %d searches, in milliseconds.\n", t.passages, len(t.ours))
	fmt.Fprintln(w, "\n| | p50 | p95 | p99 | max |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	for _, row := range []struct {
		name string
		d    []time.Duration
	}{{"ours", t.ours}, {"BM25", t.plain}, {"ours, processor time", t.oursCPU}, {"BM25, processor time", t.plainCPU}} {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", row.name, ms(load.Quantile(row.d, .5)), ms(load.Quantile(row.d, .95)), ms(load.Quantile(row.d, .99)), ms(load.Quantile(row.d, 1)))
	}
	fmt.Fprintln(w, "\n| target | wanted | found | |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, row := range []struct {
		name string
		d    []time.Duration
	}{{"p95 of a search", t.ours}, {"p95 of a search, processor time", t.oursCPU}} {
		p95 := load.Quantile(row.d, .95)
		printTarget(w, row.name, "< 50 ms", float64(p95)/float64(time.Millisecond), " ms", p95 < retrievalBudget)
	}
}

// writer makes up passages: two sentences of the real texts, so that every question finds much, among words whose frequencies fall as
// those of a language do.
type writer struct {
	rnd       *rand.Rand
	zipf      *rand.Zipf
	sentences []string
	words     []string
}

func newWriter(sets []*questionSet) *writer {
	rnd := rand.New(rand.NewPCG(1, 2))
	w := &writer{rnd: rnd, words: make([]string, 40_000)}
	w.zipf = rand.NewZipf(rnd, 1.1, 3, uint64(len(w.words)-1))
	for i := range w.words {
		var b strings.Builder
		for range 2 + rnd.IntN(3) {
			b.WriteByte("bdfgklmnprstvz"[rnd.IntN(14)])
			b.WriteByte("aeiou"[rnd.IntN(5)])
		}
		w.words[i] = b.String()
	}
	for _, set := range sets {
		for _, p := range set.passages {
			w.sentences = append(w.sentences, strings.SplitAfter(p.Text, ". ")...)
		}
	}
	return w
}

func (w *writer) invented(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = w.words[w.zipf.Uint64()]
	}
	return strings.Join(out, " ")
}

func (w *writer) passage() string {
	real := func() string { return w.sentences[w.rnd.IntN(len(w.sentences))] }
	return real() + " " + w.invented(60+w.rnd.IntN(40)) + ". " + real() + " " + w.invented(40+w.rnd.IntN(40)) + "."
}
