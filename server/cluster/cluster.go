package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// ServiceJoin is the protocol by which nodes join: HTTP over the cluster port, open to connections without a certificate.
const ServiceJoin consensus.Service = 'J'

// TokenLife is how long a join token can be used.
const TokenLife = time.Hour

// removedSetting is the name of the replicated setting that refuses a removed node's certificate.
const removedSetting = "cluster.removed."

const lookAgain = 5 * time.Second // how often the members are looked at without an event

// Store is what the cluster keeps in the replicated database.
type Store interface {
	SetNode(ctx context.Context, id, address, origin string) error
	NodeOrigins(ctx context.Context) (map[string]string, error) // by id
	RemoveNodeRow(ctx context.Context, id string) error
	CreateJoinToken(ctx context.Context, hash []byte, expires time.Time) error
	// UseJoinToken spends the token for the user. A repeat by the same user passes.
	UseJoinToken(ctx context.Context, hash []byte, user string) error
	Setting(ctx context.Context, name string) (string, error)
	SetSetting(ctx context.Context, name, value string) error
}

// Config describes a node's side of the cluster.
type Config struct {
	Identity *Identity
	Listener net.Listener // of the cluster port
	Origin   string       // where people reach this node
	Logger   *slog.Logger // default slog.Default

	// CertificateLife is how long the certificates are valid that this node issues; default CertificateLife.
	CertificateLife time.Duration

	// Copies asks nodes, given by id and address, how complete their copies of the files are; who does not tell is not in the result.
	// Nil: there are no files.
	Copies func(ctx context.Context, nodes map[string]string) map[string]lms.FileCopy
}

// Cluster is a node's network and its dealings with the other nodes. Its life has three steps: New opens the network,
// Enter makes the node a member, Attach serves others.
type Cluster struct {
	self    *Identity
	origin  string
	log     *slog.Logger
	network *consensus.Network
	roots   *x509.CertPool
	client  *http.Client // of the join service
	life    time.Duration
	copies  func(context.Context, map[string]string) map[string]lms.FileCopy
	busy    chan struct{}

	mu       sync.Mutex
	db       *consensus.DB
	store    Store
	book     map[string]string // address -> id, as the configuration has it
	removed  map[string]bool
	answered map[*tls.ConnectionState]bool // connections that wait for an answer of the join service

	server *http.Server
	cancel context.CancelFunc
	wg     sync.WaitGroup // of Attach

	renewing sync.WaitGroup
	end      context.CancelFunc
}

// New opens the network on the listener.
func New(c Config) (*Cluster, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	n := &Cluster{
		life: cmp.Or(c.CertificateLife, CertificateLife), copies: c.Copies,
		self: c.Identity, origin: c.Origin, log: c.Logger, roots: c.Identity.ca.pool(), busy: make(chan struct{}, 4),
		book: map[string]string{}, removed: map[string]bool{}, answered: map[*tls.ConnectionState]bool{},
	}
	data, err := os.ReadFile(n.removedPath())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, id := range strings.Fields(string(data)) {
		n.removed[id] = true
	}
	if n.self.expired(time.Now()) { // it was off for long: nobody would talk to it
		n.log.Warn("this node's certificate expired while it was off; the node renews it by itself")
		if err := n.self.renewAlone(n.life); err != nil {
			return nil, fmt.Errorf("renew this node's certificate: %w", err)
		}
	}
	n.network = consensus.NewNetwork(consensus.NetworkConfig{
		Listener: c.Listener, Server: n.serverTLS(), Client: n.clientTLS(), Authorize: n.authorize, Verify: n.verify,
	})
	n.client = n.network.Client(ServiceJoin)
	ctx, end := context.WithCancel(context.Background())
	n.end = end
	n.renewing.Go(func() { n.renewInTime(ctx) })
	return n, nil
}

// Network carries the traffic between nodes.
func (n *Cluster) Network() *consensus.Network { return n.network }

// ID is this node's id.
func (n *Cluster) ID() string { return n.self.ID() }

// Attach starts to serve joining nodes, to announce this node's address and origin, and to cut removed nodes off.
func (n *Cluster) Attach(db *consensus.DB, store Store) {
	ctx, cancel := context.WithCancel(context.Background())
	n.mu.Lock()
	n.db, n.store, n.cancel = db, store, cancel
	n.mu.Unlock()
	n.server = n.joinServer()
	ln := n.network.Listen(ServiceJoin)
	n.wg.Go(func() { n.server.Serve(ln) })
	n.wg.Go(func() { n.announce(ctx) })
	n.wg.Go(func() { n.watch(ctx) })
}

// Detach stops what Attach started, so that the database can be closed.
func (n *Cluster) Detach() {
	if n.cancel != nil {
		n.cancel()
	}
	if n.server != nil {
		n.server.Close()
	}
	n.wg.Wait()
	n.mu.Lock()
	n.store = nil // closed soon; what was learned of removed nodes stays
	n.mu.Unlock()
}

// Close detaches and closes the network.
func (n *Cluster) Close() error {
	n.end()
	n.renewing.Wait()
	n.Detach()
	n.client.CloseIdleConnections()
	return n.network.Close()
}

// Address is where the cluster port of a member is, "" if it is not known.
func (n *Cluster) Address(id string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for address, member := range n.book {
		if member == id {
			return address
		}
	}
	return ""
}

// announce records this node's address and origin until that has succeeded.
func (n *Cluster) announce(ctx context.Context) {
	for ctx.Err() == nil {
		err := n.store.SetNode(ctx, n.self.ID(), n.self.Address(), n.origin)
		if err == nil {
			return
		}
		n.log.Debug("announce this node", "error", err)
		pause(ctx, time.Second)
	}
}

// watch keeps the address book and cuts off removed nodes.
func (n *Cluster) watch(ctx context.Context) {
	events := n.db.Watch(ctx)
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		n.look(ctx)
		if !n.waitForChange(ctx, events, tick.C) {
			return
		}
	}
}

func (n *Cluster) waitForChange(ctx context.Context, events <-chan consensus.Event, tick <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case e, ok := <-events:
			if !ok {
				return false
			}
			if e.Lost || slices.Contains(e.Topics, "cluster") {
				return true
			}
		}
	}
}

func (n *Cluster) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookAgain)
	defer cancel()
	if nodes, err := n.db.Nodes(ctx); err == nil {
		book := map[string]string{}
		var peers []string
		for _, m := range nodes {
			book[m.Address] = m.ID
			if m.ID != n.self.ID() {
				peers = append(peers, m.Address)
			}
		}
		n.mu.Lock()
		n.book = book
		n.mu.Unlock()
		if err := n.self.setPeers(peers); err != nil {
			n.log.Warn("keep the addresses of the other nodes", "error", err)
		}
	}
	n.network.Disconnect(func(peer *tls.ConnectionState) bool {
		id, err := peerID(peer)
		n.mu.Lock()
		answered := n.answered[peer]
		n.mu.Unlock()
		return err == nil && !answered && n.isRemoved(id)
	})
}

// Token makes a join token and returns it with its expiry.
func (n *Cluster) Token(ctx context.Context) (string, time.Time, error) {
	t := token{n.self.ca.Hash(), lms.NewSecret()}
	expires := time.Now().Add(TokenLife)
	if err := n.store.CreateJoinToken(ctx, t.hash(), expires); err != nil {
		return "", time.Time{}, err
	}
	return t.String(), expires, nil
}

// Nodes tells how every member stands.
func (n *Cluster) Nodes(ctx context.Context) ([]consensus.Node, error) { return n.db.Nodes(ctx) }

// Transfer hands leadership to the node, or to the best one when id is empty.
func (n *Cluster) Transfer(ctx context.Context, id string) error {
	if err := n.db.Transfer(ctx, id); err != nil {
		return refusal(err, "The leader stays: %s.")
	}
	return nil
}

// refusal turns a refused change of membership into a sentence, and leaves every other error as it is.
func refusal(err error, format string) error {
	if errors.Is(err, consensus.ErrMembership) {
		reason := strings.TrimPrefix(strings.TrimPrefix(err.Error(), consensus.ErrMembership.Error()), ": ")
		if reason == "" {
			reason = "another change is under way, or too few nodes answer"
		}
		return lms.Errorf(lms.KindConflict, format, strings.TrimSuffix(reason, "."))
	}
	if errors.Is(err, consensus.ErrUnavailable) || errors.Is(err, consensus.ErrBusy) {
		return lms.ErrUnavailable
	}
	if errors.Is(err, consensus.ErrUnknown) {
		return lms.ErrUnknown
	}
	return err
}

func (n *Cluster) removedPath() string { return filepath.Join(n.self.dir, removedFile) }

// isRemoved reports whether the node was removed. What was seen once is remembered in a file, so that it holds before
// the database is open.
func (n *Cluster) isRemoved(id string) bool {
	n.mu.Lock()
	known, store := n.removed[id], n.store
	n.mu.Unlock()
	if known || store == nil {
		return known
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	v, err := store.Setting(ctx, removedSetting+id)
	if err != nil && lms.KindOf(err) != lms.KindNotFound {
		n.log.Error("look up whether a node was removed", "peer", id, "error", err)
	}
	if err != nil || v == "" {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.removed[id] {
		return true
	}
	n.removed[id] = true
	n.log.Warn("a removed node is refused", "peer", id)
	ids := make([]string, 0, len(n.removed))
	for id := range n.removed {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if err := writeFile(n.removedPath(), []byte(strings.Join(ids, "\n")+"\n")); err != nil {
		n.log.Error("remember a removed node", "peer", id, "error", err)
	}
	return true
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

var errNoPeer = errors.New("no other node is known")

func wrapPeer(address string, err error) error { return fmt.Errorf("%s: %w", address, err) }
