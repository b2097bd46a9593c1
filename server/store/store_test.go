package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// want fails unless err is the refusal; nil wants success.
func want(t *testing.T, err error, target error) {
	t.Helper()
	if target == nil && err != nil || target != nil && !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}

// wantKind fails unless err is a refusal of the kind that has the text.
func wantKind(t *testing.T, err error, kind lms.Kind, text string) {
	t.Helper()
	if lms.KindOf(err) != kind || err != nil && !strings.Contains(err.Error(), text) {
		t.Fatalf("got error %v, want %s with %q", err, kind, text)
	}
}

func ptr[T any](v T) *T { return &v }

// race calls f n times at once and counts the successes. Refusals must be of the kind.
func race(t *testing.T, n int, kind lms.Kind, f func(i int) error) (successes int) {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = f(i)
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			successes++
		} else if lms.KindOf(err) != kind {
			t.Errorf("a loser of the race got %v, want %s", err, kind)
		}
	}
	return successes
}

func TestOpenTwiceMigratesOnce(t *testing.T) {
	s := storetest.Open(t)
	race(t, 4, "", func(int) error {
		_, err := store.Open(t.Context(), s.DB())
		return err
	})
	rows, err := s.DB().Query(t.Context(), consensus.Local, `SELECT count(*), max(version) FROM schema_migrations`)
	want(t, err, nil)
	var count, version int
	want(t, rows.Values[0].Scan(&count, &version), nil)
	if count != version || count == 0 {
		t.Errorf("%d migrations recorded, the last is %d", count, version)
	}
}

func TestOpenRefusesNewerData(t *testing.T) {
	s := storetest.Open(t)
	var b consensus.Batch
	b.Exec(`INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'later', ?)`, consensus.Stamp{})
	_, err := s.DB().Apply(t.Context(), &b)
	want(t, err, nil)
	if _, err := store.Open(t.Context(), s.DB()); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("opening data of a newer program: %v", err)
	}
}

func TestRequestKey(t *testing.T) {
	s := storetest.New(t)
	ask := func(key, digest, id, title string) (lms.Course, error) {
		ctx := store.WithRequest(t.Context(), store.Request{Key: key, Digest: []byte(digest)})
		return s.CreateCourse(ctx, s.Instructor, lms.Course{ID: id, Code: "X", Title: title, Zone: "UTC", State: lms.CoursePublished})
	}
	first, err := ask("k1", "d1", "c-x", "First")
	want(t, err, nil)
	t.Run("repeat returns the first response", func(t *testing.T) {
		_, err := s.UpdateCourse(t.Context(), s.Instructor, lms.Course{ID: "c-x", Code: "X", Title: "Changed", Zone: "UTC", State: lms.CoursePublished, Version: 1})
		want(t, err, nil)
		again, err := ask("k1", "d1", "c-y", "First")
		want(t, err, nil)
		if again != first {
			t.Errorf("a repeat got %+v, want %+v", again, first)
		}
	})
	t.Run("other content is refused", func(t *testing.T) {
		_, err := ask("k1", "d2", "c-z", "Other")
		want(t, err, lms.ErrKeyReused)
	})
	t.Run("another key is another request", func(t *testing.T) {
		_, err := ask("k2", "d1", "c-w", "First")
		want(t, err, nil)
	})
	t.Run("a refusal is checked again", func(t *testing.T) {
		_, err := ask("k3", "d3", "c-x", "Taken")
		wantKind(t, err, lms.KindConflict, "exists already")
		_, err = ask("k3", "d3", "c-v", "Taken")
		want(t, err, nil)
	})
}

func TestKeyReplayWithSeveralBatches(t *testing.T) {
	s := storetest.New(t)
	s.Post(t, "a1")
	submit := func() (lms.Submission, uint64, error) {
		ctx := store.WithRequest(t.Context(), store.Request{Key: "hand-in", Digest: []byte("d")})
		sub, index, err := s.Submit(ctx, s.Alice, s.Course.ID, "a1", "s1", "text", nil)
		if err == nil {
			_, err = s.KVPut(ctx, store.KVWrite{Key: "n", Value: "v"})
		}
		return sub, index, err
	}
	first, index, err := submit()
	want(t, err, nil)
	once, err := s.KVGet(t.Context(), consensus.Local, "n")
	want(t, err, nil)
	again, index2, err := submit()
	want(t, err, nil)
	if first.Attempt != again.Attempt || !first.SubmittedAt.Equal(again.SubmittedAt) || index != index2 || index == 0 {
		t.Errorf("a repeat got %+v at %d, want %+v at %d", again, index2, first, index)
	}
	e, err := s.KVGet(t.Context(), consensus.Local, "n")
	want(t, err, nil)
	if e.Version == 0 || e.Version != once.Version {
		t.Errorf("the second batch of the request ran twice: version %d, then %d", once.Version, e.Version)
	}
}

func TestNowFollowsTheCluster(t *testing.T) {
	s := storetest.New(t)
	if d := time.Since(s.Now()).Abs(); d > 2*time.Second {
		t.Errorf("Now is %s off on a single node", d)
	}
}

func TestCluster(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	want(t, s.SetNode(ctx, "n1", "127.0.0.1:1", "http://one"), nil)
	want(t, s.SetNode(ctx, "n2", "127.0.0.1:2", "http://two"), nil)
	want(t, s.SetNode(ctx, "n2", "127.0.0.1:2", "http://zwei"), nil)
	before := s.DB().Applied()
	want(t, s.SetNode(ctx, "n2", "127.0.0.1:2", "http://zwei"), nil)
	if s.DB().Applied() != before {
		t.Error("an unchanged node was written again")
	}
	want(t, s.RemoveNodeRow(ctx, "n1"), nil)
	origins, err := s.NodeOrigins(ctx)
	want(t, err, nil)
	if len(origins) != 1 || origins["n2"] != "http://zwei" {
		t.Errorf("got %v", origins)
	}

	want(t, s.CreateJoinToken(ctx, storetest.Hash("good"), time.Now().Add(time.Hour)), nil)
	want(t, s.CreateJoinToken(ctx, storetest.Hash("old"), time.Now().Add(-time.Hour)), nil)
	wantKind(t, s.UseJoinToken(ctx, storetest.Hash("bad"), "n3"), lms.KindForbidden, "token")
	wantKind(t, s.UseJoinToken(ctx, storetest.Hash("old"), "n3"), lms.KindForbidden, "expired")
	if n := race(t, 4, lms.KindForbidden, func(i int) error { return s.UseJoinToken(ctx, storetest.Hash("good"), "n"+string(rune('3'+i))) }); n != 1 {
		t.Errorf("%d nodes used one token", n)
	}

	v, err := s.Setting(ctx, "name")
	want(t, err, nil)
	want(t, s.SetSetting(ctx, "name", "Site"), nil)
	w, err := s.Setting(ctx, "name")
	want(t, err, nil)
	if v != "" || w != "Site" {
		t.Errorf("setting %q, then %q", v, w)
	}
}

func TestNotify(t *testing.T) {
	s := storetest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	events := s.DB().Watch(ctx)
	_, err := s.Ask(ctx, s.Alice, lms.Question{ID: "q1", CourseID: s.Course.ID, To: lms.ToStaff, Title: "?", Visibility: lms.VisibleStaff}, "")
	want(t, err, nil)
	for e := range events {
		if strings.Join(e.Topics, " ") == "course/c-one question/q1" {
			return
		}
	}
	t.Error("no event for the question")
}
