package api

import (
	"strings"
	"time"
	"unicode/utf8"

	"trivium/app/lms"
)

// MaxTargets is how many students and sections get other dates in one step.
const MaxTargets = 200

// CourseLateInput changes the late policy of a course if the course still has the version.
type CourseLateInput struct {
	Course  string         `param:"course" json:"-"`
	Policy  lms.LatePolicy `json:"policy"`
	Version int64          `json:"version"`
	Preview string         `json:"preview,omitempty"` // token of the preview that was looked at
}

func (in CourseLateInput) Validate() error {
	return firstErr(checkIDs(in.Course), in.Policy.Validate(), checkPreview(in.Preview))
}

// DuplicateInput names the copy.
type DuplicateInput struct {
	Course     string `param:"course" json:"-"`
	Assignment string `param:"assignment" json:"-"`
	ID         string `json:"id"`
}

func (in DuplicateInput) Validate() error { return checkIDs(in.Course, in.Assignment, in.ID) }

// OverridesInput gives students or sections other dates or attempts. What is not set stays as everybody has it.
type OverridesInput struct {
	Course      string    `param:"course" json:"-"`
	Assignment  string    `param:"assignment" json:"-"`
	Targets     []string  `json:"targets"` // "student/ID" or "section/ID"
	IDs         []string  `json:"ids"`     // of the overrides, one for each target
	OpensAt     time.Time `json:"opensAt,omitzero"`
	DueAt       time.Time `json:"dueAt,omitzero"`
	CutoffAt    time.Time `json:"cutoffAt,omitzero"`
	MaxAttempts *int      `json:"maxAttempts,omitempty"` // 0: no limit
	Version     int64     `json:"version,omitempty"`     // of the one override that is changed
	Preview     string    `json:"preview,omitempty"`     // token of the preview that was looked at
	Request     string    `json:"request,omitempty"`     // question that asked for it; it gets the message as its answer
	ReplyID     string    `json:"replyId,omitempty"`     // of that answer
	Message     string    `json:"message,omitempty"`
}

// Override is the value of the input, for any of its targets.
func (in OverridesInput) Override() lms.Override {
	return lms.Override{CourseID: in.Course, AssignmentID: in.Assignment, OpensAt: in.OpensAt, DueAt: in.DueAt, CutoffAt: in.CutoffAt,
		MaxAttempts: in.MaxAttempts, Version: in.Version}
}

func (in OverridesInput) Validate() error {
	switch {
	case len(in.Targets) == 0:
		return lms.FieldErrorf(lms.KindRule, "targets", "Choose for whom the other dates are.")
	case len(in.Targets) > MaxTargets:
		return lms.FieldErrorf(lms.KindRule, "targets", "At most %d at once; this names %d.", MaxTargets, len(in.Targets))
	case len(in.IDs) != len(in.Targets):
		return lms.FieldErrorf(lms.KindInvalid, "ids", "There must be one id for each target.")
	}
	seen := map[string]bool{}
	for _, t := range in.Targets {
		o := in.Override()
		kind, id, _ := strings.Cut(t, "/")
		o.Target, o.TargetID = lms.OverrideTarget(kind), id
		if err := firstErr(o.Validate(), checkIDs(id)); err != nil {
			return err
		}
		if seen[t] {
			return lms.FieldErrorf(lms.KindInvalid, "targets", "A target is named twice.")
		}
		seen[t] = true
	}
	if in.Request != "" {
		if err := firstErr(checkIDs(in.Request, in.ReplyID), lms.Reply{ID: in.ReplyID, Body: in.Message}.Validate()); err != nil {
			return err
		}
	}
	return firstErr(checkIDs(in.Course, in.Assignment), checkIDs(in.IDs...), checkPreview(in.Preview))
}

// OverridePath names an override.
type OverridePath struct {
	Course   string `param:"course" json:"-"`
	Override string `param:"override" json:"-"`
}

func (in OverridePath) Validate() error { return checkIDs(in.Course, in.Override) }

// RemoveOverrideInput takes other dates back.
type RemoveOverrideInput struct {
	Course   string `param:"course" json:"-"`
	Override string `param:"override" json:"-"`
	Preview  string `query:"preview" json:"-"`
}

func (in RemoveOverrideInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.Override), checkPreview(in.Preview))
}

func checkPreview(token string) error {
	if len(token) > 64 {
		return lms.FieldErrorf(lms.KindInvalid, "preview", "This is not the token of a preview.")
	}
	return nil
}

// DraftInput keeps unsent work if what is kept still has the version; 0: nothing is kept.
type DraftInput struct {
	Course     string   `param:"course" json:"-"`
	Assignment string   `param:"assignment" json:"-"`
	Text       string   `json:"text,omitempty"`
	URL        string   `json:"url,omitempty"`
	Files      []string `json:"files,omitempty"` // ids of declared files
	Version    int64    `json:"version"`
}

func (in DraftInput) Validate() error {
	if len(in.URL) > lms.MaxURL || !utf8.ValidString(in.URL) {
		return lms.FieldErrorf(lms.KindRule, "url", "A web address has at most %d bytes.", lms.MaxURL)
	}
	return firstErr(checkWork(in.Text), checkIDs(in.Course, in.Assignment), checkIDs(in.Files...))
}

func checkWork(text string) error {
	if len(text) > lms.MaxBody || !utf8.ValidString(text) {
		return lms.FieldErrorf(lms.KindRule, "text", "At most %s of text; add longer work as a file.", lms.FormatBytes(lms.MaxBody))
	}
	return nil
}

// ExtensionInput asks for an extension.
type ExtensionInput struct {
	Course     string `param:"course" json:"-"`
	Assignment string `param:"assignment" json:"-"`
	ID         string `json:"id"` // of the question that is made
	Reason     string `json:"reason"`
}

// QuestionValue is the question that the input stands for.
func (in ExtensionInput) QuestionValue() lms.Question {
	return lms.Question{ID: in.ID, CourseID: in.Course, To: lms.ToStaff, Title: "Extension", Body: in.Reason, Visibility: lms.VisibleStaff, Assignment: in.Assignment}
}

func (in ExtensionInput) Validate() error {
	if strings.TrimSpace(in.Reason) == "" {
		return lms.FieldErrorf(lms.KindRule, "reason", "Say why you need more time, and until when.")
	}
	return firstErr(checkIDs(in.Course, in.Assignment), in.QuestionValue().Validate())
}

// ChooseInput chooses the attempt that is graded.
type ChooseInput struct {
	Course     string `param:"course" json:"-"`
	Submission string `param:"submission" json:"-"`
	Chosen     bool   `json:"chosen"` // false: the latest attempt is graded
}

func (in ChooseInput) Validate() error { return checkIDs(in.Course, in.Submission) }
