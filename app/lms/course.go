package lms

import (
	"strings"
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
	Term      string      `json:"term,omitempty"`     // such as "Autumn 2026"; groups the courses
	Language  string      `json:"language,omitempty"` // of the teaching, such as "en" or "pt-BR"
	Zone      string      `json:"zone"`               // IANA name
	State     CourseState `json:"state"`
	CreatedAt time.Time   `json:"createdAt,omitzero"`
	Version   int64       `json:"version"`

	ArchivedAt time.Time `json:"archivedAt,omitzero"` // its staff can restore it for UndoWindow from then on

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
	if c.Term != "" {
		if err := checkTitle("term", c.Term); err != nil {
			return err
		}
	}
	if !validLanguage(c.Language) {
		return FieldErrorf(KindRule, "language", "%q is not a language. Write a code such as en, de or pt-BR.", c.Language)
	}
	switch c.State {
	case CourseUnpublished, CoursePublished, CourseEnded, CourseArchived:
		return nil
	}
	return FieldErrorf(KindRule, "state", "%q is not a state of a course.", c.State)
}

// UndoWindow is how long something archived can be restored (GEN-7).
const UndoWindow = 30 * 24 * time.Hour

// Restorable reports whether the staff of an archived course can still restore it. Later only an administrator can.
func (c Course) Restorable(now time.Time) bool {
	return c.State == CourseArchived && (c.ArchivedAt.IsZero() || now.Sub(c.ArchivedAt) <= UndoWindow)
}

// validLanguage reports whether the tag has the form of BCP 47: a language of 2 or 3 letters, then parts such as a region.
func validLanguage(tag string) bool {
	for i, part := range strings.Split(tag, "-") {
		letters := strings.Trim(strings.ToLower(part), "abcdefghijklmnopqrstuvwxyz") == ""
		alnum := strings.Trim(strings.ToLower(part), "abcdefghijklmnopqrstuvwxyz0123456789") == ""
		if i == 0 && (!letters || len(part) < 2 || len(part) > 3) || i > 0 && (!alnum || part == "" || len(part) > 8) {
			return tag == ""
		}
	}
	return len(tag) <= 35
}

// Member is a user enrolled in a course.
type Member struct {
	UserID   string    `json:"userId"`
	Login    string    `json:"login,omitempty"` // staff only
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Active   bool      `json:"active"`
	JoinedAt time.Time `json:"joinedAt,omitzero"`

	// For staff only:
	SectionID  string   `json:"sectionId,omitempty"`
	Mail       string   `json:"mail,omitempty"`
	ExternalID string   `json:"externalId,omitempty"` // of the register of students, such as a matriculation number
	Pending    bool     `json:"pending,omitempty"`    // imported; has not chosen a password yet
	Sections   []string `json:"sections,omitempty"`   // a TA sees the students of these only; empty: all
	LinkedID   string   `json:"linkedId,omitempty"`   // the student whose work an observer reads
	LinkedName string   `json:"linkedName,omitempty"`
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
