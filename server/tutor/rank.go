package tutor

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Weights of what speaks for a passage. The first is the share of the question that it covers, between 0 and about 1; the others are
// added to it. They were chosen on the question sets of build/bench and are held by TestRetrieval.
const (
	weightTogether = 0.35 // terms that stand together in the question stand together in the text
	weightHeaded   = 0.45 // the heading is in the question
	weightDefined  = 0.15 // the text says what a term is
	weightPlace    = 0.2  // the store put it first
	weightNamed    = 0.4  // its material is the one in question
	weightBefore   = 0.1  // the previous answer cited it
)

// Saturation of a term that occurs often, and how much longer passages pay for it, as in BM25; then what an occurrence in the innermost
// heading, or around it, counts beside one in the text.
const (
	saturation  = 1.2
	lengthShare = 0.3
	innerCounts = 2.0
	outerCounts = 0.15
)

// scored is the text of a candidate as it is compared.
type scored struct {
	text, inner, outer []string
}

func (c *candidate) read() scored {
	if c.words.text != nil {
		return c.words
	}
	outer, inner := "", c.Heading
	if i := strings.LastIndex(c.Heading, " › "); i >= 0 {
		outer, inner = c.Heading[:i], c.Heading[i+len(" › "):]
	}
	c.words = scored{words(c.Text), words(inner), append(words(outer), words(c.Title)...)}
	return c.words
}

// score gives each candidate points: how much of the question it covers (rare terms count more), whether the terms stand together,
// whether a heading names them, whether it defines them, where the store put it, and whether its material is the one in question.
func (s *search) score() {
	docs := make([]scored, len(s.pool))
	often := make([][]float64, len(s.pool)) // of each term in each document
	found := make([]float64, len(s.asked))
	length := 0.0
	for i, c := range s.pool {
		d := c.read()
		docs[i], often[i], c.covered = d, make([]float64, len(s.asked)), make([]bool, len(s.asked))
		length += float64(len(d.text)) / float64(len(s.pool))
		for k, t := range s.asked {
			near := float64(occurs(t, d.text)) + innerCounts*float64(occurs(t, d.inner))
			if near > 0 {
				found[k]++
			}
			often[i][k] = near + outerCounts*float64(min(occurs(t, d.outer), 1))
			c.covered[k] = often[i][k] > 0
		}
	}
	weights, total := s.weigh(found)
	for i, c := range s.pool {
		c.score = 0
		long := 1 - lengthShare + lengthShare*float64(len(docs[i].text))/max(length, 1)
		for k := range s.asked {
			if n := often[i][k]; n > 0 && total > 0 {
				c.score += weights[k] / total * n / (n + saturation*long) * (1 + saturation) / 2
			}
		}
		c.score += weightTogether*max(s.together(docs[i].text), s.together(docs[i].inner)) + weightHeaded*s.headed(docs[i].inner) + weightDefined*s.defined(docs[i].text)
		c.score += weightPlace * (1 - float64(min(c.place, candidates))/candidates)
		if c.named {
			c.score += weightNamed
			if s.whole {
				c.score += 1 / float64(1+c.Ordinal) // the beginning tells what it is about
			}
		}
		if c.before {
			c.score += weightBefore
		}
	}
}

// weigh gives each term its weight: rare ones in the pool count more.
func (s *search) weigh(found []float64) (weights []float64, total float64) {
	weights = make([]float64, len(s.asked))
	for k, t := range s.asked {
		weights[k] = t.weight * (0.3 + math.Log(1+(float64(len(s.pool))-found[k]+0.5)/(found[k]+0.5)))
		if t.generic {
			weights[k] *= 0.3
		}
		if found[k] > 0 {
			total += weights[k]
		} else {
			total += t.weight // a word that no passage has says nothing about how rare it would be
		}
	}
	return weights, total
}

// headed returns the share of the innermost heading's own words that the question has: a heading may be the question itself. Its number
// counts only when it is asked for.
func (s *search) headed(inner []string) float64 {
	hits, own := 0, 0
	for _, h := range pick(inner, false) {
		hit := slices.ContainsFunc(s.asked, func(t term) bool { return t.match(h.word) })
		if hit {
			hits++
		}
		if hit || strings.Trim(h.word, "0123456789") != "" {
			own++
		}
	}
	switch {
	case hits == 0, hits == 1 && own > 1: // one common word is no heading in question
		return 0
	case hits == 1 && len(s.content()) > 1:
		return 0.3
	case hits == 1:
		return 0.7
	}
	return float64(hits) / float64(own)
}

// occurs counts the forms of a term in a text.
func occurs(t term, text []string) int {
	n := 0
	for _, w := range text {
		if t.match(w) {
			n++
		}
	}
	return n
}

// defined returns the share of the message's own terms, if they are few, that the text says what they are: "a quorum is".
func (s *search) defined(text []string) float64 {
	n, hits := 0, 0
	for _, t := range s.asked[:s.own] {
		if t.generic && !s.keyed {
			continue
		}
		if n++; n > 3 {
			return 0
		}
		for i, w := range text {
			if i+1 < len(text) && copulas[text[i+1]] && t.match(w) {
				hits++
				break
			}
		}
	}
	return float64(hits) / float64(max(n, 1))
}

// copulas follow a term that is defined.
var copulas = foldSet(wordSet(`is are means ist sind heißt bedeutet est sont désigne es son significa é são è sono`))

// together returns the share of neighbouring terms of the question that stand within four words of each other in the text.
func (s *search) together(text []string) float64 {
	if s.own < 2 && len(s.asked) < 2 {
		return 0
	}
	n := max(s.own, min(2, len(s.asked)))
	last := make([]int, n)
	pairs := make([]bool, n)
	for k := range last {
		last[k] = math.MinInt / 2
	}
	for i, w := range text {
		for k := range n {
			if !s.asked[k].match(w) {
				continue
			}
			last[k] = i
			if k > 0 && i-last[k-1] <= 4 {
				pairs[k] = true
			}
			if k+1 < n && i-last[k+1] <= 4 {
				pairs[k+1] = true
			}
		}
	}
	hits := 0
	for _, p := range pairs {
		if p {
			hits++
		}
	}
	return float64(hits) / float64(n-1)
}

// relevant decides whether the best passages are about the question at all (TUTOR-7).
func (s *search) relevant(ranked []*candidate) bool {
	if len(ranked) == 0 {
		return false
	}
	if s.whole && ranked[0].named || s.filed != "" && ranked[0].MaterialID == s.filed {
		return true
	}
	// A follow-up of at most one subject word is judged together with what it follows.
	n := s.own
	if len(s.content()) <= 1 {
		n = len(s.asked)
	}
	subject, best, union := 0.0, 0.0, map[int]bool{}
	for _, c := range ranked[:min(3, len(ranked))] {
		covered := 0.0
		subject = 0
		for k, t := range s.asked[:n] {
			if t.generic && !s.keyed {
				continue
			}
			subject += t.weight
			if c.covered[k] {
				covered += t.weight
				union[k] = true
			}
		}
		best = max(best, covered)
	}
	if subject == 0 {
		return false
	}
	all := 0.0
	for k := range union {
		all += s.asked[k].weight
	}
	return best/subject >= 0.5 || all/subject >= 0.6 || best >= 2 && best/subject >= 0.33
}

// keywords decides whether words that otherwise only say what is wanted are the subject, because nothing else was asked and the material
// has a heading with one of them: "mean" in a course of statistics.
func (s *search) keywords() {
	if len(s.content()) > 0 || s.own == 0 || s.own > 3 || len(s.asked) > s.own {
		return
	}
	for _, c := range s.pool {
		d := c.read()
		for _, t := range s.asked {
			if utf8.RuneCountInString(t.word) < 3 || foldedPointing[t.word] || foldedStop[t.word] {
				continue
			}
			for _, w := range d.inner {
				if w == t.word {
					s.keyed = true
					return
				}
			}
		}
	}
}
