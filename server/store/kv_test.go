package store_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/consensus/consensustest"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

func TestKV(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	e, err := s.KVGet(ctx, consensus.Local, "k")
	want(t, err, nil)
	if e.Found || e.Value != "" {
		t.Error("an unknown key is found")
	}
	var last int64
	for _, value := range []string{"one", "two", "", "'; DROP TABLE kv_entries; --\x00😀"} {
		put, err := s.KVPut(ctx, store.KVWrite{Key: "k", Value: value})
		want(t, err, nil)
		got, err := s.KVGet(ctx, consensus.Linearizable, "k")
		want(t, err, nil)
		if got.Value != value || !got.Found || got.Version != put.Version || got.Version <= last {
			t.Errorf("got %+v after %+v, want %q", got, put, value)
		}
		last = got.Version
	}
	found, err := s.KVDelete(ctx, "k")
	want(t, err, nil)
	again, err := s.KVDelete(ctx, "k")
	want(t, err, nil)
	if !found || again {
		t.Errorf("deleted %v, then %v", found, again)
	}
	anew, err := s.KVPut(ctx, store.KVWrite{Key: "k", Value: "anew"})
	want(t, err, nil)
	if anew.Version <= last {
		t.Errorf("version %d after a deletion, %d before: a comparison with the old one could succeed", anew.Version, last)
	}
}

// Many writes share an entry of the log, so versions run ahead of it: a key that is removed and written anew must not come
// back to them.
func TestKVVersionsDoNotComeAgain(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	var newest atomic.Int64
	race(t, 64, "", func(int) error {
		for range 20 {
			e, err := s.KVPut(ctx, store.KVWrite{Key: "hot", Value: "v"})
			if err != nil {
				return err
			}
			for v := newest.Load(); e.Version > v && !newest.CompareAndSwap(v, e.Version); v = newest.Load() {
			}
		}
		return nil
	})
	for range 2 {
		_, err := s.KVDelete(ctx, "hot")
		want(t, err, nil)
		e, won, err := s.KVCompareAndSet(ctx, store.KVWrite{Key: "hot", Value: "anew"}, store.KVCondition{})
		want(t, err, nil)
		if !won || e.Version <= newest.Load() {
			t.Errorf("won %v with version %d, %d before", won, e.Version, newest.Load())
		}
		newest.Store(e.Version)
		again, err := s.KVPut(ctx, store.KVWrite{Key: "hot", Value: "again"})
		want(t, err, nil)
		if again.Version <= e.Version {
			t.Errorf("version %d after %d", again.Version, e.Version)
		}
		newest.Store(again.Version)
	}
}

func TestKVCompareAndSet(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	cas := func(value string, c store.KVCondition) (store.KVEntry, bool) {
		t.Helper()
		e, won, err := s.KVCompareAndSet(ctx, store.KVWrite{Key: "k", Value: value}, c)
		want(t, err, nil)
		return e, won
	}
	of := func(v string) store.KVCondition { return store.KVCondition{Value: &v} }
	if e, won := cas("x", of("")); won || e.Found {
		t.Errorf("a value of a key that is not there: %+v", e)
	}
	first, won := cas("one", store.KVCondition{})
	if !won || first.Value != "one" {
		t.Fatalf("a new key: %+v", first)
	}
	if e, won := cas("two", store.KVCondition{}); won || e.Value != "one" {
		t.Errorf("a new key that exists: %v %+v", won, e)
	}
	second, won := cas("two", of("one"))
	if !won || second.Version <= first.Version {
		t.Errorf("by value: %v %+v", won, second)
	}
	if e, won := cas("three", store.KVCondition{Version: first.Version}); won || e.Value != "two" || e.Version != second.Version {
		t.Errorf("an old version: %v %+v", won, e)
	}
	if _, won := cas("three", store.KVCondition{Version: second.Version}); !won {
		t.Error("the present version is refused")
	}
}

// Of many callers that compare with the same value through all nodes exactly one wins each round.
func TestKVCompareAndSetHasOneWinner(t *testing.T) {
	set := consensustest.Cluster(t, 3)
	stores := openStores(t, set)
	ctx := t.Context()
	_, err := stores[0].KVPut(ctx, store.KVWrite{Key: "round", Value: "0"})
	want(t, err, nil)
	for round := range 5 {
		var winners atomic.Int64
		var wg sync.WaitGroup
		before, after := fmt.Sprint(round), fmt.Sprint(round+1)
		for i := range 24 {
			wg.Go(func() {
				e, won, err := stores[i%3].KVCompareAndSet(ctx, store.KVWrite{Key: "round", Value: after}, store.KVCondition{Value: &before})
				if err != nil {
					t.Error(err)
				} else if e.Value != after {
					t.Errorf("told %q, the present value is %q", e.Value, after)
				}
				if won {
					winners.Add(1)
				}
			})
		}
		if wg.Wait(); winners.Load() != 1 {
			t.Errorf("round %d: %d winners", round, winners.Load())
		}
	}
}

func openStores(t *testing.T, set *consensustest.Set) []*store.Store {
	t.Helper()
	var stores []*store.Store
	for _, n := range set.Nodes {
		s, err := store.Open(t.Context(), n.DB)
		want(t, err, nil)
		stores = append(stores, s)
	}
	return stores
}

// No reader on any node sees half of a batch.
func TestKVBatchesAreAtomic(t *testing.T) {
	set := consensustest.Cluster(t, 3)
	stores := openStores(t, set)
	ctx := t.Context()
	keys := make([]string, 50)
	for i := range keys {
		keys[i] = fmt.Sprintf("batch/%02d", i)
	}
	batch := func(value string) (writes []store.KVWrite) {
		for _, k := range keys {
			writes = append(writes, store.KVWrite{Key: k, Value: value})
		}
		return writes
	}
	_, err := stores[0].KVPutAll(ctx, batch("0"))
	want(t, err, nil)
	var done atomic.Bool
	var wg sync.WaitGroup
	for i, s := range stores {
		_, err := s.KVGet(ctx, consensus.Linearizable, keys[0]) // the first batch has arrived
		want(t, err, nil)
		wg.Go(func() {
			for n := 0; !done.Load(); n++ {
				var entries []store.KVEntry
				var err error
				if n%2 == 0 {
					entries, _, err = s.KVGetAll(ctx, consensus.Local, keys)
				} else {
					entries, _, err = s.KVList(ctx, consensus.Local, "batch/", "", len(keys))
				}
				if err != nil || len(entries) != len(keys) {
					t.Errorf("node %d: %d entries, %v", i, len(entries), err)
					return
				}
				for _, e := range entries {
					if e.Value != entries[0].Value {
						t.Errorf("node %d: %s is %q while %s is %q", i, e.Key, e.Value, entries[0].Key, entries[0].Value)
						return
					}
				}
			}
		})
	}
	for round := range 30 {
		entries, err := stores[round%3].KVPutAll(ctx, batch(fmt.Sprint(round)))
		want(t, err, nil)
		for i, e := range entries {
			if e.Key != keys[i] || e.Version == 0 {
				t.Fatalf("entry %d: %+v", i, e)
			}
		}
	}
	done.Store(true)
	wg.Wait()
}

func TestKVList(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	put := func(key, value string) {
		t.Helper()
		_, err := s.KVPut(ctx, store.KVWrite{Key: key, Value: value})
		want(t, err, nil)
	}
	for _, k := range []string{"b", "a/1", "a/2", "a/é", "a/\U0010FFFF", "a", "a0", "%", store.KVScope("tok", "a/1"), store.KVScope("tok2", "z")} {
		put(k, "v")
	}
	for _, tt := range []struct{ prefix, after, want string }{
		{"", "", "% a a/1 a/2 a/é a/\U0010FFFF a0 b"},
		{"a/", "", "a/1 a/2 a/é a/\U0010FFFF"},
		{"a/", "a/2", "a/é a/\U0010FFFF"},
		{"a/", "b", ""},
		{"A", "", ""},
		{"%", "", "%"},
		{store.KVScope("tok", ""), "", store.KVScope("tok", "a/1")},
	} {
		var got []string
		for after := tt.after; ; { // pages of two
			entries, next, err := s.KVList(ctx, consensus.Local, tt.prefix, after, 2)
			want(t, err, nil)
			for _, e := range entries {
				got = append(got, e.Key)
			}
			if next == "" {
				break
			}
			after = next
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("prefix %q after %q: %q, want %q", tt.prefix, tt.after, got, tt.want)
		}
	}
	big := strings.Repeat("x", 1<<20)
	keys := []string{}
	for i := range 18 {
		keys = append(keys, fmt.Sprintf("big/%02d", i))
		put(keys[i], big)
	}
	entries, next, err := s.KVList(ctx, consensus.Local, "big/", "", 100)
	want(t, err, nil)
	if len(entries) != 16 || next != "big/15" {
		t.Errorf("a page of large values has %d, next %q", len(entries), next)
	}
	if _, fits, err := s.KVGetAll(ctx, consensus.Local, keys); fits || err != nil {
		t.Errorf("18 MiB in one answer: %v, %v", fits, err)
	}
	if got, fits, err := s.KVGetAll(ctx, consensus.Local, []string{"nothing", keys[3], "a", keys[3]}); !fits || err != nil || got[0].Found || got[1].Value != big || got[2].Value != "v" || !got[3].Found {
		t.Errorf("in order: %v, %v", fits, err)
	}
}

// A key with an expiry goes at the cluster's time, for every kind of access, and is removed.
func TestKVExpiry(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	put := func(key string, ttl time.Duration) store.KVEntry {
		t.Helper()
		e, err := s.KVPut(ctx, store.KVWrite{Key: key, Value: "v", TTL: ttl})
		want(t, err, nil)
		return e
	}
	if e := put("stays", time.Hour); time.Until(e.ExpiresAt) < 50*time.Minute {
		t.Errorf("expires at %v", e.ExpiresAt)
	}
	put("renewed", time.Millisecond)
	if e := put("renewed", 0); !e.ExpiresAt.IsZero() {
		t.Errorf("a write without an expiry keeps the old one: %v", e.ExpiresAt)
	}
	var last store.KVEntry
	for _, k := range []string{"get", "cas", "delete", "list", "multi"} {
		last = put(k, time.Millisecond)
	}
	deadline := time.Now().Add(20 * time.Second)
	for !s.Now().After(last.ExpiresAt) && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if e, err := s.KVGet(ctx, consensus.Local, "get"); e.Found || err != nil {
		t.Errorf("get: %+v %v", e, err)
	}
	if _, won, err := s.KVCompareAndSet(ctx, store.KVWrite{Key: "cas", Value: "new"}, store.KVCondition{}); !won || err != nil {
		t.Errorf("a new key in place of a due one: %v %v", won, err)
	}
	if found, err := s.KVDelete(ctx, "delete"); found || err != nil {
		t.Errorf("delete: %v %v", found, err)
	}
	if entries, _, err := s.KVGetAll(ctx, consensus.Local, []string{"multi", "stays"}); err != nil || entries[0].Found || !entries[1].Found {
		t.Errorf("multi: %+v %v", entries, err)
	}
	entries, _, err := s.KVList(ctx, consensus.Local, "", "", 10)
	want(t, err, nil)
	var keys []string
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	if got := strings.Join(keys, " "); got != "cas renewed stays" {
		t.Errorf("list: %s", got)
	}
	put("a", time.Millisecond)
	deadline = time.Now().Add(20 * time.Second)
	for {
		want(t, s.KVPrune(ctx), nil)
		rows, err := s.DB().Query(ctx, consensus.Local, `SELECT count(*) FROM kv_entries WHERE expires_at IS NOT NULL`)
		want(t, err, nil)
		if rows.Values[0][0] == int64(1) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v rows with an expiry are left, want 1", rows.Values[0][0])
		}
	}
}

// The same client and number is applied once: on another node, after the leader is gone, and after a restart of all.
func TestKVRequestsAreDoneOnce(t *testing.T) {
	set := consensustest.Cluster(t, 3)
	stores := openStores(t, set)
	put := func(s *store.Store, number, value string) (store.KVEntry, error) {
		ctx := store.WithRequest(t.Context(), store.Request{Key: "client/" + number, Digest: []byte(value)})
		return s.KVPut(ctx, store.KVWrite{Key: "k", Value: value})
	}
	leader := set.Index(set.Leader())
	first, err := put(stores[leader], "1", "one")
	want(t, err, nil)
	_, err = put(stores[(leader+1)%3], "2", "two")
	want(t, err, nil)
	set.Stop(leader)
	check := func(s *store.Store) {
		t.Helper()
		again, err := put(s, "1", "one")
		want(t, err, nil)
		if again.Version != first.Version {
			t.Errorf("the repeat was done anew: %+v, first %+v", again, first)
		}
		if _, err := put(s, "1", "other"); err != lms.ErrKeyReused {
			t.Errorf("another content under the same number: %v", err)
		}
		e, err := s.KVGet(t.Context(), consensus.Linearizable, "k")
		want(t, err, nil)
		if e.Value != "two" {
			t.Errorf("the key has %q: the repeat overwrote what came after", e.Value)
		}
	}
	check(stores[(leader+1)%3])
	for i := range 3 {
		set.Restart(i)
	}
	for i := range 3 {
		set.WaitReady(i)
	}
	check(openStores(t, set)[leader])
	set.WaitEqual()
}

func TestAPITokens(t *testing.T) {
	s := storetest.New(t)
	ctx, operator := t.Context(), lms.Actor{UserID: lms.OperatorID, Admin: true}
	made, err := s.CreateAPIToken(ctx, operator, "t1", "backup", storetest.Hash("one"))
	want(t, err, nil)
	if made.Name != "backup" || made.CreatedAt.IsZero() {
		t.Errorf("%+v", made)
	}
	_, err = s.CreateAPIToken(ctx, operator, "t1", "backup", storetest.Hash("two")) // the first answer was lost
	want(t, err, nil)
	_, err = s.APITokenByHash(ctx, storetest.Hash("one"))
	want(t, err, lms.ErrSignIn)
	got, err := s.APITokenByHash(ctx, storetest.Hash("two"))
	want(t, err, nil)
	if got.ID != "t1" {
		t.Errorf("%+v", got)
	}
	_, err = s.CreateAPIToken(ctx, operator, "t1", "another", storetest.Hash("three"))
	wantKind(t, err, lms.KindConflict, "this id")
	_, err = s.CreateAPIToken(ctx, s.Alice, "t2", "mine", storetest.Hash("four"))
	wantKind(t, err, lms.KindForbidden, "")
	_, err = s.RevokeAPIToken(ctx, operator, "t1")
	want(t, err, nil)
	_, err = s.APITokenByHash(ctx, storetest.Hash("two"))
	want(t, err, lms.ErrSignIn)
	_, err = s.CreateAPIToken(ctx, operator, "t1", "backup", storetest.Hash("five"))
	wantKind(t, err, lms.KindConflict, "this id")
	_, err = s.RevokeAPIToken(ctx, operator, "nothing")
	wantKind(t, err, lms.KindNotFound, "")
	tokens, err := s.APITokens(ctx)
	want(t, err, nil)
	if len(tokens) != 1 || tokens[0].RevokedAt.IsZero() || tokens[0].Secret != "" {
		t.Errorf("%+v", tokens)
	}
}
