package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/consensus/consensustest"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// TestLeaderStopsBetweenSubmits stops the leader of three nodes between a hand-in and its repeat: the repeat on another
// node, under the same key, is the same attempt; the stopped node catches up and holds the same rows.
func TestLeaderStopsBetweenSubmits(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stores := make([]*store.Store, 3)
	for i, n := range c.Nodes {
		var err error
		stores[i], err = store.Open(ctx, n.DB)
		want(t, err, nil)
	}
	leader := c.Index(c.Leader())
	s := storetest.Fill(t, stores[leader])
	s.Post(t, "a1")
	submit := func(st *store.Store, n int) (lms.Submission, uint64) {
		t.Helper()
		key := fmt.Sprint("hand-in-", n)
		sub, index, err := st.Submit(store.WithRequest(ctx, store.Request{Key: key, Digest: []byte(key)}), s.Alice, s.Course.ID, "a1", fmt.Sprint("s", n), "text", nil)
		want(t, err, nil)
		return sub, index
	}
	for round := range 3 {
		leader = c.Index(c.Leader())
		before, index := submit(stores[leader], round)
		c.Stop(leader)
		other := c.Index(c.Leader())
		after, index2 := submit(stores[other], round)
		if after.Attempt != round+1 || !after.SubmittedAt.Equal(before.SubmittedAt) || index2 != index {
			t.Errorf("round %d: the repeat is %+v at %d, the first was %+v at %d", round, after, index2, before, index)
		}
		mine, err := stores[other].MySubmissions(ctx, s.Alice, s.Course.ID, "a1")
		want(t, err, nil)
		if len(mine) != round+1 {
			t.Errorf("round %d: %d attempts", round, len(mine))
		}
		c.Restart(leader)
		c.WaitReady(leader)
		stores[leader], err = store.Open(ctx, c.Nodes[leader].DB)
		want(t, err, nil)
	}
	c.WaitEqual()
}

// TestLoginsAreUniqueAcrossNodes registers one name on all nodes at once.
func TestLoginsAreUniqueAcrossNodes(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	stores := make([]*store.Store, 3)
	for i, n := range c.Nodes {
		var err error
		stores[i], err = store.Open(t.Context(), n.DB)
		want(t, err, nil)
	}
	s := storetest.Fill(t, stores[0])
	_, err := s.CreateInvite(t.Context(), s.Instructor, lms.Invite{ID: "i1", CourseID: s.Course.ID, Code: "code", Role: lms.RoleStudent})
	want(t, err, nil)
	n := race(t, 6, lms.KindConflict, func(i int) error {
		_, err := stores[i%3].Register(t.Context(), "code", lms.User{ID: fmt.Sprint("u-new", i), Login: "Newcomer", Name: "N"}, storetest.Password)
		return err
	})
	if n != 1 {
		t.Errorf("%d accounts with one login", n)
	}
	c.WaitEqual()
}

// TestRacingClaims: of a thousand strangers without the setup link none becomes administrator, and of fifty people with it
// exactly one, whichever node they ask.
func TestRacingClaims(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	stores := make([]*store.Store, 3)
	for i, n := range c.Nodes {
		var err error
		stores[i], err = store.Open(ctx, n.DB)
		want(t, err, nil)
	}
	claim := func(i int, token string) error {
		login := fmt.Sprint("claimer", i)
		_, err := stores[i%3].Setup(ctx, storetest.Hash(token), lms.User{ID: "u-" + login, Login: login, Name: login}, storetest.Password)
		return err
	}
	if n := race(t, 100, lms.KindForbidden, func(i int) error { return claim(i, fmt.Sprint("guess", i)) }); n != 0 {
		t.Fatalf("%d claims won before there was a link", n)
	}
	want(t, stores[0].SetSetupToken(ctx, storetest.Hash("link"), time.Now().Add(time.Hour)), nil)
	if n := race(t, 1000, lms.KindForbidden, func(i int) error { return claim(i, fmt.Sprint("guess", i)) }); n != 0 {
		t.Fatalf("%d of 1000 claims without the link won", n)
	}
	needs, err := stores[1].NeedsSetup(ctx)
	want(t, err, nil)
	if !needs {
		t.Fatal("the strangers have used the link up")
	}
	if n := race(t, 50, lms.KindForbidden, func(i int) error { return claim(1000+i, "link") }); n != 1 {
		t.Fatalf("%d of 50 claims with the link won", n)
	}
	c.WaitEqual()
	for i, s := range stores {
		_, _, total, err := s.Users(ctx, "", "", 0)
		want(t, err, nil)
		if total != 1 {
			t.Errorf("node %d has %d accounts", i, total)
		}
	}
}

// TestSessionsOfANodeThatIsBehind: a node that is in touch again hears heartbeats long before it has the entries that it missed.
// Meanwhile it neither takes a session that has ended nor refuses one that has begun.
func TestSessionsOfANodeThatIsBehind(t *testing.T) {
	c := consensustest.Cluster(t, 3, func(c *consensus.Config) { // a busy machine must not elect another leader meanwhile
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout = 2*time.Second, 2*time.Second, time.Second
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	leader := c.Leader()
	far := c.Index(c.Follower())
	here, err := store.Open(ctx, leader.DB)
	want(t, err, nil)
	there, err := store.Open(ctx, c.Nodes[far].DB)
	want(t, err, nil)
	s := storetest.Fill(t, here)
	session := func(id string) {
		want(t, here.CreateSession(ctx, store.SessionRecord{ID: id, UserID: s.Alice.UserID, TokenHash: storetest.Hash(id), ExpiresAt: time.Now().Add(time.Hour)}), nil)
	}
	session("old")
	c.WaitEqual()

	c.Isolate(far)
	want(t, here.EndSession(ctx, "old"), nil)
	session("new")
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); { // Raft's pause after failures grows
		session(fmt.Sprint("more-", time.Now().UnixNano()))
	}
	c.Heal()
	healed := time.Now()
	for db := c.Nodes[far].DB; db.Applied() < leader.DB.Applied(); {
		if ctx.Err() != nil {
			t.Fatal("the node does not catch up")
		}
		before := db.Status()
		if !before.LastContact.After(healed) {
			continue
		}
		// On a machine that is busy enough the node may lose touch again while it is asked, and then it may take what it knows.
		_, err := there.SessionByToken(ctx, storetest.Hash("old"))
		if err == nil && time.Since(before.LastContact) < 500*time.Millisecond {
			t.Fatalf("%v after it is in touch again the node takes a session that has ended", time.Since(healed))
		}
		if _, err := there.SessionByToken(ctx, storetest.Hash("new")); lms.KindOf(err) == lms.KindSignIn {
			t.Fatalf("%v after it is in touch again the node refuses a session that has begun", time.Since(healed))
		}
	}
}
