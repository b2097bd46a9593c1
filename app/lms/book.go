package lms

import (
	"cmp"
	"math/big"
	"math/bits"
	"slices"
)

// Category is a weighted group of gradebook columns with drop rules.
type Category struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Weight      Percent  `json:"weight"`
	DropLowest  int      `json:"dropLowest,omitempty"`
	DropHighest int      `json:"dropHighest,omitempty"`
	NeverDrop   []string `json:"neverDrop,omitempty"` // ids of columns
}

// Cell is what one student has in one column, as far as totals care. Columns are given in their order.
type Cell struct {
	Column      string
	Category    string
	Possible    Points
	Score       Score // what counts: after the late policy, or the missing score
	Graded      bool  // has a score; a missing score is one
	Excused     bool
	ExtraCredit bool // adds its points and nothing to the possible points
}

// Ratio is an exact share of possible points; the zero value means that nothing counts yet.
type Ratio struct{ r *big.Rat }

// RatioOf makes a ratio.
func RatioOf(r *big.Rat) Ratio { return Ratio{r} }

// IsSet reports whether anything counts.
func (r Ratio) IsSet() bool { return r.r != nil }

// Percent is the ratio rounded half up to two places, which is what is displayed and what letters and levels compare
// (BOOK-6).
func (r Ratio) Percent() Percent {
	if r.r == nil {
		return 0
	}
	x := new(big.Rat).Mul(r.r, big.NewRat(2*100_00, 1))
	x.Add(x, big.NewRat(1, 1)) // floor((2x + 1) / 2)
	return Percent(new(big.Int).Div(x.Num(), new(big.Int).Mul(big.NewInt(2), x.Denom())).Int64())
}

// String writes the displayed percentage with two places: "90.00".
func (r Ratio) String() string {
	if r.r == nil {
		return ""
	}
	return r.r2()
}

func (r Ratio) r2() string {
	p := r.Percent()
	return big.NewRat(int64(p), 100).FloatString(2)
}

func (r Ratio) weigh(w Percent) *big.Rat { return new(big.Rat).Mul(r.r, big.NewRat(int64(w), 1)) }

// CategoryTotal is a category's part of a total.
type CategoryTotal struct {
	Category string
	Earned   Score
	Possible Points
	Ratio    Ratio
	Dropped  []string // columns, in their order
}

// Total is a course total and how it was made.
type Total struct {
	Ratio      Ratio
	Categories []CategoryTotal // of the categories that have possible points, in their order
	Weights    Percent         // the sum that the weights were divided by
}

// Totals computes the current total, which leaves ungraded items out, and the final total, in which they count as 0.
// Excused items are left out of both. Drop rules are applied to each by itself (BOOK-2 to BOOK-5).
func Totals(categories []Category, cells []Cell) (current, final Total) {
	return total(categories, cells, false), total(categories, cells, true)
}

// total weighs the ratios of the categories that have possible points; if their weights do not reach 100 %, it divides by
// the sum (BOOK-3). Weights beyond 100 % are left as they are: a category of extra credit is made so.
func total(categories []Category, cells []Cell, final bool) Total {
	var t Total
	sum := new(big.Rat)
	for _, c := range categories {
		ct := categoryTotal(c, cells, final)
		if !ct.Ratio.IsSet() {
			continue
		}
		t.Categories = append(t.Categories, ct)
		t.Weights += c.Weight
		sum.Add(sum, ct.Ratio.weigh(c.Weight))
	}
	if len(t.Categories) > 0 && t.Weights > 0 {
		t.Ratio = Ratio{sum.Quo(sum, big.NewRat(min(int64(t.Weights), 100_00), 1))}
	}
	return t
}

func categoryTotal(c Category, cells []Cell, final bool) CategoryTotal {
	ct := CategoryTotal{Category: c.ID}
	var fixed, droppable []Cell
	for _, cell := range cells {
		switch {
		case cell.Category != c.ID || cell.Excused || !cell.Graded && !final:
		case cell.ExtraCredit:
			cell.Possible = 0
			fixed = append(fixed, cell)
		case slices.Contains(c.NeverDrop, cell.Column):
			fixed = append(fixed, cell)
		default:
			droppable = append(droppable, cell)
		}
	}
	kept, dropped := drop(fixed, droppable, c.DropLowest, c.DropHighest)
	for _, cell := range append(fixed, kept...) {
		ct.Earned += cell.Score
		ct.Possible += cell.Possible
	}
	for _, cell := range dropped {
		ct.Dropped = append(ct.Dropped, cell.Column)
	}
	if ct.Possible > 0 {
		ct.Ratio = Ratio{big.NewRat(int64(ct.Earned), int64(ct.Possible)*scorePerPoint)}
	}
	return ct
}

// drop leaves out the n cells without which the ratio of the rest is best, then the m without which it is lowest. One
// droppable cell always stays: if n leaves none, it leaves one, and if n and m together leave none, m is 0 (BOOK-5).
func drop(fixed, cells []Cell, n, m int) (kept, dropped []Cell) {
	n = min(max(n, 0), max(len(cells)-1, 0))
	if m = max(m, 0); n+m >= len(cells) {
		m = 0
	}
	kept = keep(fixed, cells, len(cells)-n, 1)
	kept = keep(fixed, kept, len(kept)-m, -1)
	for _, c := range cells {
		if !slices.ContainsFunc(kept, func(k Cell) bool { return k.Column == c.Column }) {
			dropped = append(dropped, c)
		}
	}
	return kept, dropped
}

// keep chooses k cells so that the ratio of them and the fixed ones is highest (sign 1) or lowest (sign -1). It is
// Dinkelbach's method for fractional programmes (Management Science 13(7), 1967): with the ratio q of a choice, the k cells
// of largest score - q x possible make a choice that is no worse; when q no longer changes it is optimal. The drop rules of
// gradebooks are the special case that Kane and Kane describe in "The Algebra of Grade Dropping" (2009). Among equals the
// later columns stay.
func keep(fixed, cells []Cell, k int, sign int) []Cell {
	if k >= len(cells) {
		return cells
	}
	order := make([]int, len(cells))
	for i := range order {
		order[i] = i
	}
	chosen := cells[len(cells)-k:]
	score, possible := sums(fixed, chosen)
	for {
		// value = score - q x possible, times the denominator of q; compared without a difference, so that it stays unsigned
		value := make([][2]wide, len(cells))
		for i, c := range cells {
			value[i] = [2]wide{product(uint64(c.Score), possible), product(uint64(c.Possible)*scorePerPoint, score)}
		}
		slices.SortFunc(order, func(a, b int) int { // best first; among equals the later column
			v := value[a][0].plus(value[b][1]).compare(value[b][0].plus(value[a][1]))
			return cmp.Or(-sign*v, b-a)
		})
		picked := slices.Sorted(slices.Values(order[:k]))
		chosen = make([]Cell, k)
		for i, at := range picked {
			chosen[i] = cells[at]
		}
		was, wasPossible := score, possible
		score, possible = sums(fixed, chosen)
		if product(score, wasPossible) == product(was, possible) {
			return chosen
		}
	}
}

// sums adds up scores and possible points, both in millionths. With nothing possible any ratio is as good: it is 0 of 1.
func sums(groups ...[]Cell) (score, possible uint64) {
	for _, cells := range groups {
		for _, c := range cells {
			score += uint64(c.Score)
			possible += uint64(c.Possible) * scorePerPoint
		}
	}
	if possible == 0 {
		return 0, 1
	}
	return score, possible
}

// wide is an unsigned number of 128 bits: a product of two sums of points does not fit into 64.
type wide struct{ high, low uint64 }

func product(a, b uint64) (w wide) {
	w.high, w.low = bits.Mul64(a, b)
	return w
}

func (w wide) plus(o wide) wide {
	low, carry := bits.Add64(w.low, o.low, 0)
	high, _ := bits.Add64(w.high, o.high, carry)
	return wide{high, low}
}

func (w wide) compare(o wide) int {
	return cmp.Or(cmp.Compare(w.high, o.high), cmp.Compare(w.low, o.low))
}

// Level is how far a student is, from the displayed current total (PROG-1, TUTOR-12).
type Level string

// The levels.
const (
	LevelBeginner     Level = "beginner"
	LevelIntermediate Level = "intermediate"
	LevelAdvanced     Level = "advanced"
)

// LevelOf is the level of a displayed current total; without one it is the course's default, and without that, beginner.
func LevelOf(current Ratio, byDefault Level) Level {
	switch p := current.Percent(); {
	case !current.IsSet():
		return cmp.Or(byDefault, LevelBeginner)
	case p >= 85_00:
		return LevelAdvanced
	case p >= 70_00:
		return LevelIntermediate
	}
	return LevelBeginner
}

// Letter is one step of a letter scale: the letter for displayed totals from Min on.
type Letter struct {
	Letter string  `json:"letter"`
	Min    Percent `json:"min"`
}

// CheckLetters refuses a scale with a gap at the bottom, a repeated letter or steps out of order. Steps go from the best
// letter down and the last begins at 0, so that a scale has neither overlaps nor gaps (BOOK-7).
func CheckLetters(scale []Letter) error {
	seen := map[string]bool{}
	for i, l := range scale {
		switch {
		case l.Letter == "" || len(l.Letter) > 16:
			return FieldErrorf(KindRule, "letters", "A letter has between 1 and 16 characters.")
		case seen[l.Letter]:
			return FieldErrorf(KindRule, "letters", "The letter %s occurs twice.", l.Letter)
		case i > 0 && l.Min >= scale[i-1].Min:
			return FieldErrorf(KindRule, "letters", "%s begins at %s %%, which is not below %s. Give the letters from the best one down.", l.Letter, l.Min, scale[i-1].Letter)
		case i == len(scale)-1 && l.Min != 0:
			return FieldErrorf(KindRule, "letters", "Totals below %s %% have no letter. Let the last letter begin at 0.", l.Min)
		}
		seen[l.Letter] = true
	}
	return nil
}

// LetterOf is the letter of a displayed total; "" without a scale.
func LetterOf(scale []Letter, p Percent) string {
	for _, l := range scale {
		if p >= l.Min {
			return l.Letter
		}
	}
	return ""
}
