package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/net/netutil"

	"trivium/app/lms"
	"trivium/app/ui"
	"trivium/assets"
	"trivium/server/backup"
	"trivium/server/files"
	"trivium/server/kv"
	"trivium/server/kv/fast"
	"trivium/server/mail"
	"trivium/server/outbox"
	"trivium/server/store"
	"trivium/server/tutor"
	"trivium/server/web"
)

// openServices opens what stands on the store.
func (n *Node) openServices() error {
	var err error
	n.fast, err = fast.New(fast.Config{Dir: n.path("kv-fast"), Enabled: n.config.KVFastWrites, Network: n.cluster.Network(), Store: n.store, Logger: n.log})
	if err != nil {
		return err
	}
	n.kv = kv.New(kv.Config{Store: n.store, CacheBytes: int64(n.config.KVCache) << 20, Fast: n.fast})
	n.wg.Go(func() { n.kv.Prune(n.ctx) })
	n.files, err = files.Open(files.Config{
		Dir: n.path("files"), Network: n.cluster.Network(), Self: n.self.ID(), Members: n.members, List: n.store.FilesAfter,
		Logger: n.log, HoldTimeout: n.config.Hold, Fatal: n.fatal,
	})
	if err != nil {
		return err
	}
	n.wg.Go(n.followFiles)
	n.wg.Go(n.followOrigins)
	if err := n.openTutor(); err != nil {
		return err
	}
	if err := n.openBackup(); err != nil {
		return err
	}
	if err := n.openOutbox(); err != nil {
		return err
	}
	n.openInspect() // shows the figures of all the others
	n.openDrills()
	if err := n.openWeb(); err != nil {
		return err
	}
	return n.openSQL()
}

// followFiles has this node look for what it lacks whenever a file became complete anywhere: it need not have been among
// the majority that held the file then.
func (n *Node) followFiles() {
	for e := range n.db.Watch(n.ctx) {
		if e.Lost || slices.Contains(e.Topics, store.TopicFiles) {
			n.files.Kick()
		}
	}
}

// copies asks nodes how complete their copies of the files are. Before this node is ready it does not know whom to ask.
func (n *Node) copies(ctx context.Context, nodes map[string]string) map[string]lms.FileCopy {
	select {
	case <-n.ready:
		return n.files.Copies(ctx, nodes)
	default:
		return nil
	}
}

func (n *Node) openTutor() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	tc, err := n.config.tutor()
	if err != nil {
		return err
	}
	tc.Store, tc.Node, tc.Logger, tc.IsLeader, tc.Peers = n.store, n.self.ID(), n.log, n.db.IsLeader, n.tutorPeer
	tc.Nodes = n.tutorNodes
	tc.OpenFile = func(ctx context.Context, f lms.File) (io.ReadSeekCloser, error) { return n.files.Open(ctx, f) }
	tc.Extractor = []string{program, extractCommand}
	n.tutor = tutor.New(tc)
	if err := n.useTutor(); err != nil {
		n.log.Warn("tutor: the language model's settings are not read yet", "error", err)
	}
	n.wg.Go(n.followTutor)
	n.toTutor = n.cluster.Network().Client(serviceTutor)
	n.peers = &http.Server{Handler: n.tutor.Handler(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: n.stdlog()}
	ln := n.cluster.Network().Listen(serviceTutor)
	n.wg.Go(func() { n.peers.Serve(ln) })
	n.wg.Go(func() { n.tutor.Resume(n.ctx) })
	n.wg.Go(func() { n.tutor.IndexLoop(n.ctx) })
	n.wg.Go(func() { n.tutor.EmbedLoop(n.ctx) })
	n.wg.Go(n.eraseOld)
	n.wg.Go(n.handInDrafts)
	return nil
}

// openBackup opens what makes backups. Its copy of the database lies in the data directory, on the disk of the database.
func (n *Node) openBackup() error {
	var err error
	n.backup, err = backup.New(backup.Config{
		Source: backup.Source{DB: n.db, Chunk: n.files.ReadChunk, Gone: n.files.Gone, Dir: n.path("backup"), Keys: n.self.Keys(), Cluster: n.self.Authority(), Node: n.self.ID(), Version: version()},
		Store:  n.store, IsLeader: n.db.IsLeader, Schedule: n.config.backups(), Logger: n.log,
	})
	return err
}

// tutorPeer is how the tutor reaches the tutor of another node.
func (n *Node) tutorPeer(_ context.Context, node string) (*http.Client, string, error) {
	address := n.cluster.Address(node)
	if address == "" {
		return nil, "", fmt.Errorf("no node %s is known", node)
	}
	return n.toTutor, "http://" + address, nil
}

// tutorNodes lists the nodes that may lend this one their language model.
func (n *Node) tutorNodes(ctx context.Context) ([]string, error) {
	nodes, err := n.db.Nodes(ctx)
	ids := make([]string, len(nodes))
	for i, m := range nodes {
		ids[i] = m.ID
	}
	return ids, err
}

// openOutbox opens what sends mails, if this node has a mail server, and tells how they are doing in any case.
func (n *Node) openOutbox() error {
	var err error
	if n.sender, err = mail.New(n.config.Mail); err != nil {
		return err
	}
	c := outbox.Config{Store: n.store, Node: n.self.ID(), Origin: n.config.Origin, IsLeader: n.db.IsLeader, Logger: n.log}
	if n.sender != nil {
		c.Mail = n.sender
	}
	n.outbox = outbox.New(c)
	return nil
}

func (n *Node) openWeb() error {
	static, err := assets.Open()
	if err != nil {
		return err
	}
	pages := assets.NotBuilt()
	if static.Built() {
		pages = ui.NewHandler(static, static.Version(), static.ProgramSize())
	}
	proxies, err := networks("trusted-proxies", n.config.TrustedProxies)
	if err != nil {
		return err
	}
	shared, err := networks("shared-addresses", n.config.SharedAddresses)
	if err != nil {
		return err
	}
	var mailer web.Mailer
	if n.sender != nil {
		mailer = n.sender
	}
	n.web, err = web.New(web.Config{
		Store: n.store, Files: n.files, Tutor: n.tutor, Cluster: membership{n}, KV: n.kv, Backup: n.backup, Models: n.tutor, Keys: n.self.Keys(),
		Assets: static.Handler(), App: pages, Pages: ui.Known,
		NodeID: n.self.ID(), Origin: n.config.Origin, PasskeyDomain: n.config.Passkeys, Version: version(), AppVersion: static.Version(), Secure: n.config.secure(),
		OperatorToken: n.operator, TrustedProxies: proxies, Shared: shared, Metrics: n.metrics(), Inspect: n.inspect, Warnings: n.warnings, Logger: n.log,
		Mail:  mailer,
		Lives: store.Lives{Access: n.config.SessionAccess, Renewal: n.config.SessionRenewal}, StaleReads: n.config.StaleReads,
	})
	return err
}

// metrics is what /metrics shows. Every node has its own registry, so that several fit into one process.
func (n *Node) metrics() prometheus.Gatherer {
	if n.figures != nil {
		return n.figures
	}
	r := prometheus.NewRegistry()
	n.figures = r
	r.MustRegister(n.db.Collectors()...)
	r.MustRegister(n.kv.Collectors()...)
	r.MustRegister(n.fast.Collectors()...)
	r.MustRegister(n.files)
	r.MustRegister(n.backup.Collectors()...)
	r.MustRegister(n.outbox.Collectors()...)
	if h, ok := n.log.Handler().(*recentHandler); ok {
		r.MustRegister(h.collectors()...)
	}
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// openSite serves people on the listener.
// maxConnections is how many connections of people a node keeps; further ones wait to be accepted.
const maxConnections = 16_384

func (n *Node) openSite(ln net.Listener) error {
	n.show(web.AllowOrigins(readOrigins(n.path(originsFile)), http.HandlerFunc(n.starting)))
	n.site = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			(*n.now.Load()).ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          n.stdlog(),
		ConnState:         n.unused.state,
	}
	if n.config.TLSCert != "" {
		cert := &certificate{cert: n.config.TLSCert, key: n.config.TLSKey}
		if _, err := cert.get(nil); err != nil {
			return errors.Join(fmt.Errorf("--tls-cert, --tls-key: %w", err), ln.Close())
		}
		n.tls = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: cert.get}
		ln = tls.NewListener(ln, n.tls)
	}
	if len(n.config.ACMEDomains) > 0 {
		var err error
		if n.certs, err = n.openCertificates(ln.Addr().String()); err != nil {
			return errors.Join(err, ln.Close())
		}
		n.tls = n.certs.TLS()
		ln = tls.NewListener(ln, n.tls)
	}
	bounded := netutil.LimitListener(ln, maxConnections)
	n.wg.Go(func() { n.site.Serve(bounded) })
	if n.config.InsecureHTTP && !n.config.encrypts() {
		n.wg.Go(n.warnPlain)
	}
	return os.WriteFile(n.path(urlFile), []byte(n.local(ln.Addr())+"\n"), 0o600)
}

// local is where a program on this machine reaches the node.
func (n *Node) local(addr net.Addr) string {
	if n.config.encrypts() {
		return n.config.Origin // the name that the certificate carries
	}
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// warnPlain repeats, as long as it is true, that passwords travel in clear.
func (n *Node) warnPlain() {
	t := time.NewTicker(time.Hour)
	defer t.Stop()
	for {
		n.log.Warn("--insecure-http: people reach this node without encryption; something in front of it must encrypt", "http", n.config.HTTP)
		select {
		case <-n.ctx.Done():
			return
		case <-t.C:
		}
	}
}

// warnings is what about this node needs a person, for as long as it is true.
func (n *Node) warnings() []string {
	all := n.cluster.Warnings()
	if w := n.backup.Warning(); w != "" {
		all = append(all, w)
	}
	if w := n.outbox.Warning(); w != "" {
		all = append(all, w)
	}
	if n.tutor != nil {
		if w := n.tutor.Warning(); w != "" {
			all = append(all, w)
		}
	}
	if n.config.InsecureHTTP && !n.config.encrypts() {
		all = append(all, fmt.Sprintf("People reach node %s without encryption (--insecure-http). Unless a proxy in front of it encrypts, "+
			"everybody on the way can read passwords. Give it a certificate with --tls-cert and --tls-key, or --acme-domain.", n.self.ID()))
	}
	if n.certs != nil {
		if w := n.certs.Warning(); w != "" {
			all = append(all, w)
		}
	}
	return all
}

// show makes the handler answer people; the operator's requests are answered in any case.
func (n *Node) show(h http.Handler) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+setupLinkPath, n.serveSetupLink)
	mux.Handle("/", h)
	var handler http.Handler = mux
	n.now.Store(&handler)
}

// starting answers while the node is not in touch with a majority yet.
func (n *Node) starting(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", "2")
	h.Set("X-Content-Type-Options", "nosniff")
	switch r.URL.Path {
	case "/healthz":
		io.WriteString(w, "ok\n")
		return
	case "/readyz":
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "starting\n")
		return
	}
	if len(r.URL.Path) >= 5 && r.URL.Path[:5] == "/api/" {
		h.Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		writeJSON(w, lms.ErrUnavailable)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'")
	w.WriteHeader(http.StatusServiceUnavailable)
	io.WriteString(w, startingPage)
}

const startingPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trivium is starting</title></head>
<body><h1>Trivium is starting</h1>
<p>This node waits for a majority of the cluster's nodes. Nothing is lost; this page looks again by itself.</p></body></html>
`

func (n *Node) stdlog() *stdlog.Logger { return slog.NewLogLogger(n.log.Handler(), slog.LevelDebug) }
