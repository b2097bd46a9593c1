package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
)

var quiet = slog.New(slog.DiscardHandler)

// testNode is a node on loopback with everything that this package stands on.
type testNode struct {
	*Cluster
	t     *testing.T
	dir   string
	id    *Identity
	db    *consensus.DB
	store *store.Store
}

// address reserves a port of loopback.
func address(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// found starts the first node of a new cluster.
func found(t *testing.T, id string) *testNode {
	t.Helper()
	dir, addr := t.TempDir(), address(t)
	self, err := Found(dir, id, addr)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, dir, self)
}

// join exchanges a token of the peer and starts the node as a voter.
func join(t *testing.T, peer *testNode, id string) *testNode {
	t.Helper()
	token, _, err := peer.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, addr := t.TempDir(), address(t)
	self, err := Join(t.Context(), JoinConfig{DataDir: dir, ID: id, Address: addr, Peers: []string{peer.id.Address()}, Token: token, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, dir, self)
}

func start(t *testing.T, dir string, self *Identity) *testNode {
	t.Helper()
	return startLife(t, dir, self, 0)
}

// startLife starts a node that issues certificates of the life.
func startLife(t *testing.T, dir string, self *Identity, life time.Duration) *testNode {
	t.Helper()
	ln, err := net.Listen("tcp", self.Address())
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{Identity: self, Listener: ln, Origin: "http://" + self.ID(), Logger: quiet, CertificateLife: life})
	if err != nil {
		t.Fatal(err)
	}
	n := &testNode{Cluster: c, t: t, dir: dir, id: self}
	n.db, err = consensus.Open(consensus.Config{
		ID: self.ID(), Dir: filepath.Join(dir, "db"), Address: self.Address(), Network: c.Network(),
		Bootstrap:        self.Founder() && !self.Member(),
		HeartbeatTimeout: 200 * time.Millisecond, ElectionTimeout: 200 * time.Millisecond, LeaseTimeout: 100 * time.Millisecond,
		DiskTimeout: time.Minute, // the disk is shared with other tests
		Logger:      quiet, Fatal: func(err error) { t.Errorf("%s: %v", self.ID(), err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.stop)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Enter(ctx, n.db, self.Address()); err != nil {
		t.Fatalf("%s enters: %v", self.ID(), err)
	}
	if n.store, err = store.Open(ctx, n.db); err != nil {
		t.Fatal(err)
	}
	c.Attach(n.db, n.store)
	return n
}

func (n *testNode) stop() {
	if n.db == nil {
		return
	}
	n.Detach()
	n.db.Close()
	n.Cluster.Close()
	n.db = nil
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !cond(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 15 s: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func tryJoin(t *testing.T, dir, peer, token string) error {
	t.Helper()
	_, err := Join(t.Context(), JoinConfig{DataDir: dir, ID: "late", Address: address(t), Peers: []string{peer}, Token: token, Patience: 2 * time.Second, Logger: quiet})
	return err
}

func TestThreeNodesForm(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	c := join(t, b, "c") // not from the founder: every node can admit
	if err := a.store.SetSetting(t.Context(), "greeting", "hello"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*testNode{b, c} {
		eventually(t, n.ID()+" has what was written on a", func() bool {
			v, err := n.store.Setting(t.Context(), "greeting")
			return err == nil && v == "hello"
		})
	}
	nodes, err := c.Nodes(t.Context())
	if err != nil || len(nodes) != 3 {
		t.Fatalf("nodes = %v, %v", nodes, err)
	}
	for _, n := range nodes {
		if !n.Voter || !n.Up {
			t.Errorf("node %+v: want a voter that answers", n)
		}
	}
	eventually(t, "every origin is known", func() bool {
		origins, err := b.store.NodeOrigins(t.Context())
		return err == nil && len(origins) == 3 && origins["c"] == "http://c"
	})

	// A node comes back with what it kept, without a token.
	dir := b.dir
	b.stop()
	self, err := Load(dir)
	if err != nil || !self.Member() || self.Founder() {
		t.Fatalf("identity after a restart: %+v, %v", self, err)
	}
	b = start(t, dir, self)
	if v, err := b.store.Setting(t.Context(), "greeting"); err != nil || v != "hello" {
		t.Errorf("setting after a restart = %q, %v", v, err)
	}
}

func TestTokens(t *testing.T) {
	a := found(t, "a")
	ctx := t.Context()
	valid := func() string {
		token, _, err := a.Token(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	t.Run("wrong secret", func(t *testing.T) {
		wrong := token{a.id.ca.Hash(), lms.NewSecret()}.String()
		wantRefusal(t, tryJoin(t, t.TempDir(), a.id.Address(), wrong), "wrong, used or expired")
	})
	t.Run("used by another node", func(t *testing.T) {
		tok, dir := valid(), t.TempDir()
		if err := tryJoin(t, dir, a.id.Address(), tok); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, tryJoin(t, t.TempDir(), a.id.Address(), tok), "wrong, used or expired") // same id, another key
		if _, err := Load(dir); err != nil {
			t.Errorf("the first node lost its identity: %v", err)
		}
	})
	t.Run("repeated by the same node", func(t *testing.T) {
		tok, dir := valid(), t.TempDir()
		for range 2 {
			if err := tryJoin(t, dir, a.id.Address(), tok); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("expired", func(t *testing.T) {
		old := token{a.id.ca.Hash(), lms.NewSecret()}
		if err := a.store.CreateJoinToken(ctx, old.hash(), time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		wantRefusal(t, tryJoin(t, dir, a.id.Address(), old.String()), "wrong, used or expired")
		if _, err := Load(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("something was joined: %v", err)
		}
	})
	t.Run("not a token", func(t *testing.T) {
		for _, s := range []string{"", "hello", "K10::x", "K10" + strings.Repeat("z", 64) + "::x", "K10" + strings.Repeat("a", 64) + "::"} {
			wantRefusal(t, tryJoin(t, t.TempDir(), a.id.Address(), s), "not a join token")
		}
	})
	t.Run("unreachable", func(t *testing.T) {
		err := tryJoin(t, t.TempDir(), address(t), valid())
		if err == nil || !strings.Contains(err.Error(), "nobody answers") {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("id of a member", func(t *testing.T) {
		tok := valid()
		_, err := Join(ctx, JoinConfig{DataDir: t.TempDir(), ID: "a", Address: address(t), Peers: []string{a.id.Address()}, Token: tok, Logger: quiet})
		wantRefusal(t, err, "There is a node a already")
		if err := tryJoin(t, t.TempDir(), a.id.Address(), tok); err != nil {
			t.Errorf("the mistake has spent the token: %v", err)
		}
	})
}

func wantRefusal(t *testing.T, err error, text string) {
	t.Helper()
	var e *lms.Error
	if !errors.As(err, &e) || !strings.Contains(e.Message, text) {
		t.Errorf("error = %v; want a refusal that says %q", err, text)
	}
}

// The secret of a token must not reach a stranger who answers at the address, whatever certificate they present.
func TestSecretIsNotSentToAnotherCluster(t *testing.T) {
	other, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := Found(t.TempDir(), "stranger", "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	got := make(chan []byte, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		// It adds the authority of the token's cluster to what it presents, but cannot sign with it.
		cert := *stranger.cert.Load()
		cert.Certificate = append(cert.Certificate, other.cert.Raw)
		s := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}})
		data, _ := io.ReadAll(s)
		got <- data
	}()
	tok := token{other.Hash(), lms.NewSecret()}.String()
	dir := t.TempDir()
	if err := tryJoin(t, dir, ln.Addr().String(), tok); !errors.Is(err, errOtherCluster) {
		t.Errorf("error = %v", err)
	}
	select {
	case data := <-got:
		if len(data) > 0 {
			t.Errorf("the stranger received %q", data)
		}
	case <-time.After(10 * time.Second):
		t.Error("the connection was not closed")
	}
	if _, err := Load(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was joined: %v", err)
	}
}

func TestRemovedNodeIsRefused(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	c := join(t, a, "c")
	ctx := t.Context()
	conn, err := c.Network().Dial(ctx, consensus.ServiceRPC, a.id.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := b.Remove(ctx, "c", false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a and b have one other member", func() bool {
		x, err1 := a.Nodes(ctx)
		y, err2 := b.Nodes(ctx)
		return err1 == nil && err2 == nil && len(x) == 2 && len(y) == 2
	})
	conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the open connection of the removed node: %v; want it closed", err)
	}
	for _, s := range []consensus.Service{consensus.ServiceRaft, consensus.ServiceRPC, 'F'} {
		if open(t, s, a.id.Address(), c.clientTLS()) {
			t.Errorf("service %c is open to the removed node", s)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	wantRefusal(t, post(ctx, c.client, a.id.Address(), "/member", memberRequest{Address: c.id.Address(), Voter: true}, &done{}), "was removed")
	if err := b.Remove(ctx, "c", false); err != nil {
		t.Errorf("removing it again: %v; want nothing to happen", err)
	}
	wantRefusal(t, b.Remove(ctx, "nobody", false), "no node")

	// Its id stays refused after a restart of a, before a's database is open.
	dir := a.dir
	a.stop()
	data, err := os.ReadFile(filepath.Join(dir, folder, removedFile))
	if err != nil || string(data) != "c\n" {
		t.Errorf("removed nodes on disk: %q, %v", data, err)
	}
}

func TestLeaderRemovesItself(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	join(t, a, "c")
	if err := a.Remove(t.Context(), "a", false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the others go on without it", func() bool {
		nodes, err := b.Nodes(t.Context())
		return err == nil && len(nodes) == 2 && b.store.SetSetting(t.Context(), "x", "y") == nil
	})
}

// open reports whether the service keeps the connection: it sends something, or waits for the caller to.
func open(t *testing.T, s consensus.Service, address string, config *tls.Config) bool {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if config != nil {
		c := tls.Client(conn, config)
		if err := c.Handshake(); err != nil {
			return false
		}
		conn = c
	}
	if _, err := conn.Write([]byte(string(rune(s)) + "hello, is anybody there?")); err != nil {
		return false
	}
	conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	answer := make([]byte, 7)
	n, err := io.ReadFull(conn, answer) // to plain text, TLS answers with an alert and closes
	return string(answer[:n]) == "welcome" || errors.Is(err, os.ErrDeadlineExceeded)
}

func TestDialExpectsTheNodeOfTheAddress(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	a.mu.Lock()
	a.book = map[string]string{b.id.Address(): "somebody-else"}
	a.mu.Unlock()
	err := a.verify(b.id.Address(), &tls.ConnectionState{PeerCertificates: []*x509.Certificate{b.id.cert.Load().Leaf}})
	if err == nil || !strings.Contains(err.Error(), "instead of somebody-else") {
		t.Errorf("error = %v", err)
	}
}

// While one change of membership is under way a second one is refused, and told why.
func TestOneChangeAtATime(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	join(t, a, "c")
	started, over := make(chan struct{}), make(chan error, 1)
	go func() {
		close(started)
		over <- a.db.Join(t.Context(), "ghost", "127.0.0.1:1", true) // waits for a node that does not come
	}()
	<-started
	eventually(t, "the first change is under way", func() bool { // transferring to the leader changes nothing, but waits its turn
		return errors.Is(a.db.Transfer(t.Context(), a.ID()), consensus.ErrMembership)
	})
	wantRefusal(t, b.Remove(t.Context(), "c", false), "The node stays: another change is under way")
	if err := <-over; !errors.Is(err, consensus.ErrMembership) {
		t.Errorf("a node that does not answer: %v", err)
	}
	if err := b.Remove(t.Context(), "c", false); err != nil {
		t.Errorf("when the first is over: %v", err)
	}
}
