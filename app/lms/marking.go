package lms

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Posting says when students see what was marked (GRADE-2).
type Posting string

// The posting policies of an assignment. The empty one is manual.
const (
	PostingManual    Posting = "manual"    // staff post
	PostingAutomatic Posting = "automatic" // a grade is posted as soon as the marker is done with it
)

// Marking is how the work in an assignment is marked.
type Marking struct {
	AssignmentID string    `json:"assignmentId"`
	GradeType    GradeType `json:"gradeType"`
	Posting      Posting   `json:"posting"`
	Open         bool      `json:"open,omitempty"` // manual, but posted for everybody: what is marked from now on shows at once
	RubricID     string    `json:"rubricId,omitempty"`
	RubricShown  bool      `json:"rubricShown,omitempty"` // to students before they hand in
	Rubric       *Rubric   `json:"rubric,omitempty"`      // the newest version; for students only when shown
	Sections     []Section `json:"sections,omitempty"`    // of the course, for posting; staff only
	Letters      []Letter  `json:"letters,omitempty"`     // the course's scale, where grades are letters; staff only
	Blind        bool      `json:"blind,omitempty"`       // nothing is posted before the identities are revealed; staff only
	Version      int64     `json:"version"`
}

// Automatic reports whether what is marked shows at once.
func (m Marking) Automatic() bool { return !m.Blind && (m.Posting == PostingAutomatic || m.Open) }

// Validate checks what a person chose.
func (m Marking) Validate() error {
	if m.Posting != PostingManual && m.Posting != PostingAutomatic {
		return FieldErrorf(KindInvalid, "posting", "Grades are posted automatically or manually.")
	}
	if m.RubricID != "" {
		if err := checkID("rubricId", m.RubricID); err != nil {
			return err
		}
	}
	return m.GradeType.Validate()
}

// Validate refuses an unknown grade type. The empty one leaves it as it is.
func (g GradeType) Validate() error {
	if !slices.Contains([]GradeType{"", GradePoints, GradePercent, GradeLetter, GradePassFail, GradeUngraded}, g) {
		return FieldErrorf(KindInvalid, "gradeType", "Grades are points, a percentage, a letter, pass or fail, or there are none.")
	}
	return nil
}

// Letters is the letter scale of a course that has not set its own.
var Letters = []Letter{{"A", 94_00}, {"A-", 90_00}, {"B+", 87_00}, {"B", 84_00}, {"B-", 80_00}, {"C+", 77_00}, {"C", 74_00}, {"C-", 70_00},
	{"D+", 67_00}, {"D", 64_00}, {"D-", 61_00}, {"F", 0}}

// Words of a grade that is passed or not.
const (
	GradePass = "Pass"
	GradeFail = "Fail"
)

// Parse reads a grade as a marker types it and returns the points that count and the grade as it is shown, which is empty
// for points. A letter counts as much as the least that the letter stands for; an F counts nothing.
func (g GradeType) Parse(s string, possible Points, scale []Letter) (Points, string, error) {
	s = strings.TrimSpace(s)
	switch g {
	case GradePercent:
		p, err := ParsePercent(s)
		if err != nil {
			return 0, "", FieldErrorf(KindRule, "points", "%q is not a percentage. Write for example 87.5.", s)
		}
		return share(p, possible), p.String() + " %", nil
	case GradeLetter:
		for _, l := range scale {
			if strings.EqualFold(l.Letter, s) {
				return least(l.Min, possible), l.Letter, nil
			}
		}
		return 0, "", FieldErrorf(KindRule, "points", "%q is not a letter of this course. Use one of %s.", s, letterNames(scale))
	case GradePassFail:
		switch strings.ToLower(s) {
		case "pass", "p":
			return possible, GradePass, nil
		case "fail", "f":
			return 0, GradeFail, nil
		}
		return 0, "", FieldErrorf(KindRule, "points", "%q is neither pass nor fail.", s)
	case GradeUngraded:
		return 0, "", FieldErrorf(KindRule, "points", "This assignment is not graded. Write feedback without a grade.")
	}
	p, err := ParsePoints(s)
	if err != nil {
		return 0, "", FieldErrorf(KindRule, "points", "%q is not a number of points. Write for example 87.5.", s)
	}
	return p, "", nil
}

// Show writes points the way that grades of the type are shown and typed.
func (g GradeType) Show(p, possible Points, scale []Letter) string {
	switch {
	case g == GradePercent && possible > 0:
		return percentOf(p, possible).String() + " %"
	case g == GradeLetter && possible > 0:
		return LetterOf(scale, percentOf(p, possible))
	case g == GradePassFail:
		if p > 0 {
			return GradePass
		}
		return GradeFail
	}
	return p.String()
}

// worded reports whether grades of the type are written in other words than points.
func (g GradeType) worded() bool { return g == GradePercent || g == GradeLetter || g == GradePassFail }

// least is the smallest number of points that is no less than a percentage of the possible ones, so that it has the letter that begins
// there.
func least(p Percent, possible Points) Points { return (Points(p)*possible + 100_00 - 1) / 100_00 }

// share is a percentage of the possible points, rounded half up to hundredths.
func share(p Percent, possible Points) Points { return (Points(p)*possible + 50_00) / 100_00 }

func percentOf(p, possible Points) Percent { return Percent((2*p*100_00 + possible) / (2 * possible)) }

func letterNames(scale []Letter) string {
	names := make([]string, len(scale))
	for i, l := range scale {
		names[i] = l.Letter
	}
	return strings.Join(names, ", ")
}

// GradeEntry is what a marker saves: a grade as it was typed or its points, feedback and a rubric. Without a grade the
// points of a completely filled rubric count; without those the rest is kept as the beginning of a grade.
type GradeEntry struct {
	Points     Points
	Typed      *string // in the words of the grade type; nil: Points is the grade; empty: no grade yet
	Feedback   string
	Marks      *Marks
	Version    int64 // of the grade as it was loaded; 0: there was none
	AllowAbove bool  // the marker confirmed more than the possible points
	Draft      bool  // not finished: it is not posted, also where posting is automatic
}

// PostScope names whose grades are posted or hidden: of submissions, of a section, or of the whole assignment.
type PostScope struct {
	Submissions []string
	Section     string
	Everyone    bool // post: also those who have no grade yet, who see theirs as soon as it is given
}

// GradeChange is one entry of the history of a grade: who changed or posted it, when, and from what to what.
type GradeChange struct {
	Posted      bool      `json:"posted"` // false: the draft was changed
	By          string    `json:"by"`
	At          time.Time `json:"at"`
	OldPoints   *Points   `json:"oldPoints,omitempty"`
	OldGrade    string    `json:"oldGrade,omitempty"` // as shown, where the type is not points
	OldFeedback string    `json:"oldFeedback,omitempty"`
	NewPoints   Points    `json:"newPoints"`
	NewGrade    string    `json:"newGrade,omitempty"`
	NewFeedback string    `json:"newFeedback,omitempty"`
}

// Shown is the grade in the words of its type.
func (g Grade) Shown() string { return cmp.Or(g.Grade, g.Points.String()) }

// SubmissionCounts counts the work in an assignment by what a marker asks for (SUBMIT-9).
type SubmissionCounts struct {
	Submitted   int `json:"submitted"`
	Ungraded    int `json:"ungraded"`    // latest attempts without a grade
	Needs       int `json:"needs"`       // of those, all files are there
	Unposted    int `json:"unposted"`    // drafts that students do not see
	Entered     int `json:"entered"`     // marks and excuses in the gradebook that students do not see
	Late        int `json:"late"`        // by the student's own due date
	Missing     int `json:"missing"`     // students past their due date without work
	Extension   int `json:"extension"`   // students with a date of their own who have handed in
	Resubmitted int `json:"resubmitted"` // handed in again after a grade
}

// SubmissionFilters are the filters of the list of submissions; the empty one shows all.
var SubmissionFilters = []string{"", "submitted", "ungraded", "needs", "unposted", "late", "missing", "extension", "resubmitted"}
