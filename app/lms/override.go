package lms

import "time"

// OverrideTarget is whom an override is for.
type OverrideTarget string

// The targets of an override, the weaker one first.
const (
	OverrideSection OverrideTarget = "section"
	OverrideStudent OverrideTarget = "student"
)

// Override gives a student or a section other dates or attempts for one assignment (EXT-1). A field that is not set is as
// everybody has it.
type Override struct {
	ID           string         `json:"id"`
	CourseID     string         `json:"courseId"`
	AssignmentID string         `json:"assignmentId"`
	Target       OverrideTarget `json:"target"`
	TargetID     string         `json:"targetId"` // user or section
	TargetName   string         `json:"targetName,omitempty"`
	OpensAt      time.Time      `json:"opensAt,omitzero"`
	DueAt        time.Time      `json:"dueAt,omitzero"`
	CutoffAt     time.Time      `json:"cutoffAt,omitzero"`
	MaxAttempts  *int           `json:"maxAttempts,omitempty"` // 0: no limit
	GrantedBy    string         `json:"grantedBy,omitempty"`   // name
	GrantedAt    time.Time      `json:"grantedAt,omitzero"`
	Version      int64          `json:"version"`
}

// Applies reports whether the override is for the student, who may be in a section.
func (o Override) Applies(userID, sectionID string) bool {
	return o.Target == OverrideStudent && o.TargetID == userID || o.Target == OverrideSection && sectionID != "" && o.TargetID == sectionID
}

// For is the assignment as the student has it: each field of the student's override beats the section's, which beats
// everybody's (EXT-1). A due date that an override moves behind the cut-off moves the cut-off with it, unless the override
// sets one, so that an extension is never closed before it is due.
func (a Assignment) For(userID, sectionID string, overrides []Override) Assignment {
	for _, target := range []OverrideTarget{OverrideSection, OverrideStudent} {
		for _, o := range overrides {
			if o.Target == target && o.AssignmentID == a.ID && o.Applies(userID, sectionID) {
				a = a.with(o)
			}
		}
	}
	return a
}

func (a Assignment) with(o Override) Assignment {
	for _, f := range []struct{ to, from *time.Time }{{&a.OpensAt, &o.OpensAt}, {&a.DueAt, &o.DueAt}, {&a.CutoffAt, &o.CutoffAt}} {
		if !f.from.IsZero() {
			*f.to = *f.from
		}
	}
	if !a.CutoffAt.IsZero() && a.DueAt.After(a.CutoffAt) {
		a.CutoffAt = a.DueAt
	}
	if o.MaxAttempts != nil {
		a.MaxAttempts = *o.MaxAttempts
	}
	return a
}

// Validate refuses an override that says nothing, or that names no target.
func (o Override) Validate() error {
	switch {
	case o.Target != OverrideStudent && o.Target != OverrideSection:
		return FieldErrorf(KindRule, "target", "Other dates are for a student or for a section.")
	case o.TargetID == "":
		return FieldErrorf(KindRule, "targetId", "Choose for whom the other dates are.")
	case o.OpensAt.IsZero() && o.DueAt.IsZero() && o.CutoffAt.IsZero() && o.MaxAttempts == nil:
		return FieldErrorf(KindRule, "dueAt", "Change at least one of the dates or the attempts.")
	case o.MaxAttempts != nil && *o.MaxAttempts < 0:
		return FieldErrorf(KindRule, "maxAttempts", "The number of attempts cannot be negative; 0 means no limit.")
	}
	return nil
}

// CheckOverride refuses an override that leaves the dates of the assignment in an order that cannot be, naming the pair. A
// student's other due date or cut-off must lie after the due date that everybody has: that is what an extension is. A
// section may have dates of its own before it.
func (a Assignment) CheckOverride(o Override) error {
	if o.Target == OverrideStudent && !a.DueAt.IsZero() {
		if !o.DueAt.IsZero() && !o.DueAt.After(a.DueAt) {
			return FieldErrorf(KindRule, "dueAt", "An extension must end after the due date. Choose a later date.")
		}
		if !o.CutoffAt.IsZero() && !o.CutoffAt.After(a.DueAt) {
			return FieldErrorf(KindRule, "cutoffAt", "The cut-off of an extension must lie after the due date. Choose a later date.")
		}
	}
	o.Target, o.TargetID, o.AssignmentID = OverrideStudent, "x", a.ID
	return a.For("x", "", []Override{o}).checkDates()
}

// Later reports whether the override moves the due date or the cut-off later: whether it is an extension.
func (o Override) Later(a Assignment) bool {
	return !o.DueAt.IsZero() && o.DueAt.After(a.DueAt) || !o.CutoffAt.IsZero() && o.CutoffAt.After(a.CutoffAt)
}
