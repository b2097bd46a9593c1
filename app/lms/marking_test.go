package lms_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"trivium/app/lms"
)

func given(v lms.Points) *lms.Points { return &v }

func proof() lms.Rubric {
	return lms.Rubric{ID: "r", Title: "Proof", Version: 2, Criteria: []lms.Criterion{
		{ID: "a", Title: "Argument", Points: 12_00, Levels: []lms.CriterionLevel{{ID: "full", Title: "Full", Points: 12_00}, {ID: "half", Title: "Half", Points: 6_00}}},
		{ID: "b", Title: "Style", Points: 8_00, Levels: []lms.CriterionLevel{{ID: "full", Title: "Full", Points: 8_00}}},
	}}
}

func TestGradeTypes(t *testing.T) {
	tests := []struct {
		kind   lms.GradeType
		points lms.Points
		shown  string
	}{
		{lms.GradePoints, 17_50, "17.5"}, {"", 17_50, "17.5"},
		{lms.GradePercent, 17_50, "87.5 %"}, {lms.GradePercent, 6_67, "33.35 %"},
		{lms.GradeLetter, 18_80, "A"}, {lms.GradeLetter, 18_79, "A-"}, {lms.GradeLetter, 0, "F"},
		{lms.GradePassFail, 20_00, "Pass"}, {lms.GradePassFail, 0, "Fail"},
	}
	for _, tt := range tests {
		if got := tt.kind.Show(tt.points, 20_00, lms.Letters); got != tt.shown {
			t.Errorf("%s of %s is shown as %q, want %q", tt.points, tt.kind, got, tt.shown)
		}
	}
}

// What is shown can be typed again and shows the same.
func TestGradesCanBeTypedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]lms.GradeType{lms.GradePoints, lms.GradePercent, lms.GradeLetter, lms.GradePassFail}).Draw(t, "kind")
		possible := lms.Points(rapid.Int64Range(100, 100_000).Draw(t, "possible"))
		p := lms.Points(rapid.Int64Range(0, int64(possible)).Draw(t, "points"))
		shown := kind.Show(p, possible, lms.Letters)
		back, _, err := kind.Parse(shown, possible, lms.Letters)
		if err != nil {
			t.Fatalf("%q is not read: %v", shown, err)
		}
		if again := kind.Show(back, possible, lms.Letters); kind == lms.GradePoints && again != shown || kind == lms.GradePassFail && again != shown {
			t.Fatalf("%q becomes %q", shown, again)
		}
		if back < 0 || back > possible {
			t.Fatalf("%q counts %s of %s", shown, back, possible)
		}
	})
}

func TestRubricChecks(t *testing.T) {
	r := proof()
	if err := r.Validate(); err != nil || r.Possible() != 20_00 {
		t.Fatalf("%v, %s possible", err, r.Possible())
	}
	mark := func(m lms.CriterionMark) lms.Marks {
		return lms.Marks{RubricID: "r", Version: 2, Criteria: []lms.CriterionMark{m}}
	}
	tests := []struct {
		name string
		m    lms.CriterionMark
		free bool
		want string
	}{
		{"a level", lms.CriterionMark{Criterion: "a", Level: "half", Points: given(6_00)}, false, ""},
		{"only a comment", lms.CriterionMark{Criterion: "a", Comment: "?"}, false, ""},
		{"an unknown criterion", lms.CriterionMark{Criterion: "x"}, false, "no such criterion"},
		{"an unknown level", lms.CriterionMark{Criterion: "a", Level: "x", Points: given(1)}, false, "no such level"},
		{"other points than the level's", lms.CriterionMark{Criterion: "a", Level: "half", Points: given(7_00)}, false, "Half gives 6 points"},
		{"a level without points", lms.CriterionMark{Criterion: "a", Level: "half"}, false, "Half gives 6 points"},
		{"free points", lms.CriterionMark{Criterion: "a", Points: given(7_00)}, true, ""},
		{"free points beside a level", lms.CriterionMark{Criterion: "a", Level: "half", Points: given(7_00)}, true, ""},
		{"free points where there are none", lms.CriterionMark{Criterion: "a", Points: given(7_00)}, false, "no free points"},
		{"more than the criterion", lms.CriterionMark{Criterion: "a", Points: given(12_01)}, true, "between 0 and 12"},
		{"negative", lms.CriterionMark{Criterion: "a", Points: given(-1)}, true, "between 0 and 12"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r.FreePoints = tt.free
			err := r.Check(mark(tt.m))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	twice := lms.Marks{Criteria: []lms.CriterionMark{{Criterion: "a"}, {Criterion: "a"}}}
	if err := r.Check(twice); err == nil {
		t.Error("a criterion is marked twice")
	}
}

func TestRubricTotalAndNewVersion(t *testing.T) {
	r := proof()
	m := lms.Marks{RubricID: "r", Version: 1}.With(lms.CriterionMark{Criterion: "a", Level: "half", Points: given(6_00), Comment: "why?"})
	if sum, complete := r.Total(m); sum != 6_00 || complete {
		t.Errorf("half: %s, %v", sum, complete)
	}
	m = m.With(lms.CriterionMark{Criterion: "b", Level: "full", Points: given(8_00)})
	if sum, complete := r.Total(m); sum != 14_00 || !complete {
		t.Errorf("whole: %s, %v", sum, complete)
	}
	if again := m.With(lms.CriterionMark{Criterion: "b"}); len(again.Criteria) != 1 || len(m.Criteria) != 2 {
		t.Error("a mark that says nothing stays, or the marks before were changed")
	}
	r.Version, r.Criteria[0].Levels[1].Points = 3, 7_00
	r.Criteria = r.Criteria[:1]
	next := r.Apply(m)
	if next.Version != 3 || len(next.Criteria) != 1 || *next.Mark("a").Points != 7_00 || next.Mark("a").Comment != "why?" {
		t.Errorf("carried over: %+v", next)
	}
	if err := r.Check(next); err != nil {
		t.Error(err)
	}
	r.Criteria[0].Levels = r.Criteria[0].Levels[:1]
	if next = r.Apply(m); next.Mark("a").Points != nil || next.Mark("a").Comment != "why?" {
		t.Errorf("a level that is gone: %+v", next.Mark("a"))
	}
}

func TestAnchorIsFoundAgain(t *testing.T) {
	units := func(s string) []uint16 { return utf16.Encode([]rune(s)) }
	a := lms.Anchor{Start: 6, End: 9, Quote: "two"}
	for text, want := range map[string]int{"one — two two": 6, "😀one two": 6, "two, then two": 10, "nothing": -1, "two": 0} {
		start, end, ok := a.Find(units(text))
		if ok != (want >= 0) || ok && (start != want || end != want+3) {
			t.Errorf("%q: found at %d to %d, %v; want %d", text, start, end, ok, want)
		}
	}
}

func TestArchiveNames(t *testing.T) {
	sub := lms.Submission{Attempt: 2, Text: "x", Files: []lms.File{{Name: "Essay.pdf"}, {Name: "essay.pdf"}, {Name: "../../etc/passwd"}, {Name: "CON"}, {Name: "a:b*c?.txt"},
		{Name: strings.Repeat("ü", 120) + ".docx"}, {Name: "text.txt"}, {Name: "..."}}}
	got := lms.ArchiveNames("amara", sub)
	want := []string{"amara_2_text.txt", "amara_2_Essay.pdf", "amara_2_essay-2.pdf", "amara_2_..-..-etc-passwd", "amara_2_CON", "amara_2_a-b-c-.txt",
		"amara_2_" + strings.Repeat("ü", 83) + ".docx", "amara_2_text-2.txt", "amara_2_file"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Whatever students call their files, the names in an archive are safe, different and the same each time.
func TestArchiveNamesAreSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sub := lms.Submission{Attempt: rapid.IntRange(1, 99).Draw(t, "attempt"), Text: rapid.SampledFrom([]string{"", "x"}).Draw(t, "text")}
		for _, name := range rapid.SliceOfN(rapid.String(), 0, 8).Draw(t, "names") {
			sub.Files = append(sub.Files, lms.File{Name: name})
		}
		names := lms.ArchiveNames(rapid.StringMatching(`[a-z0-9.@-]{1,64}`).Draw(t, "login"), sub)
		seen := map[string]bool{}
		for _, n := range names {
			if strings.ContainsAny(n, "/\\:*?\"<>|\x00\n") || n == "" || strings.HasPrefix(n, ".") && strings.Trim(n, ".") == "" || len(n) > 255 || strings.HasSuffix(n, " ") {
				t.Fatalf("%q is not safe", n)
			}
			if seen[strings.ToLower(n)] {
				t.Fatalf("%q twice in %q", n, names)
			}
			seen[strings.ToLower(n)] = true
		}
		if fmt.Sprint(names) != fmt.Sprint(lms.ArchiveNames("", sub)) && len(names) != len(sub.Files)+len(sub.Text) {
			t.Fatalf("%d names of %d files", len(names), len(sub.Files))
		}
	})
}
