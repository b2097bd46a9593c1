package lms_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"trivium/app/lms"
)

func TestParseMark(t *testing.T) {
	for _, c := range []struct {
		in       string
		possible lms.Points
		want     string // "!" for a refusal
	}{
		{"", 10_00, ""}, {"  ", 10_00, ""}, {"87.5", 100_00, "87.5"}, {" 87,5 ", 100_00, "87.5"}, {"0", 10_00, "0"}, {"EX", 10_00, "EX"}, {"ex", 10_00, "EX"},
		{"87%", 20_00, "17.4"}, {"12,5 %", 20_00, "2.5"}, {"33.33%", 10_00, "3.33"}, {"100%", 7_00, "7"}, {"0.05%", 10_00, "0.01"}, {"0.04%", 10_00, "0"},
		{"50%", 0, "!"}, {"-1", 10_00, "!"}, {"-5%", 10_00, "!"}, {"abc", 10_00, "!"}, {"1e3", 10_00, "!"}, {"1.234", 10_00, "!"}, {"NaN", 10_00, "!"},
		{"=1", 10_00, "!"}, {"1 000", 10_00, "!"}, {"%", 10_00, "!"}, {"EXX", 10_00, "!"}, {"1\x00", 10_00, "!"}, {"٥", 10_00, "!"}, {"1,2,3", 10_00, "!"},
	} {
		m, err := lms.ParseMark(c.in, c.possible)
		got := m.String()
		if err != nil {
			got = "!"
			if lms.KindOf(err) != lms.KindRule {
				t.Errorf("%q: %v", c.in, err)
			}
		}
		if got != c.want {
			t.Errorf("%q of %s: %q, want %q", c.in, c.possible, got, c.want)
		}
	}
}

func drawCell(t *rapid.T) lms.BookCell {
	points := func(name string) lms.Points {
		return lms.Points(rapid.Int64Range(0, int64(lms.MaxPoints)).Draw(t, name))
	}
	c := lms.BookCell{Missing: rapid.Bool().Draw(t, "missing"), Late: rapid.Bool().Draw(t, "late"), Submitted: rapid.Bool().Draw(t, "submitted"),
		Unposted: rapid.Bool().Draw(t, "unposted"), Version: rapid.Int64Range(0, 1<<40).Draw(t, "version")}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		c.Mark.Excused = true
	case 1:
		p := points("mark")
		c.Mark.Points, c.Graded, c.Final = &p, true, points("final")
	case 2:
		c.Graded, c.Final = true, points("final") // a missing score
	}
	return c
}

// What a row encodes is what the grid reads.
func TestBookCellRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := rapid.SliceOfN(rapid.Custom(drawCell), 1, 8).Draw(t, "cells")
		row := lms.BookRow{}
		for i, c := range cells {
			if i > 0 {
				row.Cells += " "
			}
			row.Cells += c.Encode()
		}
		for i, want := range cells {
			got := row.Cell(i)
			if !got.Mark.Equal(want.Mark) {
				t.Fatalf("%q, cell %d: mark %v, want %v", row.Cells, i, got.Mark, want.Mark)
			}
			got.Mark, want.Mark = lms.Mark{}, lms.Mark{}
			if got != want {
				t.Fatalf("%q, cell %d: %+v, want %+v", row.Cells, i, got, want)
			}
		}
		if beyond := row.Cell(len(cells)); beyond != (lms.BookCell{}) {
			t.Fatalf("beyond the row: %+v", beyond)
		}
	})
}

func FuzzParseBookCell(f *testing.F) {
	for _, s := range []string{"", "87.5~77.5lsu:3", "EX:1", "~4m", "::", "~~", "EX~1", "9999999999999999999:99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { _ = lms.ParseBookCell(s).State() })
}

func TestStatistics(t *testing.T) {
	for _, c := range []struct {
		values string
		want   string // mean, lower quartile, median, upper quartile, min, max
		bins   string
	}{
		{"", "0 0 0 0 0 0", "[0 0 0 0 0 0 0 0 0 0]"},
		{"5", "5 5 5 5 5 5", "[0 0 0 0 0 1 0 0 0 0]"},
		{"10 0", "5 2.5 5 7.5 0 10", "[1 0 0 0 0 0 0 0 0 1]"},
		{"1 2 3 4", "2.5 1.75 2.5 3.25 1 4", "[0 1 1 1 1 0 0 0 0 0]"},
		{"6 8 10 7 9", "8 7 8 9 6 10", "[0 0 0 0 0 0 1 1 1 2]"},
		{"12 0 0", "4 0 0 6 0 12", "[2 0 0 0 0 0 0 0 0 1]"},
		{"0.01 0 0", "0 0 0 0.01 0 0.01", "[3 0 0 0 0 0 0 0 0 0]"},
	} {
		var values []lms.Points
		for _, cell := range cellsOf(t, "c", spread(c.values)) {
			values = append(values, cell.Score.Points())
		}
		s := lms.StatisticsOf(values, 10_00)
		got := fmt.Sprint(s.Mean, s.Lower, s.Median, s.Upper, s.Min, s.Max)
		if want := c.want; got != want || fmt.Sprint(s.Bins) != c.bins || s.Count != len(values) {
			t.Errorf("%q: %s %v of %d, want %s %s", c.values, got, s.Bins, s.Count, want, c.bins)
		}
	}
}

// spread makes cells of numbers.
func spread(values string) string {
	out := ""
	for _, f := range splitFields(values) {
		out += f + "/10 "
	}
	return out
}

func TestBookSettings(t *testing.T) {
	category := func(id string, weight lms.Percent) lms.Category {
		return lms.Category{ID: id, Name: "N " + id, Weight: weight}
	}
	negative := lms.Percent(-1)
	for _, c := range []struct {
		name  string
		s     lms.BookSettings
		field string
	}{
		{"empty", lms.BookSettings{}, ""},
		{"weights that do not add up are allowed", lms.BookSettings{Categories: []lms.Category{category("a", 40_00)}}, ""},
		{"negative weight", lms.BookSettings{Categories: []lms.Category{category("a", -1)}}, "categories"},
		{"same category twice", lms.BookSettings{Categories: []lms.Category{category("a", 1), category("a", 1)}}, "categories"},
		{"category without a name", lms.BookSettings{Categories: []lms.Category{{ID: "a"}}}, "categories"},
		{"negative drop", lms.BookSettings{Categories: []lms.Category{{ID: "a", Name: "A", DropLowest: -1}}}, "categories"},
		{"gap in the letters", lms.BookSettings{Letters: []lms.Letter{{"A", 90_00}}}, "letters"},
		{"overlap of letters", lms.BookSettings{Letters: []lms.Letter{{"A", 90_00}, {"B", 90_00}, {"F", 0}}}, "letters"},
		{"negative pass mark", lms.BookSettings{PassMark: &negative}, "passMark"},
	} {
		err := c.s.Validate()
		field := ""
		if e, ok := err.(*lms.Error); ok {
			field = e.Field
		}
		if field != c.field || (err != nil) != (c.field != "") {
			t.Errorf("%s: %v, want a refusal of %q", c.name, err, c.field)
		}
	}
}

// A column reads marks in the words of its grade type, and writes them so that it reads them again as the same.
func TestColumnParse(t *testing.T) {
	scale := []lms.Letter{{"A", 93_33}, {"B+", 80_00}, {"F", 0}}
	for _, tt := range []struct {
		grade              lms.GradeType
		typed, mark, shown string
		possible           lms.Points
		refused            bool
	}{
		{lms.GradeLetter, "b+", "8", "B+", 10_00, false},
		{lms.GradeLetter, " A ", "6.54", "A", 7_00, false}, // 93.33 % of 7 are 6.5331: the next points above still have the letter
		{lms.GradeLetter, "8.5", "8.5", "B+", 10_00, false},
		{lms.GradeLetter, "95 %", "9.5", "A", 10_00, false},
		{lms.GradeLetter, "Z", "", "", 10_00, true},
		{lms.GradeLetter, "ex", "EX", "", 10_00, false},
		{lms.GradeLetter, "", "", "", 10_00, false},
		{lms.GradePercent, "87", "8.7", "87 %", 10_00, false},
		{lms.GradePercent, "87,5 %", "8.75", "87.5 %", 10_00, false},
		{lms.GradePercent, "8.7 points", "8.7", "87 %", 10_00, false},
		{lms.GradePercent, "B+", "", "", 10_00, true},
		{lms.GradePassFail, "p", "10", "Pass", 10_00, false},
		{lms.GradePassFail, "Fail", "0", "Fail", 10_00, false},
		{lms.GradePassFail, "maybe", "", "", 10_00, true},
		{lms.GradePoints, "8.5", "8.5", "", 10_00, false},
		{lms.GradePoints, "87 %", "8.7", "", 10_00, false},
		{lms.GradePoints, "8.5 points", "8.5", "", 10_00, false},
		{lms.GradePoints, "B+", "", "", 10_00, true},
		{"", "EX", "EX", "", 10_00, false},
	} {
		c := lms.BookColumn{GradeType: tt.grade, Points: tt.possible}
		m, shown, err := c.Parse(tt.typed, scale)
		if (err != nil) != tt.refused || err == nil && (m.String() != tt.mark || shown != tt.shown) {
			t.Errorf("%s %q: %s, %q, %v", tt.grade, tt.typed, m, shown, err)
		}
		if err != nil && (lms.KindOf(err) != lms.KindRule || strings.Contains(err.(*lms.Error).Message, "rule:") || err.(*lms.Error).Field != "mark") {
			t.Errorf("%s %q is refused with %v", tt.grade, tt.typed, err)
		}
		if again, _, err := c.Parse(m.Exact(), scale); err != nil || !again.Equal(m) {
			t.Errorf("%s %q: written %q and read as %s, %v", tt.grade, tt.typed, m.Exact(), again, err)
		}
		if want := shown; err == nil && want != "" && c.Show(m, scale) != want {
			t.Errorf("%s %q: shown as %q, want %q", tt.grade, tt.typed, c.Show(m, scale), want)
		}
	}
}
