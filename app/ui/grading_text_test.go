package ui

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"trivium/app/lms"
)

func TestMarkedText(t *testing.T) {
	note := func(id string, start, end int, quote string) lms.Annotation {
		return lms.Annotation{ID: id, Anchor: lms.Anchor{Start: start, End: end, Quote: quote}}
	}
	tests := []struct {
		name, text string
		notes      []lms.Annotation
		want       string
	}{
		{"plain", "a\nb", nil, `<span class="line">a|</span><span class="line">b</span>`},
		{"markup in the work", "<script>&", nil, `<span class="line">&lt;script&gt;&amp;</span>`},
		{"a mark", "one two", []lms.Annotation{note("n1", 4, 7, "two")}, `<span class="line">one <mark class="note-mark" data-note="n1" id="mark-n1" data-n="1">two</mark></span>`},
		{"over two lines", "ab\ncd", []lms.Annotation{note("n1", 1, 4, "b\nc")},
			`<span class="line">a<mark class="note-mark" data-note="n1" id="mark-n1" data-n="1">b|</mark></span><span class="line"><mark class="note-mark" data-note="n1">c</mark>d</span>`},
		{"overlapping", "abcd", []lms.Annotation{note("n1", 1, 3, "bc"), note("n2", 2, 4, "cd")},
			`<span class="line">a<mark class="note-mark" data-note="n1" id="mark-n1" data-n="1">bc</mark><mark class="note-mark" data-note="n2" id="mark-n2" data-n="2">d</mark></span>`},
		{"beyond the basic plane", "😀 two", []lms.Annotation{note("n1", 3, 6, "two")}, `<span class="line">😀 <mark class="note-mark" data-note="n1" id="mark-n1" data-n="1">two</mark></span>`},
		{"words that are gone", "one", []lms.Annotation{note("n1", 4, 7, "two")}, `<span class="line">one</span>`},
		{"of another file", "two", []lms.Annotation{{ID: "n1", FileID: "f2", Anchor: lms.Anchor{End: 3, Quote: "two"}}}, `<span class="line">two</span>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.ReplaceAll(markedText(tt.text, tt.notes, ""), "\n", "|")
			if got != `<pre class="work-lines">`+tt.want+`</pre>` {
				t.Errorf("got %s", got)
			}
			plain := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(got, ""))
			if plain != strings.ReplaceAll(tt.text, "\n", "|") {
				t.Errorf("the page has the text %q", plain)
			}
		})
	}
}

func TestAreasByPage(t *testing.T) {
	area := func(id, file string, page int) lms.Annotation {
		return lms.Annotation{ID: id, FileID: file, Anchor: lms.Anchor{Page: page, X: 100, Y: 200, Width: 3000, Height: 400}}
	}
	pages := areasByPage([]lms.Annotation{area("n1", "f1", 2), area("n2", "f2", 1), area("n3", "f1", 2), area("n4", "f1", 7), {ID: "n5", FileID: "f1", Anchor: lms.Anchor{End: 3, Quote: "two"}}}, "f1")
	if len(pages) != 2 {
		t.Errorf("got %v", pages)
	}
	wantHTML(t, pages[2], `id="mark-n1" x="100" y="200" width="3000" height="400"`, `data-note="n3"`, "!n2", "!n4", "!n5")
	wantHTML(t, pages[7], `data-note="n4"`, "!n1")
}

func TestLinesRange(t *testing.T) {
	text := "one\n\n  three\nfour\n"
	for _, tt := range []struct {
		from, to, start, end int
		quote                string
		ok                   bool
	}{{1, 1, 0, 3, "one", true}, {3, 4, 5, 17, "  three\nfour", true}, {2, 2, 4, 4, "", false}, {0, 1, 0, 0, "", false}, {2, 1, 0, 0, "", false}, {4, 9, 0, 0, "", false}} {
		a, ok := linesRange(text, tt.from, tt.to)
		if ok != tt.ok || ok && (a.Start != tt.start || a.End != tt.end || a.Quote != tt.quote) {
			t.Errorf("lines %d to %d: %+v, %v", tt.from, tt.to, a, ok)
		}
	}
}

func TestRubricForm(t *testing.T) {
	p := gradingTestPage(t, nil)
	r := lms.Rubric{ID: "r", Title: "Proof", Version: 2, Criteria: []lms.Criterion{
		{ID: "a", Title: "Argument", Points: 60_00, Levels: []lms.CriterionLevel{{ID: "full", Title: "Convincing", Points: 60_00}, {ID: "none", Title: "Missing"}}},
		{ID: "b", Title: "Style", Points: 40_00, Levels: []lms.CriterionLevel{{ID: "full", Title: "Fluent", Points: 40_00}}}}}
	p.marking = Remote[lms.Marking]{Value: lms.Marking{Rubric: &r}, remote: remote{Ready: true}}
	wantHTML(t, drawn(t, p), "Convincing · 60", "0 / 100, not complete", "!checked", "No grade yet")

	old := r
	old.Version = 1
	full, fluent := lms.Points(60_00), lms.Points(40_00)
	marks := &lms.Marks{RubricID: "r", Version: 1, Criteria: []lms.CriterionMark{{Criterion: "a", Level: "full", Points: &full, Comment: "sound"}, {Criterion: "b", Level: "full", Points: &fluent}}}
	p.grade.marks, p.grade.points, p.grade.saved = marks, "90", &lms.Grade{Points: 90_00, Marks: marks, Rubric: &old, Version: 3}
	wantHTML(t, drawn(t, p), "earlier version of the rubric", "Apply the new version", "The grade is not the sum of the rubric", "Use 100", "sound")
}

func TestGradeFieldByKind(t *testing.T) {
	for kind, want := range map[lms.GradeType]string{lms.GradeLetter: "No grade yet", lms.GradePassFail: "Pass or fail", lms.GradePercent: "Percent", lms.GradeUngraded: "has no grades"} {
		p := gradingTestPage(t, nil)
		p.marking.Value.GradeType = kind
		wantHTML(t, drawn(t, p), want, "!Points of 100")
		if p.mayPost() {
			t.Errorf("%s: there is nothing to post", kind)
		}
	}
}
