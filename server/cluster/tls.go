package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"trivium/consensus"
)

var (
	errNoCertificate = errors.New("a connection without a certificate of this cluster")
	errRemoved       = errors.New("a connection of a removed node")
)

// serverTLS asks for a client certificate without insisting: a joining node has none. Authorize insists, for each service.
func (n *Cluster) serverTLS() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return n.self.cert.Load(), nil },
		ClientAuth:             tls.VerifyClientCertIfGiven,
		ClientCAs:              n.roots,
		SessionTicketsDisabled: true, // every connection proves itself anew
	}
}

// clientTLS accepts any node of the cluster. Nodes are dialled by addresses that their certificates do not carry, so
// the name is not compared by the handshake but by verify, with the id that belongs to the address.
func (n *Cluster) clientTLS() *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return n.self.cert.Load(), nil },
		InsecureSkipVerify:   true, // VerifyConnection does it
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := verifyNode(n.roots, s.PeerCertificates, x509.ExtKeyUsageServerAuth)
			return err
		},
	}
}

// authorize decides which accepted connections a service gets.
func (n *Cluster) authorize(s consensus.Service, peer *tls.ConnectionState) error {
	if s == ServiceJoin {
		return nil
	}
	id, err := peerID(peer)
	if err != nil {
		n.log.Warn("connection refused", "service", string(rune(s)), "error", err)
		return err
	}
	if n.isRemoved(id) {
		return errRemoved
	}
	return nil
}

// verify compares the node that answered at the address with the one that the configuration has there.
func (n *Cluster) verify(address string, peer *tls.ConnectionState) error {
	id, err := verifyNode(n.roots, peer.PeerCertificates, x509.ExtKeyUsageServerAuth)
	if err != nil {
		return err
	}
	if n.isRemoved(id) {
		return errRemoved
	}
	n.mu.Lock()
	want := n.book[address]
	n.mu.Unlock()
	if want != "" && want != id {
		return fmt.Errorf("at %s answers node %s instead of %s", address, id, want)
	}
	return nil
}

// peerID is the id of the node on the other end of an accepted connection, whose certificate the handshake has verified.
func peerID(peer *tls.ConnectionState) (string, error) {
	if peer == nil || len(peer.VerifiedChains) == 0 {
		return "", errNoCertificate
	}
	return nodeID(peer.VerifiedChains[0][0])
}
