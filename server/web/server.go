package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/kv"
	"trivium/server/seal"
	"trivium/server/store"
)

// Files keeps the bytes of files; *files.Files is one.
type Files interface {
	PutChunk(ctx context.Context, f lms.File, number int, r io.Reader) error
	Missing(ctx context.Context, f lms.File) ([]int, error)
	Verify(ctx context.Context, f lms.File) (replicas, nodes int, err error)
	Replicas(ctx context.Context, f lms.File) (replicas, nodes int)
	Open(ctx context.Context, f lms.File) (io.ReadSeekCloser, error)
	Copies(ctx context.Context, nodes map[string]string) map[string]lms.FileCopy
}

// Tutor answers questions; *tutor.Tutor is one.
type Tutor interface {
	Answer(replyID string)
	Stream(ctx context.Context, replyID string, send func(api.ReplyEvent) error) error
	Stop(ctx context.Context, replyID string) error
	Search(ctx context.Context, actor lms.Actor, courseID string, q lms.SearchQuery) (lms.SearchResults, error)
	Status() api.TutorStatus
}

// Cluster is the membership as operators see and change it.
type Cluster interface {
	Nodes(ctx context.Context) ([]consensus.Node, error)
	JoinToken(ctx context.Context) (api.JoinToken, error)
	Remove(ctx context.Context, id string, force bool) error
	Transfer(ctx context.Context, id string) error
	Suspend(ctx context.Context, id string, d time.Duration) error
}

// Config describes a server. Store, Files, Tutor, Cluster and Keys are required.
type Config struct {
	Store   *store.Store
	Files   Files
	Tutor   Tutor
	Cluster Cluster
	Backup  Backup     // nil: none are made
	Models  Models     // nil: the language model cannot be administered
	Keys    *seal.Ring // of the secrets that the database holds

	Assets http.Handler // of /web/*; nil: 404
	App    http.Handler // of every other page; nil: 404

	// Pages tells whether App has a page at a path and whether that one needs no session; nil: all are such pages.
	Pages func(path string) (exists, public bool)

	NodeID         string
	Origin         string      // where people reach this node, such as https://lms1.example.edu
	PasskeyDomain  string      // name above all nodes' origins, for which passkeys are made; empty: each node's own
	Version        string      // of the program
	AppVersion     string      // of the browser program in Assets
	Secure         bool        // people come over HTTPS: __Host- cookies, HSTS
	KV             *kv.Service // nil: one without a cache
	OperatorToken  string      // acts as an administrator; empty: none
	TrustedProxies []netip.Prefix
	Shared         []netip.Prefix      // addresses that many people have in common
	Lives          store.Lives         // of sessions; zero values: the usual ones
	StaleReads     time.Duration       // how long reads are answered without a majority; 0: not at all
	Mail           Mailer              // nil: no mail is sent
	Metrics        prometheus.Gatherer // nil: no /metrics
	Inspect        Inspector           // nil: no reports of single nodes
	Warnings       func() []string     // what about this node needs a person; nil: nothing

	Logger *slog.Logger     // default slog.Default
	Now    func() time.Time // default time.Now
}

// Server answers people and programs. Make one with New.
type Server struct {
	c       Config
	store   *store.Store
	db      *consensus.DB
	files   Files
	tutor   Tutor
	kv      *kv.Service
	log     *slog.Logger
	now     func() time.Time
	echo    *echo.Echo
	hasher  *hasher
	origins *origins
	limits  *limiter
	basic   basic
	streams *streams
	forms   chan struct{} // hand-ins by form that are being read
	records *recorder
	openapi []byte

	bindings []binding

	bodyTimeout time.Duration

	touched   sync.Map // session id -> time of the last touch
	summaries sync.Map // ids of drafts that a summary was asked for
	ctx       context.Context
	cancel    context.CancelFunc
	mu        sync.Mutex
	closed    bool
	workers   sync.WaitGroup
}

// New makes a server. Call Close when the HTTP server that uses it has been shut down.
func New(c Config) (*Server, error) {
	if c.Store == nil || c.Files == nil || c.Tutor == nil || c.Cluster == nil || c.Keys == nil {
		return nil, errors.New("web: store, files, tutor, cluster and keys are required")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.KV == nil {
		c.KV = kv.New(kv.Config{Store: c.Store})
	}
	c.Store.UseLives(c.Lives)
	s := &Server{c: c, kv: c.KV, store: c.Store, db: c.Store.DB(), files: c.Files, tutor: c.Tutor, log: c.Logger, now: c.Now,
		hasher: newHasher(), streams: newStreams(), forms: make(chan struct{}, plainAtOnce), bodyTimeout: bodyTimeout}
	s.limits = newLimiter(c.Now, s.shared)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.origins = &origins{server: s}
	s.records = newRecorder(s)
	s.bindings = s.table()
	doc, err := openAPI(s.routes(), c.Version)
	if err != nil {
		return nil, err
	}
	s.openapi = doc
	s.echo = s.router()
	return s, nil
}

// Handler answers every request of the node's public port.
func (s *Server) Handler() http.Handler { return s.echo }

// Close ends the streams and waits for background work.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.records.close()
	s.cancel()
	s.workers.Wait()
	return nil
}

// begin counts a worker that Close waits for, unless the server is closed. The worker calls s.workers.Done.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.workers.Add(1)
	}
	return !s.closed
}

func (s *Server) routes() []api.Route {
	routes := make([]api.Route, len(s.bindings))
	for i, b := range s.bindings {
		routes[i] = b.route
	}
	return routes
}

// urgent reports whether a route must work while the disks are almost full: signing in, deleting, the nodes and the accounts.
func urgent(r api.Route) bool {
	return r.Method == http.MethodDelete || strings.HasPrefix(r.Path, api.SignIn.Path) || strings.HasPrefix(r.Path, api.GetCluster.Path) ||
		r.Path == api.UpdateUser.Path
}

// router mounts the table, the pages and what stands around every request.
func (s *Server) router() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)
	e.HTTPErrorHandler = s.refuse
	e.IPExtractor = s.addressExtractor()
	e.Pre(s.attach, s.secureHeaders, s.crossOrigin)
	for _, b := range s.bindings {
		e.Add(b.route.Method, b.route.Path, func(c echo.Context) error {
			q := requestOf(c)
			q.route, q.rawBody, q.anyAge = b.route, b.rawBody, b.anyAge
			if urgent(b.route) {
				q.ctx = store.Urgent(q.ctx)
			}
			return b.serve(s, q)
		})
	}
	s.mountSite(e)
	return e
}
