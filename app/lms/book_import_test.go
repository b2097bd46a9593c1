package lms_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"trivium/app/lms"
)

func splitFields(s string) []string { return strings.Fields(s) }

// importBook is a course of Ada and Bob with an essay of 20 points, where Ada has 12, and a talk of 10.
func importBook() ([]lms.BookColumn, []lms.BookStudent) {
	twelve := lms.Points(12_00)
	return []lms.BookColumn{{ID: "a1", Title: "Essay", Points: 20_00, Published: true}, {ID: "k1", Title: "Talk (short)", Points: 10_00, Published: true}},
		[]lms.BookStudent{
			{UserID: "u1", Name: "Ada", Login: "ada", Entries: []lms.BookEntry{{Draft: lms.Mark{Points: &twelve}, Version: 3}, {}}},
			{UserID: "u2", Name: "Bob", Login: "Bob", Entries: make([]lms.BookEntry, 2)},
		}
}

func importLines(text string) []lms.ImportLine {
	var lines []lms.ImportLine
	for i, l := range strings.Split(text, "\n") {
		lines = append(lines, lms.ImportLine{Line: i + 1, Cells: strings.Split(l, ";")})
	}
	return lines
}

func TestPlanImport(t *testing.T) {
	for _, c := range []struct {
		name, file, create string
		want               string // the changes, or "!" and a part of the refusal
	}{
		{"numbers in all forms", "Student;ID;Essay (a1);Talk (short)\nA;u1;87%;7,5\nB;u2;12.5;EX", "", "Ada Essay 12>17.4, Ada Talk (short) >7.5, Bob Essay >12.5, Bob Talk (short) >EX"},
		{"empty is no change, never 0", "ID;Essay (a1);Talk (short)\nu1;;\nu2; ;", "", ""},
		{"same marks", "ID;Essay (a1)\nu1;12", "", ""},
		{"by login, in any case", "SIS Login ID;Essay\nBOB;3", "", "Bob Essay >3"},
		{"never by name", "Student;SIS Login ID;Essay\nAda;bob;3", "", "Bob Essay >3"},
		{"title without id", "id;Essay\nu2;3", "", "Bob Essay >3"},
		{"id of a renamed column", "ID;Old title (a1)\nu2;3", "", "Bob Essay >3"},
		{"points possible is no student", "Student;ID;Essay (a1)\n    Points Possible;;20\nB;u2;3", "", "Bob Essay >3"},
		{"read-only columns", "Student;ID;Essay (a1);Note\nPoints Possible;;20;(read only)\nB;u2;3;x", "", "Bob Essay >3"},
		{"totals are computed", "ID;Current Score;Homework Final Score\nu2;50;60", "", ""},
		{"unknown column is ignored", "ID;Quiz\nu2;abc", "", ""},
		{"unknown column is made", "Student;ID;Quiz\nPoints Possible;;5\nB;u2;80%", "Quiz", "Bob Quiz >4"},
		{"unknown student is listed", "ID;Essay (a1)\nu9;3\nu2;4", "", "Bob Essay >4"},
		{"blank line", "ID;Essay (a1)\n;\nu2;4", "", "Bob Essay >4"},
		{"above possible is planned and marked", "ID;Essay (a1)\nu2;25", "", "Bob Essay >25^"},
		{"excused takes the mark away", "ID;Essay (a1)\nu1;EX", "", "Ada Essay 12>EX"},

		{"empty file", "", "", "!neither a column"},
		{"no student column", "Student;Essay\nAda;3", "", "!Line 1, cell A1: There is neither"},
		{"column twice", "ID;Essay (a1);Essay (a1)\nu1;1;2", "", "!Line 1, cell C1: The column \"Essay (a1)\" occurs twice; it stands in B1"},
		{"column twice under two titles", "ID;Essay (a1);Essay\nu1;1;2", "", "!Line 1, cell C1"},
		{"unknown column twice", "ID;Quiz;Quiz\nu1;1;2", "Quiz", "!Line 1, cell C1"},
		{"student twice", "ID;Essay (a1)\nu1;1\nu2;2\nu1;3", "", "!Line 4, cell A4: Ada stands in line 2 already"},
		{"student twice by id and login", "ID;SIS Login ID;Essay (a1)\nu1;;1\n;ADA;3", "", "!Line 3"},
		{"ragged, short", "ID;Essay (a1)\nu1", "", "!Line 2 has 1 cells, but the header has 2"},
		{"ragged, long", "ID;Essay (a1)\nu1;1\nu2;1;2", "", "!Line 3 has 3 cells, but the header has 2"},
		{"unreadable number", "ID;Essay (a1)\nu1;1\nu2;twelve", "", "!Line 3, cell B3: \"twelve\" is not a mark"},
		{"negative number", "ID;Essay (a1)\nu1;-1", "", "!Line 2, cell B2"},
		{"unreadable number of an unknown student", "ID;Essay (a1)\nu9;x", "", "!Line 2, cell B2"},
		{"two students in one line", "ID;SIS Login ID;Essay (a1)\nu1;bob;1", "", "!Line 2, cell A2: The id belongs to Ada, the login to Bob"},
		{"nobody in a line", "Student;ID;Essay (a1)\nAda;;1", "", "!Line 2, cell B2: This line names no student"},
		{"unreadable possible points", "Student;ID;Quiz\nPoints Possible;;many\nB;u2;1", "Quiz", "!Line 2, cell C2: \"many\" are no possible points"},
	} {
		t.Run(c.name, func(t *testing.T) {
			columns, students := importBook()
			p, err := lms.PlanImport(columns, students, importLines(c.file), strings.Fields(c.create))
			if part, refused := strings.CutPrefix(c.want, "!"); refused {
				if err == nil || lms.KindOf(err) != lms.KindRule || !strings.Contains(err.Error(), part) || p.Count != 0 {
					t.Errorf("%v, want a refusal with %q", err, part)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range p.Changes {
				got = append(got, fmt.Sprintf("%s %s %s>%s%s", x.Name, x.Title, x.Old, x.New, map[bool]string{true: "^"}[x.Above]))
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, ", "), c.want)
			}
		})
	}
}

func TestPlanListsWhatItLeavesOut(t *testing.T) {
	columns, students := importBook()
	p, err := lms.PlanImport(columns, students, importLines("Student;ID;Essay (a1);Quiz;Current Score\nZoe;u9;3;1;9\nA;u1;12;1;9"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(p.Unknown, p.Offer, p.ReadOnly, p.Unchanged, p.Students) != "[line 2: Zoe u9] [Quiz] [Current Score] 1 1" {
		t.Errorf("%+v", p)
	}
}

// The hash stands for what changes and for what it changes from.
func TestPlanHash(t *testing.T) {
	columns, students := importBook()
	plan := func(file string) string {
		p, err := lms.PlanImport(columns, students, importLines(file), []string{"Quiz"})
		if err != nil {
			t.Fatal(err)
		}
		return p.Hash
	}
	one := plan("ID;Essay (a1)\nu1;13")
	if plan("ID;Essay (a1)\nu1;13.00\nu9;4") != one {
		t.Error("the same changes have another hash")
	}
	if plan("ID;Essay (a1)\nu1;14") == one || plan("ID;Essay (a1);Quiz\nu1;13;") == one {
		t.Error("other changes have the same hash")
	}
	students[0].Entries[0].Version++
	if plan("ID;Essay (a1)\nu1;13") == one {
		t.Error("a cell that changed meanwhile does not change the hash")
	}
}

func TestCellName(t *testing.T) {
	for column, want := range map[int]string{0: "A7", 25: "Z7", 26: "AA7", 51: "AZ7", 52: "BA7", 701: "ZZ7", 702: "AAA7"} {
		if got := lms.CellName(column, 7); got != want {
			t.Errorf("column %d: %s, want %s", column, got, want)
		}
	}
}

// What is exported is never taken for a formula, and comes back as it was.
func TestDefuse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`['=+@\t\r-]{0,4}[a-z0-9=+]{0,4}`)).Draw(t, "text")
		out := lms.Defuse(s)
		if out != "" && strings.ContainsRune("=+-@\t\r", rune(out[0])) {
			t.Fatalf("%q is a formula", out)
		}
		if back := lms.Fuse(out); back != s {
			t.Fatalf("%q became %q and came back as %q", s, out, back)
		}
	})
}
