package store_test

import (
	"fmt"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// passkey is one as an answer has proven it.
func passkey(id string, count uint32) store.Passkey {
	return store.Passkey{Passkey: lms.Passkey{ID: id, Name: "Phone", Domain: "lms.example.edu"}, Credential: []byte("credential " + id),
		PublicKey: []byte("key"), Transports: []string{"internal", "hybrid"}, SignCount: count}
}

// challenge is one of the name, which is good for some minutes from now.
func challenge(s *storetest.Site, name string) store.Challenge {
	return store.Challenge{Hash: storetest.Hash(name), ExpiresAt: s.Now().Add(time.Minute)}
}

func TestPasskeysAreUsedOnce(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	p := passkey("p1", 0)
	wantKind(t, s.SetRecoveryCodes(ctx, s.Alice, [][]byte{{1}}), lms.KindConflict, "")
	late := store.Challenge{Hash: storetest.Hash("late"), ExpiresAt: s.Now().Add(-time.Second)}
	want(t, s.AddPasskey(ctx, s.Alice, p, late), store.ErrChallengeOver)
	want(t, s.AddPasskey(ctx, s.Alice, p, challenge(s, "c1")), nil)
	want(t, s.AddPasskey(ctx, s.Alice, passkey("p2", 0), challenge(s, "c1")), store.ErrChallengeOver)
	wantKind(t, s.AddPasskey(ctx, s.Bob, store.Passkey{Passkey: lms.Passkey{ID: "p3"}, Credential: p.Credential, PublicKey: []byte("key")}, challenge(s, "c2")), lms.KindConflict, "passkey")
	want(t, s.SetRecoveryCodes(ctx, s.Alice, [][]byte{storetest.Hash("r1")}), nil)
	found, u, err := s.PasskeyByCredential(ctx, p.Credential)
	want(t, err, nil)
	if u.ID != s.Alice.UserID || found.UserID != u.ID || fmt.Sprint(found.Transports) != "[internal hybrid]" || found.Domain != p.Domain || string(found.PublicKey) != "key" {
		t.Errorf("%+v of %+v", found, u)
	}
	p = found

	// Of two uses of an answer at once one succeeds; one whose time is over does not, however old the node's own clock is.
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- s.UsePasskey(ctx, p, 0, challenge(s, "c3")) }()
	}
	if one, two := <-done, <-done; (one == nil) == (two == nil) {
		t.Errorf("%v and %v", one, two)
	}
	want(t, s.UsePasskey(ctx, p, 0, late), store.ErrChallengeOver)
	// A counter may stay at 0, and only there.
	want(t, s.UsePasskey(ctx, p, 0, challenge(s, "c4")), nil)
	want(t, s.UsePasskey(ctx, p, 7, challenge(s, "c5")), nil)
	for i, count := range []uint32{7, 6, 0} {
		want(t, s.UsePasskey(ctx, p, count, challenge(s, fmt.Sprint("old", i))), store.ErrPasskeyCopied)
	}
	want(t, s.UsePasskey(ctx, p, 1<<32-1, challenge(s, "c6")), nil)

	record := store.SessionRecord{ID: "se", UserID: s.Alice.UserID, TokenHash: storetest.Hash("t"), Passkey: "p1"}
	want(t, s.CreateSession(ctx, record), lms.ErrSignIn) // with the password alone
	record.TwoStep = true
	want(t, s.CreateSession(ctx, record), nil)
	want(t, s.RemovePasskey(ctx, s.Bob, "p1"), lms.ErrNotFound)
	want(t, s.RemovePasskey(ctx, s.Alice, "p1"), nil)
	record.ID, record.TokenHash = "se2", storetest.Hash("t2")
	want(t, s.CreateSession(ctx, record), store.ErrNoPasskey) // it was removed while somebody signed in with it
	want(t, s.UsePasskey(ctx, p, 0, challenge(s, "c7")), store.ErrNoPasskey)
	if v, err := s.TwoStep(ctx, s.Alice.UserID); err != nil || v.Codes != 0 || v.Second() {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestPasskeysAreLimitedAndReset(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	for i := range lms.MaxPasskeys {
		want(t, s.AddPasskey(ctx, s.Alice, passkey(fmt.Sprint("p", i), 0), challenge(s, fmt.Sprint("c", i))), nil)
	}
	wantKind(t, s.AddPasskey(ctx, s.Alice, passkey("more", 0), challenge(s, "more")), lms.KindRule, "passkey")
	want(t, s.ResetTwoStep(ctx, s.Alice, s.Alice.UserID), lms.ErrForbidden)
	want(t, s.ResetTwoStep(ctx, s.Admin, s.Alice.UserID), nil)
	wantKind(t, s.ResetTwoStep(ctx, s.Admin, s.Alice.UserID), lms.KindConflict, "")
	if v, err := s.TwoStep(ctx, s.Alice.UserID); err != nil || v.Second() {
		t.Errorf("%+v, %v", v, err)
	}
}
