package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"trivium/app/lms"
)

// Parameters of argon2id (OWASP). A hash names its own, so that these can be raised without locking anybody out.
const (
	hashMemory  = 46 << 10 // KiB
	hashTime    = 1
	hashThreads = 1
	hashSalt    = 16
	hashLen     = 32
)

// Bounds of the work: a storm of sign-ins must leave the processor to the log.
const (
	hashesAtOnce = 2
	hashQueue    = 400
	hashWait     = 20 * time.Second
)

// hasher makes and checks password hashes, a few at a time.
type hasher struct {
	slots chan struct{}
	queue chan struct{}
	dummy string // compared for unknown users, so that the answer takes the same time
}

func newHasher() *hasher {
	return &hasher{slots: make(chan struct{}, hashesAtOnce), queue: make(chan struct{}, hashQueue),
		dummy: encodeHash(rand.Text())}
}

var errHashQueue = &lms.Error{Kind: lms.KindLimit, RetryIn: 5, Message: "Very many people sign in at this moment. Please try again in a few seconds."}

// acquire takes a slot. The caller releases it.
func (h *hasher) acquire(ctx context.Context) (release func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, errHashQueue
	}
	defer func() { <-h.queue }()
	timer := time.NewTimer(hashWait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-timer.C:
		return nil, errHashQueue
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash makes the hash of a new password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return encodeHash(password), nil
}

// check compares a password with a hash. An empty hash never matches but takes as long.
func (h *hasher) check(ctx context.Context, password, encoded string) (bool, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	known := encoded != ""
	if !known {
		encoded = h.dummy
	}
	p, err := decodeHash(encoded)
	if err != nil {
		return false, err
	}
	sum := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.sum)))
	return subtle.ConstantTimeCompare(sum, p.sum) == 1 && known, nil
}

func encodeHash(password string) string {
	salt := make([]byte, hashSalt)
	rand.Read(salt)
	sum := argon2.IDKey([]byte(password), salt, hashTime, hashMemory, hashThreads, hashLen)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads, b64(salt), b64(sum))
}

type passwordHash struct {
	memory, time uint32
	threads      uint8
	salt, sum    []byte
}

func decodeHash(encoded string) (p passwordHash, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, fmt.Errorf("password hash has an unknown form")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return p, fmt.Errorf("password hash: %w", err)
	}
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return p, fmt.Errorf("password hash: %w", err)
	}
	if p.sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return p, fmt.Errorf("password hash: %w", err)
	}
	if len(p.sum) == 0 || p.time == 0 || p.threads == 0 || p.memory > 1<<20 {
		return p, fmt.Errorf("password hash has unusable parameters")
	}
	return p, nil
}

// HashPassword makes a hash for commands that write accounts without this server.
func HashPassword(password string) string { return encodeHash(password) }
