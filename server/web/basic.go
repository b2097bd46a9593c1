package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"trivium/app/lms"
)

// A program that gives its password with each request would have it hashed with each, which takes long by design. What
// was right is remembered for a moment, as a keyed digest in this process's memory.
const (
	basicAge  = time.Minute
	basicSize = 1000
)

type basicEntry struct {
	hash  string // the account's, which the password has matched
	until time.Time
}

// basic remembers passwords that were right. The zero value is ready to use.
type basic struct {
	mu  sync.Mutex
	key []byte
	by  map[[32]byte]basicEntry
}

func (b *basic) digest(login, password string) (sum [32]byte) {
	b.mu.Lock()
	if b.key == nil {
		b.key = make([]byte, 32)
		rand.Read(b.key)
		b.by = map[[32]byte]basicEntry{}
	}
	m := hmac.New(sha256.New, b.key)
	b.mu.Unlock()
	m.Write([]byte(login + "\x00" + password))
	copy(sum[:], m.Sum(nil))
	return sum
}

func (b *basic) known(sum [32]byte, hash string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.by[sum]
	return ok && e.hash == hash && now.Before(e.until)
}

func (b *basic) remember(sum [32]byte, hash string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.by) >= basicSize {
		clear(b.by)
	}
	b.by[sum] = basicEntry{hash: hash, until: now.Add(basicAge)}
}

// Administrator checks the name and password of an administrator, for programs that give them with each request, under
// the limits of signing in. A password that was changed, and rights that were withdrawn, count at once on this node.
func (s *Server) Administrator(ctx context.Context, login, password, address string) (lms.Actor, error) {
	u, hash, err := s.store.Credentials(ctx, login)
	if err != nil && !errors.Is(err, lms.ErrSignIn) && !errors.Is(err, lms.ErrNotFound) {
		return lms.Actor{}, err
	}
	sum := s.basic.digest(lms.NormalLogin(login), password)
	if err != nil || hash == "" || u.Disabled || !s.basic.known(sum, hash, s.now()) {
		if err := s.limits.allow(address); err != nil {
			return lms.Actor{}, err
		}
		a, err := s.attemptOf(ctx, login, address, "")
		if err != nil {
			return lms.Actor{}, err
		}
		if u, err = s.checkPassword(ctx, login, password, a); err != nil {
			return lms.Actor{}, err
		}
		if t, err := s.store.TwoStep(ctx, u.ID); err != nil {
			return lms.Actor{}, err
		} else if t.Second() || t.Required {
			return lms.Actor{}, lms.Errorf(lms.KindForbidden, "This account signs in in two steps, which a program cannot do. Use an administrator's account that has a password only.")
		}
		if err := s.passed(ctx, a); err != nil {
			return lms.Actor{}, err
		}
		s.basic.remember(sum, hash, s.now())
	}
	if !u.Admin {
		return lms.Actor{}, lms.Errorf(lms.KindForbidden, "Only administrators of the site may do this.")
	}
	return lms.Actor{UserID: u.ID, Login: u.Login, Name: u.Name, Admin: true, MayCreateCourses: u.MayCreateCourses, Confirmed: true}, nil
}
