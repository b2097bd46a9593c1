package main

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"trivium/server/certs"
)

// certificate serves a pair of files and reads them again when they change, so that a renewal needs no restart.
type certificate struct {
	cert, key string

	mu      sync.Mutex
	looked  time.Time
	changed time.Time
	pair    *tls.Certificate
}

const lookAtFiles = 10 * time.Second

// get is a tls.Config.GetCertificate. Files that cannot be used leave the last pair in force.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pair != nil && time.Since(c.looked) < lookAtFiles {
		return c.pair, nil
	}
	c.looked = time.Now()
	info, err := os.Stat(c.cert)
	if err == nil && c.pair != nil && info.ModTime().Equal(c.changed) {
		return c.pair, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.pair, c.changed = &pair, info.ModTime()
		}
	}
	if c.pair != nil {
		return c.pair, nil
	}
	return nil, err
}

// openCertificates makes what gets certificates by itself. It serves nobody before startCertificates.
func (n *Node) openCertificates(address string) (*certs.Manager, error) {
	roots, err := n.config.acmeRoots()
	if err != nil {
		return nil, err
	}
	return certs.New(certs.Config{
		Domains: n.config.ACMEDomains, Email: n.config.ACMEEmail, CA: n.config.ACMECA, Roots: roots, Address: address,
		Keys: n.self.Keys(), Logger: n.log,
	})
}

// startCertificates loads the certificates, and obtains and renews them from then on.
func (n *Node) startCertificates() error {
	if n.certs == nil {
		return nil
	}
	return n.certs.Start(n.store)
}
