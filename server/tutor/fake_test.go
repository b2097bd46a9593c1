package tutor

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/tutor/tutortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ Store = (*fakeStore)(nil)

// fakeStore is a store in memory that can be made unavailable. It serves the life of answers; retrieval on SQLite has its own test.
type fakeStore struct {
	mu        sync.Mutex
	question  lms.Question
	author    lms.Actor
	course    lms.Course
	claims    map[string]*claim
	finished  int
	brief     lms.TutorBrief
	record    lms.ReplyRecord // of the reply that was finished last
	reserved  int64
	refuse    error // of every write
	materials []lms.Material
	passages  []lms.Passage
	drafts    map[string]bool // materials that students do not see
	indexed   map[string]lms.Material
	searches  int
	places    map[string]bool
}

type claim struct {
	node  string
	state lms.ReplyState
	beat  time.Time
}

func newStore(passages ...lms.Passage) *fakeStore {
	s := &fakeStore{claims: map[string]*claim{}, drafts: map[string]bool{}, indexed: map[string]lms.Material{}, passages: passages,
		course: lms.Course{ID: "c1", Title: "Introduction to Programming"},
		author: lms.Actor{UserID: "u-4711", Login: "mjones", Name: "Mary Jones", Role: lms.RoleStudent}}
	for _, p := range passages {
		if !slices.ContainsFunc(s.materials, func(m lms.Material) bool { return m.ID == p.MaterialID }) {
			s.materials = append(s.materials, lms.Material{ID: p.MaterialID, CourseID: "c1", Title: p.Title, Kind: lms.MaterialPage, Index: lms.IndexReady, Passages: 1, Published: true})
		}
	}
	return s
}

// ask puts a question with a pending reply.
func (s *fakeStore) ask(text, replyID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.question = lms.Question{ID: "q1", CourseID: "c1", AuthorID: s.author.UserID, AuthorName: s.author.Name, To: lms.ToTutor, Title: text,
		Replies: []lms.Reply{{ID: replyID, QuestionID: "q1", AuthorID: lms.TutorID, State: lms.ReplyPending}}}
	s.claims[replyID] = &claim{state: lms.ReplyPending}
}

// further adds a message of the student and a pending reply.
func (s *fakeStore) further(text, replyID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.question.Replies = append(s.question.Replies, lms.Reply{ID: "m" + replyID, AuthorID: s.author.UserID, AuthorName: s.author.Name, Body: text, State: lms.ReplyDone},
		lms.Reply{ID: replyID, QuestionID: "q1", AuthorID: lms.TutorID, State: lms.ReplyPending})
	s.claims[replyID] = &claim{state: lms.ReplyPending}
}

func (s *fakeStore) setRefuse(err error) {
	s.mu.Lock()
	s.refuse = err
	s.mu.Unlock()
}

func (s *fakeStore) stored(replyID string) lms.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.question.Replies {
		if r.ID == replyID {
			return r
		}
	}
	return lms.Reply{}
}

func (s *fakeStore) finishes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finished
}

func (s *fakeStore) visible(staff bool, p lms.Passage) bool { return staff || !s.drafts[p.MaterialID] }

func (s *fakeStore) Materials(_ context.Context, a lms.Actor, _ string) ([]lms.Material, error) {
	var out []lms.Material
	for _, m := range s.materials {
		if a.Staff() || !s.drafts[m.ID] {
			out = append(out, m)
		}
	}
	return out, nil
}

func (s *fakeStore) Passages(_ context.Context, a lms.Actor, _, id string) ([]lms.Passage, error) {
	var out []lms.Passage
	for _, p := range s.passages {
		if p.MaterialID == id && s.visible(a.Staff(), p) {
			out = append(out, p)
		}
	}
	return out, nil
}

func (s *fakeStore) MaterialsToIndex(context.Context) ([]lms.Material, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []lms.Material
	for _, m := range s.materials {
		if _, done := s.indexed[m.ID]; !done && m.Index == lms.IndexPending {
			out = append(out, m)
		}
	}
	return out, nil
}

func (s *fakeStore) ReplacePassages(_ context.Context, m lms.Material, ps []lms.Passage, state lms.IndexState, note string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	m.Index, m.IndexNote, m.Passages = state, note, len(ps)
	s.indexed[m.ID] = m
	s.passages = append(s.passages, ps...)
	return nil
}

func (s *fakeStore) UnembeddedPassages(context.Context, string, int) ([]lms.UnembeddedPassage, error) {
	return nil, nil
}

func (s *fakeStore) AddPassageVectors(context.Context, string, []lms.PassageVector) error { return nil }

func (s *fakeStore) NearPassages(context.Context, string, bool, string, []byte, int) ([]lms.Passage, error) {
	return nil, nil
}

func (s *fakeStore) MatchCounts(_ context.Context, matches []string) ([]int, error) {
	counts := make([]int, len(matches))
	for i := range counts {
		counts[i] = 1
	}
	return counts, nil
}

func (s *fakeStore) FoundPassages(context.Context, lms.Actor, string, string, int) ([]lms.FoundText, error) {
	return nil, nil
}

func (s *fakeStore) UnindexedTexts(context.Context, lms.Actor, string) ([]lms.FoundText, error) {
	return nil, nil
}

func (s *fakeStore) SearchEndorsed(context.Context, string, string, int) ([]lms.Passage, error) {
	return nil, nil
}

// SearchPassages understands the expressions of a search and ranks by the number of matching parts.
func (s *fakeStore) SearchPassages(_ context.Context, _ string, staff bool, match string, limit int) ([]lms.Passage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.searches++
	type hit struct {
		p lms.Passage
		n int
	}
	var hits []hit
	for _, p := range s.passages {
		if !s.visible(staff, p) {
			continue
		}
		n := 0
		text := words(p.Title + " " + p.Heading + " " + p.Text)
		for part := range strings.SplitSeq(match, " OR ") {
			word, prefix := strings.CutSuffix(part, "*")
			word = strings.Trim(word, `"`)
			for _, w := range text {
				if w == word || prefix && strings.HasPrefix(w, word) {
					n++
					break
				}
			}
		}
		if n > 0 {
			hits = append(hits, hit{p, n})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.n - a.n })
	var out []lms.Passage
	for _, h := range hits[:min(limit, len(hits))] {
		out = append(out, h.p)
	}
	return out, nil
}

func (s *fakeStore) PassageCount(context.Context, string, bool) (int, error) {
	return len(s.passages), nil
}

func (s *fakeStore) ClaimReply(_ context.Context, id, node string, stale time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return false, s.refuse
	}
	c := s.claims[id]
	if c == nil {
		return false, lms.ErrNotFound
	}
	if c.state == lms.ReplyPending || c.state == lms.ReplyAnswering && time.Since(c.beat) > stale {
		*c = claim{node, lms.ReplyAnswering, time.Now()}
		return true, nil
	}
	return false, nil
}

var errLost = lms.Errorf(lms.KindConflict, "not yours")

func (s *fakeStore) HeartbeatReply(_ context.Context, id, node string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	if c := s.claims[id]; c == nil || c.node != node || c.state != lms.ReplyAnswering {
		return errLost
	}
	s.claims[id].beat = time.Now()
	return nil
}

func (s *fakeStore) Brief(context.Context, string) (lms.TutorBrief, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.brief
	if b.Policy.Mode == "" {
		b.Policy = lms.DefaultTutorPolicy("c1", "u-owner")
	}
	return b, nil
}

func (s *fakeStore) ReserveTokens(_ context.Context, _ string, tokens int64, _ time.Time, siteCap int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserved += tokens; siteCap > 0 && s.reserved > siteCap {
		return lms.Errorf(lms.KindLimit, "used up")
	}
	return s.refuse
}

func (s *fakeStore) FinishReply(_ context.Context, node string, r lms.Reply, rec lms.ReplyRecord) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	if c := s.claims[r.ID]; c == nil || c.node != node || c.state != lms.ReplyAnswering {
		return errLost
	}
	s.claims[r.ID].state = r.State
	s.finished++
	s.record = rec
	for i := range s.question.Replies {
		if s.question.Replies[i].ID == r.ID {
			s.question.Replies[i] = r
		}
	}
	return nil
}

func (s *fakeStore) TakePlace(_ context.Context, _, holder string, places int, _ time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places == nil {
		s.places = map[string]bool{}
	}
	if !s.places[holder] && len(s.places) >= places {
		return false, nil
	}
	s.places[holder] = true
	return true, nil
}

func (s *fakeStore) GivePlace(_ context.Context, _, holder string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.places, holder)
	return nil
}

func (s *fakeStore) ReplyContext(_ context.Context, id string) (lms.Question, lms.Actor, lms.Course, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims[id] == nil {
		return lms.Question{}, lms.Actor{}, lms.Course{}, lms.ErrNotFound
	}
	q := s.question
	q.Replies = slices.Clone(q.Replies)
	return q, s.author, s.course, nil
}

func (s *fakeStore) ReplyClaim(_ context.Context, id string) (string, lms.ReplyState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.claims[id]; c != nil {
		return c.node, c.state, nil
	}
	return "", "", lms.ErrNotFound
}

func (s *fakeStore) UnclaimedReplies(_ context.Context, stale time.Duration) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id, c := range s.claims {
		if c.state == lms.ReplyPending || c.state == lms.ReplyAnswering && time.Since(c.beat) > stale {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// fakeModel is an OpenAI-compatible server that plays a script and records what it was sent.
type fakeModel struct{ *tutortest.Model }

type request struct {
	tutortest.Request
	raw, auth string
}

func newModel(t testing.TB, play func(w http.ResponseWriter, r *http.Request, n int)) *fakeModel {
	return &fakeModel{tutortest.New(t, play)}
}

func (m *fakeModel) calls() []request {
	var out []request
	for _, r := range m.Calls() {
		out = append(out, request{r, r.Raw, r.Header.Get("Authorization")})
	}
	return out
}

const (
	stopEvent = tutortest.Stop
	cutEvent  = tutortest.Cut
	doneEvent = tutortest.Done
)

// chunk is an event with a piece of text.
func chunk(text string) string { return tutortest.Chunk(text) }

// events writes an event stream.
func events(parts ...string) func(http.ResponseWriter, *http.Request, int) {
	return tutortest.Events(parts...)
}

var quick = Limits{Connect: time.Second, FirstToken: 2 * time.Second, Idle: time.Second, Total: 5 * time.Second, Queue: 2 * time.Second,
	Heartbeat: 20 * time.Millisecond, Stale: 150 * time.Millisecond, Poll: 10 * time.Millisecond, Extract: 5 * time.Second}

// newTutor makes a tutor of a node; endpoint may be empty.
func newTutor(t *testing.T, s Store, node, endpoint string, change ...func(*Config)) *Tutor {
	t.Helper()
	c := Config{Store: s, Node: node, Endpoint: endpoint, Limits: quick}
	if endpoint != "" {
		c.Model, c.Key = "test-model", "secret-key"
	}
	for _, f := range change {
		f(&c)
	}
	tu := New(c)
	if tu.fault != nil {
		t.Fatal(tu.fault)
	}
	t.Cleanup(func() { tu.Close() })
	return tu
}

// watch reads a stream to its end.
func watch(t *testing.T, tu *Tutor, replyID string) (text string, waits []string, final lms.Reply) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := tu.Stream(ctx, replyID, func(e api.ReplyEvent) error {
		text += e.Text
		if e.Wait != "" {
			waits = append(waits, e.Wait)
		}
		if e.Reply != nil {
			final = *e.Reply
		}
		return nil
	})
	if err != nil {
		t.Fatalf("stream: %v", err)
	}
	return text, waits, final
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func passage(material, title, heading string, page int, text string) lms.Passage {
	return lms.Passage{MaterialID: material, Ordinal: 1, Title: title, Heading: heading, Page: page, Text: text}
}

var loops = []lms.Passage{
	passage("m-loops", "Lecture 3", "Loops", 12, "A while loop repeats its body as long as its condition is true. A loop that never makes its condition false runs forever: an infinite loop."),
	passage("m-rec", "Lecture 4", "Recursion", 3, "A recursive function calls itself. Without a base case the recursion never ends and the stack overflows."),
	passage("m-list", "Lecture 5", "Lists", 1, "A list keeps values in order. Slicing copies a part of the list, and append adds a value at its end."),
}
