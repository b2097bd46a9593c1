package api

import (
	"strings"
	"unicode/utf8"

	"trivium/app/lms"
)

// SessionPath names one of the own sessions.
type SessionPath struct {
	Session string `param:"session" json:"-"`
}

// UserPath names an account.
type UserPath struct {
	User string `param:"user" json:"-"`
}

// AccountSiteInput replaces what the administrators have decided about accounts.
type AccountSiteInput struct{ lms.AccountSite }

// CodeOfApp is the code that an authenticator app shows.
type CodeOfApp struct {
	Code string `json:"code"`
}

// ResetTokenInput names a link for a new password.
type ResetTokenInput struct {
	Token string `json:"token"`
}

// ResetInput chooses a new password with a link.
type ResetInput struct {
	Token    string `json:"token"`
	Password string `json:"password"`
}

// AskResetInput asks for a link by mail.
type AskResetInput struct {
	Who string `json:"who"` // user name or mail address
}

func (in SessionPath) Validate() error      { return checkIDs(in.Session) }
func (in UserPath) Validate() error         { return checkIDs(in.User) }
func (in AccountSiteInput) Validate() error { return in.AccountSite.Validate() }

func (in CodeOfApp) Validate() error {
	if strings.TrimSpace(in.Code) == "" || len(in.Code) > 64 {
		return lms.FieldErrorf(lms.KindRule, "code", "Type the six digits that the app shows.")
	}
	return nil
}

func (in ResetTokenInput) Validate() error {
	if in.Token == "" || len(in.Token) > 128 {
		return lms.FieldErrorf(lms.KindRule, "token", "This link is not complete. Open it again as you got it.")
	}
	return nil
}

func (in ResetInput) Validate() error {
	return firstErr(ResetTokenInput{in.Token}.Validate(), lms.CheckPassword("", in.Password))
}

func (in AskResetInput) Validate() error {
	if strings.TrimSpace(in.Who) == "" || len(in.Who) > lms.MaxMail || !utf8.ValidString(in.Who) {
		return lms.FieldErrorf(lms.KindRule, "who", "Please type your user name or your mail address.")
	}
	return nil
}
