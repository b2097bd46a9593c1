package backup

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"trivium/app/lms"
)

// TestMain makes the test servers' certificate one that clients trust.
func TestMain(m *testing.M) {
	srv := httptest.NewTLSServer(nil)
	dir := must(os.MkdirTemp("", "trivium-backup-"))
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		panic(err)
	}
	srv.Close()
	os.Setenv("SSL_CERT_FILE", file)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// fakeS3 is an S3-compatible store in this process.
func fakeS3(t *testing.T, bucket string) (place func(key string) string) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	store := s3mem.New()
	srv := httptest.NewTLSServer(gofakes3.New(store, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(srv.Close)
	if err := store.CreateBucket(bucket); err != nil {
		t.Fatal(err)
	}
	u := must(url.Parse(srv.URL))
	return func(key string) string {
		return "s3://" + bucket + "/" + key + "?endpoint=" + u.Host + "&region=us-east-1"
	}
}

// offset is a store whose clock can be turned forward.
type offset struct {
	Store
	ahead *atomic.Int64
}

func (o offset) Now() time.Time { return o.Store.Now().Add(time.Duration(o.ahead.Load())) }

// scheduler makes a service whose loop is the test's.
func (s *testSite) scheduler(t *testing.T, node string, leads bool, ahead *atomic.Int64, sch Schedule) *Service {
	t.Helper()
	src := s.source
	src.Node, src.Dir = node, filepath.Join(t.TempDir(), "b")
	v, err := New(Config{Source: src, Store: offset{s.Store, ahead}, IsLeader: func() bool { return leads }, Schedule: sch, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	v.cancel() // the loop: the test looks
	v.wg.Wait()
	v.ctx, v.cancel = context.WithCancel(context.Background())
	t.Cleanup(func() { v.Close() })
	return v
}

func TestScheduleMakesOneArchiveASlot(t *testing.T) {
	s := newSite(t)
	s.upload(t, "one", lms.ChunkSize+9, true)
	place := fakeS3(t, "backups")
	key := must(age.GenerateX25519Identity())
	sch := Schedule{Every: time.Hour, To: place("site"), Keep: 2, Recipients: []string{key.Recipient().String()}}
	var ahead atomic.Int64
	a, b := s.scheduler(t, "a", true, &ahead, sch), s.scheduler(t, "b", true, &ahead, sch) // both believe that they lead
	follower := s.scheduler(t, "c", false, &ahead, sch)
	names := func() []string { return must(a.to.List(t.Context(), testCluster)) }
	both := func() {
		var wg sync.WaitGroup
		for _, v := range []*Service{a, b, follower} {
			wg.Go(func() { v.look(t.Context()) })
		}
		wg.Wait()
	}
	both()
	both()
	if n := names(); len(n) != 1 || !strings.HasSuffix(n[0], ageName) {
		t.Fatalf("archives %v", n)
	}
	first := names()[0]
	st := must(follower.Status(t.Context()))
	if st.Last == nil || st.Last.State != lms.BackupDone || st.Last.Name != first || st.Last.Node == "c" || st.LastGood.IsZero() || st.To != "s3://backups/site" {
		t.Errorf("%+v %+v", st, st.Last)
	}
	for range 3 { // as time goes by, the oldest go
		ahead.Add(int64(time.Hour))
		both()
	}
	if n := names(); len(n) != 2 || n[0] == first {
		t.Errorf("archives %v", n)
	}
	lost := must(s.FilesAfter(t.Context(), "", 10))[0].Chunks[0]
	part := s.chunks[lost]
	delete(s.chunks, lost)
	for _, v := range []*Service{a, b} { // what an archive lacks may be in an old one
		v.c.Source.Gone = func(hash string) bool { return hash == lost }
	}
	whole := names()
	for range 4 {
		ahead.Add(int64(time.Hour))
		both()
	}
	if n := names(); len(n) != 4 || !slices.Equal(n[:2], whole) {
		t.Errorf("archives %v while parts of files are lost, after %v", n, whole)
	}
	if st := must(follower.Status(t.Context())); st.Last.State != lms.BackupDone || !strings.Contains(st.Last.Error, "that have everything are kept") {
		t.Errorf("%+v", st.Last)
	}
	s.chunks[lost] = part // it was brought back, and the file store has not noticed
	ahead.Add(int64(time.Hour))
	both()
	if n := names(); len(n) != 2 {
		t.Errorf("archives %v after they were brought back", n)
	}
	if st := must(follower.Status(t.Context())); st.Last.Error != "" {
		t.Errorf("%+v", st.Last)
	}
	r, err := Download(t.Context(), place("site/"+names()[1]))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := Restore(t.Context(), r, Target{Dir: t.TempDir(), Address: "127.0.0.1:4100", Keys: []age.Identity{key}})
	if err != nil || got.Manifest.Keys == (Member{}) {
		t.Errorf("%+v, %v: an archive for the operator has the keys of sealed secrets", got, err)
	}
}

// TestScheduleIsTakenOver: a node that dies at work leaves its slot to the next leader, under the same name.
func TestScheduleIsTakenOver(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	var ahead atomic.Int64
	sch := Schedule{Every: time.Hour, To: dir}
	a, b := s.scheduler(t, "a", true, &ahead, sch), s.scheduler(t, "b", true, &ahead, sch)
	mine, text, err := a.claim(t.Context()) // and dies
	if err != nil || text == "" {
		t.Fatal(err)
	}
	b.look(t.Context())
	if n := must(b.to.List(t.Context(), testCluster)); len(n) != 0 {
		t.Fatalf("two nodes at one slot: %v", n)
	}
	ahead.Add(int64(claimLife))
	slot := b.c.Store.Now().Truncate(time.Hour).Unix()
	b.look(t.Context())
	if n := must(b.to.List(t.Context(), testCluster)); len(n) != 1 {
		t.Fatalf("archives %v", n)
	} else if slot == mine.Slot && n[0] != archiveName(testCluster, time.Unix(slot, 0).UTC().Format(nameTime), false) {
		t.Errorf("%v is not named by its slot", n)
	}
	// The first one was not dead: it finds out, and gives up.
	if _, err := a.scheduled(t.Context(), mine, text); err == nil {
		ok, err := a.c.Store.SwapSetting(t.Context(), settingClaim, text, "x")
		if ok || err != nil {
			t.Errorf("the old claim holds: %v", err)
		}
	}
}

func TestFailedScheduleIsLoudAndTriedAgain(t *testing.T) {
	s := newSite(t)
	s.upload(t, "one", 100, true)
	kept := s.chunks
	s.chunks = map[string][]byte{}
	var ahead atomic.Int64
	var out bytes.Buffer
	dir := t.TempDir()
	a := s.scheduler(t, "a", true, &ahead, Schedule{Every: time.Hour, To: dir})
	a.log = slog.New(slog.NewTextHandler(&out, nil))
	a.look(t.Context())
	a.look(t.Context()) // too early
	if n := strings.Count(out.String(), "SCHEDULED BACKUP FAILED"); n != 1 {
		t.Errorf("%d loud failures:\n%s", n, out.String())
	}
	a.look(t.Context())
	if w := a.Warning(); !strings.Contains(w, "failed on node a") || !strings.Contains(w, "There is none yet") {
		t.Errorf("warning %q", w)
	}
	if entries := must(os.ReadDir(dir)); len(entries) != 0 {
		t.Errorf("half an archive is left: %v", entries)
	}
	s.chunks = kept
	ahead.Add(int64(maxRetry))
	a.look(t.Context())
	a.look(t.Context())
	if n := must(a.to.List(t.Context(), testCluster)); len(n) != 1 || a.Warning() != "" {
		t.Errorf("archives %v, warning %q", n, a.Warning())
	}
	ahead.Add(int64(3 * time.Hour))
	a.c.IsLeader = func() bool { return false }
	a.look(t.Context())
	if !strings.Contains(a.Warning(), "overdue") {
		t.Errorf("warning %q", a.Warning())
	}
}

func TestOthersFilesAreNotRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"thesis.tar", "trivium-c1-notes.tar", "trivium-c2-20260101T000000Z.tar", "trivium-c1-20260101T000000Z.tar.age"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n := must(folder(dir).List(t.Context(), "c1")); len(n) != 1 || n[0] != "trivium-c1-20260101T000000Z.tar.age" {
		t.Errorf("%v", n)
	}
}

func TestScheduleSettings(t *testing.T) {
	for _, c := range []struct {
		s    Schedule
		good bool
	}{
		{Schedule{}, true},
		{Schedule{Every: time.Hour, To: "/backups"}, true},
		{Schedule{Every: time.Hour, To: "s3://b/p?endpoint=127.0.0.1:9000&insecure=1", Keep: 3}, true},
		{Schedule{Every: time.Hour}, false},
		{Schedule{To: "/backups"}, false},
		{Schedule{Every: time.Second, To: "/backups"}, false},
		{Schedule{Every: time.Hour, To: "backups"}, false},
		{Schedule{Every: time.Hour, To: "https://host/x"}, false},
		{Schedule{Every: time.Hour, To: "s3://key:secret@b/p"}, false},
		{Schedule{Every: time.Hour, To: "s3://b/p?secret=1"}, false},
		{Schedule{Every: time.Hour, To: "/backups", Recipients: []string{"age1x"}}, false},
	} {
		if err := c.s.Validate(); (err == nil) != c.good {
			t.Errorf("%+v: %v", c.s, err)
		}
	}
}

// neverList is a place whose keys allow to put archives there and no more.
type neverList struct{ Destination }

func (neverList) List(context.Context, string) ([]string, error) { return nil, errors.New("forbidden") }

func TestWhoKeepsAllArchivesNeedNotListThem(t *testing.T) {
	s := newSite(t)
	v := s.scheduler(t, "a", true, new(atomic.Int64), Schedule{Every: time.Hour, To: t.TempDir()})
	v.to = neverList{v.to}
	v.look(t.Context())
	if last := must(v.Status(t.Context())).Last; last == nil || last.State != lms.BackupDone || last.Error != "" {
		t.Errorf("%+v", last)
	}
}

// waitFor polls this node's job.
func waitFor(t *testing.T, s *Service, want lms.BackupState) lms.Backup {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if j := must(s.Status(t.Context())).Job; j != nil && j.State == want {
			return *j
		}
	}
	t.Fatalf("the job is not %s: %+v", want, must(s.Status(t.Context())).Job)
	return lms.Backup{}
}

func TestJob(t *testing.T) {
	s := newSite(t)
	s.upload(t, "one", 100, true)
	var ahead atomic.Int64
	v := s.scheduler(t, "a", true, &ahead, Schedule{})
	if _, err := v.Start(t.Context(), nil, false); err != nil {
		t.Fatal(err)
	}
	j := waitFor(t, v, lms.BackupReady)
	if _, _, err := v.Content(t.Context(), "other"); lms.KindOf(err) != lms.KindNotFound {
		t.Error(err)
	}
	_, write, err := v.Content(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Start(t.Context(), nil, false); lms.KindOf(err) != lms.KindConflict {
		t.Errorf("two at a time: %v", err)
	}
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	if j := waitFor(t, v, lms.BackupDone); j.Done != j.Total {
		t.Errorf("%+v", j)
	}
	if _, _, err := v.Content(t.Context(), j.ID); lms.KindOf(err) != lms.KindConflict {
		t.Errorf("downloaded twice: %v", err)
	}
	if left := must(os.ReadDir(v.c.Source.Dir)); len(left) != 0 {
		t.Errorf("the copy is still there: %v", left)
	}
	if _, err := Restore(t.Context(), &out, Target{Dir: t.TempDir(), Address: "127.0.0.1:4100"}); err != nil {
		t.Error(err)
	}
}

func TestBrokenUploadLeavesNothing(t *testing.T) {
	place := fakeS3(t, "backups")
	broken := errors.New("broken")
	err := Upload(t.Context(), place("x.tar"), 100, func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 17<<20)); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	if r, err := Download(t.Context(), place("x.tar")); err == nil {
		r.Close()
		t.Error("half an object")
	}
}
