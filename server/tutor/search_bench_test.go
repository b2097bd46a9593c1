package tutor

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store/storetest"
)

// BenchmarkSearch searches a site of 50,000 passages, 20,000 of them in the course, with 2,000 questions and 100 assignments, for
// words of all frequencies, as a person types them. It prints what the slowest took, too.
func BenchmarkSearch(b *testing.B) {
	s := storetest.New(b)
	ctx := b.Context()
	rng := rand.New(rand.NewSource(1))
	vocabulary := make([]string, 8000)
	for i := range vocabulary {
		vocabulary[i] = fmt.Sprintf("%c%c%s%d", 'a'+i%26, 'a'+i/26%26, []string{"ing", "ation", "er", "um", ""}[i%5], i)
	}
	zipf := rand.NewZipf(rng, 1.1, 4, uint64(len(vocabulary)-1))
	text := func(n int) string {
		ws := make([]string, n)
		for i := range ws {
			ws[i] = vocabulary[zipf.Uint64()]
		}
		return strings.Join(ws, " ")
	}
	for i := range 500 {
		actor, course := s.Instructor, s.Course.ID
		if i >= 200 {
			actor, course = s.Stranger, s.Other.ID
		}
		m, err := s.CreateMaterial(ctx, actor, lms.Material{ID: fmt.Sprint("m-", i), CourseID: course, Title: "Notes " + text(3), Kind: lms.MaterialPage, Body: "x", Published: true})
		must(b, err)
		ps := make([]lms.Passage, 100)
		for k := range ps {
			ps[k] = lms.Passage{MaterialID: m.ID, Ordinal: k + 1, Heading: text(3), Text: text(80)}
		}
		must(b, s.ReplacePassages(ctx, m, ps, lms.IndexReady, ""))
	}
	for i := range 100 {
		s.Post(b, fmt.Sprint("a-", i), func(a *lms.Assignment) { a.Title, a.Description = text(4), text(150) })
	}
	for i := range 2000 {
		_, err := s.Ask(ctx, s.Alice, lms.Question{ID: fmt.Sprint("q-", i), CourseID: s.Course.ID, To: lms.ToStaff, Title: text(6), Body: text(40), Visibility: lms.VisibleCourse}, "")
		must(b, err)
	}
	tu := New(Config{Store: s.Store, Node: "n1", Limits: quick})
	b.Cleanup(func() { tu.Close() })
	took := map[string][]time.Duration{}
	for b.Loop() {
		for _, q := range []struct{ what, text string }{
			{"the most frequent word", vocabulary[0]}, {"a frequent word", vocabulary[10]}, {"a rare word", vocabulary[4000+rng.Intn(4000)]},
			{"two letters", vocabulary[rng.Intn(8000)][:2]}, {"three words", text(3)}, {"a beginning", text(2) + " " + vocabulary[rng.Intn(8000)][:4]}, {"nothing", "xylophone"},
		} {
			begin := time.Now()
			if _, err := tu.Search(ctx, s.Bob, s.Course.ID, lms.SearchQuery{Text: q.text}); err != nil {
				b.Fatal(err)
			}
			d := time.Since(begin)
			took[q.what] = append(took[q.what], d)
			took["all"] = append(took["all"], d)
		}
	}
	for what, list := range took {
		slices.Sort(list)
		at := func(share float64) time.Duration {
			return list[int(share*float64(len(list)-1))].Round(100 * time.Microsecond)
		}
		b.Logf("%-24s %5d searches, p50 %v, p95 %v, p99 %v, slowest %v", what, len(list), at(0.5), at(0.95), at(0.99), list[len(list)-1])
	}
}
