package lms

import (
	"strings"
	"time"
	"unicode/utf8"
)

// User is an account of the site.
type User struct {
	ID               string    `json:"id"`
	Login            string    `json:"login"`
	Name             string    `json:"name"`
	Admin            bool      `json:"admin,omitempty"`
	MayCreateCourses bool      `json:"mayCreateCourses,omitempty"`
	Disabled         bool      `json:"disabled,omitempty"`
	CreatedAt        time.Time `json:"createdAt,omitzero"`
	Mail             string    `json:"mail,omitempty"` // where a link for a new password is sent to
	Version          int64     `json:"version"`
}

// TutorID is the id of the system user that owns the tutor's replies.
const TutorID = "tutor"

// OperatorID is the id under which whoever holds a node's operator token acts. It has no account and passes as
// administrator of accounts and nodes.
const OperatorID = "operator"

// ReservedID reports whether no account may have the id.
func ReservedID(id string) bool { return id == TutorID || id == OperatorID }

// Session is one sign-in of a user, valid on every node.
type Session struct {
	User      User      `json:"user"`
	Courses   []Course  `json:"courses"` // those the user is a member of, with MyRole set
	ExpiresAt time.Time `json:"expiresAt"`
	Token     string    `json:"token,omitempty"` // bearer token; only in the answer that makes it, and only for programs
	Viewing   *View     `json:"viewing,omitempty"`
	MustEnrol bool      `json:"mustEnrol,omitempty"` // two-step sign-in must be set up before anything else
}

// View tells that a member of staff looks at a course as its test student: the session's user is that one meanwhile.
type View struct {
	CourseID string `json:"courseId"`
	By       string `json:"by"` // login of the member of staff
}

// Limits of an account (AUTH-2).
const (
	MinPassword = 8   // characters
	MaxPassword = 256 // bytes
	MaxLogin    = 64  // characters
	MaxMail     = 254 // bytes
)

// NormalLogin is the form under which logins are compared: trimmed, lower case, full-width letters as ordinary ones. Two logins with
// the same normal form are the same account; CheckLogin leaves no other letters that could look alike.
func NormalLogin(login string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r >= '\uff01' && r <= '\uff5e' {
			return r - '\uff01' + '!'
		}
		return r
	}, strings.TrimSpace(login)))
}

// CheckLogin refuses a login that is empty, too long, or has other characters than letters, digits and . _ - @ +.
func CheckLogin(login string) error {
	n := NormalLogin(login)
	if n == "" {
		return FieldErrorf(KindRule, "login", "Please choose a user name.")
	}
	if utf8.RuneCountInString(n) > MaxLogin {
		return FieldErrorf(KindRule, "login", "A user name has at most %d characters.", MaxLogin)
	}
	for _, c := range n {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789._-@+", c) {
			return FieldErrorf(KindRule, "login", "A user name has only the letters a to z, digits and . _ - @ +; %q is not among them.", string(c))
		}
	}
	if n == TutorID {
		return FieldErrorf(KindRule, "login", "This user name is taken by the system.")
	}
	return nil
}

// CheckPassword refuses a password that is too short for any site, too long, or equal to the login. The node knows more: what the site
// asks for, and what is common.
func CheckPassword(login, password string) error {
	switch low := strings.ToLower(password); {
	case utf8.RuneCountInString(password) < MinPassword:
		return FieldErrorf(KindRule, "password", "A password has at least %d characters. A few unrelated words are a good choice.", MinPassword)
	case len(password) > MaxPassword:
		return FieldErrorf(KindTooLarge, "password", "A password has at most %d bytes.", MaxPassword)
	case low == NormalLogin(login):
		return FieldErrorf(KindRule, "password", "This password is among the first that an attacker would try. Please choose another.")
	}
	return nil
}
