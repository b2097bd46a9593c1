package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/consensus"
	"trivium/server/backup"
	"trivium/server/certs"
	"trivium/server/cluster"
	"trivium/server/files"
	"trivium/server/inspect"
	"trivium/server/kv"
	"trivium/server/kv/fast"
	"trivium/server/mail"
	"trivium/server/outbox"
	"trivium/server/sql"
	"trivium/server/store"
	"trivium/server/tutor"
	"trivium/server/web"
)

// serviceTutor is the tutor's protocol on the cluster port: package tutor knows nothing of the network under it.
const serviceTutor consensus.Service = 'T'

// Node is one node: the layers, assembled.
type Node struct {
	config Config
	log    *slog.Logger
	out    io.Writer // for the person who started it
	fatal  func(error)

	lock     *os.File
	operator string // token of whoever can read this node's disk
	self     *cluster.Identity
	cluster  *cluster.Cluster
	dump     *rotated // what the node sees and does as a member
	db       *consensus.DB
	store    *store.Store
	files    *files.Files
	tutor    *tutor.Tutor
	inspect  *inspect.Inspector
	figures  prometheus.Gatherer
	backup   *backup.Service
	sender   *mail.Sender // nil: this node has no mail server
	outbox   *outbox.Service
	peers    *http.Server // of the tutor
	drills   *http.Server // nil without --drills
	toDrill  *http.Client
	toTutor  *http.Client // of other nodes
	web      *web.Server
	kv       *kv.Service
	fast     *fast.Node   // fast writes of keys
	sql      *sql.Service // nil: none
	attached atomic.Bool  // the cluster deals with others: from then on the membership can be changed

	sqlListener net.Listener // nil: none
	tls         *tls.Config  // of people; nil: plain

	certs  *certs.Manager // nil: the certificate is given, or there is none
	site   *http.Server
	unused unused
	now    atomic.Pointer[http.Handler] // what answers people: first "starting", then the site, read-only until Ready
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	begun  chan struct{} // closed when start is over; nil if it never ran
	ready  chan struct{}
	failed chan error
}

// OpenNode starts a node. When it returns, the node is a member or is on its way to become one, and answers people, at
// first with "starting" until it is in touch with a majority. What comes later is told by Ready and Failed.
//
// The order argues backwards from what must not happen:
//  1. the lock: two processes in one directory would ruin it;
//  2. both listeners: a port that is taken must be known before a token is spent or a cluster founded;
//  3. the identity: found, joined or loaded; without it nothing is encrypted;
//  4. the network, then the database on it: peers may call from here on;
//  5. the public port, so that somebody who looks sees a node that starts and not a dead one;
//  6. in the background, because they need the majority, which may take its time: membership, store, files, tutor, web.
//
// fatal is called after a storage error, from which no node recovers in the same process; it must end the process.
func OpenNode(ctx context.Context, c Config, log *slog.Logger, out io.Writer, fatal func(error)) (*Node, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n := &Node{config: c, log: log, out: out, fatal: fatal, ready: make(chan struct{}), failed: make(chan error, 1)}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	n.begun = make(chan struct{})
	go func() {
		defer close(n.begun)
		n.fail(n.start())
	}()
	n.wg.Go(func() { n.fail(n.cluster.Removed(n.ctx, n.db)) })
	return n, nil
}

// fail tells that the node cannot go on, unless it is being closed anyway.
func (n *Node) fail(err error) {
	if err == nil || n.ctx.Err() != nil {
		return
	}
	select {
	case n.failed <- err:
	default: // one reason is enough
	}
}

// open does what does not need the majority.
func (n *Node) open(ctx context.Context) error {
	if err := n.openData(); err != nil {
		return err
	}
	public, err := net.Listen("tcp", n.config.HTTP)
	if err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	between, err := net.Listen("tcp", n.config.Cluster)
	if err != nil {
		return errors.Join(fmt.Errorf("--cluster: %w", err), public.Close())
	}
	if err := n.listenSQL(); err != nil {
		return errors.Join(err, public.Close(), between.Close())
	}
	n.config.complete(public.Addr(), between.Addr())
	if err := n.openIdentity(ctx); err != nil {
		return errors.Join(err, public.Close(), between.Close())
	}
	n.log = n.log.With(selfKey, n.self.ID())
	if err := n.openDatabase(between); err != nil {
		return errors.Join(err, public.Close())
	}
	if h, ok := n.log.Handler().(*recentHandler); ok {
		term := n.db.Term
		h.recent.term.Store(&term)
	}
	return n.openSite(public)
}

// Ready is closed when the node serves the site.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// Failed tells why the node cannot go on.
func (n *Node) Failed() <-chan error { return n.failed }

// Origin is where people reach the node.
func (n *Node) Origin() string { return n.config.Origin }

func (n *Node) path(name string) string { return filepath.Join(n.config.Data, name) }

func (n *Node) openData() error {
	if err := os.MkdirAll(n.config.Data, 0o700); err != nil {
		return err
	}
	var err error
	if n.lock, err = lockFile(n.path("lock")); err != nil {
		return fmt.Errorf("--data %s: %w", n.config.Data, err)
	}
	n.operator, err = operatorToken(n.path(operatorFile))
	return err
}

var errOtherCluster = errors.New("--join: this directory belongs to another cluster; empty it to join, or leave --join and --token out")

func (n *Node) openIdentity(ctx context.Context) error {
	c := n.config
	self, err := cluster.Load(c.Data)
	switch {
	case err == nil:
		if c.ID != "" && c.ID != self.ID() {
			return fmt.Errorf("--id %s: the directory %s belongs to node %s; a node keeps its name", c.ID, c.Data, self.ID())
		}
		if authority, err := cluster.TokenAuthority(c.Token); err == nil && authority != self.Authority() {
			return errOtherCluster // the node would go on in a cluster that nobody looks at
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case len(c.Join) > 0:
		self, err = cluster.Join(ctx, cluster.JoinConfig{DataDir: c.Data, ID: c.ID, Address: c.Advertise, Peers: c.Join, Token: c.Token, Logger: n.log})
	default:
		self, err = cluster.Found(c.Data, c.ID, c.Advertise)
	}
	if err == nil && c.Replica {
		if err = self.SetReplica(); err != nil {
			err = fmt.Errorf("--replica: %w", err)
		}
	}
	n.self = self
	return err
}

func (n *Node) openDatabase(ln net.Listener) error {
	var err error
	n.cluster, err = cluster.New(cluster.Config{Identity: n.self, Listener: ln, Origin: n.config.Origin, Logger: n.log,
		CertificateLife: n.config.CertificateLife, Copies: n.copies})
	if err != nil {
		ln.Close()
		return err
	}
	if n.dump, err = openDump(n.path(dumpFile)); err != nil {
		return err
	}
	c := n.config
	n.db, err = consensus.Open(consensus.Config{
		ID: n.self.ID(), Dir: n.path("db"), Address: c.Advertise, Network: n.cluster.Network(),
		Bootstrap:        n.self.Founder() && !n.self.Member(), // never again once it was a member: its log is not replaceable
		HeartbeatTimeout: c.Heartbeat, ElectionTimeout: c.Election, LeaseTimeout: c.Lease, HoldTimeout: c.Hold, Quarantine: c.Quarantine,
		Logger: n.log, Fatal: n.fatal, Events: n.dump.line,
	})
	return err
}

// start does what needs the majority.
func (n *Node) start() error {
	if !n.self.Member() {
		if err := n.cluster.Enter(n.ctx, n.db, n.config.Advertise); err != nil {
			return fmt.Errorf("this node has its certificate but is no member yet; starting it again continues: %w", err)
		}
	} else if n.self.Address() != n.config.Advertise {
		n.wg.Go(n.moved) // the others cannot call this node before they know, and nothing else may wait for that
	}
	if ok, err := n.openStore(); !ok || err != nil {
		return err
	}
	n.cluster.Attach(n.db, n.store)
	n.attached.Store(true)
	if n.web == nil {
		if err := n.openServices(); err != nil {
			return err
		}
		n.show(n.web.Handler())
	}
	n.wg.Go(n.recordMarks)
	close(n.ready)
	n.log.Info("ready", "origin", n.config.Origin, "cluster", n.config.Advertise)
	n.greet()
	return nil
}

// moved tells the cluster this node's new address.
func (n *Node) moved() {
	if err := n.cluster.Enter(n.ctx, n.db, n.config.Advertise); err != nil && n.ctx.Err() == nil {
		n.log.Error("the other nodes do not learn this node's new address", "address", n.config.Advertise, "error", err)
	}
}

func (n *Node) members(ctx context.Context) ([]files.Member, error) {
	nodes, err := n.db.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	members := make([]files.Member, len(nodes))
	for i, m := range nodes {
		members[i] = files.Member{ID: m.ID, Address: m.Address, Voter: m.Voter}
	}
	return members, nil
}

// Close stops the node, in the opposite order of its start:
//  1. leadership: while this node says good-bye to its clients, another one serves writes already, and what still arrives
//     here is forwarded to it;
//  2. the public port, the streams, the requests under way: see closeSite;
//  3. what works in the background, which may still write;
//  4. the database and the cluster port: until here the node counted for the majority, so that what it was asked last
//     could be acknowledged.
func (n *Node) Close() error {
	n.cancel()
	n.handOver()
	if n.begun != nil {
		<-n.begun // what start opened is known now
	}
	errs := []error{n.closeSite()}
	errs = append(errs, n.closeSQL())
	if n.kv != nil {
		n.kv.Close()
	}
	if n.fast != nil {
		errs = append(errs, n.fast.Close())
	}
	if n.certs != nil {
		n.certs.Close()
	}
	if n.peers != nil {
		n.peers.Close()
	}
	if n.drills != nil {
		n.drills.Close()
	}
	if n.outbox != nil {
		n.outbox.Close()
	}
	if n.inspect != nil {
		errs = append(errs, n.inspect.Close())
	}
	if n.tutor != nil {
		errs = append(errs, n.tutor.Close())
	}
	if n.backup != nil {
		errs = append(errs, n.backup.Close())
	}
	if n.files != nil {
		errs = append(errs, n.files.Close())
	}
	if n.cluster != nil {
		n.cluster.Detach()
	}
	if n.db != nil {
		errs = append(errs, n.db.Close())
	}
	if n.cluster != nil {
		errs = append(errs, n.cluster.Close())
	}
	n.wg.Wait()
	if n.dump != nil {
		errs = append(errs, n.dump.Close())
	}
	if n.lock != nil {
		errs = append(errs, n.lock.Close())
	}
	return errors.Join(errs...)
}
