//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"trivium/app/api"
	"trivium/app/lms"
)

// appCode is what the authenticator app shows; one that was used already, or ends soon, is waited out.
func appCode(t *testing.T, secret string, used *string) string {
	t.Helper()
	var code string
	eventually(t, 40*time.Second, "a fresh code", func() error {
		var err error
		now := time.Now()
		if code, err = totp.GenerateCode(secret, now); err == nil && (code == *used || now.Unix()%30 > 20) {
			err = errOldCode
		}
		return err
	})
	*used = code
	return code
}

type oldCode struct{}

func (oldCode) Error() string {
	return "the app still shows the code that was used, or one that ends soon"
}

var errOldCode = oldCode{}

// TestAccount is a person who looks after an account: two-step sign-in, recovery codes, sessions elsewhere, a forgotten password.
func TestAccount(t *testing.T) {
	s := startSchool(t)
	sue := s.enrol("sue", "Sue Student")
	b := s.tabOf(t, "sue", s.nodes[0])
	b.expect("401")
	b.open(s.nodes[0].origin() + "/account")
	b.see("Where you are signed in")
	b.see("This device")

	b.click("Set up an authenticator app")
	b.see("Or type this key")
	var secret, used string
	b.eval(`document.querySelector("code.breakable").textContent`, &secret)
	b.waitFor(20*time.Second, "the picture", `document.querySelector("img.qr").naturalWidth > 100`)
	b.look("twostep-setup")
	b.fill("#code", "12")
	b.expect("422")
	b.click("Turn on")
	b.see("This is not the code")
	b.fill("#code", appCode(t, secret, &used))
	b.click("Turn on")
	b.see("Keep these recovery codes")
	b.see("10 codes left")
	var codes string
	b.eval(`document.querySelector("pre.codes").textContent`, &codes)
	recovery := strings.Fields(codes)

	// Another device, at another node: the code after the password, and a recovery code another time.
	other := openTab(t, "sue elsewhere")
	other.expect("401")
	enter := func(code string) {
		t.Helper()
		other.open(s.nodes[1].origin() + "/signin")
		other.fill("#login", "sue")
		other.fill("#password", password)
		other.click("Sign in")
		other.waitFor(30*time.Second, "the field for the code", `document.querySelector("#code") !== null`)
		other.fill("#code", code)
		other.click("Sign in")
	}
	enter(used)
	other.see("This code was used already") // one of a past period would be wrong
	b.look("twostep-codes")
	other.look("signin-code")
	other.fill("#code", appCode(t, secret, &used))
	other.click("Sign in")
	other.waitFor(30*time.Second, "the account menu", `document.querySelector("[aria-label^='Account of']") !== null`)
	other.open(s.nodes[1].origin() + "/account")
	other.see("This device")

	// The first device signs the other one out, on the other node as well.
	b.open(s.nodes[0].origin() + "/account")
	b.click("Sign out Chrome")
	b.see("Signed out there")
	other.open(s.nodes[1].origin() + "/account")
	other.waitFor(30*time.Second, "the sign-in page", `location.pathname === "/signin"`)
	enter(recovery[0])
	other.waitFor(30*time.Second, "the account menu", `document.querySelector("[aria-label^='Account of']") !== null`)
	b.open(s.nodes[0].origin() + "/account")
	b.see("9 codes left")
	b.look("account")

	// The password is forgotten: an administrator makes a link.
	admin := s.tabOf(t, "ada", s.nodes[2])
	admin.open(s.nodes[2].origin() + "/users")
	admin.click("Help Sue Student")
	admin.click("Make a link")
	admin.see("shown only now")
	admin.look("reset-link")
	var link string
	admin.eval(`document.querySelector("#link").value`, &link)
	admin.click("Close")
	admin.click("Rules of accounts")
	admin.see("Anybody may register")
	admin.look("account-rules")
	// Staff must sign in in two steps: who has not set it up is led to it, and gets nowhere else.
	admin.set("#requireTotp", true)
	admin.click("Save")
	admin.see("The rules of accounts are changed")
	admin.expect("403")
	admin.open(s.nodes[2].origin() + "/users")
	admin.waitFor(30*time.Second, "the way to the account page", `location.pathname === "/account"`)
	admin.see("This site wants staff to sign in in two steps")
	admin.look("twostep-required")
	admin.click("Set up an authenticator app")
	admin.see("Or type this key")
	var adminSecret, adminUsed string
	admin.eval(`document.querySelector("code.breakable").textContent`, &adminSecret)
	admin.fill("#code", appCode(t, adminSecret, &adminUsed))
	admin.click("Turn on")
	admin.see("Keep these recovery codes")
	admin.open(s.nodes[2].origin() + "/users")
	admin.see("Sue Student")
	admin.see("accounts")

	forgot := openTab(t, "sue without a password")
	forgot.expect("40")
	forgot.open(s.nodes[0].origin() + "/forgot")
	forgot.see("Ask an administrator")
	forgot.look("forgot")
	forgot.open(link)
	forgot.see("Hello Sue Student")
	forgot.look("reset")
	forgot.fill("#password", "baseball")
	forgot.expect("422")
	forgot.click("Save the password")
	forgot.see("among the first that an attacker would try")
	forgot.fill("#password", "quiet lantern 88")
	forgot.click("Save the password")
	forgot.see("You were signed out everywhere")
	s.sameRows() // what follows goes to another node than the page
	if _, err := api.Call(t.Context(), s.client(""), api.PreviewReset, api.ResetTokenInput{Token: link[strings.Index(link, "#")+1:]}); lms.KindOf(err) != lms.KindForbidden {
		t.Errorf("the link works again: %v", err)
	}
	in := api.SignInInput{Login: "sue", Password: "quiet lantern 88", Code: recovery[1], Bearer: true}
	if got := call(t, s.client(""), api.SignIn, in); got.User.ID != sue.ID {
		t.Errorf("signed in as %+v", got.User)
	}
}
