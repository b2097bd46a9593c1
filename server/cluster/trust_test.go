package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// forge makes a certificate that the authority signs (nil: itself), as a thief of the authority's key could not do better.
func forge(t *testing.T, ca *CA, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: "a"}, DNSNames: []string{"a"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	change(c)
	parent, signer := c, any(key)
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func as(c tls.Certificate) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{c}}
}

// Every service of the cluster port but the join service is closed to whoever is not a node of this cluster.
func TestStrangersAreRefused(t *testing.T) {
	a := found(t, "a")
	gone := join(t, a, "gone")
	if err := a.Remove(t.Context(), "gone", false); err != nil {
		t.Fatal(err)
	}
	ln := a.Network().Listen('F')
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("welcome"))
		}
	}()
	other, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	sameName, err := Found(t.TempDir(), "a", "127.0.0.1:1") // another cluster with a node of the same name
	if err != nil {
		t.Fatal(err)
	}
	ours := a.id.ca
	old := as(*a.id.cert.Load())
	old.MaxVersion = tls.VersionTLS12
	for name, config := range map[string]*tls.Config{
		"no certificate":       {InsecureSkipVerify: true},
		"foreign CA":           as(*sameName.cert.Load()),
		"foreign CA, our name": as(forge(t, other, func(c *x509.Certificate) {})),
		"self-signed":          as(forge(t, nil, func(*x509.Certificate) {})),
		"self-signed as a CA": as(forge(t, nil, func(c *x509.Certificate) {
			c.Subject, c.IsCA, c.BasicConstraintsValid, c.KeyUsage = ours.cert.Subject, true, true, x509.KeyUsageCertSign
		})),
		"expired": as(forge(t, ours, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })),
		"not valid yet": as(forge(t, ours, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		})),
		"two names":      as(forge(t, ours, func(c *x509.Certificate) { c.DNSNames = []string{"a", "b"} })),
		"no name":        as(forge(t, ours, func(c *x509.Certificate) { c.DNSNames = nil })),
		"not a name":     as(forge(t, ours, func(c *x509.Certificate) { c.DNSNames = []string{"*.example.edu"} })),
		"not for people": as(forge(t, ours, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })),
		"removed node":   gone.clientTLS(),
		"TLS 1.2":        old,
		"plain text":     nil,
	} {
		for _, s := range []consensus.Service{consensus.ServiceRaft, consensus.ServiceRPC, 'F'} {
			if open(t, s, a.id.Address(), config) {
				t.Errorf("%s: service %c is open", name, s)
			}
		}
	}
	if !open(t, 'F', a.id.Address(), a.clientTLS()) {
		t.Error("service F is closed to a member")
	}
}

// A node does not talk to whoever answers at another node's address, unless it is that node.
func TestImpostorsAreNotTalkedTo(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	if err := a.db.Remove(t.Context(), "b", true); err != nil { // still known by its address, but it is off
		t.Fatal(err)
	}
	b.stop()
	other, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	a.book = map[string]string{}
	a.removed["gone"] = true
	a.mu.Unlock()
	named := func(id string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames = []string{id} }
	}
	for name, impostor := range map[string]*tls.Config{
		"foreign CA":   as(forge(t, other, named("b"))),
		"self-signed":  as(forge(t, nil, named("b"))),
		"expired":      as(forge(t, a.id.ca, func(c *x509.Certificate) { named("b")(c); c.NotAfter = time.Now().Add(-time.Minute) })),
		"wrong id":     as(forge(t, a.id.ca, named("c"))),
		"removed node": as(forge(t, a.id.ca, named("gone"))),
		"TLS 1.2":      {Certificates: as(forge(t, a.id.ca, named("b"))).Certificates, MaxVersion: tls.VersionTLS12},
		"plain text":   nil,
	} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		a.mu.Lock()
		a.book[ln.Addr().String()] = "b"
		a.mu.Unlock()
		got := make(chan string, 1)
		go func() {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			if impostor != nil {
				conn = tls.Server(conn, impostor)
			} else {
				conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
			}
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			data := make([]byte, 16)
			n, _ := conn.Read(data)
			if impostor == nil {
				n = 0 // the greeting of TLS says nothing
			}
			got <- string(data[:n])
			conn.Close()
		}()
		conn, err := a.Network().Dial(t.Context(), consensus.ServiceRaft, ln.Addr().String())
		if err == nil {
			conn.Close()
			t.Errorf("%s: accepted as node b", name)
		}
		if data := <-got; data != "" {
			t.Errorf("%s: was sent %q", name, data)
		}
		ln.Close()
	}
}

// Many nodes race for one token: one joins.
func TestRacedToken(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	token, _, err := a.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var joined atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		dir, peer := t.TempDir(), []string{a.id.Address(), b.id.Address()}[i%2]
		wg.Go(func() {
			_, err := Join(t.Context(), JoinConfig{DataDir: dir, Address: "127.0.0.1:1", Peers: []string{peer}, Token: token, Logger: quiet})
			if err == nil {
				joined.Add(1)
			} else if lms.KindOf(err) != lms.KindForbidden {
				t.Errorf("a loser is told: %v", err)
			}
		})
	}
	wg.Wait()
	if n := joined.Load(); n != 1 {
		t.Errorf("%d nodes joined with one token", n)
	}
}

// The token of one cluster opens no other, even where both have the same secret.
func TestTokenOfAnotherCluster(t *testing.T) {
	a, other := found(t, "a"), found(t, "a")
	tok := token{a.id.ca.Hash(), lms.NewSecret()}
	if err := other.store.CreateJoinToken(t.Context(), tok.hash(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := tryJoin(t, dir, other.id.Address(), tok.String()); !errors.Is(err, errOtherCluster) {
		t.Errorf("error = %v", err)
	}
	if _, err := Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was joined: %v", err)
	}
}

// Half-open handshakes keep nobody out.
func TestFloodOfTruncatedHandshakes(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var held []net.Conn
			defer func() {
				for _, c := range held {
					c.Close()
				}
			}()
			for {
				select {
				case <-stop:
					return
				default:
				}
				c, err := net.DialTimeout("tcp", a.id.Address(), time.Second)
				if err != nil {
					continue
				}
				c.Write([]byte{0x16, 3, 1, 2, 0, 1, 0, 1}) // the start of a ClientHello, no more
				if held = append(held, c); len(held) > 300 {
					held[0].Close()
					held = held[1:]
				}
			}
		})
	}
	defer wg.Wait()
	defer close(stop)
	for i := range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		eventually(t, "b reaches a", func() bool {
			conn, err := b.Network().Dial(ctx, consensus.ServiceRPC, a.id.Address())
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
		if err := b.store.SetSetting(ctx, "flood", strings.Repeat("x", i)); err != nil {
			t.Errorf("a write during the flood: %v", err)
		}
		cancel()
	}
}

// Certificates are renewed twice while both nodes write and open connections, and nothing fails.
func TestRenewalUnderLoad(t *testing.T) {
	const life = 6 * time.Second
	dir, addr := t.TempDir(), address(t)
	self, err := Found(dir, "a", addr)
	if err != nil {
		t.Fatal(err)
	}
	a := startLife(t, dir, self, life)
	token, _, err := a.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	self, err = Join(t.Context(), JoinConfig{DataDir: dir, ID: "b", Address: address(t), Peers: []string{addr}, Token: token, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	b := startLife(t, dir, self, life)
	first := b.id.cert.Load().Leaf

	stop := make(chan struct{})
	var wg sync.WaitGroup
	var writes atomic.Int64
	for i, n := range []*testNode{a, b} {
		peer := []*testNode{b, a}[i]
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := n.store.SetSetting(t.Context(), "load-"+n.ID(), time.Now().String()); err != nil {
					t.Errorf("a write on %s: %v", n.ID(), err)
				}
				conn, err := n.Network().Dial(t.Context(), consensus.ServiceRPC, peer.id.Address())
				if err != nil {
					t.Errorf("%s calls %s: %v", n.ID(), peer.ID(), err)
				} else {
					conn.Close()
				}
				writes.Add(1)
			}
		})
	}
	serial := func(n *testNode) string { return n.id.cert.Load().Leaf.SerialNumber.String() }
	for _, n := range []*testNode{a, b, a, b} {
		before := serial(n)
		eventually(t, n.ID()+" has a new certificate", func() bool { return serial(n) != before })
	}
	close(stop)
	wg.Wait()
	if time.Now().Before(first.NotAfter) {
		t.Errorf("the first certificate of b is still valid: nothing is shown")
	}
	if writes.Load() < 20 {
		t.Errorf("only %d writes: nothing is shown", writes.Load())
	}
	kept, err := Load(b.dir)
	if err != nil || kept.expired(time.Now()) || kept.cert.Load().Leaf.SerialNumber.Cmp(first.SerialNumber) == 0 {
		t.Errorf("the new certificate is not on disk: %v", err)
	}
}

// A node that was off for longer than its certificate lived comes back by itself; a removed one does not.
func TestExpiredWhileOff(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	expire := func(n *testNode) *Identity {
		t.Helper()
		n.stop()
		key, err := n.id.key()
		if err != nil {
			t.Fatal(err)
		}
		old := forge(t, n.id.ca, func(c *x509.Certificate) {
			c.DNSNames, c.NotBefore, c.NotAfter = []string{n.ID()}, time.Now().Add(-100*24*time.Hour), time.Now().Add(-time.Hour)
		})
		der, err := x509.CreateCertificate(rand.Reader, old.Leaf, n.id.ca.cert, key.Public(), n.id.ca.key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(n.dir, folder, certFile), encodePEM("CERTIFICATE", der), 0o600); err != nil {
			t.Fatal(err)
		}
		self, err := Load(n.dir)
		if err != nil || !self.expired(time.Now()) {
			t.Fatalf("identity with an expired certificate: %v", err)
		}
		return self
	}
	b = start(t, b.dir, expire(b))
	if err := b.store.SetSetting(t.Context(), "back", "yes"); err != nil {
		t.Errorf("a write through the node that is back: %v", err)
	}
	c := join(t, a, "c")
	if err := a.Remove(t.Context(), "b", false); err != nil {
		t.Fatal(err)
	}
	if err := expire(b).renewAlone(CertificateLife); err != nil {
		t.Fatal(err)
	}
	again, err := Load(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []consensus.Service{consensus.ServiceRaft, consensus.ServiceRPC} {
		if open(t, s, c.id.Address(), as(*again.cert.Load())) {
			t.Errorf("service %c is open to a removed node with a new certificate", s)
		}
	}
}

func TestRenewalIsForMembers(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	csr := func(id string) []byte {
		key, err := b.id.key()
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{id}}, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	ask := func(n *testNode, der []byte) (renewResponse, error) {
		var out renewResponse
		return out, post(t.Context(), n.client, a.id.Address(), "/renew", renewRequest{der}, &out)
	}
	out, err := ask(b, csr("a")) // asks for another's name
	if err != nil {
		t.Fatal(err)
	}
	cert, err := parseCert(out.Cert)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := nodeID(cert); err != nil || id != "b" {
		t.Errorf("the new certificate names %s, %v", id, err)
	}
	if lives := cert.NotAfter.Sub(issued(cert)); lives < CertificateLife-time.Minute || lives > CertificateLife+time.Minute {
		t.Errorf("it is valid for %v", lives)
	}
	bad := csr("b")
	bad[len(bad)-1] ^= 1
	if _, err := ask(b, bad); lms.KindOf(err) != lms.KindInvalid {
		t.Errorf("a request that its key did not sign: %v", err)
	}
	err = post(t.Context(), tokenClient(a.id.ca.Hash()), a.id.Address(), "/renew", renewRequest{csr("b")}, &out)
	wantRefusal(t, err, "Only nodes of this cluster")
	if err := a.Remove(t.Context(), "b", false); err != nil {
		t.Fatal(err)
	}
	b.client.CloseIdleConnections() // they were cut
	_, err = ask(b, csr("b"))
	wantRefusal(t, err, "was removed")
}

// A removed node learns it, says so at each start even when nobody answers, and keeps nothing that opens the cluster.
func TestRemovedNodeKnowsIt(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	c := join(t, a, "c")
	eventually(t, "c knows the others", func() bool { return len(c.id.peers()) == 2 })
	if err := b.Remove(t.Context(), "c", false); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	wantRefusal(t, c.Removed(ctx, c.db), "was removed")
	c.stop()
	for _, n := range []*testNode{a, b} {
		n.stop()
	}
	_, err := Load(c.dir)
	wantRefusal(t, err, "start with an empty data directory")
	for _, name := range []string{caKeyFile, keysFile} {
		if _, err := os.Stat(filepath.Join(c.dir, folder, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the removed node still has %s", name)
		}
	}
}

// Every node has the same keys, a node of the version before included, and nobody else can read them.
func TestKeysAreHandedOver(t *testing.T) {
	a := found(t, "a")
	b := join(t, a, "b")
	box := a.id.Keys().Seal("x", []byte("secret"))
	if got, err := b.id.Keys().Open("x", box); err != nil || string(got) != "secret" {
		t.Errorf("the other node reads %q, %v", got, err)
	}
	path := filepath.Join(b.dir, folder, keysFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want a file of the owner alone", info, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	upgraded, err := Load(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := upgraded.Keys().Open("x", box); err != nil || string(got) != "secret" {
		t.Errorf("a node that is upgraded reads %q, %v", got, err)
	}
}

func TestAuthorityThatEnds(t *testing.T) {
	a := found(t, "a")
	if w := a.Warnings(); len(w) != 0 {
		t.Errorf("warnings of a new cluster: %q", w)
	}
	real := a.id.ca.cert
	defer func() { a.id.ca.cert = real }()
	soon := *real
	soon.NotAfter = time.Now().Add(30 * 24 * time.Hour)
	a.id.ca.cert = &soon
	if w := a.Warnings(); len(w) != 1 || !strings.Contains(w[0], "authority expires on "+soon.NotAfter.Format(time.DateOnly)) {
		t.Errorf("warnings = %q", w)
	}
	key, err := a.id.key()
	if err != nil {
		t.Fatal(err)
	}
	der, err := a.id.request(key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := parseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	der, err = a.id.ca.sign(csr, "a", CertificateLife)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err := x509.ParseCertificate(der); err != nil || cert.NotAfter.After(soon.NotAfter) {
		t.Errorf("a certificate outlives the authority: %v, %v", cert.NotAfter, err)
	}
	soon.NotAfter = time.Now().Add(-time.Hour)
	if _, err := a.id.ca.sign(csr, "a", CertificateLife); err == nil {
		t.Error("an expired authority signs")
	}
}
