package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
	"pgregory.net/rapid"

	"trivium/app/lms"
)

func testBook(students, columns int) lms.Gradebook {
	g := lms.Gradebook{Settings: lms.BookSettings{Categories: []lms.Category{{ID: "k", Name: "Homework", Weight: 100_00}}, Letters: []lms.Letter{{Letter: "A", Min: 90_00}, {Letter: "F"}}}}
	for c := range columns {
		g.Columns = append(g.Columns, lms.BookColumn{ID: fmt.Sprint("a", c), Title: fmt.Sprint("Task ", c), Points: 10_00, Published: true})
	}
	for s := range students {
		var cells []string
		for c := range columns {
			p := lms.Points((s*7 + c*3) % 11 * 100)
			cells = append(cells, lms.BookCell{Mark: lms.Mark{Points: &p}, Graded: true, Final: p, Version: 1}.Encode())
		}
		g.Rows = append(g.Rows, lms.BookRow{UserID: fmt.Sprint("u", s), Name: fmt.Sprintf("Student %04d", s), Login: fmt.Sprint("s", s), Cells: strings.Join(cells, " "),
			Current: fmt.Sprint(50 + s%50), Level: lms.LevelBeginner, Categories: "75.00"})
	}
	return g
}

func testGrid(students, columns int) *bookGrid {
	g := &bookGrid{saving: map[string]string{}, bad: map[string]string{}}
	g.set(testBook(students, columns))
	return g
}

// However large the gradebook and wherever it is scrolled, what is drawn covers what is in sight and little more.
func TestOnlyWhatIsInSightIsDrawn(t *testing.T) {
	g := testGrid(1000, 60)
	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(200, 2000).Draw(t, "width"), rapid.IntRange(0, 1200).Draw(t, "height")
		left, top := rapid.IntRange(0, len(g.cols)*bookColWidth).Draw(t, "left"), rapid.IntRange(0, len(g.rows)*bookRowHeight).Draw(t, "top")
		w := g.windowOf(left, top, width, height)
		if w.fromRow < 0 || w.toRow > len(g.rows) || w.fromCol < 0 || w.toCol > len(g.cols) || w.fromRow > w.toRow || w.fromCol > w.toCol {
			t.Fatalf("%+v", w)
		}
		if n := (w.toRow - w.fromRow) * (w.toCol - w.fromCol); n > (height/bookRowHeight+2*bookSpare+2)*(width/bookColWidth+2*bookSpare+2) {
			t.Fatalf("%+v draws %d cells for %d x %d", w, n, width, height)
		}
		if first, last := top/bookRowHeight, (top+height)/bookRowHeight; first < len(g.rows) && w.fromRow > first || last < len(g.rows) && w.toRow <= last {
			t.Fatalf("%+v leaves rows %d to %d out", w, first, last)
		}
	})
}

func TestGridIsAGridForScreenReaders(t *testing.T) {
	g := testGrid(100, 20)
	g.row, g.col = 1, 3
	h := g.draw(window{0, 5, 2, 6})
	contains(t, h, `role="row" aria-rowindex="1"`, `role="columnheader"`, `aria-sort="ascending"`, `role="rowheader"`, `aria-rowindex="6"`, `aria-colindex="5"`, `aria-readonly="true"`)
	if n := strings.Count(h, `tabindex="0"`); n != 1 {
		t.Errorf("%d tab stops", n)
	}
	if !strings.Contains(h, `id="`+bookID(1, 3)+`" data-at="1 3" aria-colindex="5" tabindex="0"`) {
		t.Errorf("the tab stop is elsewhere: %s", h)
	}
	if strings.Contains(h, "style=") {
		t.Error("style attributes are forbidden")
	}
}

func TestGridEscapesWhatPeopleTyped(t *testing.T) {
	b := testBook(1, 1)
	evil := `"><img src=x onerror=alert(1)>`
	b.Rows[0].Name, b.Columns[0].Title = evil, evil
	g := &bookGrid{saving: map[string]string{cellKey("u0", "a0"): evil}, bad: map[string]string{}}
	g.set(b)
	if h := g.draw(window{0, 1, 0, len(g.cols)}); strings.Contains(h, "<img") {
		t.Error(h)
	}
}

// Excused, missing, ungraded, handed in, late and unposted are told apart by words and signs, not by colours alone.
func TestCellFaces(t *testing.T) {
	p := lms.Points(8_00)
	faces, g := map[string]string{}, testGrid(1, 1)
	item := g.cols[slices.IndexFunc(g.cols, func(c bookCol) bool { return c.kind == "item" })]
	for name, c := range map[string]lms.BookCell{
		"excused": {Mark: lms.Mark{Excused: true}}, "missing": {Missing: true}, "missing with a score": {Missing: true, Graded: true, Final: 4_00},
		"nothing": {}, "to grade": {Submitted: true}, "graded": {Mark: lms.Mark{Points: &p}, Graded: true, Final: p}, "zero": {Mark: lms.Mark{Points: new(lms.Points)}, Graded: true},
		"late": {Mark: lms.Mark{Points: &p}, Graded: true, Final: 7_00, Late: true}, "not posted": {Mark: lms.Mark{Points: &p}, Graded: true, Final: p, Unposted: true},
	} {
		text, _, says := g.face(lms.ParseBookCell(c.Encode()), item)
		for other, face := range faces {
			if face == text+says {
				t.Errorf("%s and %s are both %q", name, other, face)
			}
		}
		faces[name] = text + says
	}
	if faces["late"] != "7, late" || faces["missing with a score"] != "4, missing" || faces["zero"] != "0" {
		t.Errorf("%q", faces)
	}
}

// A column shows and takes marks in the words of its grade type, and one that is marked blind shows and takes nothing.
func TestGridInWords(t *testing.T) {
	g := testGrid(1, 4)
	for i, k := range []lms.GradeType{lms.GradeLetter, lms.GradePercent, lms.GradePassFail, lms.GradePoints} {
		g.book.Columns[i].GradeType, g.book.Columns[i].Points = k, 10_00
	}
	g.book.Columns[3].Blind = true
	g.book.Settings.Letters = []lms.Letter{{Letter: "<Top>", Min: 80_00}, {Letter: "Low", Min: 0}}
	p := lms.Points(8_50)
	cell := lms.BookCell{Mark: lms.Mark{Points: &p}, Graded: true, Final: p}.Encode()
	g.book.Rows[0].Cells = strings.Join([]string{cell, cell, cell, ""}, " ")
	g.set(g.book)
	h := g.draw(window{0, 1, 0, len(g.cols)})
	for _, want := range []string{">&lt;Top&gt;<", ">85 %<", ">Pass<", "letter, of 10", "blind: reveal to see"} {
		if !strings.Contains(h, want) {
			t.Errorf("no %q in %s", want, h)
		}
	}
	at := func(kind string) int { return slices.IndexFunc(g.cols, func(c bookCol) bool { return c.kind == kind }) }
	g.row, g.col = 0, at("item")
	if !g.takes("B") || !g.takes("8") || g.takes("+") || g.takes("Enter") {
		t.Error("a letter does not begin a mark of a letter column")
	}
	if g.col++; g.takes("B") || !g.takes("8") {
		t.Error("a letter begins a percentage")
	}
	if g.col = at("blind"); g.takes("8") || !strings.Contains(g.describe(0, g.col), "marked blind") {
		t.Errorf("a blind column takes marks: %s", g.describe(0, g.col))
	}
}

func TestGridSortsAndFilters(t *testing.T) {
	g := testGrid(30, 3)
	names := func() (list []string) {
		for _, i := range g.rows {
			list = append(list, g.book.Rows[i].Name)
		}
		return list
	}
	g.query = "student s2" // words of name and login, in any order
	g.arrange()
	if got := names(); len(got) != 11 || got[0] != "Student 0002" || got[1] != "Student 0020" {
		t.Errorf("found %v", got)
	}
	g.query, g.sort, g.down = "", "a1", true
	g.arrange()
	var marks []int
	for _, i := range g.rows {
		marks = append(marks, int(g.book.Rows[i].Cell(1).Final))
	}
	if !slices.IsSortedFunc(marks, func(a, b int) int { return b - a }) || marks[0] != 10_00 {
		t.Errorf("sorted %v", marks)
	}
}

func TestStudentSeesHowNumbersAreMade(t *testing.T) {
	p := &gradebookPage{inCourse: atTestNow(t, lms.RoleStudent)}
	override, raw := lms.Percent(93_00), lms.Points(9_00)
	h := app.HTMLString(p.studentView(lms.StudentGrades{
		Items: []lms.GradeItem{
			{ID: "a1", Title: "Essay", CategoryID: "k", Possible: 10_00, State: "graded", Late: true, Policy: "Late work loses 10 %.",
				Scored: lms.Scored{Graded: true, Raw: raw, Deduction: lms.Points(1_00).Score(), Final: lms.Points(8_00).Score()}},
			{ID: "a2", Title: "Quiz", Possible: 10_00, State: "excused"}, {ID: "a3", Title: "Lab", Possible: 10_00, State: "missing"},
			{ID: "a4", Title: "Talk", Possible: 10_00, State: "graded", Dropped: true, Scored: lms.Scored{Graded: true, Raw: 1_00, Final: lms.Points(1_00).Score()}},
		},
		Categories: []lms.Category{{ID: "k", Name: "Homework", Weight: 40_00, DropLowest: 1}},
		Current:    lms.BookTotal{Percent: "80.00", Weights: 40_00, Parts: []lms.TotalPart{{CategoryID: "k", Name: "Homework", Weight: 40_00, Earned: "8", Possible: 10_00, Percent: "80.00"}}},
		Final:      lms.BookTotal{Percent: "32.00"}, Override: &override, Letter: "A", Level: lms.LevelIntermediate,
	}))
	contains(t, h, "80.00 %", "93 %", "Computed: 32.00 %", "given 9, late − 1, counts 8", "Late work loses 10 %.", "8 / 10", "Excused", "Missing",
		"dropped: it is not in the current total", "the 1 lowest", "divided by that", "Homework", "40 %")
}

func TestGradebookSetupReadsWhatWasTyped(t *testing.T) {
	p := &bookSetupPage{categories: []categoryRow{{"k1", " Homework ", "40,5", "1", ""}, {"k2", "Exam", "59.5 %", "0", "0"}},
		letters: []letterRow{{"A", "50"}, {"F", "0"}}, pass: "50"}
	v, err := p.input()
	if err != nil || v.Categories[0].Name != "Homework" || v.Categories[0].Weight != 40_50 || v.Categories[0].DropLowest != 1 || *v.PassMark != 50_00 || v.Warning(nil) != "" {
		t.Errorf("%+v %v", v, err)
	}
	p.categories[0].lowest = "1.5"
	if _, err := p.input(); err == nil {
		t.Error("half an item is dropped")
	}
}
