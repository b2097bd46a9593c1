package lms

import "time"

// GradeType is how the grade of an assignment is given and shown. Points are kept in every case; pass is the full number.
type GradeType string

// The grade types. The empty one means points.
const (
	GradePoints   GradeType = "points"
	GradePercent  GradeType = "percent"
	GradeLetter   GradeType = "letter"
	GradePassFail GradeType = "passfail"
	GradeUngraded GradeType = "ungraded"
)

// Counts reports whether grades of the type can lose points by being late (LATE-1).
func (g GradeType) Counts() bool { return g != GradePassFail && g != GradeUngraded }

// Scored is how the number that counts was made. It is computed whenever it is read, from the untouched raw grade, so a
// change of a date, an override or the policy reaches all work in one step (LATE-5).
type Scored struct {
	Graded    bool   `json:"graded"`              // there is a score; a missing score is one
	Missing   bool   `json:"missing,omitempty"`   // past due with nothing handed in
	Raw       Points `json:"raw"`                 // as the marker gave it
	Intervals int64  `json:"intervals,omitempty"` // begun late days or hours
	Deduction Score  `json:"deduction,omitempty"` // what lateness takes, in millionths of a point
	Final     Score  `json:"final"`               // what counts, in millionths of a point
}

// ScoreOf computes what a student's work in the assignment counts (LATE-1 to LATE-4). The assignment has the student's own
// dates (Assignment.For); submitted is zero when nothing was handed in, of which work on paper
// is never a sign; raw is nil when there is no grade. Excused work is
// not scored by the caller.
func ScoreOf(a Assignment, gradeType GradeType, policy LatePolicy, zone *time.Location, submitted time.Time, raw *Points, now time.Time) Scored {
	s := Scored{Missing: !a.OnPaper && submitted.IsZero() && !a.DueAt.IsZero() && now.After(a.DueAt)}
	switch {
	case raw != nil:
		s.Graded, s.Raw, s.Final = true, *raw, raw.Score()
		if gradeType.Counts() && !submitted.IsZero() {
			s.Intervals = policy.Intervals(a.DueAt, submitted, zone)
			s.Deduction = policy.Deduction(*raw, a.Points, s.Intervals)
			s.Final -= s.Deduction
		}
	case s.Missing && gradeType.Counts():
		s.Final, s.Graded = policy.MissingScore(a.Points)
	}
	return s
}
