package lms

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// TutorMode is how the tutor helps (TUTOR-8).
type TutorMode string

// The modes of the tutor.
const (
	ModeSocratic TutorMode = "socratic" // leads with questions and hints; the default
	ModeExplain  TutorMode = "explain"
	ModeQuizMe   TutorMode = "quiz_me"
	ModeOff      TutorMode = "off"
)

// TutorModes lists the modes that a student can be in.
var TutorModes = []TutorMode{ModeSocratic, ModeExplain, ModeQuizMe}

// TutorPolicy is what the instructors of a course decide about its tutor (TUTOR-14). An item of the course may override
// some of it with an ItemPolicy; the site's policy limits both.
type TutorPolicy struct {
	CourseID     string      `json:"courseId"`
	Enabled      bool        `json:"enabled"`
	Modes        []TutorMode `json:"modes"`                  // that a student may choose from; never empty while enabled
	Mode         TutorMode   `json:"mode"`                   // where a student starts
	Instructions string      `json:"instructions,omitempty"` // to the tutor, for every answer
	Avoid        string      `json:"avoid,omitempty"`        // topics, one on a line
	Sources      []string    `json:"sources,omitempty"`      // ids of materials; empty: all published ones that are not excluded
	Level        Level       `json:"level"`                  // for students without grades
	Language     string      `json:"language,omitempty"`     // BCP 47; empty: that of the question
	HourlyQuota  int         `json:"hourlyQuota"`            // questions of a student in an hour
	DailyQuota   int         `json:"dailyQuota"`             // questions of the course in a day
	AskAnyway    int         `json:"askAnyway"`              // times a day that a student may send what the material does not cover; 0: never
	MonthlyCap   int64       `json:"monthlyCap,omitempty"`   // tokens; 0: no cap of the course
	OwnerID      string      `json:"ownerId,omitempty"`      // staff member who gets alerts; needed to enable
	Version      int64       `json:"version"`                // 0: nobody has changed the defaults
}

// DefaultTutorPolicy is the policy of a course in which nobody has changed anything.
func DefaultTutorPolicy(courseID, ownerID string) TutorPolicy {
	return TutorPolicy{CourseID: courseID, Enabled: true, Modes: slices.Clone(TutorModes), Mode: ModeSocratic, Level: LevelBeginner,
		HourlyQuota: 20, DailyQuota: 500, AskAnyway: 3, OwnerID: ownerID}
}

// Validate checks what an instructor chose.
func (p TutorPolicy) Validate() error {
	switch {
	case p.Enabled && p.OwnerID == "":
		return FieldErrorf(KindRule, "ownerId", "Choose who of the staff is told when a student may be in danger. Without that the tutor cannot be switched on.")
	case p.Enabled && len(p.Modes) == 0:
		return FieldErrorf(KindRule, "modes", "Allow at least one mode, or switch the tutor off.")
	case p.Enabled && !slices.Contains(p.Modes, p.Mode):
		return FieldErrorf(KindRule, "mode", "The mode that students start in is not among those that you allow.")
	case p.Level != LevelBeginner && p.Level != LevelIntermediate && p.Level != LevelAdvanced:
		return FieldErrorf(KindRule, "level", "%q is not a level.", p.Level)
	case p.HourlyQuota < 0 || p.HourlyQuota > 1000:
		return FieldErrorf(KindRule, "hourlyQuota", "The hourly number of questions lies between 0 and 1,000.")
	case p.DailyQuota < 0 || p.DailyQuota > 100_000:
		return FieldErrorf(KindRule, "dailyQuota", "The daily number of questions lies between 0 and 100,000.")
	case p.AskAnyway < 0 || p.AskAnyway > 100:
		return FieldErrorf(KindRule, "askAnyway", "Students may ask anyway between 0 and 100 times a day.")
	case p.MonthlyCap < 0:
		return FieldErrorf(KindRule, "monthlyCap", "The monthly number of tokens cannot be negative; 0 means no cap.")
	case len(p.Language) > 35 || strings.ContainsAny(p.Language, " <>\"'"):
		return FieldErrorf(KindRule, "language", "%q is not a language. Write its code, such as de or pt-BR.", p.Language)
	}
	for _, m := range p.Modes {
		if !slices.Contains(TutorModes, m) {
			return FieldErrorf(KindRule, "modes", "%q is not a mode of the tutor.", m)
		}
	}
	return first(checkText("instructions", p.Instructions, 4000), checkText("avoid", p.Avoid, 2000))
}

// ItemPolicy overrides the policy for one assignment, and holds what only the tutor may know of it (TUTOR-15).
type ItemPolicy struct {
	AssignmentID string    `json:"assignmentId"`
	Mode         TutorMode `json:"mode,omitempty"`   // empty: as in the course; ModeOff: no help with this item
	Notes        string    `json:"notes,omitempty"`  // solution and common errors: inform hints, never shown
	Answer       string    `json:"answer,omitempty"` // the final value, barred from every output
	Version      int64     `json:"version"`
}

// Validate checks what an instructor wrote.
func (p ItemPolicy) Validate() error {
	if p.Mode != "" && p.Mode != ModeOff && !slices.Contains(TutorModes, p.Mode) {
		return FieldErrorf(KindRule, "mode", "%q is not a mode of the tutor.", p.Mode)
	}
	return first(checkText("notes", p.Notes, 20_000), checkText("answer", p.Answer, 500))
}

// checkText refuses text with more characters than fit, or with NUL.
func checkText(field, s string, limit int) error {
	if n := utf8.RuneCountInString(s); n > limit {
		return FieldErrorf(KindRule, field, "This has %d characters; at most %d fit. Your text is kept.", n, limit)
	}
	return checkBody(field, s)
}

// Hint is a step of the ladder that help with graded work climbs (TUTOR-10).
type Hint int

// The steps of the ladder, one for each request.
const (
	HintRestate Hint = iota + 1
	HintConcept
	HintExample
	HintNextStep
	HintStop // offers the staff
)

// Next is the step after this one; the ladder ends at HintStop.
func (h Hint) Next() Hint { return min(h+1, HintStop) }

// TutorQuota is what a student may still ask (TUTOR-22).
type TutorQuota struct {
	Limit     int       `json:"limit"`             // in an hour
	Left      int       `json:"left"`              // after the limits of course and site
	RenewsAt  time.Time `json:"renewsAt,omitzero"` // when Left is 0
	AskAnyway int       `json:"askAnyway"`         // times left today
}

// TutorFlag is a message that somebody should look at (TUTOR-28).
type TutorFlag struct {
	ID         string    `json:"id"`
	CourseID   string    `json:"courseId"`
	QuestionID string    `json:"questionId"`
	CourseCode string    `json:"courseCode"`
	StudentID  string    `json:"studentId"`
	Student    string    `json:"student"` // name
	Kind       string    `json:"kind"`    // self_harm, violence, abuse, leak
	Severe     bool      `json:"severe"`
	CreatedAt  time.Time `json:"createdAt"`
	SeenAt     time.Time `json:"seenAt,omitzero"`
	SeenBy     string    `json:"seenBy,omitempty"` // name
}

// TutorNotice is the number of the notice that a user accepts before the first question; it rises when its text changes.
const TutorNotice = 1

// TutorChoice is what a student has chosen in a course; empty fields follow the policy.
type TutorChoice struct {
	Mode  TutorMode `json:"mode,omitempty"`
	Level Level     `json:"level,omitempty"`
}

// TutorBrief is what decides how a reply is written, as it stands when the tutor begins. It never reaches a browser.
type TutorBrief struct {
	Policy  TutorPolicy
	Mode    TutorMode // of the thread; empty: the policy's
	Level   Level     // from posted grades, or what the student chose
	Request int       // which asking of the reply this is, from 1
	Anyway  bool      // the student sends what the material does not cover
	Graded  []GradedItem
	Crisis  string // the site's text; empty: the default
}

// GradedItem is an open item of graded work that the student can see, with what only the tutor knows of it.
type GradedItem struct {
	ID       string
	Title    string
	Text     string // what students were asked
	Policy   ItemPolicy
	Canary   string
	Hint     Hint // the last one that the student was given; 0: none
	InThread bool // an earlier answer of the thread was a hint for it
}

// ReplyRecord is how a reply of the tutor came about (TUTOR-38).
type ReplyRecord struct {
	Mode          TutorMode     `json:"mode"`
	Level         Level         `json:"level"`
	AssignmentID  string        `json:"assignmentId,omitempty"` // the graded work that was recognised
	Hint          Hint          `json:"hint,omitempty"`
	PromptVersion string        `json:"promptVersion,omitempty"`
	Passages      []PassageRank `json:"passages,omitempty"` // that were found, best first
	Relevant      bool          `json:"relevant"`
	Calls         int           `json:"calls"`
	PromptTokens  int           `json:"promptTokens,omitempty"`
	AnswerTokens  int           `json:"answerTokens,omitempty"`
	Estimated     bool          `json:"estimated,omitempty"` // the endpoint told no usage
	FirstMs       int64         `json:"firstMs,omitempty"`
	TotalMs       int64         `json:"totalMs,omitempty"`
	Checked       string        `json:"checked,omitempty"` // "passed", or the rule that held text back
	Concern       string        `json:"concern,omitempty"` // a message that a person must look at
	Severe        bool          `json:"severe,omitempty"`
}

// PassageRank names a passage and its score.
type PassageRank struct {
	MaterialID string  `json:"materialId"`
	Ordinal    int     `json:"ordinal"`
	Score      float64 `json:"score"`
}
