package lms

import (
	"math/big"
	"slices"
)

// Statistics describe the marks of one column or of the totals. All are displayed values; a total is in percent.
type Statistics struct {
	ID       string        `json:"id"` // of the column, or "total"
	Title    string        `json:"title"`
	Possible Points        `json:"possible"` // 100 for totals
	Count    int           `json:"count"`
	Mean     Points        `json:"mean"`
	Median   Points        `json:"median"`
	Lower    Points        `json:"lower"` // first quartile
	Upper    Points        `json:"upper"` // third quartile
	Min      Points        `json:"min"`
	Max      Points        `json:"max"`
	Bins     []int         `json:"bins"`             // how many lie in each tenth of the possible points, what is above in the last
	Levels   map[Level]int `json:"levels,omitempty"` // of totals
	Passed   int           `json:"passed,omitempty"` // of totals, with a pass mark
}

// Usage is what a course's people do, as far as it is recorded.
type Usage struct {
	Members   int `json:"members"`   // active students
	Active    int `json:"active"`    // students who handed in, asked or replied in the last 30 days
	Questions int `json:"questions"` // to the staff or the tutor, in the last 30 days
	Handed    int `json:"handed"`    // attempts in the last 30 days
}

// ClassStatistics are the statistics of a course (PROG-2).
type ClassStatistics struct {
	Items    []Statistics `json:"items"`
	Total    *Statistics  `json:"total,omitempty"`
	Usage    *Usage       `json:"usage,omitempty"` // for staff
	Released bool         `json:"released"`        // students may see them
}

const bins = 10

// StatisticsOf describes values. Quartiles and the median interpolate between neighbours, as spreadsheets do.
func StatisticsOf(values []Points, possible Points) Statistics {
	s := Statistics{Possible: possible, Count: len(values), Bins: make([]int, bins)}
	if len(values) == 0 {
		return s
	}
	v := slices.Sorted(slices.Values(values))
	sum := new(big.Int)
	for _, x := range v {
		sum.Add(sum, big.NewInt(int64(x)))
		at := bins - 1
		if possible > 0 {
			at = min(int(int64(x)*bins/int64(possible)), bins-1)
		}
		s.Bins[at]++
	}
	twice := sum.Mul(sum, big.NewInt(2))
	n := big.NewInt(int64(len(v)))
	s.Mean = Points(twice.Add(twice, n).Div(twice, n.Mul(n, big.NewInt(2))).Int64()) // half up
	s.Min, s.Max = v[0], v[len(v)-1]
	s.Lower, s.Median, s.Upper = quantile(v, 1), quantile(v, 2), quantile(v, 3)
	return s
}

// quantile is the q-th quarter of sorted values, rounded half up.
func quantile(v []Points, q int) Points {
	at := (len(v) - 1) * q
	low, part := at/4, int64(at%4)
	if part == 0 {
		return v[low]
	}
	return Points(divHalfUp(int64(v[low])*(4-part)+int64(v[low+1])*part, 4))
}

// Statistics describes the columns and totals of the students: what staff have entered, or what was posted. atLeast is how
// many marks a column must have.
func (b *Book) Statistics(students []BookStudent, posted bool, atLeast int) ClassStatistics {
	out := ClassStatistics{Items: []Statistics{}, Released: b.Settings.ReleaseStats}
	for at, col := range b.Columns {
		if !col.Counts() {
			continue
		}
		var values []Points
		for i := range students {
			s := &students[i]
			mark, attempt := s.Entries[at].Draft, s.Entries[at].DraftFor
			if posted {
				mark, attempt = s.Entries[at].Posted, s.Entries[at].PostedFor
				if s.Entries[at].hidden() {
					continue
				}
			}
			if scored, _ := b.score(s, at, mark, attempt); scored.Graded && !mark.Excused {
				values = append(values, scored.Final.Points())
			}
		}
		if len(values) < max(atLeast, 1) {
			continue
		}
		item := StatisticsOf(values, col.Points)
		item.ID, item.Title = col.ID, col.Title
		out.Items = append(out.Items, item)
	}
	out.Total = b.totalStatistics(students, posted, atLeast)
	return out
}

func (b *Book) totalStatistics(students []BookStudent, posted bool, atLeast int) *Statistics {
	var values []Points
	levels := map[Level]int{}
	passed := 0
	for i := range students {
		current, _ := b.totals(&students[i], posted)
		if !current.Ratio.IsSet() {
			continue
		}
		p := current.Ratio.Percent()
		values = append(values, Points(p))
		levels[LevelOf(current.Ratio, b.Level)]++
		if b.Settings.PassMark != nil && p >= *b.Settings.PassMark {
			passed++
		}
	}
	if len(values) < max(atLeast, 1) {
		return nil
	}
	t := StatisticsOf(values, 100_00)
	t.ID, t.Title, t.Levels, t.Passed = TotalColumn, "Current total", levels, passed
	return &t
}
