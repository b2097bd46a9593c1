package ui

import (
	"context"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// withPasskey signs in with a passkey: alone, or after the password.
func withPasskey(in api.SignInInput) work[lms.Session] {
	return func(ctx context.Context) (lms.Session, error) {
		asked, err := Call(api.AskPasskey, api.NoInput{})(ctx)
		if err != nil {
			return lms.Session{}, err
		}
		answer, err := unlockPasskey("get", asked.Options)
		if err != nil {
			return lms.Session{}, err
		}
		in.Passkey = &api.PasskeyAnswer{Token: asked.Token, Credential: answer}
		return Call(api.SignIn, in)(ctx)
	}
}

// secondStep is what a sign-in asks for after the password.
type secondStep struct {
	ask  string // field of the refusal that asks: "code" or "passkey"; empty: nothing was asked for yet
	help string // its words
	code string
}

// byPasskey reports whether the passkey comes next: a recovery code that was typed goes before.
func (s *secondStep) byPasskey() bool {
	return s.ask == "passkey" && strings.TrimSpace(s.code) == "" && passkeyTrouble() == ""
}

// field takes a code: instead of a passkey only a recovery code.
func (s *secondStep) field(id string, p Problem, on app.EventHandler) app.UI {
	return app.If(s.ask != "", func() app.UI {
		f := Field{ID: id, Label: "Code", Help: s.help, Autocomplete: "one-time-code", Value: s.code, Error: p.For("code"), On: on}
		if s.ask == "passkey" {
			f.Label, f.Optional = "Recovery code", true
		}
		return Input(f)
	})
}

// submit is the button of the form.
func (s *secondStep) submit(busy bool) app.UI {
	if s.byPasskey() {
		return Submit("Use your passkey", "Waiting for your passkey", busy)
	}
	return Submit("Sign in", "Signing in", busy)
}

// signIn signs in with what was given.
func (s *secondStep) signIn(login, password string) work[lms.Session] {
	in := api.SignInInput{Login: login, Password: password, Code: s.code}
	if s.byPasskey() {
		return withPasskey(in)
	}
	return Call(api.SignIn, in)
}

// refused takes the refusal of a sign-in with a password, and reports whether it is about the second step. That it is asked for is no
// mistake; the form shows it as help.
func (s *secondStep) refused(ctx app.Context, id string, p *Problem) bool {
	if p.Field != "code" && p.Field != "passkey" {
		return false
	}
	if s.ask != p.Field {
		s.ask, s.help = p.Field, p.Message
		*p = Problem{}
	}
	if s.ask == "code" {
		Focus(ctx, id)
	}
	return true
}
