package lms_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"trivium/app/lms"
)

// cellsOf reads "60/100 2/5 -/20 EX/10": score/possible in one category.
func cellsOf(t testing.TB, category, list string) []lms.Cell {
	t.Helper()
	var out []lms.Cell
	for i, item := range strings.Fields(list) {
		score, possible, _ := strings.Cut(item, "/")
		c := lms.Cell{Column: fmt.Sprintf("%s%d", category, i), Category: category, Possible: points(t, possible)}
		switch score {
		case "-":
		case "EX":
			c.Excused = true
		default:
			c.Score, c.Graded = points(t, score).Score(), true
		}
		out = append(out, c)
	}
	return out
}

// The vectors of BOOK-4 and the limits of BOOK-5.
func TestDropRules(t *testing.T) {
	for _, c := range []struct {
		cells           string
		lowest, highest int
		never           []string
		want, dropped   string
	}{
		{"60/100 2/5 95/100", 1, 0, nil, "92.38", "c0"},
		{"60/100 2/5 95/100", 1, 0, []string{"c0"}, "77.50", "c1"},
		{"56/100 10/10 0/5 9/20", 1, 0, nil, "57.69", "c2"},
		{"56/100 10/10 0/5 9/20", 2, 0, nil, "66.67", "c0 c3"},
		{"5/10 5/10 5/10", 1, 0, nil, "50.00", "c0"}, // a tie: the earlier column
		{"1/10 9/10", 5, 0, nil, "90.00", "c0"},      // one stays
		{"1/10 5/10 9/10", 1, 2, nil, "70.00", "c0"}, // together they would leave none: only the lowest
		{"1/10 5/10 9/10", 1, 1, nil, "50.00", "c0 c2"},
		{"1/10 5/10 9/10", 0, 1, nil, "30.00", "c2"},
		{"1/10 EX/10 9/10", 1, 0, nil, "90.00", "c0"}, // excused items are not droppable
		{"", 1, 1, nil, "", ""},
	} {
		cells := cellsOf(t, "c", c.cells)
		current, _ := lms.Totals([]lms.Category{{ID: "c", Weight: 100_00, DropLowest: c.lowest, DropHighest: c.highest, NeverDrop: c.never}}, cells)
		var dropped []string
		for _, ct := range current.Categories {
			dropped = append(dropped, ct.Dropped...)
		}
		if got := strings.Join(dropped, " "); current.Ratio.String() != c.want || got != c.dropped {
			t.Errorf("%s, drop %d lowest %d highest: %s without %q, want %s without %q", c.cells, c.lowest, c.highest, current.Ratio, got, c.want, c.dropped)
		}
	}
}

// The vector of BOOK-3, weights that do not reach 100, and what ungraded, excused and missing do (BOOK-2).
func TestTotals(t *testing.T) {
	homework, exam := lms.Category{ID: "h", Weight: 40_00}, lms.Category{ID: "e", Weight: 60_00}
	for _, c := range []struct{ homework, exam, current, final string }{
		{"9/10 18/20", "-/100", "90.00", "36.00"},
		{"9/10 EX/20", "80/100", "84.00", "84.00"},
		{"9/10 0/20", "80/100", "60.00", "60.00"}, // 0 as a missing score
		{"-/10", "-/100", "", "0.00"},
		{"EX/10", "EX/100", "", ""},
		{"12/10", "", "120.00", "120.00"},
	} {
		cells := append(cellsOf(t, "h", c.homework), cellsOf(t, "e", c.exam)...)
		current, final := lms.Totals([]lms.Category{homework, exam}, cells)
		if current.Ratio.String() != c.current || final.Ratio.String() != c.final {
			t.Errorf("homework %s, exam %s: current %s final %s, want %s and %s", c.homework, c.exam, current.Ratio, final.Ratio, c.current, c.final)
		}
	}
}

func TestExtraCredit(t *testing.T) {
	cells := cellsOf(t, "c", "80/100 5/10")
	cells[1].ExtraCredit = true
	if current, _ := lms.Totals([]lms.Category{{ID: "c", Weight: 100_00, DropLowest: 1}}, cells); current.Ratio.String() != "85.00" {
		t.Errorf("5 points of extra credit beside 80/100: %s, want 85.00", current.Ratio)
	}
}

// Rounding is half up and happens for display only (BOOK-6); letters and levels compare what is displayed.
func TestDisplayedTotals(t *testing.T) {
	scale := []lms.Letter{{"A", 90_00}, {"B", 70_00}, {"F", 0}}
	for _, c := range []struct {
		cell, want string
		level      lms.Level
		letter     string
	}{
		{"69.9/100", "69.90", lms.LevelBeginner, "F"},
		{"13999/20000", "70.00", lms.LevelIntermediate, "B"}, // 69.995
		{"13998.9/20000", "69.99", lms.LevelBeginner, "F"},   // 69.9945
		{"70/100", "70.00", lms.LevelIntermediate, "B"},
		{"84.99/100", "84.99", lms.LevelIntermediate, "B"},
		{"85/100", "85.00", lms.LevelAdvanced, "B"},
		{"1/3", "33.33", lms.LevelBeginner, "F"},
		{"2/3", "66.67", lms.LevelBeginner, "F"},
	} {
		current, _ := lms.Totals([]lms.Category{{ID: "c", Weight: 100_00}}, cellsOf(t, "c", c.cell))
		if current.Ratio.String() != c.want || lms.LevelOf(current.Ratio, "") != c.level || lms.LetterOf(scale, current.Ratio.Percent()) != c.letter {
			t.Errorf("%s: %s %s %s, want %s %s %s", c.cell, current.Ratio, lms.LevelOf(current.Ratio, ""), lms.LetterOf(scale, current.Ratio.Percent()), c.want, c.level, c.letter)
		}
	}
	if got := lms.LevelOf(lms.Ratio{}, lms.LevelAdvanced); got != lms.LevelAdvanced {
		t.Errorf("without grades the course's default level holds, not %s", got)
	}
}

func TestCheckLetters(t *testing.T) {
	for _, c := range []struct {
		scale []lms.Letter
		ok    bool
	}{
		{nil, true},
		{[]lms.Letter{{"A", 90_00}, {"B", 0}}, true},
		{[]lms.Letter{{"A", 90_00}, {"B", 10_00}}, false},
		{[]lms.Letter{{"A", 90_00}, {"B", 90_00}, {"C", 0}}, false},
		{[]lms.Letter{{"A", 80_00}, {"B", 90_00}, {"C", 0}}, false},
		{[]lms.Letter{{"A", 80_00}, {"A", 0}}, false},
		{[]lms.Letter{{"", 0}}, false},
	} {
		if err := lms.CheckLetters(c.scale); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.scale, err)
		}
	}
}

// Dropping finds the best ratio of all choices, and then the lowest: compared with trying every choice.
func TestDropProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 7).Draw(t, "cells")
		var cells []lms.Cell
		for i := range count {
			possible := lms.Points(rapid.Int64Range(1, 40).Draw(t, "possible") * 100)
			score := lms.Points(rapid.Int64Range(0, 5000).Draw(t, "score"))
			cells = append(cells, lms.Cell{Column: fmt.Sprint(i), Category: "c", Possible: possible, Score: score.Score(), Graded: true})
		}
		lowest, highest := rapid.IntRange(0, 7).Draw(t, "lowest"), rapid.IntRange(0, 7).Draw(t, "highest")
		current, final := lms.Totals([]lms.Category{{ID: "c", Weight: 100_00, DropLowest: lowest, DropHighest: highest}}, cells)
		n := min(lowest, count-1)
		m := highest
		if n+m >= count {
			m = 0
		}
		rest, _ := best(cells, count-n, 1)
		_, want := best(rest, len(rest)-m, -1)
		got := big.NewRat(int64(current.Categories[0].Earned), int64(current.Categories[0].Possible)*10_000)
		if n > 0 && m > 0 {
			// Among equally good choices for the lowest the highest may differ; the count is what must hold then.
			if len(current.Categories[0].Dropped) != n+m {
				t.Fatalf("dropped %v of %v", current.Categories[0].Dropped, cells)
			}
			return
		}
		if got.Cmp(want) != 0 {
			t.Fatalf("%v drop %d lowest %d highest: %v, best is %v", cells, n, m, got, want)
		}
		if final.Ratio.String() != current.Ratio.String() {
			t.Fatalf("with everything graded current %s and final %s differ", current.Ratio, final.Ratio)
		}
	})
}

// best tries every choice of k cells.
func best(cells []lms.Cell, k, sign int) (choice []lms.Cell, value *big.Rat) {
	for mask := range 1 << len(cells) {
		var score, possible int64
		var in []lms.Cell
		for i, c := range cells {
			if mask>>i&1 == 1 {
				in = append(in, c)
				score += int64(c.Score)
				possible += int64(c.Possible) * 10_000
			}
		}
		if len(in) != k {
			continue
		}
		if r := big.NewRat(score, possible); value == nil || r.Cmp(value)*sign > 0 {
			choice, value = slices.Clone(in), r
		}
	}
	return choice, value
}
