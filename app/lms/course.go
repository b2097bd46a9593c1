package lms

import (
	"time"
)

// CourseState is the life of a course.
type CourseState string

// The states of a course.
const (
	CourseUnpublished CourseState = "unpublished" // staff only
	CoursePublished   CourseState = "published"
	CourseEnded       CourseState = "ended"    // read-only
	CourseArchived    CourseState = "archived" // hidden, restorable
)

// Course is a unit with its own content, roster and gradebook.
type Course struct {
	ID        string      `json:"id"`
	Code      string      `json:"code"` // short name such as "CS 101"
	Title     string      `json:"title"`
	Summary   string      `json:"summary,omitempty"`
	Zone      string      `json:"zone"` // IANA name
	State     CourseState `json:"state"`
	CreatedAt time.Time   `json:"createdAt,omitzero"`
	Version   int64       `json:"version"`

	MyRole   Role `json:"myRole,omitempty"`   // of the user who asked
	Members  int  `json:"members,omitempty"`  // active members; staff only
	Students int  `json:"students,omitempty"` // active students; staff only
}

// Validate checks what a person typed.
func (c Course) Validate() error {
	if err := first(checkTitle("title", c.Title), checkTitle("code", c.Code), checkBody("summary", c.Summary)); err != nil {
		return err
	}
	if !validZone(c.Zone) {
		return FieldErrorf(KindRule, "zone", "%q is not a time zone. Write one such as Europe/Berlin.", c.Zone)
	}
	switch c.State {
	case CourseUnpublished, CoursePublished, CourseEnded, CourseArchived:
		return nil
	}
	return FieldErrorf(KindRule, "state", "%q is not a state of a course.", c.State)
}

// Member is a user enrolled in a course.
type Member struct {
	UserID   string    `json:"userId"`
	Login    string    `json:"login,omitempty"` // staff only
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Active   bool      `json:"active"`
	JoinedAt time.Time `json:"joinedAt,omitzero"`
}

// Invite lets people register for a course and a role with a code.
type Invite struct {
	ID        string    `json:"id"`
	CourseID  string    `json:"courseId"`
	Code      string    `json:"code"`
	Role      Role      `json:"role"`
	MaxUses   int       `json:"maxUses"` // 0: no limit
	Uses      int       `json:"uses"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	RevokedAt time.Time `json:"revokedAt,omitzero"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// Refusals of an invite code, one for each reason, so that the person knows what to ask for.
var (
	ErrInviteUnknown = FieldErrorf(KindRule, "code", "This invite code does not exist. Check for a typing error, or ask your instructor.")
	ErrInviteExpired = FieldErrorf(KindRule, "code", "This invite code has expired. Ask your instructor for a new one.")
	ErrInviteUsedUp  = FieldErrorf(KindRule, "code", "This invite code has been used as often as it may be. Ask your instructor for a new one.")
	ErrInviteRevoked = FieldErrorf(KindRule, "code", "This invite code has been withdrawn. Ask your instructor for a new one.")
)

// Check tells whether the invite can be used at the time.
func (i Invite) Check(now time.Time) error {
	switch {
	case !i.RevokedAt.IsZero():
		return ErrInviteRevoked
	case !i.ExpiresAt.IsZero() && now.After(i.ExpiresAt):
		return ErrInviteExpired
	case i.MaxUses > 0 && i.Uses >= i.MaxUses:
		return ErrInviteUsedUp
	}
	return nil
}

// InvitePreview is what a code shows to somebody who has not registered yet.
type InvitePreview struct {
	CourseTitle string `json:"courseTitle"`
	CourseCode  string `json:"courseCode"`
	Role        Role   `json:"role"`
}
