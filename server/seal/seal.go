package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// Format of a box: version, id of the key, nonce, then what XChaCha20-Poly1305 makes of the plain text.
const (
	version  = 1
	idLen    = 4
	overhead = 1 + idLen + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
)

// ErrSealed is returned for a box that does not open: damaged, of another place, or of a key that this node does not have.
var ErrSealed = errors.New("seal: the secret cannot be opened: it is damaged, of another place, or sealed by another cluster")

type key [chacha20poly1305.KeySize]byte

// id names the key without telling anything about it.
func (k key) id() [idLen]byte {
	sum := sha256.Sum256(append([]byte("trivium key id\x00"), k[:]...))
	return [idLen]byte(sum[:])
}

// Ring is the keys of a cluster, the one that seals first. It must not be empty.
type Ring struct{ keys []key }

// New makes a ring of one random key.
func New() *Ring {
	var k key
	rand.Read(k[:]) // does not fail
	return &Ring{[]key{k}}
}

// Derive makes a ring of one key that follows from another secret of the cluster.
func Derive(secret []byte) (*Ring, error) {
	data, err := hkdf.Key(sha256.New, secret, nil, "trivium seal 1", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	return &Ring{[]key{key(data)}}, nil
}

// Parse reads a ring as String wrote it.
func Parse(data []byte) (*Ring, error) {
	r := &Ring{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(b) != chacha20poly1305.KeySize {
			return nil, errors.New("seal: not a list of keys") // never quotes the line
		}
		r.keys = append(r.keys, key(b))
	}
	if len(r.keys) == 0 {
		return nil, errors.New("seal: no key")
	}
	return r, nil
}

// With returns a ring that seals like r, and opens what the keys of the other one have sealed as well.
func (r *Ring) With(other *Ring) *Ring {
	all := &Ring{slices.Clone(r.keys)}
	for _, k := range other.keys {
		if !slices.Contains(all.keys, k) {
			all.keys = append(all.keys, k)
		}
	}
	return all
}

// Knows reports whether the ring has the key that a box names.
func (r *Ring) Knows(box []byte) bool {
	return len(box) >= overhead && box[0] == version &&
		slices.ContainsFunc(r.keys, func(k key) bool { return k.id() == [idLen]byte(box[1:]) })
}

// KnowsText is Knows for a box that SealText has made. Nothing needs no key.
func (r *Ring) KnowsText(box string) bool {
	data, err := base64.StdEncoding.DecodeString(box)
	return err == nil && (box == "" || r.Knows(data))
}

// Encode is the content of the keys' file. It is a secret.
func (r *Ring) Encode() []byte {
	var b strings.Builder
	for _, k := range r.keys {
		b.WriteString(base64.StdEncoding.EncodeToString(k[:]) + "\n")
	}
	return []byte(b.String())
}

// String tells nothing: a ring may end up in a log by mistake.
func (r *Ring) String() string { return "keys set" }

// GoString tells nothing either.
func (r *Ring) GoString() string { return r.String() }

// Seal encrypts the plain text for the place.
func (r *Ring) Seal(place string, plain []byte) []byte {
	k := r.keys[0]
	aead, err := chacha20poly1305.NewX(k[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	id := k.id()
	box := make([]byte, 1+idLen+chacha20poly1305.NonceSizeX, overhead+len(plain))
	box[0] = version
	copy(box[1:], id[:])
	nonce := box[1+idLen:]
	rand.Read(nonce) // does not fail
	return aead.Seal(box, nonce, plain, additional(box[:1+idLen], place))
}

// Open returns the plain text of a box that was sealed for the place. ErrSealed when it cannot.
func (r *Ring) Open(place string, box []byte) ([]byte, error) {
	if len(box) < overhead || box[0] != version {
		return nil, ErrSealed
	}
	for _, k := range r.keys {
		if k.id() != [idLen]byte(box[1:]) {
			continue
		}
		aead, err := chacha20poly1305.NewX(k[:])
		if err != nil {
			return nil, err
		}
		body := box[1+idLen:]
		plain, err := aead.Open(nil, body[:chacha20poly1305.NonceSizeX], body[chacha20poly1305.NonceSizeX:], additional(box[:1+idLen], place))
		if err != nil {
			return nil, ErrSealed
		}
		return plain, nil
	}
	return nil, fmt.Errorf("%w (no key %x)", ErrSealed, box[1:1+idLen])
}

func additional(header []byte, place string) []byte {
	return append(append([]byte{}, header...), place...)
}

// Current reports whether the box was sealed by the key that seals now: if not, sealing it anew lets the old key go.
func (r *Ring) Current(box []byte) bool {
	return len(box) >= overhead && box[0] == version && [idLen]byte(box[1:]) == r.keys[0].id()
}

// SealText seals a string for a column of text. The empty string stays empty: nothing is set.
func (r *Ring) SealText(place, plain string) string {
	if plain == "" {
		return ""
	}
	return base64.StdEncoding.EncodeToString(r.Seal(place, []byte(plain)))
}

// OpenText is the inverse of SealText.
func (r *Ring) OpenText(place, box string) (Secret, error) {
	if box == "" {
		return "", nil
	}
	data, err := base64.StdEncoding.DecodeString(box)
	if err != nil {
		return "", ErrSealed
	}
	plain, err := r.Open(place, data)
	return Secret(plain), err
}
