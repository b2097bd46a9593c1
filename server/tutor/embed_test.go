package tutor

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/lms"
)

// fakeEmbeddings is an endpoint that gives texts of the same meaning the same direction, as its list of synonyms has it.
type fakeEmbeddings struct {
	*httptest.Server
	mu     sync.Mutex
	inputs [][]string
	answer func(w http.ResponseWriter, r *http.Request, inputs []string)
}

var synonyms = map[string]string{"automobile": "car", "vehicle": "car", "cars": "car", "physician": "doctor"}

func newEmbeddings(t *testing.T) *fakeEmbeddings {
	f := &fakeEmbeddings{}
	f.answer = func(w http.ResponseWriter, _ *http.Request, inputs []string) { f.vectors(w, inputs) }
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			Model string
			Input []string
		}
		raw, _ := io.ReadAll(r.Body)
		json.Unmarshal(raw, &req)
		if r.URL.Path != "/v1/embeddings" || req.Model != "small" || r.Header.Get("Authorization") != "Bearer secret-key" {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		f.mu.Lock()
		f.inputs = append(f.inputs, req.Input)
		answer := f.answer
		f.mu.Unlock()
		answer(w, r, req.Input)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeEmbeddings) vectors(w http.ResponseWriter, inputs []string) {
	type item struct {
		Index     int       `json:"index"`
		Embedding []float32 `json:"embedding"`
	}
	var data []item
	for i, s := range inputs {
		v := make([]float32, 64)
		for _, word := range words(s) {
			if foldedStop[word] {
				continue
			}
			if same := synonyms[word]; same != "" {
				word = same
			}
			h := fnv.New32a()
			h.Write([]byte(word))
			v[h.Sum32()%64]++
		}
		v[0] += 0.01
		data = append(data, item{i, v})
	}
	slices.Reverse(data) // the order of an answer is its own
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": data, "model": "small"})
}

func (f *fakeEmbeddings) set(answer func(w http.ResponseWriter, r *http.Request, inputs []string)) {
	f.mu.Lock()
	f.answer = answer
	f.mu.Unlock()
}

func (f *fakeEmbeddings) sent() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.inputs)
}

func withEmbeddings(c *Config) {
	c.EmbeddingModel = "small"
	c.Limits.Embed = 2 * time.Second
}

// TestEmbedding lets one node embed the material, each text once and in bounded batches, and two nodes find with the vectors what shares
// no word with the question. Drafts and names go nowhere that they may not.
func TestEmbedding(t *testing.T) {
	site := demoSite(t)
	texts := make([]string, 40)
	for i := range texts {
		texts[i] = fmt.Sprintf("Entry %d of the engine list describes part number %d.", i, i*7)
	}
	site.Page(t, "m-parts", "Parts", true, texts...)
	site.Page(t, "m-car", "Driving", true, "A car needs an engine.", "Every automobile, whatever the vehicle, has brakes.")
	site.Page(t, "m-secret", "Draft", false, "The automobile of the exam CANARY has three wheels.")
	f := newEmbeddings(t)
	one, two := newTutor(t, site, "n1", f.URL, withEmbeddings), newTutor(t, site, "n2", f.URL, withEmbeddings, func(c *Config) { c.IsLeader = func() bool { return false } })
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, tu := range []*Tutor{one, two} {
		wg.Go(func() { tu.EmbedLoop(ctx) })
	}
	defer wg.Wait()
	defer cancel()
	eventually(t, "all passages have vectors", func() bool {
		list, err := site.UnembeddedPassages(ctx, "small", 1)
		return err == nil && len(list) == 0
	})
	seen := map[string]bool{}
	for _, inputs := range f.sent() {
		if len(inputs) > embedBatch {
			t.Errorf("%d texts in one request", len(inputs))
		}
		for _, in := range inputs {
			if seen[in] {
				t.Errorf("sent twice: %s", in)
			}
			seen[in] = true
			if strings.Contains(in, "CANARY") {
				t.Errorf("a draft was sent: %s", in)
			}
		}
	}
	if len(seen) < 90 {
		t.Errorf("%d texts were sent", len(seen))
	}
	before := len(f.sent())
	for _, tu := range []*Tutor{one, two} {
		talk := conversation{question: "Which brakes does the car of Alice Example have?", mask: newMasker(site.Alice, lms.Question{})}
		found, err := tu.retrieve(ctx, talk, site.Alice, site.Course, nil)
		if err != nil || !found.relevant || found.spent == 0 || !slices.ContainsFunc(found.passages, func(p lms.Passage) bool { return strings.Contains(p.Text, "automobile") }) {
			t.Errorf("%v %+v", err, found)
		}
		if s := show(found.passages); strings.Contains(s, "CANARY") {
			t.Errorf("a draft was found: %s", s)
		}
		if found, err = tu.retrieve(ctx, conversation{question: "Which pizzeria in Naples has the crispiest crust?"}, site.Alice, site.Course, nil); err != nil || found.relevant {
			t.Errorf("%v %+v", err, found)
		}
	}
	after := f.sent()[before:]
	if len(after) != 2 || strings.Contains(fmt.Sprint(after), "Alice") || !strings.Contains(fmt.Sprint(after), "brakes") {
		t.Errorf("sent for two questions about the course and two off topic: %q", after)
	}
	// New text gets its vectors without waiting for the clock.
	m := site.Page(t, "m-new", "New", true, "The physician helps.")
	one.wakeEmbeds()
	eventually(t, "a new passage has its vector", func() bool {
		list, err := site.UnembeddedPassages(ctx, "small", 1)
		return err == nil && len(list) == 0
	})
	found, err := two.retrieve(ctx, conversation{question: "does a doctor help with the engine"}, site.Alice, site.Course, nil)
	if err != nil || !slices.ContainsFunc(found.passages, func(p lms.Passage) bool { return p.MaterialID == m.ID }) {
		t.Errorf("%v %s", err, show(found.passages))
	}
	limited, err := two.retrieve(ctx, conversation{question: "does a doctor help with the engine"}, site.Alice, site.Course, []string{"m-car"})
	if err != nil || slices.ContainsFunc(limited.passages, func(p lms.Passage) bool { return p.MaterialID != "m-car" }) {
		t.Errorf("beyond the allowed sources: %v %s", err, show(limited.passages))
	}
}

// TestEmbeddingFails finds by words alone, in the same order, whatever the endpoint does, and leaves it alone after five failures.
func TestEmbeddingFails(t *testing.T) {
	site := demoSite(t)
	plain := newTutor(t, site, "n1", "")
	const question = "why does the new leader append an empty entry"
	want, _, err := plain.Rank(t.Context(), site.Alice, site.Course.ID, question, nil, 3)
	if err != nil || len(want) == 0 {
		t.Fatal(want, err)
	}
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request, inputs []string){
		"hangs": func(_ http.ResponseWriter, r *http.Request, _ []string) { <-r.Context().Done() },
		"refuses": func(w http.ResponseWriter, _ *http.Request, _ []string) {
			http.Error(w, "no", http.StatusInternalServerError)
		},
		"redirects": func(w http.ResponseWriter, r *http.Request, _ []string) {
			http.Redirect(w, r, "/v1/embeddings", http.StatusFound)
		},
		"is no JSON":  func(w http.ResponseWriter, _ *http.Request, _ []string) { io.WriteString(w, "<html>") },
		"says little": func(w http.ResponseWriter, _ *http.Request, _ []string) { io.WriteString(w, `{"data":[]}`) },
		"repeats": func(w http.ResponseWriter, _ *http.Request, _ []string) {
			io.WriteString(w, `{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`)
		},
		"says zero": func(w http.ResponseWriter, _ *http.Request, _ []string) {
			io.WriteString(w, `{"data":[{"index":0,"embedding":[0,0]}]}`)
		},
		"never ends": func(w http.ResponseWriter, _ *http.Request, _ []string) {
			io.WriteString(w, `{"data":[{"index":0,"embedding":[`)
			for _, err := io.WriteString(w, strings.Repeat("1,", 1<<16)); err == nil; _, err = io.WriteString(w, strings.Repeat("1,", 1<<16)) {
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newEmbeddings(t)
			f.set(answer)
			tu := newTutor(t, site, "n1", f.URL, withEmbeddings, func(c *Config) { c.Limits.Embed = 200 * time.Millisecond })
			for range 8 {
				found, err := tu.retrieve(t.Context(), conversation{question: question}, site.Alice, site.Course, nil)
				if err != nil || show(found.passages[:3]) != show(want) {
					t.Fatalf("%v\n%s\nwant\n%s", err, show(found.passages), show(want))
				}
			}
			if n := len(f.sent()); n != breakerFailures {
				t.Errorf("%d requests to an endpoint that fails", n)
			}
			if err := tu.embedPending(t.Context()); err == nil {
				t.Error("passages were embedded while the breaker is open")
			}
		})
	}
}

func TestEmbeddingNeedsEndpoint(t *testing.T) {
	c := Config{EmbeddingModel: "small"}
	if err := c.Validate(); err == nil {
		t.Error("accepted without an endpoint")
	}
}
