//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"trivium/app/api"
)

// byName is the origin of a node by the name of this machine, under which passkeys work.
func (n *node) byName() string { return strings.Replace(n.origin(), "127.0.0.1", "localhost", 1) }

// authenticator gives the tab a device that keeps passkeys and asks nobody to touch it.
func (b *tab) authenticator() (id webauthn.AuthenticatorID) {
	b.t.Helper()
	b.run("add an authenticator", webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		id, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2,
			Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true,
			HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}).Do(ctx)
		return err
	}))
	return id
}

func (b *tab) signedIn() {
	b.t.Helper()
	b.waitFor(30*time.Second, "the account menu", `document.querySelector("[aria-label^='Account of']") !== null`)
}

// leave signs out and opens the sign-in page of a node.
func (b *tab) leave(origin string) {
	b.t.Helper()
	b.eval(`fetch("/api/v1/session", {method: "DELETE", headers: {"X-Requested-With": "trivium"}}).then(r => r.status)`, nil)
	b.open(origin + "/signin")
	b.see("Forgotten your password?")
}

// TestPasskeys is a person who signs in without a password.
func TestPasskeys(t *testing.T) {
	s := startSchool(t)
	sue := s.enrol("sue", "Sue Student")
	b := openTab(t, "sue")
	b.expect("401")
	device := b.authenticator()
	b.enter(s.nodes[0].byName(), "sue", password)
	b.open(s.nodes[0].byName() + "/account")
	b.see("A passkey signs you in without the password")
	b.look("passkeys-none")
	b.click("Add a passkey")
	b.fill("#name", "Work laptop")
	b.look("passkeys-name")
	b.click("Make the passkey")
	b.see("Keep these recovery codes")
	b.see("Work laptop")
	b.see("not used yet")
	b.see("10 codes left")
	b.look("passkeys-added")
	var codes string
	b.eval(`document.querySelector("pre.codes").textContent`, &codes)
	recovery := strings.Fields(codes)
	b.click("Add a passkey")
	b.click("Make the passkey")
	b.see("This device has a passkey of your account already")

	// Another node knows the passkey, under the same name.
	b.leave(s.nodes[1].byName())
	b.look("passkeys-signin")
	b.run("refuse the finger", webauthn.SetUserVerified(device, false))
	b.click("Sign in with a passkey")
	b.see("The browser gave no passkey")
	b.run("accept the finger", webauthn.SetUserVerified(device, true))
	b.click("Sign in with a passkey")
	b.signedIn()
	b.open(s.nodes[1].byName() + "/account")
	b.see("last used")

	// After the password it is the second step; without it, a recovery code.
	b.leave(s.nodes[2].byName())
	password := func() {
		t.Helper()
		b.fill("#login", "sue")
		b.fill("#password", password)
		b.click("Sign in")
	}
	password()
	b.see("Now show your passkey")
	b.look("passkeys-second")
	b.click("Use your passkey")
	b.signedIn()
	b.leave(s.nodes[2].byName())
	password()
	b.see("Now show your passkey")
	b.fill("#code", recovery[0])
	b.click("Sign in")
	b.signedIn()

	// A page that was opened by an address says why there are no passkeys, and takes a recovery code.
	b.leave(s.nodes[0].origin())
	b.absent("Sign in with a passkey")
	password()
	b.see("works only in a browser at localhost")
	b.fill("#code", recovery[1])
	b.click("Sign in")
	b.signedIn()
	b.open(s.nodes[0].origin() + "/account")
	b.see("this page was opened by an address. Open http://localhost:")
	b.see("works at localhost only")
	b.see("8 codes left")
	b.look("passkeys-address")

	// A removed one signs nobody in, and the password alone does.
	b.leave(s.nodes[0].byName())
	b.click("Sign in with a passkey")
	b.signedIn()
	b.open(s.nodes[0].byName() + "/account")
	b.click("Remove the passkey Work laptop")
	b.look("passkeys-remove")
	b.confirm("Remove")
	b.see("The passkey is removed")
	b.absent("codes left")
	b.leave(s.nodes[1].byName())
	b.click("Sign in with a passkey")
	b.see("This passkey is not known here, or was removed")
	password()
	b.signedIn()
	if v := call(t, s.signedIn("sue"), api.GetTwoStep, api.NoInput{}); v.Second() || v.Codes != 0 {
		t.Errorf("%+v of %s", v, sue.ID)
	}
}
