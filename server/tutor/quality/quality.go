// Package quality measures how well passages are found for labelled questions. The tests of package tutor and build/bench use it.
package quality

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"trivium/app/lms"
)

// Depth is how many passages of a ranking are judged.
const Depth = 10

// Question is a message of a student with the places of the material that answer it.
type Question struct {
	Text     string
	Previous []string // messages before it, latest first
	Places   []string // pieces of the text that answer it; the first is the best
}

// Parse reads questions, one a line: "place ; further place => question", or "=> earlier message >> question". Lines that begin with #
// are comments.
func Parse(text string) ([]Question, error) {
	var list []Question
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		places, asked, ok := strings.Cut(line, " => ")
		if !ok {
			return nil, fmt.Errorf("no => in %q", line)
		}
		q := Question{}
		for p := range strings.SplitSeq(places, " ; ") {
			q.Places = append(q.Places, plain(p))
		}
		turns := strings.Split(asked, " >> ")
		slices.Reverse(turns)
		q.Text, q.Previous = turns[0], turns[1:]
		list = append(list, q)
	}
	return list, nil
}

// plain is a text without what Markdown and line ends do to it.
func plain(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "*", "")), " ")
}

// Gain is 2 for the passage that answers best, 1 for another one that answers, else 0.
func (q Question) Gain(p lms.Passage) int {
	text := plain(p.Heading + " " + p.Text)
	for i, place := range q.Places {
		if strings.Contains(text, place) {
			return 2 - min(i, 1)
		}
	}
	return 0
}

// Answerable reports whether each place is in the material: a label that points nowhere would count as a miss of everybody.
func (q Question) Answerable(all []lms.Passage) error {
	for _, place := range q.Places {
		if !slices.ContainsFunc(all, func(p lms.Passage) bool { return strings.Contains(plain(p.Heading+" "+p.Text), place) }) {
			return fmt.Errorf("%s: no passage holds %q", q.Text, place)
		}
	}
	return nil
}

// Score sums up rankings.
type Score struct {
	Questions             int
	hit1, hit5, mrr, ndcg float64
}

// Add judges one ranking of the passages all.
func (s *Score) Add(q Question, ranked, all []lms.Passage) {
	s.Questions++
	ranked = ranked[:min(len(ranked), Depth)]
	first := slices.IndexFunc(ranked, func(p lms.Passage) bool { return q.Gain(p) > 0 })
	switch {
	case first == 0:
		s.hit1++
		fallthrough
	case first > 0 && first < 5:
		s.hit5++
	}
	if first >= 0 {
		s.mrr += 1 / float64(first+1)
	}
	gains := func(ps []lms.Passage) []int {
		out := make([]int, len(ps))
		for i, p := range ps {
			out[i] = q.Gain(p)
		}
		return out
	}
	ideal := gains(all)
	slices.SortFunc(ideal, func(a, b int) int { return b - a })
	if best := discounted(ideal[:min(len(ideal), Depth)]); best > 0 {
		s.ndcg += discounted(gains(ranked)) / best
	}
}

func discounted(gains []int) float64 {
	sum := 0.0
	for i, g := range gains {
		sum += (math.Exp2(float64(g)) - 1) / math.Log2(float64(i)+2)
	}
	return sum
}

// Merge adds the questions of another score.
func (s *Score) Merge(o Score) {
	s.Questions += o.Questions
	s.hit1, s.hit5, s.mrr, s.ndcg = s.hit1+o.hit1, s.hit5+o.hit5, s.mrr+o.mrr, s.ndcg+o.ndcg
}

func (s Score) share(sum float64) float64 { return sum / float64(max(s.Questions, 1)) }

// Hit1 is the share of questions whose first passage answers.
func (s Score) Hit1() float64 { return s.share(s.hit1) }

// Hit5 is the share of questions that one of the first five passages answers.
func (s Score) Hit5() float64 { return s.share(s.hit5) }

// MRR is the mean of one divided by the rank of the first passage that answers, within Depth.
func (s Score) MRR() float64 { return s.share(s.mrr) }

// NDCG is the mean normalised discounted gain of the first Depth passages.
func (s Score) NDCG() float64 { return s.share(s.ndcg) }

func (s Score) String() string {
	return fmt.Sprintf("hit@1 %.3f, hit@5 %.3f, MRR %.3f, nDCG@10 %.3f of %d questions", s.Hit1(), s.Hit5(), s.MRR(), s.NDCG(), s.Questions)
}
