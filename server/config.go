package main

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/backup"
	"trivium/server/cluster"
	"trivium/server/mail"
	"trivium/server/tutor"
)

// Config is what a node is told. Validate completes it.
type Config struct {
	Data      string   // directory of this node alone
	HTTP      string   // address for people
	Cluster   string   // address for the other nodes
	Advertise string   // address under which the other nodes reach Cluster; default: Cluster
	Origin    string   // where people reach this node; default: from HTTP
	Passkeys  string   // domain above the origins of all nodes, for which passkeys are made; empty: each node's own
	ID        string   // default: made once and kept
	Join      []string // cluster addresses of nodes of the cluster to join; empty: found one
	Token     string   // join token
	Replica   bool     // join without a vote

	CertificateLife time.Duration // of the nodes' certificates

	TLSCert, TLSKey string   // files in PEM, for people; read again when they change
	ACMEDomains     []string // names to get certificates for by themselves
	ACMEEmail       string   // where the authority warns
	ACMECA          string   // directory of the authority
	ACMERoot        string   // file with the authority's own roots; default: the system's
	InsecureHTTP    bool     // allow plain HTTP beyond this machine
	TrustedProxies  []string // networks whose X-Forwarded-For is believed
	SharedAddresses []string // networks behind whose addresses many people sit

	Timing                           string // profile for those of the next three that are zero
	Heartbeat, Election, Lease, Hold time.Duration
	StaleReads                       time.Duration // how long a node without a majority answers reads; 0: not at all

	Mail mail.Config

	SessionAccess, SessionRenewal time.Duration // how long a token gives access, and a session lasts without being used

	TutorEndpoint, TutorModel, TutorKeyFile string
	TutorEmbeddingModel                     string
	TutorKeyHeader, TutorQuery              string // how an endpoint wants it that is not of the common form
	TutorPrivate                            bool
	TutorTemperature                        float64
	TutorMaxTokens, TutorContext            int

	KVCache          int           // MiB for the cache of keys; 0: none
	KVFastWrites     bool          // experimental
	BackupEvery      time.Duration // 0: no schedule
	BackupTo         string
	BackupKeep       int
	BackupRecipients []string
	Drills           bool // an administrator may suspend this node

	SQL      string // address for administrators' clients of rqlite; empty: none
	SQLWrite bool   // let them change the data

	Quarantine uint64 // entry of the log that no node can apply, to be left out by all

	LogLevel, LogFormat string
	LogFile             string // default: stderr
	LogSize             int    // MiB of the file; as much again is kept of the one before
}

// Validate normalises the settings and refuses those that cannot work, naming the flag.
func (c *Config) Validate() error {
	switch {
	case c.Data == "":
		return fmt.Errorf("--data: name a directory for this node")
	case c.LogFile != "" && (c.LogSize < 1 || c.LogSize > 1<<20):
		return fmt.Errorf("--log-size %d: it is how large --log-file may become, in MiB", c.LogSize)
	case c.KVCache < 0 || c.KVCache > 1<<20:
		return fmt.Errorf("--kv-cache %d: it is the memory for the cache in MiB, 0 for none", c.KVCache)
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return fmt.Errorf("--tls-cert and --tls-key belong together: give both or neither")
	case len(c.Join) > 0 && c.Token == "" && !joinedAlready(c.Data):
		return fmt.Errorf("--join needs a --token: run \"trivium join-token\" on a node of the cluster")
	case c.Replica && len(c.Join) == 0 && !joinedAlready(c.Data):
		return fmt.Errorf("--replica needs --join: a replica copies a cluster that exists")
	case c.SessionAccess < 0 || c.SessionAccess > 0 && c.SessionAccess < time.Minute:
		return fmt.Errorf("--session-access %s: choose at least 1m", c.SessionAccess)
	case c.SessionRenewal < 0 || c.SessionRenewal > 0 && c.SessionRenewal < c.SessionAccess:
		return fmt.Errorf("--session-renewal %s: choose at least --session-access", c.SessionRenewal)
	case c.StaleReads < 0:
		return fmt.Errorf("--stale-reads %s: it is how long people can read without a majority, 0 for not at all", c.StaleReads)
	case c.CertificateLife < time.Minute:
		return fmt.Errorf("--node-certificate-life %s: choose at least 1m", c.CertificateLife)
	case c.Token != "" && len(c.Join) == 0:
		return fmt.Errorf("--token needs --join with the cluster address of a node of the cluster")
	}
	if c.Token != "" {
		if err := cluster.CheckToken(c.Token); err != nil {
			return fmt.Errorf("--token: %w", err)
		}
	}
	if c.ID != "" {
		if err := cluster.CheckID(c.ID); err != nil {
			return fmt.Errorf("--id: %w", err)
		}
	}
	if err := c.checkAddresses(); err != nil {
		return err
	}
	if err := c.checkTimes(); err != nil {
		return err
	}
	if err := c.checkACME(); err != nil {
		return err
	}
	if _, err := mail.New(c.Mail); err != nil {
		return err
	}
	if err := c.checkSQL(); err != nil {
		return err
	}
	if _, err := networks("trusted-proxies", c.TrustedProxies); err != nil {
		return err
	}
	if _, err := networks("shared-addresses", c.SharedAddresses); err != nil {
		return err
	}
	if err := c.backups().Validate(); err != nil {
		return fmt.Errorf("--backup-…: %w", err)
	}
	_, err := c.tutor()
	return err
}

// backups is the schedule of backups.
func (c *Config) backups() backup.Schedule {
	return backup.Schedule{Every: c.BackupEvery, To: c.BackupTo, Keep: c.BackupKeep, Recipients: c.BackupRecipients}
}

// joinedAlready lets a node start again with the command line that made it join, also without the token.
func joinedAlready(data string) bool {
	_, err := cluster.Load(data)
	return err == nil
}

func (c *Config) checkAddresses() error {
	host, _, err := net.SplitHostPort(c.HTTP)
	if err != nil {
		return fmt.Errorf("--http %q is not an address; write host:port, such as 127.0.0.1:4000 or :443", c.HTTP)
	}
	if !loopback(host) && !c.encrypts() && !c.InsecureHTTP {
		return fmt.Errorf("--http %s can be reached from other machines, so passwords need encryption: give --tls-cert and --tls-key, or --acme-domain, or --insecure-http where something in front encrypts", c.HTTP)
	}
	if _, _, err := net.SplitHostPort(c.Cluster); err != nil {
		return fmt.Errorf("--cluster %q is not an address; write host:port, such as 10.0.0.1:4100", c.Cluster)
	}
	if c.Advertise != "" {
		if err := cluster.CheckAddress(c.Advertise); err != nil {
			return fmt.Errorf("--advertise: %w", err)
		}
	} else if h, p, _ := net.SplitHostPort(c.Cluster); p != "0" {
		if err := cluster.CheckAddress(net.JoinHostPort(h, p)); err != nil {
			return fmt.Errorf("--cluster %s is every address of this machine; tell with --advertise by which one the other nodes reach it", c.Cluster)
		}
	}
	if c.Origin != "" {
		u, err := url.Parse(c.Origin)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || c.Origin != u.Scheme+"://"+u.Host {
			return fmt.Errorf("--public-origin %q: write it as https://lms.example.edu, without a path", c.Origin)
		}
	}
	return c.checkPasskeys()
}

// checkPasskeys refuses a domain with which no browser would make a passkey here.
func (c *Config) checkPasskeys() error {
	if c.Passkeys == "" {
		return nil
	}
	c.Passkeys = strings.ToLower(c.Passkeys)
	u, err := url.Parse(c.Origin)
	if err != nil || net.ParseIP(c.Passkeys) != nil || !strings.Contains(c.Passkeys, ".") || strings.ContainsAny(c.Passkeys, ":/@") ||
		lms.PasskeyDomain(strings.ToLower(u.Hostname()), c.Passkeys) != c.Passkeys {
		return fmt.Errorf("--passkey-domain %q: write the domain that all nodes have in common, such as example.edu, and tell with --public-origin where below it people reach this node", c.Passkeys)
	}
	return nil
}

const defaultHold = 10 * time.Second

func (c *Config) checkTimes() error {
	t, err := consensus.Timing{Heartbeat: c.Heartbeat, Election: c.Election, Lease: c.Lease}.Complete(c.Timing)
	if err != nil {
		return fmt.Errorf("--timing, --heartbeat-timeout, --election-timeout, --lease-timeout: %s", strings.TrimPrefix(err.Error(), "consensus: "))
	}
	c.Heartbeat, c.Election, c.Lease = t.Heartbeat, t.Election, t.Lease
	if c.Hold == 0 {
		c.Hold = max(defaultHold, 4*t.Election) // an election under way should not fail a request
	}
	if c.Hold < 10*time.Millisecond || c.Hold > time.Minute {
		return fmt.Errorf("--hold-timeout %s: choose between 10ms and 1m", c.Hold)
	}
	return nil
}

// networks reads the addresses and networks that a flag lists.
func networks(flag string, list []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, s := range list {
		if ip, err := netip.ParseAddr(s); err == nil {
			all = append(all, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("--%s: %q is neither an address nor a network such as 10.0.0.0/8", flag, s)
		}
		all = append(all, p)
	}
	return all, nil
}

func (c *Config) checkACME() error {
	if len(c.ACMEDomains) == 0 {
		for _, f := range []struct{ name, value string }{{"acme-email", c.ACMEEmail}, {"acme-ca", c.ACMECA}, {"acme-ca-root", c.ACMERoot}} {
			if f.value != "" {
				return fmt.Errorf("--%s needs --acme-domain", f.name)
			}
		}
		return nil
	}
	if c.TLSCert != "" {
		return fmt.Errorf("--acme-domain and --tls-cert exclude each other: the certificate is either got by itself or given")
	}
	for _, d := range c.ACMEDomains {
		if !certmagic.SubjectQualifiesForCert(d) || net.ParseIP(d) != nil || strings.ContainsAny(d, "*:/") || !strings.Contains(d, ".") {
			return fmt.Errorf("--acme-domain %q is not a name for which certificates are issued; write it as lms.example.edu", d)
		}
	}
	if c.ACMECA != "" {
		if u, err := url.Parse(c.ACMECA); err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("--acme-ca %q: write the address of the authority's directory, which starts with https://", c.ACMECA)
		}
	}
	_, err := c.acmeRoots()
	return err
}

// acmeRoots are the roots of a private authority, nil for those of the system.
func (c *Config) acmeRoots() (*x509.CertPool, error) {
	if c.ACMERoot == "" {
		return nil, nil
	}
	data, err := os.ReadFile(c.ACMERoot)
	if err != nil {
		return nil, fmt.Errorf("--acme-ca-root: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("--acme-ca-root %s: there is no certificate in it", c.ACMERoot)
	}
	return roots, nil
}

// secure reports whether people come over HTTPS, to the node itself or to a proxy in front.
func (c *Config) secure() bool { return strings.HasPrefix(c.Origin, "https://") }

// encrypts reports whether this node itself speaks TLS to people.
func (c *Config) encrypts() bool { return c.TLSCert != "" || len(c.ACMEDomains) > 0 }

// complete fills in what follows from the addresses that are really listened on.
func (c *Config) complete(http, clusterAddr net.Addr) {
	if c.Advertise == "" {
		host, _, _ := net.SplitHostPort(c.Cluster)
		_, port, _ := net.SplitHostPort(clusterAddr.String())
		c.Advertise = net.JoinHostPort(host, port)
	}
	if c.Origin == "" {
		scheme := "http"
		if c.encrypts() {
			scheme = "https"
		}
		host, _, _ := net.SplitHostPort(c.HTTP)
		_, port, _ := net.SplitHostPort(http.String())
		if len(c.ACMEDomains) > 0 {
			host = c.ACMEDomains[0]
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			name, _ := os.Hostname()
			host = cmp.Or(name, "localhost")
		}
		c.Origin = scheme + "://" + net.JoinHostPort(host, port)
		if scheme == "https" && port == "443" {
			c.Origin = "https://" + host
		}
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tutor is the tutor's part of the settings. The key comes from a file, so that no list of processes shows it.
func (c *Config) tutor() (tutor.Config, error) {
	t := tutor.Config{
		Endpoint: c.TutorEndpoint, Model: c.TutorModel, AllowPrivate: c.TutorPrivate, Temperature: &c.TutorTemperature,
		MaxTokens: c.TutorMaxTokens, ContextTokens: c.TutorContext, KeyHeader: c.TutorKeyHeader, Query: c.TutorQuery,
	}
	t.EmbeddingModel = c.TutorEmbeddingModel
	if c.TutorKeyFile != "" {
		data, err := os.ReadFile(c.TutorKeyFile)
		if err != nil {
			return t, fmt.Errorf("--tutor-key-file: %w", err)
		}
		t.Key = strings.TrimSpace(string(data))
		if t.Key == "" || strings.ContainsAny(t.Key, "\r\n") {
			return t, fmt.Errorf("--tutor-key-file %s: the file must hold the key and nothing else", c.TutorKeyFile)
		}
	}
	if err := t.Validate(); err != nil {
		return t, fmt.Errorf("--tutor-…: %w", err)
	}
	return t, nil
}
