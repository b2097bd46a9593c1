package sql

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	rqlite "github.com/rqlite/rqlite/v8/http"

	"trivium/app/lms"
	"trivium/consensus"
)

// Config describes a service.
type Config struct {
	DB      *consensus.DB
	Network *consensus.Network // to the other nodes
	Address string             // of this node's cluster port
	URL     string             // where this node serves SQL, as the other nodes' clients reach it
	TLS     bool               // URL is encrypted
	Version string             // of the program
	Write   bool               // allow changes
	Replica bool               // this node has no vote
	Dir     string             // for copies of the database
	Topics  []string           // that each write notifies: it may have changed anything

	// Authenticate checks an administrator's name and password. Its errors are refusals for people.
	Authenticate func(ctx context.Context, login, password, address string) (lms.Actor, error)
	// Audit records what somebody is about to change, or has read.
	Audit func(ctx context.Context, actor lms.Actor, address string, action lms.AuditAction, object string, details ...string) error

	Logger *slog.Logger
}

// Service serves SQL. Make one with New.
type Service struct {
	c      Config
	db     *database
	inner  *rqlite.Service
	reads  *readLog
	secret string // what inner knows as everybody's password
	site   *http.Server
	peers  *http.Server
	cross  *http.CrossOriginProtection
	cancel context.CancelFunc
}

// credentials lets in what has passed the front, and nobody else: rqlite's service listens by itself as well.
type credentials string

// AA implements rqlite's credential store.
func (c credentials) AA(_, password, _ string) bool {
	return subtle.ConstantTimeCompare([]byte(c), []byte(password)) == 1
}

// New serves SQL on the listener, which it closes, until Close.
func New(c Config, ln net.Listener) (*Service, error) {
	s := &Service{c: c, reads: newReadLog(c), secret: rand.Text(), cross: http.NewCrossOriginProtection()}
	s.db = &database{c: c, started: time.Now()}
	s.db.ctx, s.cancel = context.WithCancel(context.Background())
	m := &members{database: s.db, client: c.Network.Client(Protocol)}
	s.db.members = m
	// Start is needed for the queue of writes. The listener that it opens beside cannot be left out; it is of this machine
	// alone, and nobody can give the password that credentials asks for.
	s.inner = rqlite.New("127.0.0.1:0", s.db, m, credentials(s.secret))
	s.inner.BuildInfo = map[string]any{"version": c.Version}
	if err := s.inner.Start(); err != nil {
		s.cancel()
		return nil, errors.Join(err, ln.Close())
	}
	logs := slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug)
	s.site = newServer(http.HandlerFunc(s.serve), logs)
	s.peers = newServer(http.HandlerFunc(m.serveMeta), logs)
	go s.site.Serve(ln)
	go s.peers.Serve(c.Network.Listen(Protocol))
	return s, nil
}

func newServer(h http.Handler, logs *stdlog.Logger) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: logs}
}

const closePatience = 5 * time.Second

// Close ends the service. What waits in the queue of writes is tried once more.
func (s *Service) Close() error {
	s.db.closing.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	if s.site.Shutdown(ctx) != nil {
		s.site.Close()
	}
	s.reads.close()
	s.cancel()
	s.inner.Close()
	return s.peers.Close()
}

// maxBody is above what one entry of the log takes.
const maxBody = 32 << 20

// serve is the front.
func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	if err := s.cross.Check(r); err != nil {
		http.Error(w, "requests of other sites are refused", http.StatusForbidden)
		return
	}
	login, password, ok := r.BasicAuth()
	if !ok {
		http.Error(w, "give the name and password of an administrator of the site (basic authentication)", http.StatusUnauthorized)
		return
	}
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	actor, err := s.c.Authenticate(r.Context(), login, password, address)
	if err != nil {
		s.refuse(w, err)
		return
	}
	if why := s.off(r); why != nil {
		http.Error(w, why.Error(), http.StatusForbidden)
		return
	}
	if r.Body, err = s.read(w, r); err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	if err := s.audit(r, actor, address); err != nil {
		s.refuse(w, err)
		return
	}
	r.SetBasicAuth(actor.Login, s.secret)
	asWritten(r)
	s.inner.ServeHTTP(w, r)
}

// refuse answers why somebody is not let in.
func (s *Service) refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var e *lms.Error
	if errors.As(err, &e) {
		switch e.Kind {
		case lms.KindSignIn:
			status = http.StatusUnauthorized
		case lms.KindForbidden:
			status = http.StatusForbidden
		case lms.KindLimit:
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", strconv.Itoa(e.RetryIn))
		case lms.KindUnavailable:
			status = http.StatusServiceUnavailable
		}
		http.Error(w, e.Message, status)
		return
	}
	if errors.Is(err, consensus.ErrUnavailable) {
		status = http.StatusServiceUnavailable
	}
	s.c.Logger.Error("a request for SQL failed", "error", err)
	http.Error(w, http.StatusText(status), status)
}

// off tells why the request is for something that is switched off.
func (s *Service) off(r *http.Request) error {
	p := r.URL.Path
	changes := strings.HasPrefix(p, "/db/execute") || strings.HasPrefix(p, "/remove") || p == "/leader" && r.Method == http.MethodPost
	switch {
	case strings.HasPrefix(p, "/db/load"), p == "/boot":
		return errLoad
	case strings.HasPrefix(p, "/debug/pprof"):
		return errors.New("profiles are on the site's own address")
	case changes && !s.c.Write:
		return errReadOnly
	}
	return nil
}

// read takes the body in, so that it can be looked at before it is carried out.
func (s *Service) read(w http.ResponseWriter, r *http.Request) (io.ReadCloser, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("the request is longer than %d bytes, or broke off", maxBody)
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

// asWritten turns rqlite's rewriting off: consensus refuses random() and the clock, so nothing needs to be guessed at. Of
// norwrandom rqlite's package http has two readings, the opposite of each other.
func asWritten(r *http.Request) {
	q := r.URL.Query()
	q.Set("norwtime", "")
	if strings.HasPrefix(r.URL.Path, "/db/execute") {
		q.Set("norwrandom", "")
	} else {
		q.Del("norwrandom")
	}
	r.URL.RawQuery = q.Encode()
}

// audit records a request that changes something, before it does, and counts those that read. The statements' text is not
// recorded: it may hold what people wrote.
func (s *Service) audit(r *http.Request, actor lms.Actor, address string) error {
	p := r.URL.Path
	record := func(action lms.AuditAction, object string, details ...string) error {
		return s.c.Audit(r.Context(), actor, address, action, object, details...)
	}
	switch {
	case strings.HasPrefix(p, "/db/query"):
		n, _ := count(r)
		s.reads.add(actor, address, n)
	case strings.HasPrefix(p, "/db/execute"), strings.HasPrefix(p, "/db/request"):
		n, writes := count(r)
		switch {
		case writes == 0 && strings.HasPrefix(p, "/db/request"):
			s.reads.add(actor, address, n)
		case s.c.Write: // else it is refused as a whole
			return record(lms.AuditSQL, "database", "statements", strconv.Itoa(n), "writing", strconv.Itoa(writes))
		}
	case strings.HasPrefix(p, "/db/backup"):
		return record(lms.AuditBackup, "database")
	case strings.HasPrefix(p, "/remove"):
		return record(lms.AuditNodeRemove, "node")
	case p == "/leader" && r.Method == http.MethodPost:
		return record(lms.AuditTransfer, "cluster")
	}
	return nil
}

// count tells how many statements a request has, as rqlite's package http reads it, and how many of them may write. It
// leaves the body as it was.
func count(r *http.Request) (n, writes int) {
	body, _ := io.ReadAll(r.Body) // of memory
	r.Body = io.NopCloser(bytes.NewReader(body))
	p := r.URL.Path
	if strings.HasPrefix(p, "/db/query") && r.Method == http.MethodGet || // it stands in the address
		!strings.HasPrefix(p, "/db/request") && strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") { // it is the body
		return 1, 1
	}
	all, err := rqlite.ParseRequest(bytes.NewReader(body))
	if err != nil {
		return 0, 0 // it will be refused
	}
	for _, st := range all {
		if !reads(st.Sql) {
			writes++
		}
	}
	return len(all), writes
}
