package tutor

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"trivium/app/lms"
)

// How many passages are used.
const (
	bestPassages   = 5 // quoted without a model
	promptPassages = 8 // offered to a model
	fewPassages    = 3 // quoted also when the best one stands out
	nearPassages   = 3 // shown when nothing is relevant
	maxNamed       = 400
	endorsedHits   = 5 // entries of the FAQ that are considered
)

// retrieval is what was found for a message.
type retrieval struct {
	talk     conversation
	mask     masker
	fixed    string // a short fixed reply, nothing was searched
	relevant bool
	empty    bool // the course has no passages at all
	passages []lms.Passage
	points   []float64
	spent    int // tokens that were sent to find them
}

// ranks describes the passages for the record of a reply.
func (f retrieval) ranks() []lms.PassageRank {
	out := make([]lms.PassageRank, len(f.passages))
	for i, p := range f.passages {
		out[i] = lms.PassageRank{MaterialID: p.MaterialID, Ordinal: p.Ordinal, Score: math.Round(f.points[i]*1000) / 1000}
	}
	return out
}

const (
	replyGreeting = "Hello! Ask me anything about the material of this course, for example to explain a term or to show where a topic is treated."
	replyThanks   = "You are welcome. Ask again whenever something is unclear."
)

// retrieve finds the passages for a message of a thread: the author's rights at this moment decide what is searched.
func (t *Tutor) retrieve(ctx context.Context, talk conversation, author lms.Actor, course lms.Course, sources []string) (retrieval, error) {
	found := retrieval{talk: talk}
	ws := words(talk.question)
	switch {
	case len(ws) <= 6 && allIn(ws, foldedGreeting, foldedGreetingCore):
		found.fixed = replyGreeting
		return found, nil
	case len(ws) <= 8 && allIn(ws, foldedThanks, foldedThanksCore):
		found.fixed = replyThanks
		return found, nil
	}
	materials, err := t.store.Materials(ctx, author, course.ID)
	if err != nil {
		return found, err
	}
	if len(sources) > 0 {
		materials = slices.DeleteFunc(materials, func(m lms.Material) bool { return !slices.Contains(sources, m.ID) })
	}
	if isOverview(terms(talk.question)) && len(talk.previous) == 0 && talk.material == "" {
		return t.overview(ctx, found, materials, author, course)
	}
	s, err := t.find(ctx, talk, author, course.ID, materials, sources)
	if err != nil {
		return found, err
	}
	ranked := s.rank()
	if found.relevant = s.relevant(ranked); found.relevant {
		ranked = t.fuse(ctx, s, ranked, talk, author, course.ID)
		found.spent = s.spent
	}
	limit := nearPassages
	if found.relevant && t.writes() {
		limit = promptPassages
	} else if found.relevant {
		limit = bestPassages
	}
	best := 0.0
	for _, c := range ranked {
		best = max(best, c.score)
	}
	for _, c := range ranked {
		if len(found.passages) == limit {
			break
		}
		if (len(found.passages) >= fewPassages || c.score < 0.15*best) && !c.near && c.score < 0.35*best {
			continue
		}
		found.passages = append(found.passages, c.Passage)
		found.points = append(found.points, c.score)
	}
	if len(found.passages) == 0 {
		n, err := t.store.PassageCount(ctx, course.ID, author.Staff())
		found.empty = err == nil && n == 0
	}
	return found, nil
}

// find gathers what the message may be about.
func (t *Tutor) find(ctx context.Context, talk conversation, author lms.Actor, courseID string, materials []lms.Material, sources []string) (*search, error) {
	s := &search{asked: terms(talk.question), materials: materials, sources: sources}
	s.followUp(talk, words(talk.question))
	return s, s.collect(ctx, t.store, talk, author, courseID)
}

// Rank returns the passages of a course for a message after previous ones, latest first, as an answer would use them, and whether
// they are about it.
func (t *Tutor) Rank(ctx context.Context, author lms.Actor, courseID, message string, previous []string, limit int) ([]lms.Passage, bool, error) {
	materials, err := t.store.Materials(ctx, author, courseID)
	if err != nil {
		return nil, false, err
	}
	s, err := t.find(ctx, conversation{question: message, previous: previous}, author, courseID, materials, nil)
	if err != nil {
		return nil, false, err
	}
	ranked := s.rank()
	return passagesIn(ranked, limit), s.relevant(ranked), nil
}

func passagesIn(ranked []*candidate, limit int) []lms.Passage {
	var out []lms.Passage
	for _, c := range ranked[:min(limit, len(ranked))] {
		out = append(out, c.Passage)
	}
	return out
}

// isOverview recognises a question for the course as a whole.
func isOverview(asked []term) bool {
	ws := make([]string, len(asked))
	for i, t := range asked {
		ws[i] = t.word
	}
	return len(ws) > 0 && allIn(ws, foldedOverview, foldedOverview)
}

// overview takes the beginning of every material.
func (t *Tutor) overview(ctx context.Context, found retrieval, materials []lms.Material, author lms.Actor, course lms.Course) (retrieval, error) {
	limit := bestPassages
	if t.writes() {
		limit = promptPassages
	}
	for _, m := range materials {
		if len(found.passages) == limit {
			break
		}
		if m.Passages == 0 && m.Index != lms.IndexReady {
			continue
		}
		ps, err := t.store.Passages(ctx, author, course.ID, m.ID)
		if err != nil {
			return found, err
		}
		if len(ps) > 0 {
			found.passages = append(found.passages, ps[0])
			found.points = append(found.points, 1)
		}
	}
	found.relevant, found.empty = len(found.passages) > 0, len(found.passages) == 0
	return found, nil
}

// search is one search while it is made.
type search struct {
	asked     []term // of the message itself, and of previous turns with less weight
	own       int    // how many of them are of the message itself
	materials []lms.Material
	sources   []string        // ids of the only materials to use; empty: all
	named     map[string]bool // materials that the message or the open page names
	keyed     bool            // words that say what is wanted are the subject
	filed     string          // the material whose file the message names
	whole     bool            // the message asks about the named material as a whole
	pool      []*candidate
	spent     int // tokens that were sent to compare meanings
}

// candidate is a passage that may be used.
type candidate struct {
	lms.Passage
	place   int  // in the order of the store, from 0
	named   bool // of a named material
	before  bool // cited by the previous answer
	near    bool // among the closest by meaning
	score   float64
	covered []bool // which terms occur
	words   scored
}

// followUp adds the terms of previous turns to a message that cannot be understood alone (TUTOR-6).
func (s *search) followUp(talk conversation, ws []string) {
	talk.previous = withSubject(talk.previous)
	s.own = len(s.asked)
	content := s.content()
	points := slices.ContainsFunc(ws, func(w string) bool { return foldedPointing[w] })
	s.whole = len(content) == 0
	if len(talk.previous) == 0 || len(content) > 2 && !(points && len(content) <= 4) {
		return
	}
	weight := 0.6
	if len(content) > 0 {
		weight = 0.35 // what the message adds comes first
	}
	for _, text := range talk.previous[:min(2, len(talk.previous))] {
		for _, t := range terms(text) {
			if len(s.asked) < maxTerms && !slices.ContainsFunc(s.asked, func(o term) bool { return o.stem == t.stem }) && !t.generic {
				t.weight = weight
				s.asked = append(s.asked, t)
			}
		}
		weight /= 2
	}
}

// content counts the terms of the message itself that carry its subject.
func (s *search) content() []term {
	var out []term
	for _, t := range s.asked[:s.own] {
		if !t.generic {
			out = append(out, t)
		}
	}
	return out
}

// collect gathers candidates: of the named materials first, then of the whole course.
func (s *search) collect(ctx context.Context, store Store, talk conversation, author lms.Actor, courseID string) error {
	s.name(talk)
	for _, m := range s.materials {
		if !s.named[m.ID] {
			continue
		}
		ps, err := store.Passages(ctx, author, courseID, m.ID)
		if err != nil {
			return err
		}
		s.add(ps[:min(len(ps), maxNamed)], false, true)
	}
	match, err := s.expression(ctx, store)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	if match != "" {
		hits, err := store.SearchPassages(ctx, courseID, author.Staff(), match, candidates)
		if err != nil {
			return fmt.Errorf("search: %w", err)
		}
		s.add(hits, true, false)
		if hits, err = store.SearchEndorsed(ctx, courseID, match, endorsedHits); err != nil {
			return fmt.Errorf("search: %w", err)
		}
		s.add(hits, true, false)
	}
	for _, c := range s.pool {
		c.before = slices.ContainsFunc(talk.cited, func(o lms.Citation) bool { return o.MaterialID == c.MaterialID && o.Ordinal == c.Ordinal })
	}
	return nil
}

// name finds the materials that the thread is about or whose title the message contains.
func (s *search) name(talk conversation) {
	s.named = map[string]bool{}
	text := " " + strings.Join(words(talk.question), " ") + " "
	for _, m := range s.materials {
		title := strings.Join(words(m.Title), " ")
		file := ""
		if m.File != nil {
			file = strings.Join(words(m.File.Name), " ")
		}
		// A title of one common word such as "Notes" names nothing by chance only when nothing else is asked.
		long := len(strings.Fields(title)) > 1
		if m.ID == talk.material || long && strings.Contains(text, " "+title+" ") || file != "" && strings.Contains(text, " "+file+" ") {
			s.named[m.ID] = true
		}
		if file != "" && strings.Contains(text, " "+file+" ") {
			s.filed = m.ID
		}
	}
}

// add puts passages into the pool, each once. ranked tells that their order is the store's.
func (s *search) add(ps []lms.Passage, ranked, named bool) {
	for i, p := range ps {
		if len(s.sources) > 0 && p.Endorsed == "" && !slices.Contains(s.sources, p.MaterialID) {
			continue
		}
		place := candidates
		if ranked {
			place = i
		}
		at := slices.IndexFunc(s.pool, func(c *candidate) bool { return c.MaterialID == p.MaterialID && c.Ordinal == p.Ordinal })
		if at >= 0 {
			s.pool[at].place = min(s.pool[at].place, place)
			continue
		}
		s.pool = append(s.pool, &candidate{Passage: p, place: place, named: named || s.named[p.MaterialID]})
	}
}

// rank scores the pool and sorts it, best first. Of passages that say the same only the best stays.
func (s *search) rank() []*candidate {
	s.keywords()
	s.score()
	slices.SortStableFunc(s.pool, func(a, b *candidate) int {
		return cmp.Or(-compareBool(s.vouched(a), s.vouched(b)), cmp.Compare(b.score, a.score), cmp.Compare(a.place, b.place), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	s.pool = distinct(s.pool)
	return s.pool
}

// vouched reports whether a candidate is an answer that staff have endorsed for this very question: it goes first (TUTOR-27). One that
// shares a word with the question has to compete like any other passage.
func (s *search) vouched(c *candidate) bool {
	if c.Endorsed == "" {
		return false
	}
	head, subject, hits := words(c.Heading), 0.0, 0.0
	for _, t := range s.asked[:s.own] {
		if t.generic {
			continue
		}
		subject += t.weight
		if occurs(t, head) > 0 {
			hits += t.weight
		}
	}
	return subject > 0 && hits/subject >= 0.6
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
