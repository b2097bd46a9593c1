package cluster

import (
	"crypto/sha256"
	"strings"

	"trivium/app/lms"
)

// tokenPrefix is the version of the token's form.
const tokenPrefix = "K10"

// token lets one node join: the hash of the authority that the node must find, and the secret that it then sends.
type token struct {
	caHash string // hex SHA-256 of the authority's certificate
	secret string
}

func (t token) String() string { return tokenPrefix + t.caHash + "::" + t.secret }

// hash is what the cluster keeps of a token.
func (t token) hash() []byte {
	sum := sha256.Sum256([]byte(t.secret))
	return sum[:]
}

// errTokenForm names the command that makes a token.
var errTokenForm = lms.FieldErrorf(lms.KindInvalid, "token",
	"This is not a join token. Run \"trivium join-token\" on a node of the cluster and copy the whole line that starts with K10.")

func parseToken(s string) (token, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), tokenPrefix)
	hash, secret, ok2 := strings.Cut(rest, "::")
	if !ok || !ok2 || len(hash) != 2*sha256.Size || strings.Trim(hash, "0123456789abcdef") != "" || secret == "" || len(secret) > 128 {
		return token{}, errTokenForm
	}
	return token{hash, secret}, nil
}

// CheckToken refuses what cannot be a join token.
func CheckToken(s string) error {
	_, err := parseToken(s)
	return err
}

// TokenAuthority names the cluster that the token lets a node into, as Identity.Authority does.
func TokenAuthority(s string) (string, error) {
	t, err := parseToken(s)
	return t.caHash, err
}
