package tutor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"trivium/app/lms"
)

// The search of a course (SEARCH-1) finds what the tutor would, and ranks as the tutor does, but a person who searches wants every
// place that has all the words, a half-typed word counts, and questions and assignments are there as well.

const (
	searchPlaces  = 200 // passages, and as many other texts, that one search ranks and lists
	shownPlaces   = 3   // places of one hit
	usualHits     = 20
	excerptRunes  = 240
	wholePrefix   = 2 // letters from which the last word counts as the beginning of a word
	shortestToken = 3 // of what the stemmer of the index may have made of the last word
)

// foundPlace is a text with what makes its rank.
type foundPlace struct {
	lms.FoundText
	*candidate
}

// Search finds what the actor may open in a course, best first.
func (t *Tutor) Search(ctx context.Context, actor lms.Actor, courseID string, q lms.SearchQuery) (lms.SearchResults, error) {
	s := search{asked: terms(q.Text)}
	s.own = len(s.asked)
	if all := words(q.Text); s.own > 0 && s.asked[s.own-1].word == all[len(all)-1] {
		s.asked[s.own-1].begun = utf8.RuneCountInString(all[len(all)-1]) >= wholePrefix
	}
	texts, err := t.store.UnindexedTexts(ctx, actor, courseID) // also refuses who may not search here
	if err != nil {
		return lms.SearchResults{}, err
	}
	out := lms.SearchResults{Items: []lms.SearchHit{}, Counts: map[lms.SearchKind]int{}}
	if actor.Staff() {
		out.Unread = unread(texts)
	}
	if s.own == 0 {
		return out, nil
	}
	list, err := s.gather(ctx, t.store, actor, courseID, texts, &out)
	if err != nil {
		return lms.SearchResults{}, fmt.Errorf("search: %w", err)
	}
	hits := s.hits(list)
	for _, h := range hits {
		out.Counts[h[0].Kind]++
	}
	if q.Kind != "" {
		hits = slices.DeleteFunc(hits, func(h []foundPlace) bool { return h[0].Kind != q.Kind })
	}
	out.Total = len(hits)
	limit := q.Limit
	if limit <= 0 {
		limit = usualHits
	}
	from := min(max(q.From, 0), len(hits))
	to := min(from+limit, len(hits))
	for _, h := range hits[from:to] {
		out.Items = append(out.Items, s.hit(h))
	}
	if to < len(hits) {
		out.Next = strconv.Itoa(to)
	}
	return out, nil
}

// unread lists the files whose text is not indexed.
func unread(texts []lms.FoundText) (out []lms.SearchHit) {
	for _, f := range texts {
		if f.Kind == lms.FoundFile {
			out = append(out, lms.SearchHit{Kind: f.Kind, ID: f.ID, Title: f.Title, Hidden: f.Hidden, NotIndexed: f.NotIndexed})
		}
	}
	return out
}

// gather collects what has all the words; what begins with the last one, where the index's stemmer hides that; and, when there
// is nothing, what has some of them.
func (s *search) gather(ctx context.Context, store Store, actor lms.Actor, courseID string, texts []lms.FoundText,
	out *lms.SearchResults) ([]foundPlace, error) {
	var kept []lms.FoundText
	take := func(match string, all bool, keep func(lms.FoundText) bool) error {
		var ps []lms.FoundText
		if match != "" { // a word of it is in a passage
			var err error
			if ps, err = store.FoundPassages(ctx, actor, courseID, match, searchPlaces); err != nil {
				return err
			}
		}
		out.Cut = len(ps) == searchPlaces
		for _, f := range ps {
			if keep == nil || keep(f) {
				kept = append(kept, f)
			}
		}
		n := 0
		for _, f := range texts {
			if !s.in(f, all) {
				continue
			}
			if n++; n > searchPlaces {
				out.Cut = true
				break
			}
			kept = append(kept, f)
		}
		return nil
	}
	if err := take(s.strict(false), true, nil); err != nil {
		return nil, err
	}
	if last := s.asked[s.own-1]; len(kept) == 0 && last.begun {
		err := take(s.strict(true), true, func(f lms.FoundText) bool { return s.in(f, true) })
		if err != nil {
			return nil, err
		}
	}
	if len(kept) == 0 && s.own > 1 {
		match, err := s.expression(ctx, store)
		if err == nil {
			err = take(match, false, nil)
		}
		if err != nil {
			return nil, err
		}
		out.Loose = len(kept) > 0
	}
	return s.compare(kept), nil
}

// compare makes candidates of texts. What is no passage has a title that says what it is about, as a heading does.
func (s *search) compare(texts []lms.FoundText) []foundPlace {
	list := make([]foundPlace, len(texts))
	for i, f := range texts {
		c := &candidate{Passage: lms.Passage{Title: f.Title, Heading: f.Heading, Text: f.Text}, place: i}
		if !ofMaterial(f.Kind) {
			c.Heading, c.Title = f.Title, ""
		}
		list[i] = foundPlace{f, c}
		s.pool = append(s.pool, c)
	}
	return list
}

func ofMaterial(k lms.SearchKind) bool { return k == lms.FoundPage || k == lms.FoundFile }

// strict writes an FTS5 expression for all terms together. A widened one also finds what the stemmer of the index may have made of
// a word that begins with the last term: "replicated" is indexed as "replic", which "replicat" is no beginning of.
func (s *search) strict(widened bool) string {
	parts := make([]string, s.own)
	for i, t := range s.asked[:s.own] {
		parts[i] = t.expression()
		if !widened || !t.begun {
			continue
		}
		runes := []rune(t.word)
		for n := shortestToken; n < len(runes); n++ {
			parts[i] += ` OR "` + string(runes[:n]) + `"`
		}
	}
	return "(" + strings.Join(parts, ") AND (") + ")"
}

// in reports whether a text has all of the terms, or any. Most texts have none, so that they are looked through as a whole first.
func (s *search) in(f lms.FoundText, all bool) bool {
	text := f.Title + "\n" + f.Heading + "\n" + f.Text
	folded := fold(text)
	var ws []string
	for _, t := range s.asked[:s.own] {
		has := t.arabic || strings.Contains(folded, t.stem)
		if has {
			if ws == nil {
				ws = words(text)
			}
			has = occurs(t, ws) > 0
		}
		if has != all {
			return has
		}
	}
	return all
}

// hits ranks what was gathered and puts the places of one thing together, in the order of the best of each.
func (s *search) hits(list []foundPlace) [][]foundPlace {
	s.keywords()
	s.score()
	slices.SortStableFunc(list, func(a, b foundPlace) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return a.place - b.place
	})
	at := map[string]int{}
	var hits [][]foundPlace
	for _, f := range list {
		key := string(f.Kind) + " " + f.ID
		i, ok := at[key]
		if !ok {
			i = len(hits)
			at[key] = i
			hits = append(hits, nil)
		}
		hits[i] = append(hits[i], f)
	}
	return hits
}

// hit writes a hit with the excerpts of its best places.
func (s *search) hit(places []foundPlace) lms.SearchHit {
	best := places[0]
	h := lms.SearchHit{Kind: best.Kind, ID: best.ID, Title: best.FoundText.Title, Hidden: best.Hidden, NotIndexed: best.NotIndexed}
	h.Further = max(best.Places, len(places)) - min(len(places), shownPlaces)
	if h.NotIndexed != "" {
		return h
	}
	for _, f := range places[:min(len(places), shownPlaces)] {
		text := f.FoundText.Text
		if !ofMaterial(f.Kind) { // Markdown as it was typed
			text = plainText(text)
		}
		h.Places = append(h.Places, lms.SearchPlace{Ordinal: f.FoundText.Ordinal, Page: f.FoundText.Page, Heading: f.FoundText.Heading, Excerpt: s.excerpt(text)})
	}
	return h
}

// plainText is Markdown without its marks.
func plainText(markdown string) string {
	var parts []string
	for _, b := range markdownBlocks(markdown) {
		parts = append(parts, b.text)
	}
	return strings.Join(parts, " ")
}
