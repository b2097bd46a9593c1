package web

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

// A challenge is not kept: it travels to the browser and back in a token that only the nodes can make and read, so that any node can
// take the answer, also after the one that has asked is gone. Its time and that it is used once are decided where the answer is written.

// challengeLife is how long a person may take to unlock a passkey.
const challengeLife = 5 * time.Minute

// signInPlace is where challenges to sign in are sealed for; those for new passkeys are for one account.
const signInPlace = "passkey sign-in"

func newPasskeyPlace(userID string) string { return "passkey of " + userID }

var errPasskey = lms.FieldErrorf(lms.KindSignIn, "passkey", "The answer of this passkey is not right, so nobody was signed in. Try again, or sign in another way.")

// challenge is what the token of a challenge holds.
type challenge struct {
	Session   webauthn.SessionData `json:"session"`
	ExpiresAt time.Time            `json:"expiresAt"`
}

func (c challenge) stored() store.Challenge {
	return store.Challenge{Hash: digest("challenge " + c.Session.Challenge), ExpiresAt: c.ExpiresAt}
}

// passkeyOwner is an account as the library wants it. Its handle, which devices keep, tells nothing about the person.
type passkeyOwner struct {
	user lms.User
	keys []store.Passkey
}

func handleOf(userID string) []byte { return digest("passkey user " + userID) }

func (o passkeyOwner) WebAuthnID() []byte          { return handleOf(o.user.ID) }
func (o passkeyOwner) WebAuthnName() string        { return o.user.Login }
func (o passkeyOwner) WebAuthnDisplayName() string { return o.user.Name }

func (o passkeyOwner) WebAuthnCredentials() []webauthn.Credential {
	list := make([]webauthn.Credential, len(o.keys))
	for i, k := range o.keys {
		list[i] = webauthn.Credential{ID: k.Credential, PublicKey: k.PublicKey, Authenticator: webauthn.Authenticator{SignCount: k.SignCount}}
		list[i].Flags = webauthn.CredentialFlags{UserPresent: true, UserVerified: true, BackupEligible: k.Synced}
		for _, t := range k.Transports {
			list[i].Transport = append(list[i].Transport, protocol.AuthenticatorTransport(t))
		}
	}
	return list
}

// localName is the origin by which a person at the node's own machine can use passkeys, which do not work with addresses.
func localName(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || !net.ParseIP(u.Hostname()).IsLoopback() {
		return origin
	}
	return u.Scheme + "://" + net.JoinHostPort("localhost", u.Port())
}

// relyingParty tells for which name passkeys are made and asked for by the page that asks. That page is one of this node or of another
// one, and browsers say in every answer which: a page of another site gets nowhere.
func (s *Server) relyingParty(q *request) (*webauthn.WebAuthn, string, error) {
	origin := q.r.Header.Get("Origin")
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return nil, "", lms.Errorf(lms.KindRule, "Passkeys work in a browser only. Sign in with the password and, if it is asked for, a code or a recovery code.")
	}
	if net.ParseIP(u.Hostname()) != nil {
		return nil, "", lms.Errorf(lms.KindRule, "Passkeys belong to a host name, and this page was opened by an address. Open the site by its name.")
	}
	nodes := append([]string{s.c.Origin}, s.origins.list(q.ctx)...)
	if !slices.ContainsFunc(nodes, func(o string) bool { return o == origin || localName(o) == origin }) {
		return nil, "", lms.Errorf(lms.KindRule, "Passkeys do not work under the name %s, because the site is not known to be there. Open it at %s.", u.Host, localName(s.c.Origin))
	}
	domain := lms.PasskeyDomain(u.Hostname(), s.c.PasskeyDomain)
	party, err := webauthn.New(&webauthn.Config{RPID: domain, RPDisplayName: domain, RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired},
		Timeouts: webauthn.TimeoutsConfig{Login: webauthn.TimeoutConfig{Timeout: challengeLife}, Registration: webauthn.TimeoutConfig{Timeout: challengeLife}}})
	return party, origin, err
}

// answererOf makes the verifier of an answer: what it must match is in the challenge.
func answererOf(c challenge) (*webauthn.WebAuthn, error) {
	return webauthn.New(&webauthn.Config{RPID: c.Session.RelyingPartyID, RPDisplayName: "Trivium", RPOrigins: []string{c.Session.Origin},
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore}) // some password managers say more than they were asked
}

// sealChallenge makes the answer of an endpoint that begins.
func (s *Server) sealChallenge(place string, options any, session *webauthn.SessionData) (api.PasskeyChallenge, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return api.PasskeyChallenge{}, err
	}
	held, err := json.Marshal(challenge{Session: *session, ExpiresAt: s.store.Now().Add(challengeLife)})
	return api.PasskeyChallenge{Token: s.c.Keys.SealText(place, string(held)), Options: string(text)}, err
}

// openChallenge reads the token of a challenge that is not over. One that was made for something else does not open.
func (s *Server) openChallenge(place, token string) (c challenge, err error) {
	text, err := s.c.Keys.OpenText(place, token)
	if err == nil {
		err = json.Unmarshal([]byte(text), &c)
	}
	if err != nil {
		return c, lms.FieldErrorf(lms.KindInvalid, "passkey", "This is not a challenge of this site. Begin again.")
	}
	if s.store.Now().After(c.ExpiresAt) {
		return c, store.ErrChallengeOver
	}
	return c, nil
}

func (s *Server) askPasskey(q *request, _ api.NoInput) (api.PasskeyChallenge, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return api.PasskeyChallenge{}, err
	}
	party, origin, err := s.relyingParty(q)
	if err != nil {
		return api.PasskeyChallenge{}, err
	}
	options, session, err := party.BeginDiscoverableLogin(webauthn.WithLoginOrigin(origin))
	if err != nil {
		return api.PasskeyChallenge{}, err
	}
	return s.sealChallenge(signInPlace, options.Response, session)
}

func (s *Server) beginPasskey(q *request, _ api.NoInput) (api.PasskeyChallenge, error) {
	if err := ownAccount(q.actor); err != nil {
		return api.PasskeyChallenge{}, err
	}
	party, origin, err := s.relyingParty(q)
	if err != nil {
		return api.PasskeyChallenge{}, err
	}
	keys, err := s.store.Passkeys(q.ctx, q.actor.UserID)
	if err != nil {
		return api.PasskeyChallenge{}, err
	}
	owner := passkeyOwner{user: q.user, keys: keys}
	options, session, err := party.BeginRegistration(owner, webauthn.WithRegistrationOrigin(origin),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()),
		webauthn.WithExclusions(webauthn.Credentials(owner.WebAuthnCredentials()).CredentialDescriptors()))
	if err != nil {
		return api.PasskeyChallenge{}, err
	}
	return s.sealChallenge(newPasskeyPlace(q.actor.UserID), options.Response, session)
}

func (s *Server) addPasskey(q *request, in api.PasskeyInput) (lms.TwoStep, error) {
	if err := ownAccount(q.actor); err != nil {
		return lms.TwoStep{}, err
	}
	c, err := s.openChallenge(newPasskeyPlace(q.actor.UserID), in.Token)
	if errors.Is(err, store.ErrChallengeOver) { // still signed in: not a 401
		err = lms.FieldErrorf(lms.KindRule, "passkey", "This took too long. Begin again.")
	}
	if err != nil {
		return lms.TwoStep{}, err
	}
	made, err := readNewPasskey(c, passkeyOwner{user: q.user}, in.Credential)
	if err != nil {
		s.log.Info("a new passkey was refused", "request", q.id, "error", err)
		return lms.TwoStep{}, lms.FieldErrorf(lms.KindRule, "passkey", "The passkey could not be checked, so it was not added. Try again, or with another device.")
	}
	key := store.Passkey{Passkey: lms.Passkey{ID: lms.NewID(), Name: strings.TrimSpace(in.Name), Domain: c.Session.RelyingPartyID, Synced: made.Flags.BackupEligible},
		Credential: made.ID, PublicKey: made.PublicKey, SignCount: made.Authenticator.SignCount}
	if key.Name == "" {
		key.Name = deviceWords(q.r.UserAgent())
	}
	for _, t := range made.Transport {
		if !strings.ContainsAny(string(t), " \t\r\n") {
			key.Transports = append(key.Transports, string(t))
		}
	}
	if err := s.store.AddPasskey(q.ctx, q.actor, key, c.stored()); err != nil {
		if errors.Is(err, store.ErrChallengeOver) {
			err = lms.FieldErrorf(lms.KindConflict, "passkey", "This was done before, or took too long. Begin again.")
		}
		return lms.TwoStep{}, err
	}
	return s.getTwoStep(q.ctx, q.actor, api.NoInput{})
}

// readNewPasskey checks what the browser has made for the challenge.
func readNewPasskey(c challenge, owner passkeyOwner, text string) (*webauthn.Credential, error) {
	answerer, err := answererOf(c)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(text))
	if err != nil {
		return nil, err
	}
	return answerer.CreateCredential(owner, c.Session, parsed)
}

func (s *Server) removePasskey(ctx context.Context, actor lms.Actor, in api.PasskeyPath) (lms.TwoStep, error) {
	if err := ownAccount(actor); err != nil {
		return lms.TwoStep{}, err
	}
	if err := s.store.RemovePasskey(ctx, actor, in.Passkey); err != nil {
		return lms.TwoStep{}, err
	}
	return s.getTwoStep(ctx, actor, api.NoInput{})
}
