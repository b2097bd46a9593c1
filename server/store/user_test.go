package store_test

import (
	"fmt"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

func TestSetup(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	claim := func(token, login string) error {
		_, err := s.Setup(ctx, storetest.Hash(token), lms.User{ID: "u-" + login, Login: login, Name: login}, storetest.Password)
		return err
	}
	needs, err := s.NeedsSetup(ctx)
	want(t, err, nil)
	if !needs {
		t.Error("an empty site needs no setup")
	}
	wantKind(t, claim("none", "a"), lms.KindForbidden, "setup link")
	want(t, s.SetSetupToken(ctx, storetest.Hash("old"), time.Now().Add(-time.Second)), nil)
	wantKind(t, claim("old", "a"), lms.KindForbidden, "expired")
	want(t, s.SetSetupToken(ctx, storetest.Hash("new"), time.Now().Add(time.Hour)), nil)
	wantKind(t, claim("old", "a"), lms.KindForbidden, "wrong")
	if n := race(t, 8, lms.KindForbidden, func(i int) error { return claim("new", fmt.Sprint("admin", i)) }); n != 1 {
		t.Fatalf("%d of 8 racing claims won", n)
	}
	users, _, total, err := s.Users(ctx, "", "", 0)
	want(t, err, nil)
	if total != 1 || !users[0].Admin || !users[0].MayCreateCourses {
		t.Errorf("after the claims: %+v", users)
	}
	wantKind(t, claim("new", "b"), lms.KindForbidden, "administrator already")
	wantKind(t, s.SetSetupToken(ctx, storetest.Hash("later"), time.Now().Add(time.Hour)), lms.KindForbidden, "administrator already")
	needs, err = s.NeedsSetup(ctx)
	want(t, err, nil)
	if needs {
		t.Error("a claimed site needs setup")
	}
}

func TestLoginsAreUnique(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	create := func(id, login string) error {
		_, err := s.CreateUser(ctx, s.Admin, lms.User{ID: id, Login: login, Name: "N"}, storetest.Password)
		return err
	}
	wantKind(t, create("u-x", " ALICE "), lms.KindConflict, "taken")
	if n := race(t, 8, lms.KindConflict, func(i int) error { return create(fmt.Sprint("u-r", i), "Racer") }); n != 1 {
		t.Errorf("%d accounts with one login", n)
	}
	u, hash, err := s.Credentials(ctx, "aLiCe")
	want(t, err, nil)
	if u.ID != s.Alice.UserID || hash != storetest.Password {
		t.Errorf("credentials of %+v, %q", u, hash)
	}
	_, _, err = s.Credentials(ctx, "nobody")
	want(t, err, lms.ErrNotFound)
	_, err = s.CreateUser(ctx, s.Instructor, lms.User{ID: "u-y", Login: "y", Name: "Y"}, storetest.Password)
	want(t, err, lms.ErrForbidden)
	forged := s.Alice
	forged.Admin = true // what the caller says does not count
	_, err = s.CreateUser(ctx, forged, lms.User{ID: "u-y", Login: "y", Name: "Y"}, storetest.Password)
	want(t, err, lms.ErrForbidden)
}

func TestUsersArePaged(t *testing.T) {
	s := storetest.New(t)
	var logins []string
	after, pages := "", 0
	for {
		items, next, total, err := s.Users(t.Context(), "", after, 3)
		want(t, err, nil)
		if total != 7 {
			t.Fatalf("total %d", total)
		}
		for _, u := range items {
			logins = append(logins, u.Login)
		}
		pages++
		if next == "" {
			break
		}
		after = next
	}
	if fmt.Sprint(logins) != "[admin alice bob ines olga stan tom]" || pages != 3 {
		t.Errorf("%d pages: %v", pages, logins)
	}
	items, _, total, err := s.Users(t.Context(), "EXAMPLE", "", 0)
	want(t, err, nil)
	if total != 2 || len(items) != 2 {
		t.Errorf("search found %d, %v", total, items)
	}
}

func TestUpdateUser(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	session(t, s, s.Alice, "token-a")
	u, err := s.UpdateUser(ctx, s.Admin, s.Alice.UserID, 1, store.UserPatch{Name: ptr("Alice B."), MayCreateCourses: ptr(true)})
	want(t, err, nil)
	if u.Name != "Alice B." || !u.MayCreateCourses || u.Version != 2 {
		t.Errorf("got %+v", u)
	}
	_, err = s.UpdateUser(ctx, s.Admin, s.Alice.UserID, 1, store.UserPatch{Name: ptr("Stale")})
	want(t, err, lms.ErrStale)
	_, err = s.UpdateUser(ctx, s.Instructor, s.Alice.UserID, 2, store.UserPatch{Name: ptr("No")})
	want(t, err, lms.ErrForbidden)
	_, err = s.UpdateUser(ctx, s.Admin, "u-none", 1, store.UserPatch{Name: ptr("No")})
	want(t, err, lms.ErrNotFound)

	_, err = s.UpdateUser(ctx, s.Admin, s.Admin.UserID, 1, store.UserPatch{Disabled: ptr(true)})
	wantKind(t, err, lms.KindRule, "last administrator")
	_, err = s.UpdateUser(ctx, s.Admin, s.Admin.UserID, 1, store.UserPatch{Admin: ptr(false)})
	wantKind(t, err, lms.KindRule, "last administrator")
	_, err = s.UpdateUser(ctx, s.Admin, s.Bob.UserID, 1, store.UserPatch{Admin: ptr(true)})
	want(t, err, nil)
	_, err = s.UpdateUser(ctx, s.Admin, s.Admin.UserID, 1, store.UserPatch{Admin: ptr(false)})
	want(t, err, nil)

	bob := s.Bob
	bob.Admin = true
	_, err = s.SessionByToken(ctx, storetest.Hash("token-a"))
	want(t, err, nil)
	_, err = s.UpdateUser(ctx, bob, s.Alice.UserID, 2, store.UserPatch{Disabled: ptr(true)})
	want(t, err, nil)
	_, err = s.SessionByToken(ctx, storetest.Hash("token-a"))
	want(t, err, lms.ErrSignIn)
	_, _, err = s.Submit(ctx, s.Alice, s.Course.ID, "a1", "s1", "x", nil)
	want(t, err, lms.ErrSignIn)
}

func session(t *testing.T, s *storetest.Site, actor lms.Actor, token string) lms.Actor {
	t.Helper()
	actor.SessionID = "se-" + token
	err := s.CreateSession(t.Context(), store.SessionRecord{ID: actor.SessionID, UserID: actor.UserID, TokenHash: storetest.Hash(token), ExpiresAt: time.Now().Add(time.Hour)})
	want(t, err, nil)
	return actor
}

func TestSessions(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	one := session(t, s, s.Alice, "one")
	session(t, s, s.Alice, "two")
	session(t, s, s.Bob, "bob")
	f, err := s.SessionByToken(ctx, storetest.Hash("one"))
	want(t, err, nil)
	actor, u, expires := f.Actor, f.User, f.ExpiresAt
	if actor.UserID != s.Alice.UserID || actor.Role != "" || actor.SessionID != one.SessionID || u.Login != "alice" || time.Until(expires) < 50*time.Minute {
		t.Errorf("got %+v %+v %s", actor, u, expires)
	}
	_, err = s.SessionByToken(ctx, storetest.Hash("none"))
	want(t, err, lms.ErrSignIn)
	want(t, s.TouchSession(ctx, one.SessionID), nil)

	want(t, s.SetPassword(ctx, one, "$new"), nil)
	hash, err := s.PasswordHash(ctx, s.Alice.UserID)
	want(t, err, nil)
	if hash != "$new" {
		t.Errorf("hash %q", hash)
	}
	_, err = s.SessionByToken(ctx, storetest.Hash("two"))
	want(t, err, lms.ErrSignIn)
	_, err = s.SessionByToken(ctx, storetest.Hash("one"))
	want(t, err, nil)
	want(t, s.EndSession(ctx, one.SessionID), nil)
	want(t, s.EndSession(ctx, one.SessionID), nil)
	_, err = s.SessionByToken(ctx, storetest.Hash("one"))
	want(t, err, lms.ErrSignIn)
	_, err = s.SessionByToken(ctx, storetest.Hash("bob"))
	want(t, err, nil)
	want(t, s.EndSessions(ctx, s.Bob.UserID, ""), nil)
	_, err = s.SessionByToken(ctx, storetest.Hash("bob"))
	want(t, err, lms.ErrSignIn)
	want(t, s.CreateSession(ctx, store.SessionRecord{ID: "se-late", UserID: s.Bob.UserID, TokenHash: storetest.Hash("late"), ExpiresAt: time.Now().Add(-time.Minute)}), nil)
	_, err = s.SessionByToken(ctx, storetest.Hash("late"))
	want(t, err, lms.ErrSignIn)
}

func TestTickets(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	alice := session(t, s, s.Alice, "one")
	want(t, s.CreateTicket(ctx, alice, storetest.Hash("t1"), time.Now().Add(time.Minute)), nil)
	redeem := func(key, ticket, token string) error {
		c := store.WithRequest(ctx, store.Request{Key: key, Digest: []byte(ticket)})
		actor, _, err := s.RedeemTicket(c, storetest.Hash(ticket), storetest.Hash(token))
		if err == nil && (actor.UserID != s.Alice.UserID || actor.SessionID != alice.SessionID) {
			t.Errorf("redeemed as %+v", actor)
		}
		return err
	}
	want(t, redeem("k1", "t1", "second"), nil)
	want(t, redeem("k1", "t1", "third"), nil) // the answer was lost
	wantKind(t, redeem("k2", "t1", "fourth"), lms.KindSignIn, "used")
	for token, target := range map[string]error{"one": nil, "second": nil, "third": nil, "fourth": lms.ErrSignIn} {
		_, err := s.SessionByToken(ctx, storetest.Hash(token))
		want(t, err, target)
	}
	want(t, s.CreateTicket(ctx, alice, storetest.Hash("t2"), time.Now().Add(-time.Minute)), nil)
	wantKind(t, redeem("", "t2", "fifth"), lms.KindSignIn, "expired")
	want(t, s.EndSession(ctx, alice.SessionID), nil)
	wantKind(t, redeem("k1", "t1", "sixth"), lms.KindSignIn, "ticket")
	want(t, s.CreateTicket(ctx, alice, storetest.Hash("t3"), time.Now().Add(time.Minute)), lms.ErrSignIn)
}

func TestSignInFailures(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	for i := range 10 {
		wait, err := s.SignInBlocked(ctx, "login/alice", "address/1")
		want(t, err, nil)
		if wait != 0 {
			t.Fatalf("blocked for %s after %d failures", wait, i)
		}
		want(t, s.RecordSignInFailure(ctx, "login/alice", fmt.Sprint("address/", i)), nil)
	}
	wait, err := s.SignInBlocked(ctx, "address/1", "login/alice")
	want(t, err, nil)
	if wait < 14*time.Minute || wait > 15*time.Minute {
		t.Errorf("blocked for %s", wait)
	}
	wait, err = s.SignInBlocked(ctx, "login/bob", "address/1")
	want(t, err, nil)
	if wait != 0 {
		t.Errorf("another account is blocked for %s", wait)
	}
	want(t, s.ClearSignInFailures(ctx, "login/alice"), nil)
	wait, err = s.SignInBlocked(ctx, "login/alice")
	want(t, err, nil)
	if wait != 0 {
		t.Errorf("blocked for %s after a success", wait)
	}
}
