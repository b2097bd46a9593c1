package web

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"image/png"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/seal"
	"trivium/server/store"
)

// Codes as every authenticator app makes them (RFC 6238). One period before and after the present one counts, for clocks that are
// off and people who type slowly.
const (
	totpPeriod = 30
	totpSkew   = 1
)

var (
	errCodeNeeded = lms.FieldErrorf(lms.KindSignIn, "code", "Type the six digits that your authenticator app shows now, or one of your recovery codes.")
	errSeedSealed = lms.FieldErrorf(lms.KindSignIn, "code", "The codes of your app cannot be checked: this site was restored without the key for them. Use a recovery code, or ask an administrator to turn two-step sign-in off for you.")
	errCode       = lms.FieldErrorf(lms.KindSignIn, "code", "This code is not right. Type the one that your authenticator app shows now, or a recovery code.")
)

// totpPlace is where the seed of an account is sealed for.
func totpPlace(userID string) string { return "totp " + userID }

// stepOf finds the period whose code this is; 0: none.
func stepOf(secret, code string, now time.Time) (found int64) {
	present := now.Unix() / totpPeriod
	for step := present - totpSkew; step <= present+totpSkew; step++ {
		want, err := hotp.GenerateCode(secret, uint64(step))
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found
}

// normalRecovery is the form under which recovery codes are compared.
func normalRecovery(code string) string {
	return strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(strings.TrimSpace(code)))
}

// recoveryHash is under what a recovery code is stored. It has 80 random bits, so a fast hash is enough.
func recoveryHash(userID, code string) []byte {
	return digest("recovery " + userID + " " + normalRecovery(code))
}

// checkSecond takes the second step of a sign-in whose password was right, for those who have one. Failures count like those of
// passwords; that nothing was given yet is none.
func (s *Server) checkSecond(q *request, u lms.User, in api.SignInInput, a attempt) error {
	t, err := s.store.TOTP(q.ctx, u.ID)
	if err != nil && lms.KindOf(err) != lms.KindNotFound {
		return err
	}
	keys, err := s.store.Passkeys(q.ctx, u.ID)
	switch given := strings.TrimSpace(in.Code) != ""; {
	case err != nil:
		return err
	case !t.Confirmed && len(keys) == 0:
		return nil
	case in.Passkey == nil && !given && t.Confirmed:
		return errCodeNeeded
	case in.Passkey == nil && !given:
		return s.passkeyNeeded(q, keys)
	case in.Passkey != nil:
		err = s.passkeyAsSecond(q, u, *in.Passkey)
	default:
		err = s.useCode(q.ctx, u.ID, t, in.Code)
		q.twoStep = err == nil
	}
	return s.count(q.ctx, a, err)
}

func (s *Server) useCode(ctx context.Context, userID string, t store.TOTP, code string) error {
	digits := strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	if t.Confirmed && len(digits) == 6 && strings.Trim(digits, "0123456789") == "" {
		secret, err := s.c.Keys.OpenText(totpPlace(userID), t.Box)
		if errors.Is(err, seal.ErrSealed) {
			s.log.Warn("two-step sign-in: a seed cannot be opened", "user", userID, "error", err)
			return errSeedSealed
		} else if err != nil {
			return err
		}
		step := stepOf(string(secret), digits, s.store.Now())
		if step == 0 {
			return errCode
		}
		return s.store.UseStep(ctx, userID, t.Box, step)
	}
	hash := recoveryHash(userID, code)
	known, _, err := s.store.RecoveryCode(ctx, userID, hash)
	if err != nil {
		return err
	}
	if !known {
		return errCode
	}
	return s.store.UseRecoveryCode(ctx, userID, hash)
}

// beforeEnrolment lists what somebody may do who must set up two-step sign-in first: that, to see who one is, and to leave. The nodes
// and the hand-over between them tell nothing of the site.
var beforeEnrolment = func() map[string]bool {
	m := map[string]bool{}
	for _, r := range []api.Route{api.CurrentSession.Route(), api.SignOut.Route(), api.ConfirmSession.Route(), api.EndView.Route(), api.GetTwoStep.Route(),
		api.BeginTwoStep.Route(), api.ConfirmTwoStep.Route(), api.MakeRecoveryCodes.Route(), api.GetCluster.Route(), api.IssueTicket.Route(),
		api.BeginPasskey.Route(), api.AddPasskey.Route(), api.ListSessions.Route(), api.EndSession.Route(), api.EndOtherSessions.Route()} {
		m[r.Method+" "+r.Path] = true
	}
	return m
}()

// ownAccount refuses who has no account to sign in to.
func ownAccount(actor lms.Actor) error {
	if actor.Viewing != "" {
		return store.ErrViewing
	}
	if actor.SessionID == "" {
		return lms.ErrSignIn
	}
	return nil
}

func (s *Server) getTwoStep(ctx context.Context, actor lms.Actor, _ api.NoInput) (lms.TwoStep, error) {
	if err := ownAccount(actor); err != nil {
		return lms.TwoStep{}, err
	}
	t, err := s.store.TwoStep(ctx, actor.UserID)
	t.Domain = s.c.PasskeyDomain
	return t, err
}

func (s *Server) beginTwoStep(ctx context.Context, actor lms.Actor, _ api.NoInput) (lms.TwoStepSetup, error) {
	if err := ownAccount(actor); err != nil {
		return lms.TwoStepSetup{}, err
	}
	issuer := s.siteName()
	if issuer == "" {
		issuer = "Trivium"
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: actor.Login, Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return lms.TwoStepSetup{}, err
	}
	if err := s.store.BeginTOTP(ctx, actor, s.c.Keys.SealText(totpPlace(actor.UserID), key.Secret())); err != nil {
		return lms.TwoStepSetup{}, err
	}
	img, err := key.Image(240, 240)
	if err != nil {
		return lms.TwoStepSetup{}, err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return lms.TwoStepSetup{}, err
	}
	return lms.TwoStepSetup{Secret: key.Secret(), URI: key.URL(), QR: "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())}, nil
}

func (s *Server) confirmTwoStep(ctx context.Context, actor lms.Actor, in api.CodeOfApp) (lms.TwoStep, error) {
	if err := ownAccount(actor); err != nil {
		return lms.TwoStep{}, err
	}
	t, err := s.store.TOTP(ctx, actor.UserID)
	if err != nil && lms.KindOf(err) != lms.KindNotFound {
		return lms.TwoStep{}, err
	}
	secret, err := s.c.Keys.OpenText(totpPlace(actor.UserID), t.Box)
	if errors.Is(err, seal.ErrSealed) { // begun before the site was restored
		return lms.TwoStep{}, store.ErrTOTPOff
	} else if err != nil {
		return lms.TwoStep{}, err
	}
	step := stepOf(string(secret), strings.ReplaceAll(strings.TrimSpace(in.Code), " ", ""), s.store.Now())
	if step == 0 && !t.Confirmed { // one that is confirmed already is refused, or was a repeat, where it is written
		return lms.TwoStep{}, lms.FieldErrorf(lms.KindRule, "code", "This is not the code that the app should show now. Check that the clock of the device is right, and try the next one.")
	}
	if err := s.store.ConfirmTOTP(ctx, actor, t.Box, step); err != nil {
		return lms.TwoStep{}, err
	}
	return s.getTwoStep(ctx, actor, api.NoInput{})
}

func (s *Server) endTwoStep(ctx context.Context, actor lms.Actor, _ api.NoInput) (lms.TwoStep, error) {
	if err := ownAccount(actor); err != nil {
		return lms.TwoStep{}, err
	}
	if err := s.store.EndTOTP(ctx, actor); err != nil {
		return lms.TwoStep{}, err
	}
	return s.getTwoStep(ctx, actor, api.NoInput{})
}

func (s *Server) removeTwoStep(ctx context.Context, actor lms.Actor, in api.UserPath) (api.Empty, error) {
	return api.Empty{}, s.store.ResetTwoStep(ctx, actor, in.User)
}

// recoveryCodes is how many codes are made at once.
const recoveryCodes = 10

func (s *Server) makeRecoveryCodes(ctx context.Context, actor lms.Actor, _ api.NoInput) (lms.RecoveryCodes, error) {
	if err := ownAccount(actor); err != nil {
		return lms.RecoveryCodes{}, err
	}
	var out lms.RecoveryCodes
	var hashes [][]byte
	for range recoveryCodes {
		c := lms.NewSecret()[:16]
		out.Codes = append(out.Codes, c[:4]+"-"+c[4:8]+"-"+c[8:12]+"-"+c[12:])
		hashes = append(hashes, recoveryHash(actor.UserID, c))
	}
	return out, s.store.SetRecoveryCodes(ctx, actor, hashes)
}
