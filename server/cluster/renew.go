package cluster

import (
	"context"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"time"

	"trivium/app/lms"
)

const (
	askTimeout    = 5 * time.Second
	authorityWarn = 365 * 24 * time.Hour // an authority with less left is told about
)

// issued is when the certificate was made: it starts earlier.
func issued(cert *x509.Certificate) time.Time { return cert.NotBefore.Add(backdate) }

// renewAt is when the node's certificate has lived two thirds of its life. A certificate that was issued for longer than
// life, by an earlier version, is replaced at once.
func (n *Identity) renewAt(life time.Duration) time.Time {
	cert := n.cert.Load().Leaf
	lives := cert.NotAfter.Sub(issued(cert))
	if lives > life+time.Minute {
		return issued(cert)
	}
	return issued(cert).Add(lives * 2 / 3)
}

func (n *Identity) expired(now time.Time) bool { return !now.Before(n.cert.Load().Leaf.NotAfter) }

// renewBy puts a new certificate into use that sign makes of a request. Connections that are open go on; new ones use it.
func (n *Identity) renewBy(sign func(csr []byte) (certPEM []byte, err error)) error {
	key, err := n.key()
	if err != nil {
		return err
	}
	csr, err := n.request(key)
	if err != nil {
		return err
	}
	certPEM, err := sign(csr)
	if err != nil {
		return err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return err
	}
	cert, err := n.pair(n.ca, certPEM, keyPEM)
	if err != nil {
		return fmt.Errorf("the new certificate: %w", err)
	}
	if err := writeFile(filepath.Join(n.dir, certFile), certPEM); err != nil {
		return err
	}
	n.cert.Store(cert)
	return nil
}

// renewAlone renews with the authority's key that every node has. A removed node gains nothing by it: it is refused by
// its id.
func (n *Identity) renewAlone(life time.Duration) error {
	return n.renewBy(func(csr []byte) ([]byte, error) {
		request, err := parseRequest(csr)
		if err != nil {
			return nil, err
		}
		der, err := n.ca.sign(request, n.ID(), life)
		return encodePEM("CERTIFICATE", der), err
	})
}

// renewInTime renews this node's certificate after two thirds of its life, for as long as the network is open.
func (n *Cluster) renewInTime(ctx context.Context) {
	for ctx.Err() == nil {
		due := n.self.renewAt(n.life)
		if wait := time.Until(due); wait > 0 {
			pause(ctx, min(wait, time.Minute)) // not longer: the machine may sleep, and clocks are set
			continue
		}
		err := n.renew(ctx)
		if err == nil {
			n.log.Info("this node's certificate was renewed", "until", n.self.cert.Load().Leaf.NotAfter.Format(time.RFC3339))
			continue
		}
		if ctx.Err() == nil {
			n.log.Warn("this node's certificate could not be renewed yet", "until", n.self.cert.Load().Leaf.NotAfter.Format(time.RFC3339), "error", err)
		}
		left := time.Until(n.self.cert.Load().Leaf.NotAfter)
		pause(ctx, min(max(left/10, 100*time.Millisecond), time.Hour))
	}
}

// renew asks the other nodes in turn. When none can help, as in a cluster of one or while most are off, and little time is
// left, the node signs for itself.
func (n *Cluster) renew(ctx context.Context) error {
	last := errNoPeer
	peers := n.self.peers()
	for _, peer := range peers {
		last = n.self.renewBy(func(csr []byte) ([]byte, error) {
			ask, cancel := context.WithTimeout(ctx, askTimeout)
			defer cancel()
			var out renewResponse
			err := post(ask, n.client, peer, "/renew", renewRequest{csr}, &out)
			return out.Cert, err
		})
		if last == nil || ctx.Err() != nil {
			return last
		}
		last = wrapPeer(peer, last)
		if lms.KindOf(last) == lms.KindForbidden {
			return last // removed: Removed tells the person who runs it
		}
	}
	cert := n.self.cert.Load().Leaf
	if len(peers) > 0 && time.Until(cert.NotAfter) > cert.NotAfter.Sub(issued(cert))/6 {
		return last
	}
	return n.self.renewAlone(n.life)
}

// Warnings tells in plain words what about this node's trust needs a person.
func (n *Cluster) Warnings() []string {
	var all []string
	now := time.Now()
	if ca := n.self.ca.cert; ca.NotAfter.Sub(now) < authorityWarn {
		all = append(all, fmt.Sprintf("The cluster's authority expires on %s. Before that day, make a backup and restore it into a new cluster: "+
			"nodes trust each other by this authority, and no certificate outlives it.", ca.NotAfter.Format(time.DateOnly)))
	}
	if cert := n.self.cert.Load().Leaf; cert.NotAfter.Sub(now) < cert.NotAfter.Sub(issued(cert))/6 {
		all = append(all, fmt.Sprintf("The certificate of node %s expires on %s and could not be renewed; its log says why.", n.self.ID(), cert.NotAfter.Format(time.DateOnly)))
	}
	return all
}
