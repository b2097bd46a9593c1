package api

import (
	"encoding/base64"

	"trivium/app/lms"
)

// ListMembersInput filters the members; empty fields select all.
type ListMembersInput struct {
	Course  string   `param:"course" json:"-"`
	Role    lms.Role `query:"role" json:"-"`
	Section string   `query:"section" json:"-"` // id, or "none"
	State   string   `query:"state" json:"-"`   // "active", "inactive" or "pending"
	Query   string   `query:"q" json:"-"`       // part of the name, or for staff of the login, mail address or external id
	After   string   `query:"after" json:"-"`
	Limit   int      `query:"limit" json:"-"` // 0: MaxPage
}

func (in ListMembersInput) Validate() error {
	switch in.State {
	case "", "active", "inactive", "pending":
	default:
		return lms.FieldErrorf(lms.KindInvalid, "state", "%q is no state of a member. Use active, inactive or pending.", in.State)
	}
	if in.Role != "" {
		if err := checkRole(in.Role); err != nil {
			return err
		}
	}
	if len(in.Query) > 200 {
		return lms.FieldErrorf(lms.KindInvalid, "q", "This is too long to search for.")
	}
	return firstErr(checkIDs(in.Course), optionalID(in.Section), optionalID(in.After), checkLimit(in.Limit))
}

// optionalID refuses what is neither empty nor an id.
func optionalID(id string) error {
	if id == "" {
		return nil
	}
	return checkIDs(id)
}

// checkSections checks the ids of a member's sections and of the linked student.
func (in UpdateMemberInput) checkSections() error {
	for _, id := range []*string{in.Section, in.Linked} {
		if id != nil && optionalID(*id) != nil {
			return optionalID(*id)
		}
	}
	if in.Sections == nil {
		return nil
	}
	return checkIDs(*in.Sections...)
}

// RegenerateInviteInput makes a new code in place of one.
type RegenerateInviteInput struct {
	Course string `param:"course" json:"-"`
	Invite string `param:"invite" json:"-"`
	ID     string `json:"id"` // of the new one
}

func (in RegenerateInviteInput) Validate() error { return checkIDs(in.Course, in.Invite, in.ID) }

// SectionPath names a section.
type SectionPath struct {
	Course  string `param:"course" json:"-"`
	Section string `param:"section" json:"-"`
}

func (in SectionPath) Validate() error { return checkIDs(in.Course, in.Section) }

// SectionInput makes a section.
type SectionInput struct {
	Course string `param:"course" json:"-"`
	ID     string `json:"id"`
	Title  string `json:"title"`
}

// Value is the domain value of the input.
func (in SectionInput) Value() lms.Section {
	return lms.Section{ID: in.ID, CourseID: in.Course, Title: in.Title}
}

func (in SectionInput) Validate() error { return firstErr(checkIDs(in.Course), in.Value().Validate()) }

// UpdateSectionInput changes the fields that are set if the section still has the version.
type UpdateSectionInput struct {
	Course   string  `param:"course" json:"-"`
	Section  string  `param:"section" json:"-"`
	Version  int64   `json:"version"`
	Title    *string `json:"title,omitempty"`
	Archived *bool   `json:"archived,omitempty"`
}

func (in UpdateSectionInput) Validate() error {
	s := lms.Section{ID: in.Section, Title: "-"}
	if in.Title != nil {
		s.Title = *in.Title
	}
	return firstErr(checkIDs(in.Course), s.Validate())
}

// OrderSectionsInput names every section that is not archived, in their new order.
type OrderSectionsInput struct {
	Course   string   `param:"course" json:"-"`
	Sections []string `json:"sections"`
}

func (in OrderSectionsInput) Validate() error {
	return firstErr(checkIDs(in.Course), checkIDs(in.Sections...))
}

// AssignSectionInput puts members into a section.
type AssignSectionInput struct {
	Course  string   `param:"course" json:"-"`
	Section string   `json:"section"` // empty: out of theirs
	Users   []string `json:"users"`
}

func (in AssignSectionInput) Validate() error {
	if len(in.Users) == 0 || len(in.Users) > lms.MaxRosterRows {
		return lms.FieldErrorf(lms.KindRule, "users", "Choose between 1 and %d members.", lms.MaxRosterRows)
	}
	return firstErr(checkIDs(in.Course), optionalID(in.Section), checkIDs(in.Users...))
}

// AssignSectionOutput counts who was moved.
type AssignSectionOutput struct {
	Moved int `json:"moved"`
}

// RosterInput is a roster file. Fields says what each of its columns means; without them the headers decide.
type RosterInput struct {
	Course string            `param:"course" json:"-"`
	File   string            `json:"file"` // its bytes, in base64
	Fields []lms.RosterField `json:"fields,omitempty"`
	Drop   bool              `json:"drop,omitempty"` // deactivate students who are not in the file
}

// Bytes are those of the file.
func (in RosterInput) Bytes() ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(in.File)
	if err != nil {
		return nil, lms.FieldErrorf(lms.KindInvalid, "file", "The file must be sent in base64.")
	}
	return data, nil
}

func (in RosterInput) Validate() error {
	if base64.StdEncoding.DecodedLen(len(in.File)) > lms.MaxRosterBytes+2 {
		return lms.FieldErrorf(lms.KindTooLarge, "file", "A roster has at most %s. Split the file.", lms.FormatBytes(lms.MaxRosterBytes))
	}
	return checkIDs(in.Course)
}

// ApplyRosterInput applies what the preview with the token has shown.
type ApplyRosterInput struct {
	RosterInput
	Token string `json:"token"`
}

func (in ApplyRosterInput) Validate() error {
	if len(in.Token) != 64 {
		return lms.FieldErrorf(lms.KindInvalid, "token", "This is not the token of a preview. Look at the preview first.")
	}
	return in.RosterInput.Validate()
}

// IssueClaimsInput makes links for imported people who have no password yet.
type IssueClaimsInput struct {
	Course string   `param:"course" json:"-"`
	Users  []string `json:"users,omitempty"` // empty: all
}

func (in IssueClaimsInput) Validate() error {
	return firstErr(checkIDs(in.Course), checkIDs(in.Users...))
}

// ClaimTokenInput is the secret of a link.
type ClaimTokenInput struct {
	Token string `json:"token"`
}

func (in ClaimTokenInput) Validate() error {
	if in.Token == "" || len(in.Token) > 100 {
		return lms.FieldErrorf(lms.KindInvalid, "token", "Open the link that your instructor gave you.")
	}
	return nil
}

// ClaimInput chooses a password with a link.
type ClaimInput struct {
	Token    string `json:"token"`
	Password string `json:"password"`
	Bearer   bool   `json:"bearer,omitempty"`
}

func (in ClaimInput) Validate() error {
	return firstErr(ClaimTokenInput{in.Token}.Validate(), lms.CheckPassword("", in.Password))
}
