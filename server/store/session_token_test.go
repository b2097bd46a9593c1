package store_test

import (
	"bytes"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// TestRenewToken: every renewal of a token gives the same successor until that one is used.
func TestRenewToken(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.UseLives(store.Lives{Access: time.Hour, Renewal: 48 * time.Hour, Overlap: time.Millisecond})
	alice := session(t, s, s.Alice, "one")
	type renewal struct {
		key []byte
		err error
	}
	at := make(chan renewal, 3)
	for _, k := range []string{"k1", "k2", "k3"} {
		go func() {
			key, _, err := s.RenewToken(ctx, storetest.Hash("one"), []byte(k), storetest.Hash("next-"+k))
			at <- renewal{key, err}
		}()
	}
	first := <-at
	want(t, first.err, nil)
	for range 2 {
		if r := <-at; r.err != nil || !bytes.Equal(r.key, first.key) {
			t.Errorf("another successor: %q %v, before %q", r.key, r.err, first.key)
		}
	}
	for _, k := range []string{"k1", "k2", "k3"} {
		_, err := s.SessionByToken(ctx, storetest.Hash("next-"+k))
		if k == string(first.key) {
			want(t, err, nil)
		} else {
			want(t, err, lms.ErrSignIn)
		}
	}
	next := storetest.Hash("next-" + string(first.key))
	f, err := s.SessionByToken(ctx, next)
	want(t, err, nil)
	if !f.Unused || f.Actor.SessionID != alice.SessionID || time.Until(f.ExpiresAt) < 47*time.Hour {
		t.Errorf("%+v", f)
	}
	after(s, 3*time.Millisecond)
	_, err = s.SessionByToken(ctx, storetest.Hash("one")) // nobody has used the successor
	want(t, err, store.ErrRenew)
	want(t, s.TakeToken(ctx, next), nil)
	f, err = s.SessionByToken(ctx, next)
	want(t, err, nil)
	if f.Unused {
		t.Error("still unused")
	}
	_, err = s.SessionByToken(ctx, storetest.Hash("one"))
	want(t, err, store.ErrReuse)
	_, _, err = s.RenewToken(ctx, storetest.Hash("one"), []byte("k4"), storetest.Hash("next-k4"))
	want(t, err, store.ErrReuse)
	want(t, s.EndReused(ctx, storetest.Hash("one")), nil)
	_, err = s.SessionByToken(ctx, next)
	want(t, err, lms.ErrSignIn)
	want(t, s.EndReused(ctx, storetest.Hash("one")), nil)
	_, _, err = s.RenewToken(ctx, storetest.Hash("one"), []byte("k5"), storetest.Hash("next-k5"))
	want(t, err, lms.ErrSignIn)
}

// after waits until the cluster's time has gone on.
func after(s *storetest.Site, d time.Duration) {
	for from := s.Now(); s.Now().Sub(from) < d; {
		time.Sleep(100 * time.Microsecond)
	}
}

func TestRenewNeedsAnEnabledAccount(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	session(t, s, s.Alice, "one")
	_, err := s.UpdateUser(ctx, s.Admin, s.Alice.UserID, 1, store.UserPatch{Disabled: ptr(true)})
	want(t, err, nil)
	_, _, err = s.RenewToken(ctx, storetest.Hash("one"), []byte("k"), storetest.Hash("two"))
	want(t, err, lms.ErrSignIn)
	want(t, s.CreateSession(ctx, store.SessionRecord{ID: "se-late", UserID: s.Bob.UserID, TokenHash: storetest.Hash("late"), ExpiresAt: time.Now().Add(-time.Minute)}), nil)
	_, _, err = s.RenewToken(ctx, storetest.Hash("late"), []byte("k"), storetest.Hash("two"))
	want(t, err, lms.ErrSignIn)
}

// TestCodesAreUsedOnce: of two uses of a code at once one succeeds, and nothing of it can be read.
func TestCodesAreUsedOnce(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	want(t, s.BeginTOTP(ctx, s.Alice, "box"), nil)
	wantKind(t, s.ConfirmTOTP(ctx, s.Alice, "another box", 10), lms.KindConflict, "")
	wantKind(t, s.SetRecoveryCodes(ctx, s.Alice, [][]byte{{1}}), lms.KindConflict, "")
	want(t, s.ConfirmTOTP(ctx, s.Alice, "box", 10), nil)
	want(t, s.SetRecoveryCodes(ctx, s.Alice, [][]byte{storetest.Hash("r1"), storetest.Hash("r2")}), nil)
	race := func(use func() error) {
		t.Helper()
		done := make(chan error, 2)
		for range 2 {
			go func() { done <- use() }()
		}
		one, two := <-done, <-done
		if (one == nil) == (two == nil) {
			t.Errorf("%v and %v", one, two)
		}
	}
	want(t, s.UseStep(ctx, s.Alice.UserID, "box", 10), store.ErrCodeUsed)
	race(func() error { return s.UseStep(ctx, s.Alice.UserID, "box", 12) })
	want(t, s.UseStep(ctx, s.Alice.UserID, "box", 11), store.ErrCodeUsed)
	race(func() error { return s.UseRecoveryCode(ctx, s.Alice.UserID, storetest.Hash("r1")) })
	want(t, s.UseRecoveryCode(ctx, s.Bob.UserID, storetest.Hash("r2")), store.ErrCodeUsed)
	v, err := s.TwoStep(ctx, s.Alice.UserID)
	want(t, err, nil)
	if !v.On || v.Codes != 1 || v.Required {
		t.Errorf("%+v", v)
	}
	// Whoever has not seen in time that it is on makes no session with the password alone.
	record := store.SessionRecord{ID: "se", UserID: s.Alice.UserID, TokenHash: storetest.Hash("t")}
	want(t, s.CreateSession(ctx, record), lms.ErrSignIn)
	record.TwoStep = true
	want(t, s.CreateSession(ctx, record), nil)
	want(t, s.ResetTwoStep(ctx, s.Bob, s.Alice.UserID), lms.ErrForbidden)
	want(t, s.ResetTwoStep(ctx, s.Admin, s.Alice.UserID), nil)
}

// TestResetEndsWhatTheOldPasswordCouldDo: sessions, known devices, other links.
func TestResetEndsWhatTheOldPasswordCouldDo(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	record := store.SessionRecord{ID: "se", UserID: s.Alice.UserID, TokenHash: storetest.Hash("one"), Device: storetest.Hash("device")}
	want(t, s.CreateSession(ctx, record), nil)
	known := func() bool {
		t.Helper()
		k, err := s.DeviceKnown(ctx, "ALICE", storetest.Hash("device"))
		want(t, err, nil)
		return k
	}
	if !known() {
		t.Error("the device is not known")
	}
	_, err := s.IssueReset(ctx, s.Alice, s.Alice.UserID, storetest.Hash("link"))
	want(t, err, lms.ErrForbidden)
	_, err = s.IssueReset(ctx, s.Admin, s.Alice.UserID, storetest.Hash("link"))
	want(t, err, nil)
	wantKind(t, s.ResetPassword(ctx, s.Bob.UserID, storetest.Hash("link"), "$bob"), lms.KindForbidden, "")
	want(t, s.ResetPassword(ctx, s.Alice.UserID, storetest.Hash("link"), "$new"), nil)
	_, err = s.SessionByToken(ctx, storetest.Hash("one"))
	want(t, err, lms.ErrSignIn)
	if known() {
		t.Error("the device is still known")
	}
	_, err = s.ResetUser(ctx, storetest.Hash("link"))
	wantKind(t, err, lms.KindForbidden, "")
	// A password that was set otherwise ends the links as well.
	_, err = s.IssueReset(ctx, s.Admin, s.Alice.UserID, storetest.Hash("link2"))
	want(t, err, nil)
	want(t, s.SetPassword(ctx, s.Alice, "$newer"), nil)
	_, err = s.ResetUser(ctx, storetest.Hash("link2"))
	wantKind(t, err, lms.KindForbidden, "")
}
