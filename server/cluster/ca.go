package cluster

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"trivium/app/lms"
	"trivium/server/seal"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	// CertificateLife is how long a node's certificate is valid. It is renewed after two thirds of that.
	CertificateLife = 90 * 24 * time.Hour
	// Certificates start in the past, because the clocks of the nodes differ.
	backdate = 24 * time.Hour
)

// CA is the cluster's certificate authority.
type CA struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// NewCA makes an authority for a new cluster.
func NewCA() (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: "Trivium cluster " + lms.NewID()[:10]},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &CA{cert, key}, nil
}

// parseCA reads an authority from PEM and checks that the key belongs to the certificate.
func parseCA(certPEM, keyPEM []byte) (*CA, error) {
	cert, err := parseCert(certPEM)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !cert.IsCA {
		return nil, errors.New("not a certificate authority")
	}
	return &CA{cert, key}, nil
}

// Hash is the hex SHA-256 of the authority's certificate: what a join token carries.
func (ca *CA) Hash() string { return certHash(ca.cert) }

func certHash(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// sign issues a node's certificate for the public key of the request, valid for life but no longer than the authority.
// The subject is the id alone: whatever else the request asks for is ignored.
func (ca *CA) sign(csr *x509.CertificateRequest, id string, life time.Duration) ([]byte, error) {
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	now := time.Now()
	end := now.Add(life)
	if end.After(ca.cert.NotAfter) {
		end = ca.cert.NotAfter
	}
	if !end.After(now) {
		return nil, fmt.Errorf("the cluster's authority has expired on %s", ca.cert.NotAfter.Format(time.DateOnly))
	}
	t := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{CommonName: id},
		DNSNames:     []string{id},
		NotBefore:    now.Add(-backdate),
		NotAfter:     end,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	return x509.CreateCertificate(rand.Reader, t, ca.cert, csr.PublicKey, ca.key)
}

func (ca *CA) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.cert)
	return p
}

func (ca *CA) certPEM() []byte { return encodePEM("CERTIFICATE", ca.cert.Raw) }

func (ca *CA) keyPEM() ([]byte, error) { return encodeKey(ca.key) }

// deriveKeys makes the first keys of a cluster from what every node of it has.
func (ca *CA) deriveKeys() (*seal.Ring, error) {
	key, ok := ca.key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the authority's key is of another kind")
	}
	secret, err := key.Bytes()
	if err != nil {
		return nil, err
	}
	return seal.Derive(secret)
}

// verifyNode checks a chain as a peer presented it against the authority and returns the id of the node.
func verifyNode(roots *x509.CertPool, peer []*x509.Certificate, usage x509.ExtKeyUsage) (string, error) {
	return verifyNodeAt(roots, peer, usage, time.Now())
}

// verifyNodeAt is verifyNode as of another time.
func verifyNodeAt(roots *x509.CertPool, peer []*x509.Certificate, usage x509.ExtKeyUsage, at time.Time) (string, error) {
	if len(peer) == 0 {
		return "", errors.New("the node presented no certificate")
	}
	if _, err := peer[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}, CurrentTime: at}); err != nil {
		return "", err
	}
	return nodeID(peer[0])
}

// nodeID is the id that a verified certificate names.
func nodeID(cert *x509.Certificate) (string, error) {
	if len(cert.DNSNames) != 1 || CheckID(cert.DNSNames[0]) != nil {
		return "", errors.New("the certificate does not name a node")
	}
	return cert.DNSNames[0], nil
}

func newSerial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return n.Add(n, big.NewInt(1))
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return encodePEM("PRIVATE KEY", der), nil
}

func parseCert(data []byte) (*x509.Certificate, error) {
	der, err := decodePEM(data, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// decodePEM returns the content of the one block of the kind.
func decodePEM(data []byte, kind string) ([]byte, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != kind || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("not one %s in PEM", strings.ToLower(kind))
	}
	return block.Bytes, nil
}
