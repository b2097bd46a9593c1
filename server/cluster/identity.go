package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"trivium/app/lms"
	"trivium/server/seal"
)

// Names of the files below the data directory.
const (
	folder      = "cluster"
	stateFile   = "node.json"
	keyFile     = "node.key"
	certFile    = "node.crt"
	caFile      = "ca.crt"
	caKeyFile   = "ca.key"
	keysFile    = "seal.keys"
	removedFile = "removed"
)

// state is what node.json holds.
type state struct {
	ID      string   `json:"id"`
	Address string   `json:"address"`           // of the cluster port, as it was last announced
	Founder bool     `json:"founder,omitempty"` // started the cluster
	Member  bool     `json:"member,omitempty"`  // is in the replicated configuration, as a voter unless Replica
	Replica bool     `json:"replica,omitempty"` // serves without a vote
	Removed string   `json:"removed,omitempty"` // why this node must not start any more
	Peers   []string `json:"peers,omitempty"`   // addresses through which it joined
}

// Identity is a node's place in a cluster: its certificate and the authority that it trusts.
type Identity struct {
	dir  string
	ca   *CA
	keys *seal.Ring
	cert atomic.Pointer[tls.Certificate] // replaced when it is renewed

	mu    sync.Mutex
	state state
}

// CheckID refuses an id that cannot name a node.
func CheckID(id string) error {
	if !lms.ValidID(id) {
		return lms.FieldErrorf(lms.KindInvalid, "id", "%q cannot name a node. Use 1 to 64 of the characters a-z, 0-9, - and _.", id)
	}
	return nil
}

// CheckAddress refuses an address that other nodes cannot dial.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	n, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil || n == 0 || host == "" {
		return lms.FieldErrorf(lms.KindInvalid, "address", "%q is not an address that other nodes can reach. Write host:port, such as 10.0.0.2:4002.", address)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return lms.FieldErrorf(lms.KindInvalid, "address", "Other nodes cannot reach %s: it means \"every address of this machine\". Name the address by which they see it (--advertise).", address)
	}
	return nil
}

// Load reads the identity below the data directory. It returns fs.ErrNotExist when the node belongs to no cluster yet.
func Load(dataDir string) (*Identity, error) {
	dir := filepath.Join(dataDir, folder)
	n := &Identity{dir: dir}
	if err := n.load(); err != nil {
		return nil, err
	}
	if n.state.Removed != "" {
		return nil, &lms.Error{Kind: lms.KindForbidden, Field: removedField, Message: n.state.Removed}
	}
	// The certificate is written last: without it the node has not joined anything.
	certPEM, err := os.ReadFile(filepath.Join(dir, certFile))
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	caPEM, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		return nil, err
	}
	caKeyPEM, err := os.ReadFile(filepath.Join(dir, caKeyFile))
	if err != nil {
		return nil, err
	}
	if err := n.adopt(certPEM, keyPEM, caPEM, caKeyPEM); err != nil {
		return nil, err
	}
	return n, n.loadKeys()
}

// loadKeys reads the keys of the cluster's secrets. A cluster of a version without them gets one that follows from the
// authority's key, so that every node comes to the same.
func (n *Identity) loadKeys() error {
	path := filepath.Join(n.dir, keysFile)
	data, err := os.ReadFile(path)
	if err == nil {
		if n.keys, err = seal.Parse(data); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if n.keys, err = n.ca.deriveKeys(); err != nil {
		return err
	}
	return writeFile(path, n.keys.Encode())
}

// Keys seals the secrets that the replicated database holds.
func (n *Identity) Keys() *seal.Ring { return n.keys }

// Inherit lets the cluster open what the keys of another one have sealed; its own go on sealing.
func (n *Identity) Inherit(keys *seal.Ring) error {
	n.keys = n.keys.With(keys)
	return writeFile(filepath.Join(n.dir, keysFile), n.keys.Encode())
}

// Found makes the identity of the first node of a new cluster. An empty id is replaced by a new one.
func Found(dataDir, id, address string) (*Identity, error) {
	n, key, err := prepare(dataDir, id, address)
	if err != nil {
		return nil, err
	}
	n.state.Founder = true
	ca, err := NewCA()
	if err != nil {
		return nil, err
	}
	csr, err := n.request(key)
	if err != nil {
		return nil, err
	}
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, err
	}
	der, err := ca.sign(request, n.state.ID, CertificateLife)
	if err != nil {
		return nil, err
	}
	caKey, err := ca.keyPEM()
	if err != nil {
		return nil, err
	}
	if n.keys, err = ca.deriveKeys(); err != nil {
		return nil, err
	}
	return n, n.keep(encodePEM("CERTIFICATE", der), ca.certPEM(), caKey)
}

// prepare makes the folder, the id and the private key of a node that is about to found or join a cluster. What an
// earlier attempt left is used again, so that a repeat is the same request.
func prepare(dataDir, id, address string) (*Identity, *ecdsa.PrivateKey, error) {
	n := &Identity{dir: filepath.Join(dataDir, folder)}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return nil, nil, err
	}
	if err := n.load(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	switch {
	case id != "":
		n.state.ID = id
	case n.state.ID == "":
		n.state.ID = "node-" + lms.NewSecret()[:6]
	}
	n.state.Address = address
	if err := errors.Join(CheckID(n.state.ID), CheckAddress(address)); err != nil {
		return nil, nil, err
	}
	if err := n.save(); err != nil {
		return nil, nil, err
	}
	key, err := n.key()
	return n, key, err
}

// key reads the private key, or makes it.
func (n *Identity) key() (*ecdsa.PrivateKey, error) {
	path := filepath.Join(n.dir, keyFile)
	if data, err := os.ReadFile(path); err == nil {
		return parseKey(data)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	data, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	return key, writeFile(path, data)
}

func (n *Identity) request(key *ecdsa.PrivateKey) ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{n.state.ID}}, key)
}

// keep stores what was issued to the node, the certificate last.
func (n *Identity) keep(certPEM, caPEM, caKeyPEM []byte) error {
	keyPEM, err := os.ReadFile(filepath.Join(n.dir, keyFile))
	if err != nil {
		return err
	}
	if err := n.adopt(certPEM, keyPEM, caPEM, caKeyPEM); err != nil {
		return err
	}
	return errors.Join(
		n.save(),
		writeFile(filepath.Join(n.dir, keysFile), n.keys.Encode()),
		writeFile(filepath.Join(n.dir, caKeyFile), caKeyPEM),
		writeFile(filepath.Join(n.dir, caFile), caPEM),
		writeFile(filepath.Join(n.dir, certFile), certPEM),
	)
}

func (n *Identity) adopt(certPEM, keyPEM, caPEM, caKeyPEM []byte) error {
	ca, err := parseCA(caPEM, caKeyPEM)
	if err != nil {
		return fmt.Errorf("authority in %s: %w", n.dir, err)
	}
	cert, err := n.pair(ca, certPEM, keyPEM)
	if err != nil {
		return fmt.Errorf("certificate in %s: %w", n.dir, err)
	}
	n.ca = ca
	n.cert.Store(cert)
	return nil
}

// pair makes of a certificate and its key what this node presents. An expired certificate passes: it is renewed before it
// is used.
func (n *Identity) pair(ca *CA, certPEM, keyPEM []byte) (*tls.Certificate, error) {
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, err
	}
	id, err := verifyNodeAt(ca.pool(), []*x509.Certificate{leaf}, x509.ExtKeyUsageServerAuth, leaf.NotAfter.Add(-time.Second))
	if err != nil {
		return nil, err
	}
	if id != n.state.ID {
		return nil, fmt.Errorf("it names node %s, not %s", id, n.state.ID)
	}
	cert.Leaf = leaf
	// A joining node recognises the cluster by the authority, so it is part of what a node presents.
	cert.Certificate = append(cert.Certificate, ca.cert.Raw)
	return &cert, nil
}

// ID is the node's id.
func (n *Identity) ID() string { return n.state.ID }

// Authority names the cluster: it is the hex SHA-256 of the certificate of its authority.
func (n *Identity) Authority() string { return n.ca.Hash() }

// Address is the address of the cluster port as it was last announced.
func (n *Identity) Address() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.Address
}

// Member reports whether the node was taken into the configuration of its cluster at some time.
func (n *Identity) Member() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.Member
}

// Founder reports whether the node started its cluster.
func (n *Identity) Founder() bool { return n.state.Founder }

// Replica reports whether the node serves without a vote.
func (n *Identity) Replica() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.Replica
}

// SetReplica makes a node that is no member yet a replica: it will serve, but have no vote.
func (n *Identity) SetReplica() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.state.Replica:
		return nil
	case n.state.Founder, n.state.Member:
		return lms.FieldErrorf(lms.KindConflict, "replica", "Node %s has a vote and keeps it. To have a replica here, remove the node and join with an empty directory.", n.state.ID)
	}
	n.state.Replica = true
	return n.save()
}

// SetMember records that the node is in the configuration, at the address.
func (n *Identity) SetMember(address string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state.Member && n.state.Address == address {
		return nil
	}
	n.state.Member, n.state.Address = true, address
	return n.save()
}

// setRemoved records that the node was removed, with the sentence that a later start repeats, and deletes what belongs to
// the cluster: with the authority's key a stolen disk could admit nodes, with the others open its secrets.
func (n *Identity) setRemoved(reason string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state.Removed = reason
	err := n.save()
	for _, name := range []string{caKeyFile, keysFile} {
		if e := os.Remove(filepath.Join(n.dir, name)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// peers lists the addresses of other nodes, as far as known.
func (n *Identity) peers() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.state.Peers)
}

// setPeers keeps the addresses of the other nodes, for a start after which this node has to be found anew.
func (n *Identity) setPeers(peers []string) error {
	slices.Sort(peers)
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(peers) == 0 || slices.Equal(peers, n.state.Peers) {
		return nil
	}
	n.state.Peers = peers
	return n.save()
}

func (n *Identity) load() error {
	data, err := os.ReadFile(filepath.Join(n.dir, stateFile))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &n.state); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(n.dir, stateFile), err)
	}
	return CheckID(n.state.ID)
}

func (n *Identity) save() error {
	data, err := json.MarshalIndent(n.state, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(n.dir, stateFile), append(data, '\n'))
}

func parseKey(data []byte) (*ecdsa.PrivateKey, error) {
	der, err := decodePEM(data, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	if k, ok := key.(*ecdsa.PrivateKey); ok {
		return k, nil
	}
	return nil, errors.New("the private key is of another kind")
}

// writeFile replaces a file of the owner alone, durably: a crash leaves the old content or the new.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
