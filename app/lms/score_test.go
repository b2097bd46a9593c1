package lms

import (
	"testing"
	"time"
)

func TestOverrideOfAStudentBeatsThatOfTheSection(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 9, day, 23, 59, 0, 0, time.UTC) }
	three, none := 3, 0
	a := Assignment{ID: "a", OpensAt: at(1), DueAt: at(10), CutoffAt: at(12), MaxAttempts: 2}
	overrides := []Override{
		{AssignmentID: "a", Target: OverrideStudent, TargetID: "amy", DueAt: at(15), MaxAttempts: &none},
		{AssignmentID: "a", Target: OverrideSection, TargetID: "s1", DueAt: at(11), CutoffAt: at(20), MaxAttempts: &three},
		{AssignmentID: "b", Target: OverrideStudent, TargetID: "amy", DueAt: at(30)},
		{AssignmentID: "a", Target: OverrideStudent, TargetID: "bob", DueAt: at(14)},
	}
	for _, tt := range []struct {
		name, user, section string
		due, cutoff         int
		attempts            int
	}{
		{"nobody's", "cat", "", 10, 12, 2},
		{"another section", "cat", "s2", 10, 12, 2},
		{"the section's", "cat", "s1", 11, 20, 3},
		{"the student's over the section's, field by field", "amy", "s1", 15, 20, 0},
		{"the cut-off moves with a later due date", "bob", "", 14, 14, 2},
	} {
		got := a.For(tt.user, tt.section, overrides)
		if got.DueAt != at(tt.due) || got.CutoffAt != at(tt.cutoff) || got.MaxAttempts != tt.attempts || got.OpensAt != at(1) {
			t.Errorf("%s: due %v, cut-off %v, %d attempts", tt.name, got.DueAt, got.CutoffAt, got.MaxAttempts)
		}
	}
}

func TestScoreTellsHowTheNumberWasMade(t *testing.T) {
	due := time.Date(2026, 9, 4, 12, 0, 0, 0, time.UTC)
	a := Assignment{Points: 100_00, DueAt: due}
	missing := Percent(40_00)
	policy := LatePolicy{Rate: 10_00, Missing: &missing}
	raw := func(p Points) *Points { return &p }
	late := due.Add(25 * time.Hour)
	for _, tt := range []struct {
		name      string
		grade     GradeType
		submitted time.Time
		raw       *Points
		now       time.Time
		want      Scored
	}{
		{"on time", GradePoints, due, raw(90_00), late, Scored{Graded: true, Raw: 90_00, Final: Points(90_00).Score()}},
		{"late", GradePoints, late, raw(90_00), late, Scored{Graded: true, Raw: 90_00, Intervals: 2, Deduction: Points(20_00).Score(), Final: Points(70_00).Score()}},
		{"late, pass or fail", GradePassFail, late, raw(100_00), late, Scored{Graded: true, Raw: 100_00, Final: Points(100_00).Score()}},
		{"not graded", GradePoints, late, nil, late, Scored{}},
		{"missing", GradePoints, time.Time{}, nil, late, Scored{Graded: true, Missing: true, Final: Points(60_00).Score()}},
		{"missing, graded by staff", GradePoints, time.Time{}, raw(10_00), late, Scored{Graded: true, Missing: true, Raw: 10_00, Final: Points(10_00).Score()}},
		{"not yet due", GradePoints, time.Time{}, nil, due, Scored{}},
		{"missing, ungraded", GradeUngraded, time.Time{}, nil, late, Scored{Missing: true}},
	} {
		if got := ScoreOf(a, tt.grade, policy, time.UTC, tt.submitted, tt.raw, tt.now); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
