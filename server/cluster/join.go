package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/seal"
)

// JoinConfig describes the exchange of a token for a certificate.
type JoinConfig struct {
	DataDir  string
	ID       string        // empty: a new one is made and kept
	Address  string        // of this node's cluster port, as the others reach it
	Peers    []string      // cluster ports of nodes of the cluster; one suffices
	Token    string        // as "trivium join-token" printed it
	Patience time.Duration // how long to try when no peer can help; default 15 s
	Logger   *slog.Logger
}

// errOtherCluster is returned before anything was sent.
var errOtherCluster = errors.New("the node there belongs to another cluster than the token, or somebody is in between; the token was not sent")

// Join exchanges the token for a certificate and keeps it. When it fails nothing has been joined, and the same call may
// be repeated.
func Join(ctx context.Context, c JoinConfig) (*Identity, error) {
	t, err := parseToken(c.Token)
	if err != nil {
		return nil, err
	}
	if len(c.Peers) == 0 {
		return nil, lms.FieldErrorf(lms.KindInvalid, "join", "Name the cluster address of a node that is in the cluster (--join).")
	}
	if c.Patience == 0 {
		c.Patience = 15 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	n, key, err := prepare(c.DataDir, c.ID, c.Address)
	if err != nil {
		return nil, err
	}
	csr, err := n.request(key)
	if err != nil {
		return nil, err
	}
	n.state.Founder, n.state.Peers = false, c.Peers
	in := joinRequest{Secret: t.secret, ID: n.state.ID, Address: c.Address, CSR: csr}
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	var out joinResponse
	err = eachPeer(ctx, c.Peers, c.Logger, func(ctx context.Context, peer string) error {
		return post(ctx, tokenClient(t.caHash), peer, "/join", in, &out)
	})
	if err != nil {
		return nil, fmt.Errorf("this node has not joined: %w", err)
	}
	ca, err := parseCert(out.CA)
	if err != nil || certHash(ca) != t.caHash {
		return nil, fmt.Errorf("this node has not joined: %w", errOtherCluster)
	}
	if len(out.Keys) > 0 {
		n.keys, err = seal.Parse(out.Keys)
	} else if authority, e := parseCA(out.CA, out.CAKey); e == nil { // a member of the version before
		n.keys, err = authority.deriveKeys()
	} else {
		err = e
	}
	if err != nil {
		return nil, fmt.Errorf("this node has not joined: %w", err)
	}
	return n, n.keep(out.Cert, out.CA, out.CAKey)
}

// tokenClient makes connections that end before the first byte of a request unless the peer belongs to the authority
// with the hash.
func tokenClient(caHash string) *http.Client {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, // there is no certificate to trust yet, only the hash
		VerifyConnection: func(s tls.ConnectionState) error {
			i := slices.IndexFunc(s.PeerCertificates, func(c *x509.Certificate) bool { return certHash(c) == caHash })
			if i < 0 {
				return errOtherCluster
			}
			roots := x509.NewCertPool()
			roots.AddCert(s.PeerCertificates[i])
			if _, err := verifyNode(roots, s.PeerCertificates, x509.ExtKeyUsageServerAuth); err != nil {
				return errors.Join(errOtherCluster, err)
			}
			return nil
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 3 * time.Second}, Config: config}
				conn, err := d.DialContext(ctx, "tcp", address)
				if err != nil {
					return nil, err
				}
				if _, err := conn.Write([]byte{byte(ServiceJoin)}); err != nil {
					conn.Close()
					return nil, err
				}
				return conn, nil
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Enter makes this node a member at its address: at once where it leads, otherwise by asking a member; first without a
// vote, until it has caught up. A replica stays without. It tries until ctx ends, or a member says that it never will be.
func (n *Cluster) Enter(ctx context.Context, db *consensus.DB, address string) error {
	if n.self.Founder() && !n.self.Member() {
		return n.self.SetMember(address) // the configuration of a new cluster starts with it
	}
	if !n.self.Member() || n.self.Replica() {
		if err := n.askMember(ctx, db, memberRequest{Address: address}); err != nil {
			return n.noteRemoval(err)
		}
	}
	if !n.self.Member() {
		for db.WaitReady(ctx) != nil {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if !n.self.Replica() {
		if err := n.askMember(ctx, db, memberRequest{Address: address, Voter: true}); err != nil {
			return n.noteRemoval(err)
		}
	}
	return n.self.SetMember(address)
}

func (n *Cluster) askMember(ctx context.Context, db *consensus.DB, in memberRequest) error {
	return eachPeer(ctx, append([]string{""}, n.self.peers()...), n.log, func(ctx context.Context, peer string) error {
		if peer != "" {
			return post(ctx, n.client, peer, "/member", in, &done{})
		}
		if !db.IsLeader() {
			return errNoPeer
		}
		return refusal(db.Join(ctx, n.self.ID(), in.Address, in.Voter), "%s.")
	})
}

// Removed waits until this node learns that it was removed, and returns that as an error; nil when ctx ends first. The
// others no longer talk to a removed node, so it cannot find out from the log: it asks when it misses the leader. A
// removed node must not go on, because it would answer people from what it last knew.
func (n *Cluster) Removed(ctx context.Context, db *consensus.DB) error {
	for ctx.Err() == nil {
		pause(ctx, 2*time.Second)
		s := db.Status()
		if s.State == "leader" || s.Leader != "" && time.Since(s.LastContact) < 2*time.Second || !n.self.Member() {
			continue
		}
		for _, peer := range n.self.peers() {
			ask, cancel := context.WithTimeout(ctx, 2*time.Second)
			err := post(ask, n.client, peer, "/standing", standingRequest{}, &done{})
			cancel()
			if lms.KindOf(err) == lms.KindForbidden {
				return n.noteRemoval(err)
			}
		}
	}
	return nil
}

// noteRemoval keeps a member's word that this node was removed: it holds also when no member answers any more.
func (n *Cluster) noteRemoval(err error) error {
	var e *lms.Error
	if errors.As(err, &e) && e.Kind == lms.KindForbidden && e.Field == removedField {
		return errors.Join(err, n.self.setRemoved(e.Message))
	}
	return err
}

// askToRemove has another member remove this node.
func (n *Cluster) askToRemove(ctx context.Context, nodes []consensus.Node, id string, force bool) error {
	var peers []string
	for _, m := range nodes {
		if m.ID != id && m.Up && m.Voter {
			peers = append(peers, m.Address)
		}
	}
	if len(peers) == 0 {
		return lms.Errorf(lms.KindConflict, "No other node answers, so nobody could go on without this one. Start another node first.")
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	return eachPeer(ctx, peers, n.log, func(ctx context.Context, peer string) error {
		return post(ctx, n.client, peer, "/remove", removeRequest{Force: force}, &done{})
	})
}

// eachPeer tries the peers in turn, again and again, until one succeeds, one refuses for good, or ctx ends. It returns
// the last reason, not ctx's.
func eachPeer(ctx context.Context, peers []string, log *slog.Logger, try func(context.Context, string) error) error {
	last := errNoPeer
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		for _, peer := range peers {
			err := try(ctx, peer)
			switch {
			case err == nil:
				return nil
			case errors.Is(err, errNoPeer):
				continue
			case ctx.Err() != nil && errors.Is(err, ctx.Err()):
				// cut off by our own limit: an earlier reason says more
				if errors.Is(last, errNoPeer) {
					last = wrapPeer(peer, err)
				}
			case !retryable(err):
				return wrapPeer(peer, err)
			default:
				last = wrapPeer(peer, err)
				log.Info("a node could not help; trying again", "address", peer, "error", err)
			}
		}
		pause(ctx, wait)
		if ctx.Err() != nil {
			return last
		}
	}
}

// retryable reports whether another try, at this peer or another one, may succeed.
func retryable(err error) bool {
	if errors.Is(err, errOtherCluster) {
		return false
	}
	switch lms.KindOf(err) {
	case lms.KindUnavailable, lms.KindUnknown, lms.KindLimit:
		return true
	case lms.KindInternal:
		var e *lms.Error
		return !errors.As(err, &e) // the network's errors
	}
	return false
}

// post sends one message to the join service of the node at the address.
func post(ctx context.Context, client *http.Client, address, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+path, bytes.NewReader(body))
	if err != nil {
		return lms.FieldErrorf(lms.KindInvalid, "join", "%q is not an address. Write host:port, such as 10.0.0.1:4002.", address)
	}
	resp, err := client.Do(r)
	if err != nil {
		return plain(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusOK {
		return json.Unmarshal(data, out)
	}
	e := &lms.Error{}
	if json.Unmarshal(data, e) != nil || e.Message == "" {
		return fmt.Errorf("unexpected answer %s", resp.Status)
	}
	return e
}

// plain strips what the HTTP client wraps around the reason.
func plain(err error) error {
	if errors.Is(err, errOtherCluster) {
		return errOtherCluster
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("nobody answers at this address: %w", op.Err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the node closed the connection; is this the cluster address (--cluster), not the one for people?")
	}
	return err
}
