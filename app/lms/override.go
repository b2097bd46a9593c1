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
