package cluster

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// Messages of the join service. Errors are *lms.Error, as everywhere.
type (
	// joinRequest exchanges a token for a certificate.
	joinRequest struct {
		Secret  string `json:"secret"`
		ID      string `json:"id"`
		Address string `json:"address"`
		CSR     []byte `json:"csr"` // DER
	}
	joinResponse struct {
		Cert  []byte `json:"cert"`  // PEM
		CA    []byte `json:"ca"`    // PEM
		CAKey []byte `json:"caKey"` // PEM: every node can admit another one
		Keys  []byte `json:"keys"`  // of the cluster's secrets
	}
	// memberRequest enters the node that the certificate names into the configuration.
	memberRequest struct {
		Address string `json:"address"`
		Voter   bool   `json:"voter"`
	}
	// removeRequest removes the node that the certificate names.
	removeRequest struct {
		Force bool `json:"force"`
	}
	// renewRequest asks for a new certificate of the node that the present one names.
	renewRequest struct {
		CSR []byte `json:"csr"` // DER
	}
	renewResponse struct {
		Cert []byte `json:"cert"` // PEM
	}
	// standingRequest asks whether the node that the certificate names still belongs to the cluster.
	standingRequest struct{}
	done            struct{}
)

const (
	maxMessage   = 64 << 10
	removedField = "removed" // marks the refusal of a removed node
)

type peerKey struct{}

func (n *Cluster) joinServer() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /join", answer(n, n.admit))
	mux.HandleFunc("POST /member", answer(n, n.enter))
	mux.HandleFunc("POST /remove", answer(n, n.leave))
	mux.HandleFunc("POST /standing", answer(n, n.standing))
	mux.HandleFunc("POST /renew", answer(n, n.reissue))
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       10 * time.Second,
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, consensus.Peer(c))
		},
	}
}

// answer decodes a request, calls the handler with the peer's TLS state, and encodes what comes of it.
func answer[In, Out any](n *Cluster, handle func(context.Context, *tls.ConnectionState, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		peer, _ := r.Context().Value(peerKey{}).(*tls.ConnectionState)
		n.mu.Lock()
		n.answered[peer] = true
		n.mu.Unlock()
		defer func() {
			n.mu.Lock()
			delete(n.answered, peer)
			n.mu.Unlock()
		}()
		var in In
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			n.fail(w, r, lms.Errorf(lms.KindInvalid, "The request is malformed. Do both nodes run the same version of Trivium?"))
			return
		}
		select { // only now, so that nobody holds a place by sending slowly
		case n.busy <- struct{}{}: // strangers may call: they get a bounded share of the machine
			defer func() { <-n.busy }()
		case <-r.Context().Done():
			return
		}
		out, err := handle(r.Context(), peer, in)
		if err != nil {
			n.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(out)
	}
}

func (n *Cluster) fail(w http.ResponseWriter, r *http.Request, err error) {
	var e *lms.Error
	if !errors.As(err, &e) {
		n.log.Error("join service", "request", r.URL.Path, "error", err)
		e = lms.ErrInternal
	} else {
		n.log.Warn("join service refused", "request", r.URL.Path, "reason", e.Message)
	}
	status := http.StatusForbidden
	if retryable(e) {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(e)
}

// admit exchanges a token for a certificate. The checks that need no write come first, so that a mistake does not spend
// the token.
func (n *Cluster) admit(ctx context.Context, _ *tls.ConnectionState, in joinRequest) (joinResponse, error) {
	if err := errors.Join(CheckID(in.ID), CheckAddress(in.Address)); err != nil {
		return joinResponse{}, err
	}
	csr, err := parseRequest(in.CSR)
	if err != nil {
		return joinResponse{}, err
	}
	publicKey, err := x509.MarshalPKIXPublicKey(csr.PublicKey)
	if err != nil {
		return joinResponse{}, errRequest
	}
	if err := n.checkFree(ctx, in.ID, in.Address); err != nil {
		return joinResponse{}, err
	}
	t := token{secret: in.Secret}
	// The token is spent for this key alone: a repeat gets a certificate again, another key does not.
	if err := n.store.UseJoinToken(ctx, t.hash(), fmt.Sprintf("%s %x", in.ID, sha256.Sum256(publicKey))); err != nil {
		return joinResponse{}, err
	}
	der, err := n.self.ca.sign(csr, in.ID, n.life)
	if err != nil {
		return joinResponse{}, err
	}
	caKey, err := n.self.ca.keyPEM()
	if err != nil {
		return joinResponse{}, err
	}
	n.log.Info("admitted a node", "peer", in.ID, "address", in.Address)
	return joinResponse{Cert: encodePEM("CERTIFICATE", der), CA: n.self.ca.certPEM(), CAKey: caKey, Keys: n.self.keys.Encode()}, nil
}

var errRequest = lms.Errorf(lms.KindInvalid, "The certificate request is malformed.")

func parseRequest(der []byte) (*x509.CertificateRequest, error) {
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil || csr.CheckSignature() != nil {
		return nil, errRequest
	}
	return csr, nil
}

// reissue gives the node that the certificate names a new one. Neither a removed node nor an expired certificate gets here.
func (n *Cluster) reissue(_ context.Context, peer *tls.ConnectionState, in renewRequest) (renewResponse, error) {
	id, err := n.authenticate(peer)
	if err != nil {
		return renewResponse{}, err
	}
	csr, err := parseRequest(in.CSR)
	if err != nil {
		return renewResponse{}, err
	}
	der, err := n.self.ca.sign(csr, id, n.life)
	if err != nil {
		return renewResponse{}, err
	}
	n.log.Info("renewed a node's certificate", "peer", id)
	return renewResponse{encodePEM("CERTIFICATE", der)}, nil
}

// checkFree refuses an id or an address that belongs to a member, and an id that was removed: a certificate for it would
// let one node pass for another.
func (n *Cluster) checkFree(ctx context.Context, id, address string) error {
	if n.isRemoved(id) {
		return lms.FieldErrorf(lms.KindConflict, "id", "Node %s was removed from this cluster and cannot come back. Start with an empty data directory and another --id.", id)
	}
	nodes, err := n.db.Nodes(ctx)
	if err != nil {
		return refusal(err, "%s.")
	}
	for _, m := range nodes {
		if m.ID == id {
			return lms.FieldErrorf(lms.KindConflict, "id", "There is a node %s already. Choose another --id; a node whose disk was lost comes back under a new one.", id)
		}
		if m.Address == address {
			return lms.FieldErrorf(lms.KindConflict, "address", "Node %s has the address %s already. Remove that node first, or use another address.", m.ID, address)
		}
	}
	return nil
}

// enter makes the node that the certificate names a member.
func (n *Cluster) enter(ctx context.Context, peer *tls.ConnectionState, in memberRequest) (done, error) {
	id, err := n.authenticate(peer)
	if err != nil {
		return done{}, err
	}
	if err := CheckAddress(in.Address); err != nil {
		return done{}, err
	}
	if !in.Voter { // it asks anew, because its last start was cut short: what it has it keeps
		nodes, err := n.db.Nodes(ctx)
		if err != nil {
			return done{}, refusal(err, "%s.")
		}
		in.Voter = slices.ContainsFunc(nodes, func(m consensus.Node) bool { return m.ID == id && m.Voter })
	}
	if err := n.db.Join(ctx, id, in.Address, in.Voter); err != nil {
		err = refusal(err, "The node cannot be added now: %s.")
		if lms.KindOf(err) == lms.KindConflict { // another change is under way; it will be over soon
			err = &lms.Error{Kind: lms.KindUnavailable, Message: err.(*lms.Error).Message, RetryIn: 1}
		}
		return done{}, err
	}
	n.log.Info("a node entered", "peer", id, "address", in.Address, "voter", in.Voter)
	return done{}, nil
}

// leave removes the node that the certificate names, at its own wish.
func (n *Cluster) leave(ctx context.Context, peer *tls.ConnectionState, in removeRequest) (done, error) {
	id, err := n.authenticate(peer)
	if err != nil {
		return done{}, err
	}
	return done{}, n.Remove(ctx, id, in.Force)
}

func (n *Cluster) standing(_ context.Context, peer *tls.ConnectionState, _ standingRequest) (done, error) {
	_, err := n.authenticate(peer)
	return done{}, err
}

func (n *Cluster) authenticate(peer *tls.ConnectionState) (string, error) {
	id, err := peerID(peer)
	if err != nil {
		return "", lms.Errorf(lms.KindForbidden, "Only nodes of this cluster may ask for this.")
	}
	if n.isRemoved(id) {
		return "", lms.FieldErrorf(lms.KindForbidden, removedField, "Node %s was removed from this cluster. To use this machine again, start with an empty data directory, another --id and a new token.", id)
	}
	return id, nil
}
