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

// PasskeyChallenge is what a browser hands to a passkey. The token goes back with the answer: no node keeps anything of the challenge.
type PasskeyChallenge struct {
	Token   string `json:"token"`
	Options string `json:"options"` // JSON for parseRequestOptionsFromJSON or parseCreationOptionsFromJSON
}

// PasskeyAnswer is what a passkey says to a challenge.
type PasskeyAnswer struct {
	Token      string `json:"token"`
	Credential string `json:"credential"` // JSON as toJSON makes it
}

// PasskeyInput adds a passkey to the own account.
type PasskeyInput struct {
	Name string `json:"name"` // empty: that of the device
	PasskeyAnswer
}

// PasskeyPath names one of the own passkeys.
type PasskeyPath struct {
	Passkey string `param:"passkey" json:"-"`
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

func (in PasskeyPath) Validate() error { return checkIDs(in.Passkey) }

// maxPasskeyAnswer is far more than any passkey says, attestation included.
const maxPasskeyAnswer = 32 << 10

func (in PasskeyAnswer) Validate() error {
	if in.Token == "" || in.Credential == "" || len(in.Token)+len(in.Credential) > maxPasskeyAnswer {
		return lms.FieldErrorf(lms.KindInvalid, "passkey", "The answer of the passkey is not complete.")
	}
	return nil
}

func (in PasskeyInput) Validate() error {
	if utf8.RuneCountInString(in.Name) > lms.MaxPasskeyName || !utf8.ValidString(in.Name) {
		return lms.FieldErrorf(lms.KindRule, "name", "The name has at most %d characters.", lms.MaxPasskeyName)
	}
	return in.PasskeyAnswer.Validate()
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
