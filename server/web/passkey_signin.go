package web

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

// shown is a passkey's answer that was read, and not checked yet.
type shown struct {
	challenge challenge
	answer    *protocol.ParsedCredentialAssertionData
	key       store.Passkey
	owner     lms.User
}

// readPasskey reads an answer and finds whose passkey it is said to be of: store.ErrNoPasskey when it is nobody's.
func (s *Server) readPasskey(q *request, in api.PasskeyAnswer) (p shown, err error) {
	if p.challenge, err = s.openChallenge(signInPlace, in.Token); err != nil {
		return p, err
	}
	if p.answer, err = protocol.ParseCredentialRequestResponseBytes([]byte(in.Credential)); err != nil {
		return p, lms.FieldErrorf(lms.KindInvalid, "passkey", "The answer of the passkey could not be read.")
	}
	p.key, p.owner, err = s.store.PasskeyByCredential(q.ctx, p.answer.RawID)
	return p, err
}

// usePasskey checks an answer and uses its challenge up. It counts as both steps: the device has made sure who the person is.
func (s *Server) usePasskey(q *request, p shown) error {
	answerer, err := answererOf(p.challenge)
	if err != nil {
		return err
	}
	owner := passkeyOwner{user: p.owner, keys: []store.Passkey{p.key}}
	find := func(_, _ []byte) (webauthn.User, error) { return owner, nil } // whose handle it has is compared there
	_, _, err = answerer.ValidatePasskeyLogin(find, p.challenge.Session, p.answer)
	if err != nil || p.challenge.Session.RelyingPartyID != p.key.Domain {
		s.log.Info("a passkey was refused", "request", q.id, "passkey", p.key.ID, "error", err)
		return errPasskey
	}
	// The counter is judged where the answer is written: here a repeat of a request whose answer was lost would look like a copy.
	err = s.store.UsePasskey(q.ctx, p.key, p.answer.Response.AuthenticatorData.Counter, p.challenge.stored())
	if errors.Is(err, store.ErrPasskeyCopied) {
		s.log.Warn("a passkey was refused because its counter went back", "request", q.id, "passkey", p.key.ID)
		if e := s.store.RecordPasskeyCopied(q.ctx, p.key); e != nil {
			return e
		}
	}
	if err == nil {
		q.twoStep, q.passkey = true, p.key.ID
	}
	return err
}

// passkeyAlone signs in with a passkey and nothing else, under the limits of passwords.
func (s *Server) passkeyAlone(q *request, in api.SignInInput) (lms.User, error) {
	p, err := s.readPasskey(q, *in.Passkey)
	if err != nil && !errors.Is(err, store.ErrNoPasskey) {
		return lms.User{}, err
	}
	known := err == nil
	a := attempt{counted: s.addressSubjects(q.address())}
	a.judged = a.counted
	if known {
		var e error
		if a, e = s.attemptOf(q.ctx, p.owner.Login, q.address(), q.device()); e != nil {
			return lms.User{}, e
		}
	}
	if err := s.blocked(q.ctx, a); err != nil {
		return lms.User{}, err
	}
	switch login := lms.NormalLogin(in.Login); {
	case !known:
	case login != "" && login != lms.NormalLogin(p.owner.Login):
		err = errPasskeyOther
	default:
		err = s.usePasskey(q, p)
	}
	if err := s.count(q.ctx, a, err); err != nil {
		return lms.User{}, err
	}
	if p.owner.Disabled {
		return lms.User{}, errDisabled
	}
	return p.owner, s.passed(q.ctx, a)
}

var errPasskeyOther = lms.FieldErrorf(lms.KindSignIn, "passkey", "This passkey belongs to another account. Choose one of yours.")

// passkeyAsSecond takes a passkey as the second step of an account whose password was right.
func (s *Server) passkeyAsSecond(q *request, u lms.User, in api.PasskeyAnswer) error {
	p, err := s.readPasskey(q, in)
	if err != nil {
		return err
	}
	if p.owner.ID != u.ID {
		return errPasskeyOther
	}
	return s.usePasskey(q, p)
}

// passkeyNeeded asks for the second step of an account that has passkeys only: for one of those that work where the page is open, else
// for a recovery code.
func (s *Server) passkeyNeeded(q *request, keys []store.Passkey) error {
	party, _, err := s.relyingParty(q)
	var elsewhere []string
	for _, k := range keys {
		if err == nil && k.Domain == party.Config.RPID {
			return lms.FieldErrorf(lms.KindSignIn, "passkey", "Now show your passkey, or type one of your recovery codes.")
		}
		elsewhere = append(elsewhere, k.Domain)
	}
	return lms.FieldErrorf(lms.KindSignIn, "code", "This account has a passkey, which works only in a browser at %s. Sign in there, or type one of your recovery codes here.",
		strings.Join(slices.Compact(slices.Sorted(slices.Values(elsewhere))), " and "))
}
