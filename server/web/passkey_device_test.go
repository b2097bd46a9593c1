package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"trivium/app/api"
)

// device is a browser at an origin with an authenticator that keeps passkeys.
type device struct {
	t       testing.TB
	origin  string // of the page
	synced  bool   // its passkeys are copied to other devices, so they do not count
	pinless bool   // nobody has proven to it who they are
	keys    []*deviceKey
}

// deviceKey is one passkey.
type deviceKey struct {
	id, handle []byte
	domain     string
	key        *ecdsa.PrivateKey
	count      uint32
}

// The flags of authenticator data.
const (
	flagPresent, flagVerified, flagEligible, flagSynced, flagAttested = 1, 1 << 2, 1 << 3, 1 << 4, 1 << 6
)

var b64 = base64.RawURLEncoding

// options is what of the options of both kinds a browser needs.
type options struct {
	Challenge string
	RPID      string `json:"rpId"`
	RP        struct{ ID string }
	User      struct{ ID, Name string }
	Exclude   []struct{ ID string } `json:"excludeCredentials"`
}

func (d *device) check(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *device) read(c api.PasskeyChallenge) (o options) {
	d.t.Helper()
	d.check(json.Unmarshal([]byte(c.Options), &o))
	return o
}

func (d *device) clientData(kind, challenge string) []byte {
	data, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
	d.check(err)
	return data
}

func (d *device) authData(domain string, flags byte, count uint32) []byte {
	if d.synced {
		flags |= flagEligible | flagSynced
	}
	if !d.pinless {
		flags |= flagVerified
	}
	sum := sha256.Sum256([]byte(domain))
	return binary.BigEndian.AppendUint32(append(sum[:], flags|flagPresent), count)
}

// create makes a passkey, as navigator.credentials.create does.
func (d *device) create(c api.PasskeyChallenge) api.PasskeyAnswer {
	d.t.Helper()
	o := d.read(c)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	d.check(err)
	k := &deviceKey{id: make([]byte, 32), domain: o.RP.ID, key: key}
	rand.Read(k.id)
	k.handle, err = b64.DecodeString(o.User.ID)
	d.check(err)
	d.keys = append(d.keys, k)
	cose, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: key.X.FillBytes(make([]byte, 32)), -3: key.Y.FillBytes(make([]byte, 32))})
	d.check(err)
	auth := append(d.authData(k.domain, flagAttested, 0), make([]byte, 16)...)
	auth = binary.BigEndian.AppendUint16(auth, uint16(len(k.id)))
	auth = slices.Concat(auth, k.id, cose)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": auth})
	d.check(err)
	return d.answer(c, k.id, map[string]any{"clientDataJSON": b64.EncodeToString(d.clientData("webauthn.create", o.Challenge)),
		"attestationObject": b64.EncodeToString(object), "transports": []string{"internal", "hybrid"}})
}

// get answers with a passkey, as navigator.credentials.get does.
func (d *device) get(c api.PasskeyChallenge, k *deviceKey) api.PasskeyAnswer {
	d.t.Helper()
	o := d.read(c)
	if !d.synced {
		k.count++
	}
	client, auth := d.clientData("webauthn.get", o.Challenge), d.authData(k.domain, 0, k.count)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(slices.Clone(auth), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, sum[:])
	d.check(err)
	return d.answer(c, k.id, map[string]any{"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(auth),
		"signature": b64.EncodeToString(signature), "userHandle": b64.EncodeToString(k.handle)})
}

func (d *device) answer(c api.PasskeyChallenge, id []byte, response map[string]any) api.PasskeyAnswer {
	text, err := json.Marshal(map[string]any{"id": b64.EncodeToString(id), "rawId": b64.EncodeToString(id), "type": "public-key",
		"authenticatorAttachment": "platform", "clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}}, "response": response})
	d.check(err)
	return api.PasskeyAnswer{Token: c.Token, Credential: string(text)}
}
