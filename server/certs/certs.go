package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"go.uber.org/zap"

	"trivium/server/seal"
)

// Config describes what certificates to have.
type Config struct {
	Domains []string       // names under which people reach this node
	Email   string         // where the authority warns; may be empty
	CA      string         // directory of the authority; default: Let's Encrypt
	Roots   *x509.CertPool // of the authority itself; default: the system's
	Address string         // host:port that people connect to; the authority connects to port 443 of the domains

	CheckEvery time.Duration // how often certificates are looked at for renewal; default: ten minutes

	Keys   *seal.Ring
	Logger *slog.Logger // default slog.Default
}

// Manager has the certificates. Before Start it has none.
type Manager struct {
	c Config

	mu     sync.Mutex
	cache  *certmagic.Cache
	magic  *certmagic.Config
	cancel context.CancelFunc
	failed string // why the last try failed; empty: it did not
}

// New makes a manager. It asks nobody for anything yet.
func New(c Config) (*Manager, error) {
	if len(c.Domains) == 0 || c.Keys == nil {
		return nil, errors.New("certs: domains and keys are needed")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.CA == "" {
		c.CA = certmagic.LetsEncryptProductionCA
	}
	return &Manager{c: c}, nil
}

// Start loads the certificates from the storage, obtains those that are missing in the background, and renews them until
// Close. A second call does nothing.
func (m *Manager) Start(items Items) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.magic != nil {
		return nil
	}
	host, p, err := net.SplitHostPort(m.c.Address)
	if err != nil {
		return fmt.Errorf("certs: %w", err)
	}
	port, err := strconv.Atoi(p)
	if err != nil {
		return fmt.Errorf("certs: %w", err)
	}
	log := zap.New(&slogCore{log: m.c.Logger})
	m.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return m.running(), nil },
		RenewCheckInterval: m.c.CheckEvery,
		Logger:             log,
	})
	magic := certmagic.New(m.cache, certmagic.Config{
		Storage: newStorage(items, m.c.Keys), Logger: log, OCSP: certmagic.OCSPConfig{DisableStapling: true}, OnEvent: m.event,
	})
	// Only the challenge over TLS: it arrives where people do. That over HTTP would need port 80.
	magic.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(magic, certmagic.ACMEIssuer{
		CA: m.c.CA, TestCA: m.c.CA, Email: m.c.Email, Agreed: true, DisableHTTPChallenge: true,
		ListenHost: host, AltTLSALPNPort: port, TrustedRoots: m.c.Roots, Logger: log,
	})}
	ctx, cancel := context.WithCancel(context.Background())
	m.magic, m.cancel = magic, cancel
	return magic.ManageAsync(ctx, m.c.Domains)
}

func (m *Manager) running() *certmagic.Config {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.magic
}

// event notes how obtaining goes, for Warning.
func (m *Manager) event(_ context.Context, event string, data map[string]any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch event {
	case "cert_obtained":
		m.failed = ""
	case "cert_failed":
		m.failed = fmt.Sprint(data["error"])
	}
	return nil
}

// Warning says in plain words why there is no certificate, or no new one; empty when all is well.
func (m *Manager) Warning() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed == "" {
		return ""
	}
	return fmt.Sprintf("No certificate could be had for %s; it is tried again. Does the name lead to this cluster, and port 443 to its --http? The authority said: %s",
		m.c.Domains[0], m.failed)
}

var errStarting = errors.New("no certificate yet: the node is starting")

// TLS is the configuration for a listener that serves people. It answers the authority's challenge as well.
func (m *Manager) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1", acmez.ACMETLS1Protocol},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			magic := m.running()
			if magic == nil {
				return nil, errStarting
			}
			if hello.ServerName == "" { // by its address, such as a health check
				named := *hello
				named.ServerName = m.c.Domains[0]
				hello = &named
			}
			return magic.GetCertificate(hello)
		},
	}
}

// Until is when the certificate of the first domain ends; zero when there is none.
func (m *Manager) Until() time.Time {
	magic := m.running()
	if magic == nil {
		return time.Time{}
	}
	for _, c := range m.cache.AllMatchingCertificates(m.c.Domains[0]) {
		return c.Leaf.NotAfter
	}
	return time.Time{}
}

// Close ends obtaining and renewing.
func (m *Manager) Close() {
	m.mu.Lock()
	cache, cancel := m.cache, m.cancel
	m.mu.Unlock()
	if cancel != nil {
		cancel()
		cache.Stop()
	}
}
