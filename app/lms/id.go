package lms

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID returns a new URL-safe id of 26 characters: 48 bits of Unix milliseconds, then 80 random bits, in
// Crockford's base32 (the layout of ULID). Ids sort roughly by the time they were made. They are never secrets.
func NewID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
	rand.Read(b[6:])
	return idEncoding.EncodeToString(b[:])
}

// ValidID reports whether id has the form of an id: 1 to 64 characters out of a-z, 0-9, '-' and '_'.
func ValidID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// NewSecret returns a URL-safe secret of 160 random bits.
func NewSecret() string {
	var b [20]byte
	rand.Read(b[:])
	return idEncoding.EncodeToString(b[:])
}

// NewCode returns an invite code that is easy to read aloud: 8 characters in two groups, 40 random bits.
func NewCode() string {
	var b [5]byte
	rand.Read(b[:])
	s := idEncoding.EncodeToString(b[:])
	return s[:4] + "-" + s[4:]
}
