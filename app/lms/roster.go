package lms

import (
	"strings"
	"unicode/utf8"
)

// RosterField is what a column of a roster file means.
type RosterField string

// The fields of a roster file. Members are found by external id, then login, then mail, never by name.
const (
	RosterIgnore     RosterField = ""
	RosterExternalID RosterField = "externalId"
	RosterLogin      RosterField = "login"
	RosterMail       RosterField = "mail"
	RosterName       RosterField = "name"
	RosterFirstName  RosterField = "firstName"
	RosterLastName   RosterField = "lastName"
	RosterRole       RosterField = "role"
	RosterSection    RosterField = "section"
)

// RosterFields lists every field that a column can have.
var RosterFields = []RosterField{RosterExternalID, RosterLogin, RosterMail, RosterName, RosterFirstName, RosterLastName, RosterRole, RosterSection}

// Limits of a roster file.
const (
	MaxRosterBytes = 512 << 10
	MaxRosterRows  = 2000
)

// RosterColumn is a column of a roster file.
type RosterColumn struct {
	Header string      `json:"header"`
	Field  RosterField `json:"field,omitempty"` // empty: not used
	Sample string      `json:"sample,omitempty"`
}

// RosterRow is one person of a roster file.
type RosterRow struct {
	Line                                         int
	ExternalID, Login, Mail, Name, Role, Section string
	Problem                                      string // of the line itself; nothing else counts then
}

// RosterLine is one line of a preview. Line is 0 for who is in the course and not in the file.
type RosterLine struct {
	Line   int    `json:"line,omitempty"`
	Name   string `json:"name,omitempty"`
	Login  string `json:"login,omitempty"`
	Detail string `json:"detail"`
}

// RosterPlan is what a roster file would do. Token stands for the plan and for the roster that it was made for.
type RosterPlan struct {
	Columns     []RosterColumn `json:"columns"`
	Rows        int            `json:"rows"`
	Adds        []RosterLine   `json:"adds"`
	Changes     []RosterLine   `json:"changes"`
	Drops       []RosterLine   `json:"drops"`
	Errors      []RosterLine   `json:"errors"`
	Same        int            `json:"same"`        // members of the file that stay as they are
	NewAccounts int            `json:"newAccounts"` // of the adds
	NewSections []string       `json:"newSections"`
	Token       string         `json:"token"`
}

// RosterResult is what a roster file has done.
type RosterResult struct {
	Added       int `json:"added"`
	Changed     int `json:"changed"`
	Dropped     int `json:"dropped"`
	NewAccounts int `json:"newAccounts"`
	NewSections int `json:"newSections"`
}

// RosterUser is an account that the file may mean, with its membership in the course.
type RosterUser struct {
	ID, Login, Name, ExternalID, Mail string
	Disabled                          bool
	Member                            bool
	Role                              Role
	Active                            bool
	SectionID                         string
}

// RosterState is what a plan is made for.
type RosterState struct {
	Users    []RosterUser
	Sections []Section
}

// RosterOptions are the choices of whoever imports a file.
type RosterOptions struct {
	Drop       bool // deactivate students who are not in the file
	Identities bool // write external ids and mail addresses into accounts that have none: for administrators
	Actor      string
}

// RosterWrite is one membership that a plan makes or changes. Its ids are made by the caller.
type RosterWrite struct {
	User    RosterUser // Role, Active as they become; ID empty: a new account
	Section string     // title of the section that the member comes into; empty: as it is
	Line    int
	Drop    bool
	Was     *RosterUser // nil: was no member
}

// NormalMail is the form under which mail addresses are stored and compared.
func NormalMail(mail string) string { return strings.ToLower(strings.TrimSpace(mail)) }

// ValidMail reports whether a normal address has the form of one: something, one @, and a host with a dot in it or
// localhost, without spaces and control characters.
func ValidMail(mail string) bool {
	local, host, ok := strings.Cut(mail, "@")
	if !ok || local == "" || len(mail) > MaxMail || strings.Contains(host, "@") || !utf8.ValidString(mail) ||
		strings.ContainsFunc(mail, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`<>()[]",;:\`, r) }) {
		return false
	}
	dot := strings.IndexByte(host, '.')
	return host == "localhost" || dot > 0 && !strings.HasSuffix(host, ".") && !strings.Contains(host, "..")
}

// ClaimPreview shows whose account a link is for with which an imported person chooses a password.
type ClaimPreview struct {
	Login       string `json:"login"`
	Name        string `json:"name"`
	CourseTitle string `json:"courseTitle"`
}

// ClaimLink is such a link, as it is shown once to whoever made it.
type ClaimLink struct {
	UserID string `json:"userId"`
	Name   string `json:"name"`
	Login  string `json:"login"`
	Token  string `json:"token"`
}
