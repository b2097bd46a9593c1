package web

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

const deviceCookieLife = 180 * 24 * time.Hour

// device is the secret by which a browser is known; "" when it has none.
func (q *request) device() string {
	if c, err := q.r.Cookie(q.s.cookieName(deviceCookie)); err == nil && len(c.Value) == len(lms.NewSecret()) {
		return c.Value
	}
	return ""
}

// attempt is one try to sign in, with what its failure counts for. Failures count for the account and the address, over the
// cluster; a device with which somebody has signed in to the account before is judged by its own failures alone, so that nobody
// can lock the owner out (AUTH-3).
type attempt struct {
	account string
	counted []string // subjects of a failure
	judged  []string // subjects whose failures block this try
	device  string   // subject of a known device
}

func (s *Server) attemptOf(ctx context.Context, login, address, device string) (attempt, error) {
	a := attempt{account: "login/" + lms.NormalLogin(login)}
	a.counted = append([]string{a.account}, s.addressSubjects(address)...)
	a.judged = a.counted
	if device == "" {
		return a, nil
	}
	known, err := s.store.DeviceKnown(ctx, login, digest(device))
	if known {
		a.device = "device/" + hex.EncodeToString(digest(device))
		a.counted, a.judged = append(a.counted, a.device), []string{a.device}
	}
	return a, err
}

// addressSubjects is for what a failure from the address counts: for nothing when many people share it, who would lock each
// other out.
func (s *Server) addressSubjects(address string) []string {
	if s.shared(address) {
		return nil
	}
	return []string{"address/" + address}
}

func (s *Server) signIn(q *request, in api.SignInInput) (lms.Session, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return lms.Session{}, err
	}
	signer := s.passwordFirst
	if in.Passkey != nil && in.Password == "" {
		signer = s.passkeyAlone
	}
	u, err := signer(q, in)
	if err != nil {
		return lms.Session{}, err
	}
	return q.startSession(u, in.Bearer)
}

// passwordFirst signs in with a password and the second step, if the account has one.
func (s *Server) passwordFirst(q *request, in api.SignInInput) (lms.User, error) {
	a, err := s.attemptOf(q.ctx, in.Login, q.address(), q.device())
	if err != nil {
		return lms.User{}, err
	}
	u, err := s.checkPassword(q.ctx, in.Login, in.Password, a)
	if err != nil {
		return lms.User{}, err
	}
	if err := s.checkSecond(q, u, in, a); err != nil {
		return lms.User{}, err
	}
	return u, s.passed(q.ctx, a)
}

// checkCredentials checks the password of who is signed in already, under the limits of a sign-in.
func (s *Server) checkCredentials(q *request, login, password string) (lms.User, error) {
	a, err := s.attemptOf(q.ctx, login, q.address(), q.device())
	if err != nil {
		return lms.User{}, err
	}
	u, err := s.checkPassword(q.ctx, login, password, a)
	if err != nil {
		return lms.User{}, err
	}
	return u, s.passed(q.ctx, a)
}

// checkPassword checks a password under the limits of AUTH-3. What is unknown takes the same way as what is wrong.
func (s *Server) checkPassword(ctx context.Context, login, password string, a attempt) (lms.User, error) {
	if err := s.blocked(ctx, a); err != nil {
		return lms.User{}, err
	}
	u, hash, err := s.store.Credentials(ctx, login)
	if err != nil && !errors.Is(err, lms.ErrSignIn) && !errors.Is(err, lms.ErrNotFound) {
		return lms.User{}, err
	}
	if err != nil {
		hash = ""
	}
	ok, err := s.hasher.check(ctx, password, hash)
	if err != nil {
		return lms.User{}, err
	}
	if !ok {
		return lms.User{}, s.count(ctx, a, errCredentials)
	}
	if u.Disabled {
		return lms.User{}, errDisabled
	}
	return u, nil
}

// blocked refuses a try after too many failures.
func (s *Server) blocked(ctx context.Context, a attempt) error {
	wait, err := s.store.SignInBlocked(ctx, a.judged...)
	if err != nil || wait == 0 {
		return err
	}
	return &lms.Error{Kind: lms.KindLimit, RetryIn: int(wait/time.Second) + 1,
		Message: "There were too many failed attempts to sign in. Please wait before you try again; sessions that are open go on."}
}

// count counts a failure, if err is one, and returns it.
func (s *Server) count(ctx context.Context, a attempt, err error) error {
	if lms.KindOf(err) == lms.KindSignIn && err != errSeedSealed { // that is no guess
		if e := s.store.RecordSignInFailure(ctx, a.counted...); e != nil {
			return e
		}
	}
	return err
}

// passed ends the count of the account, and of the device. That of the address goes on: else one own account would clear it for
// guessing at others.
func (s *Server) passed(ctx context.Context, a attempt) error {
	if a.device != "" {
		return s.store.ClearSignInFailures(ctx, a.account, a.device)
	}
	return s.store.ClearSignInFailures(ctx, a.account)
}

// deviceWords names a browser in a few words. What it says of itself proves nothing; it helps people to recognise their devices.
func deviceWords(agent string) string {
	has := func(s string) bool { return strings.Contains(agent, s) }
	pick := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if has(pairs[i]) {
				return pairs[i+1]
			}
		}
		return ""
	}
	browser := pick("Edg", "Edge", "OPR/", "Opera", "Firefox", "Firefox", "FxiOS", "Firefox", "Chrom", "Chrome", "CriOS", "Chrome", "Safari", "Safari")
	system := pick("iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "CrOS", "ChromeOS", "Windows", "Windows", "Mac OS", "Mac", "Linux", "Linux")
	switch {
	case browser == "":
		return "Program"
	case system == "":
		return browser
	}
	return browser + " on " + system
}
