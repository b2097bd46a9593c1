package lms

import (
	"strings"
	"time"
)

// Lives of what proves a session (AUTH-5), where the site has not set others.
const (
	AccessLife  = time.Hour
	RenewalLife = 30 * 24 * time.Hour
)

// SessionInfo is a session as its user sees it in the list of the own sessions.
type SessionInfo struct {
	ID        string    `json:"id"`
	Device    string    `json:"device"` // in a few words, such as "Firefox on Linux"
	CreatedAt time.Time `json:"createdAt"`
	SeenAt    time.Time `json:"seenAt"` // to within some minutes
	ExpiresAt time.Time `json:"expiresAt"`
	Current   bool      `json:"current,omitempty"` // the one that asks
}

// AccountSite is what the administrators have decided about accounts.
type AccountSite struct {
	OpenRegistration bool  `json:"openRegistration"` // anybody may register, without an invite code
	RequireTOTP      bool  `json:"requireTotp"`      // staff must sign in in two steps
	MinPassword      int   `json:"minPassword"`      // characters
	Version          int64 `json:"version"`
}

// Validate refuses a length that nobody would remember, or that is none.
func (a AccountSite) Validate() error {
	if a.MinPassword < MinPassword || a.MinPassword > 64 {
		return FieldErrorf(KindRule, "minPassword", "Choose between %d and 64 characters.", MinPassword)
	}
	return nil
}

// Door is what somebody without a session may know about signing in.
type Door struct {
	OpenRegistration bool `json:"openRegistration"`
	Mail             bool `json:"mail"` // this node can send the link for a new password
	MinPassword      int  `json:"minPassword"`
	Setup            bool `json:"setup"` // the site has no administrator yet
}

// ResetLink is a secret with which somebody chooses a new password, once.
type ResetLink struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// ResetPreview tells whose password a link resets.
type ResetPreview struct {
	Login string `json:"login"`
	Name  string `json:"name"`
}

// Lives of reset links (AUTH-8).
const (
	ResetLife     = 24 * time.Hour // issued by an administrator
	ResetMailLife = time.Hour
)

// TwoStep is how the user signs in.
type TwoStep struct {
	On       bool      `json:"on"` // with the codes of an authenticator app
	Since    time.Time `json:"since,omitzero"`
	Codes    int       `json:"codes"`              // recovery codes that are left
	Required bool      `json:"required,omitempty"` // of the user, by the site
	Passkeys []Passkey `json:"passkeys"`           // the oldest first
	Domain   string    `json:"domain,omitempty"`   // for which passkeys are made, where the site has set one for all its nodes
}

// Second reports whether the account has a second step.
func (t TwoStep) Second() bool { return t.On || len(t.Passkeys) > 0 }

// Passkey is a key that a device, or a password manager, keeps for the user and shows to the site instead of a password.
type Passkey struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Domain    string    `json:"domain"`           // host name for which it was made: it works there and below, and nowhere else
	Synced    bool      `json:"synced,omitempty"` // the user's other devices may have it too
	CreatedAt time.Time `json:"createdAt"`
	UsedAt    time.Time `json:"usedAt,omitzero"`
}

// Limits of passkeys.
const (
	MaxPasskeys    = 20 // of an account
	MaxPasskeyName = 60 // characters
)

// PasskeyDomain is the name for which a page of the host makes and uses passkeys: the one that is set for all nodes, where the host lies
// within it, else the host itself.
func PasskeyDomain(host, site string) string {
	if site != "" && (host == site || strings.HasSuffix(host, "."+site)) {
		return site
	}
	return host
}

// TwoStepSetup is what an authenticator app needs; it is shown while two-step sign-in is being set up and never again.
type TwoStepSetup struct {
	Secret string `json:"secret"` // to be typed where the picture cannot be scanned
	URI    string `json:"uri"`
	QR     string `json:"qr"` // the URI as a picture: a data: URL
}

// RecoveryCodes are good for one sign-in each where neither the authenticator app nor a passkey is at hand. They are shown once.
type RecoveryCodes struct {
	Codes []string `json:"codes"`
}
