package tutor

import (
	"math"
	"strings"
)

// score gives each candidate points: how much of the question it covers (rare terms count more), whether the terms stand together,
// whether a heading names them, where the store put it, and whether its material is the one in question.
func (s *search) score() {
	found := make([]int, len(s.asked))
	texts := make([][]string, len(s.pool))
	for i, c := range s.pool {
		texts[i] = words(c.Text)
		head := append(words(c.Heading), words(c.Title)...)
		c.covered = make([]bool, len(s.asked))
		for k, t := range s.asked {
			c.covered[k] = occurs(t, texts[i]) > 0 || occurs(t, head) > 0
			if c.covered[k] {
				found[k]++
			}
		}
	}
	weights := make([]float64, len(s.asked))
	total := 0.0
	for k, t := range s.asked {
		weights[k] = t.weight * math.Log(1+float64(len(s.pool)+1)/(float64(found[k])+0.5))
		if t.generic {
			weights[k] *= 0.3
		}
		total += weights[k]
	}
	for i, c := range s.pool {
		c.score = 0
		head := append(words(c.Heading), words(c.Title)...)
		for k, t := range s.asked {
			if !c.covered[k] || total == 0 {
				continue
			}
			often := math.Min(float64(occurs(t, texts[i])), 4)
			c.score += weights[k] / total * (0.85 + 0.05*often)
			if occurs(t, head) > 0 {
				c.score += 0.3 * weights[k] / total
			}
		}
		c.score += 0.25*s.together(texts[i]) + 0.35*s.headed(c.Heading)
		c.score += 0.2 * (1 - float64(min(c.place, candidates))/candidates)
		if c.named {
			c.score += 0.4
			if s.whole {
				c.score += 1 / float64(1+c.Ordinal) // the beginning tells what it is about
			}
		}
		if c.before {
			c.score += 0.1
		}
	}
}

// headed returns the share of the innermost heading's own words that the question has: a heading may be the question itself.
func (s *search) headed(heading string) float64 {
	_, last, nested := strings.Cut(heading, " › ")
	if !nested {
		last = heading
	}
	own := terms(last)
	hits := 0
	for _, h := range own {
		for _, t := range s.asked {
			if t.match(h.word) {
				hits++
				break
			}
		}
	}
	if hits < 2 { // one common word is no heading in question
		return 0
	}
	return float64(hits) / float64(len(own))
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
			if t.generic {
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
