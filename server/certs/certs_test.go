package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
	"trivium/server/certs/certstest"
	"trivium/server/seal"
	"trivium/server/store"
)

var quiet = slog.New(slog.DiscardHandler)

// nodes opens the stores of a cluster of three.
func nodes(t *testing.T) (*consensustest.Set, []*store.Store) {
	t.Helper()
	c := consensustest.Cluster(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stores := make([]*store.Store, 3)
	for i, n := range c.Nodes {
		var err error
		if stores[i], err = store.Open(ctx, n.DB); err != nil {
			t.Fatal(err)
		}
	}
	return c, stores
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The storage has certmagic's semantics, and what one node stores every other loads at once.
func TestStorage(t *testing.T) {
	set, stores := nodes(t)
	keys := seal.New()
	a, b, c := newStorage(stores[0], keys), newStorage(stores[1], keys), newStorage(stores[2], keys)
	ctx := t.Context()
	for _, key := range []string{"acme/x/users/me.key", "acme/x/users/me.json", "certs/lms.example.edu/lms.crt", "certs/lms.example.eduX", "other"} {
		must(t, a.Store(ctx, key, []byte("PRIVATE "+key)))
		for _, s := range []*storage{b, c} {
			if got, err := s.Load(ctx, key); err != nil || string(got) != "PRIVATE "+key {
				t.Errorf("%s: %q, %v", key, got, err)
			}
		}
	}
	must(t, b.Store(ctx, "other", nil))
	if got, err := c.Load(ctx, "other"); err != nil || len(got) != 0 {
		t.Errorf("an empty value: %q, %v", got, err)
	}
	for _, key := range []string{"none", "certs", "acme/x", ""} { // folders are no values
		if got, err := c.Load(ctx, key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("load %q: %q, %v", key, got, err)
		}
	}
	info, err := b.Stat(ctx, "acme/x/users/me.key")
	if err != nil || info.Size != int64(len("PRIVATE acme/x/users/me.key")) || !info.IsTerminal || time.Since(info.Modified).Abs() > time.Minute {
		t.Errorf("stat: %+v, %v", info, err)
	}
	if info, err := b.Stat(ctx, "acme/x"); err != nil || info.IsTerminal {
		t.Errorf("stat of a folder: %+v, %v", info, err)
	}
	if _, err := b.Stat(ctx, "acme/y"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of nothing: %v", err)
	}
	for key, want := range map[string]bool{"other": true, "acme": true, "acme/x/users": true, "acme/x/us": false, "certs/lms.example.edu": true, "": true} {
		if got := c.Exists(ctx, key); got != want {
			t.Errorf("exists %q = %v", key, got)
		}
	}
	for _, l := range []struct {
		path      string
		recursive bool
		want      []string
	}{
		{"", false, []string{"acme", "certs", "other"}},
		{"certs", false, []string{"certs/lms.example.edu", "certs/lms.example.eduX"}},
		{"certs", true, []string{"certs/lms.example.edu", "certs/lms.example.edu/lms.crt", "certs/lms.example.eduX"}},
		{"acme/x/users/", true, []string{"acme/x/users/me.json", "acme/x/users/me.key"}},
	} {
		got, err := b.List(ctx, l.path, l.recursive)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, l.want) {
			t.Errorf("list %q = %q, %v; want %q", l.path, got, err, l.want)
		}
	}
	if got, err := b.List(ctx, "nowhere", true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("list of nothing: %q, %v", got, err)
	}
	must(t, c.Delete(ctx, "certs/lms.example.edu")) // a folder, not its longer neighbour
	must(t, c.Delete(ctx, "certs/lms.example.edu")) // twice is no error
	if a.Exists(ctx, "certs/lms.example.edu/lms.crt") || !a.Exists(ctx, "certs/lms.example.eduX") {
		t.Error("deleting a folder")
	}

	// Nobody who reads the database learns a private key, and a value does not open in another place.
	rows, err := set.DB(0).Query(ctx, consensus.Linearizable, `SELECT box FROM certificate_items WHERE key = 'acme/x/users/me.key'`)
	must(t, err)
	var box []byte
	must(t, rows.Values[0].Scan(&box))
	if bytes.Contains(box, []byte("PRIVATE")) {
		t.Errorf("the database shows %q", box)
	}
	must(t, stores[0].PutCertificateItem(ctx, store.CertificateItem{Key: "moved", Box: box}))
	if got, err := a.Load(ctx, "moved"); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("a value in another place: %q, %v", got, err)
	}

	// Without a majority the last that this node knows is served.
	set.WaitEqual()
	set.Stop(1)
	set.Stop(2)
	if got, err := a.Load(ctx, "acme/x/users/me.key"); err != nil || string(got) != "PRIVATE acme/x/users/me.key" {
		t.Errorf("without a majority: %q, %v", got, err)
	}
}

// One of many holders has the lock at a time, over all nodes, and a dead holder's lock ends.
func TestLocks(t *testing.T) {
	_, stores := nodes(t)
	keys := seal.New()
	ctx := t.Context()
	var inside, entered atomic.Int32
	var wg sync.WaitGroup
	for i := range 9 {
		s := newStorage(stores[i%3], keys)
		wg.Go(func() {
			must := func(err error) {
				if err != nil {
					t.Error(err)
				}
			}
			must(s.Lock(ctx, "cert"))
			if inside.Add(1) != 1 {
				t.Error("two have the lock")
			}
			entered.Add(1)
			must(s.RenewLockLease(ctx, "cert", time.Second))
			inside.Add(-1)
			must(s.Unlock(ctx, "cert"))
		})
	}
	wg.Wait()
	if entered.Load() != 9 {
		t.Errorf("%d of 9 came in", entered.Load())
	}
	a, b := newStorage(stores[0], keys), newStorage(stores[1], keys)
	must(t, a.Lock(ctx, "one"))
	must(t, b.Lock(ctx, "two")) // another name
	if ok, err := b.TryLock(ctx, "one"); ok || err != nil {
		t.Errorf("a lock that is taken: %v, %v", ok, err)
	}
	if ok, err := a.TryLock(ctx, "one"); ok || err != nil {
		t.Errorf("a lock that the same node has: %v, %v", ok, err)
	}
	waiting, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := b.Lock(waiting, "one"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a lock: %v", err)
	}
	if err := b.Unlock(ctx, "one"); err == nil {
		t.Error("gave back what it did not have")
	}
	must(t, a.Unlock(ctx, "one"))
	must(t, b.Unlock(ctx, "two"))

	// A node dies while it has the lock: another one gets it when the lock's life is over, by the cluster's stamps.
	if ok, err := stores[2].LockCertificates(ctx, "dead", "gone", 300*time.Millisecond); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := stores[0].LockCertificates(ctx, "dead", "next", time.Minute); ok || err != nil {
		t.Errorf("before its life is over: %v, %v", ok, err)
	}
	must(t, a.Lock(ctx, "dead"))
	must(t, stores[2].UnlockCertificates(ctx, "dead", "gone")) // comes back too late
	if ok, err := b.TryLock(ctx, "dead"); ok || err != nil {
		t.Errorf("the late one gave back another's lock: %v, %v", ok, err)
	}
	must(t, a.Unlock(ctx, "dead"))
}

// Three nodes serve one name. One of them gets the certificate, the authority's question is answered by another, all
// serve the same certificate, also after a restart without a majority.
func TestCertificateForThreeNodes(t *testing.T) {
	set, stores := nodes(t)
	keys := seal.New()
	const name = "lms.example.edu"
	var listeners []net.Listener
	for range 3 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		listeners = append(listeners, ln)
	}
	ca := certstest.New(t, listeners[2].Addr().(*net.TCPAddr).Port, 0) // the name leads to the third node
	managers := make([]*Manager, 3)
	open := func(i int) {
		m, err := New(Config{Domains: []string{name}, Email: "root@example.edu", CA: ca.Directory, Roots: ca.Roots, Address: listeners[i].Addr().String(), Keys: keys, Logger: quiet})
		must(t, err)
		managers[i] = m
	}
	for i, ln := range listeners {
		open(i)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }), ErrorLog: log.New(io.Discard, "", 0)}
		secure := tls.NewListener(ln, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return managers[i].TLS(), nil }})
		go server.Serve(secure)
		t.Cleanup(func() { server.Close() })
		t.Cleanup(func() { managers[i].Close() })
	}
	serial := func(i int, as string) string {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", listeners[i].Addr().String(), &tls.Config{ServerName: as, RootCAs: ca.Issued})
		if err != nil {
			return ""
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	if serial(0, name) != "" || !managers[0].Until().IsZero() {
		t.Error("a certificate before the start")
	}
	must(t, managers[2].Start(stores[2]))
	must(t, managers[2].Start(stores[2])) // twice changes nothing
	must(t, managers[0].Start(stores[0]))
	must(t, managers[1].Start(stores[1]))
	first := ""
	eventually(t, "three nodes have one certificate", func() bool {
		first = serial(0, name)
		return first != "" && serial(1, name) == first && serial(2, name) == first
	})
	if n := ca.Orders.Load(); n != 1 {
		t.Errorf("%d certificates were ordered", n)
	}
	if serial(0, "other.example.edu") != "" {
		t.Error("a certificate for a name that is not ours")
	}
	if w := managers[0].Warning(); w != "" || managers[0].Until().Before(time.Now()) {
		t.Errorf("warning %q, until %v", w, managers[0].Until())
	}

	set.WaitEqual()
	set.Stop(1)
	set.Stop(2)
	managers[0].Close()
	open(0)
	must(t, managers[0].Start(stores[0]))
	eventually(t, "the node that is left serves the certificate after a restart", func() bool { return serial(0, name) == first })
}

// A certificate that is about to end is renewed while the nodes serve: by one of them, and all of them serve the new one, without a
// restart and without a moment in which there is none.
func TestRenewal(t *testing.T) {
	_, stores := nodes(t)
	keys := seal.New()
	const name = "lms.example.edu"
	listeners := make([]net.Listener, 3)
	for i := range listeners {
		var err error
		listeners[i], err = net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
	}
	ca := certstest.New(t, listeners[0].Addr().(*net.TCPAddr).Port, 45*time.Second)
	managers := make([]*Manager, 3)
	for i, ln := range listeners {
		m, err := New(Config{Domains: []string{name}, CA: ca.Directory, Roots: ca.Roots, Address: ln.Addr().String(), CheckEvery: time.Second, Keys: keys, Logger: quiet})
		must(t, err)
		managers[i] = m
		server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0)}
		go server.Serve(tls.NewListener(ln, m.TLS()))
		t.Cleanup(func() { server.Close() })
		t.Cleanup(m.Close)
	}
	served := func(i int) string {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", listeners[i].Addr().String(), &tls.Config{ServerName: name, RootCAs: ca.Issued})
		if err != nil {
			return ""
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	for i, m := range managers {
		must(t, m.Start(stores[i]))
	}
	first := ""
	eventually(t, "the first certificate", func() bool {
		first = served(0)
		return first != "" && served(1) == first && served(2) == first
	})
	eventually(t, "all nodes serve the next one", func() bool {
		next := served(0)
		if next == "" {
			t.Fatal("no certificate while it is renewed")
		}
		return next != first && served(1) == next && served(2) == next
	})
	if n := ca.Orders.Load(); n != 2 {
		t.Errorf("%d certificates were ordered by three nodes for two terms", n)
	}
}

// An authority that cannot be reached, or does not find the node, is told in plain words.
func TestWarning(t *testing.T) {
	s := consensustest.Open(t)
	st, err := store.Open(t.Context(), s)
	must(t, err)
	ca := certstest.New(t, 1, 0) // nobody answers there
	m, err := New(Config{Domains: []string{"lms.example.edu"}, CA: ca.Directory, Roots: ca.Roots, Address: "127.0.0.1:0", Keys: seal.New(), Logger: quiet})
	must(t, err)
	defer m.Close()
	must(t, m.Start(st))
	eventually(t, "the warning", func() bool { return strings.Contains(m.Warning(), "No certificate could be had for lms.example.edu") })
}

func TestConfig(t *testing.T) {
	if _, err := New(Config{Keys: seal.New()}); err == nil {
		t.Error("no domains")
	}
	if _, err := New(Config{Domains: []string{"x"}}); err == nil {
		t.Error("no keys")
	}
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !cond(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		<-time.After(50 * time.Millisecond)
	}
}
