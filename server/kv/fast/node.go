package fast

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/consensus"
	"trivium/server/store"
)

// Service is the protocol on the cluster port.
const Service consensus.Service = 'K'

// Config describes a Node.
type Config struct {
	Dir     string // holds the pending log
	Enabled bool   // this node accepts fast writes, and allows them when it leads
	Network *consensus.Network
	Store   *store.Store
	Logger  *slog.Logger
}

// Node is this node's part in fast writes. One that is not enabled takes part in what others have begun: it answers with
// what it keeps, and settles. It is safe for concurrent use.
type Node struct {
	c      Config
	db     *consensus.DB
	log    *pendingLog
	client *http.Client
	server *http.Server
	tryFor time.Duration // see replicate

	mu    sync.Mutex
	known *string // the mode in this node's database; nil: to be read
	reads uint64  // changes when known does
	lead  *lead   // nil: this node does not lead
	shut  bool

	fast, slow atomic.Int64 // acknowledged before they had a place, and not

	stops  []func()
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// mode is what the row of the store says while fast writes may be acknowledged: by whose leader, and whom Quorum is of.
type mode struct {
	Term   uint64   `json:"term"`
	Change string   `json:"change"` // no two rows are the same
	Group  []string `json:"group"`
}

func decodeMode(s string) (m mode, err error) {
	if s != "" {
		err = json.Unmarshal([]byte(s), &m)
	}
	return m, err
}

// New starts the node's part. Close it before the database and the network.
func New(c Config) (*Node, error) {
	l, err := openLog(filepath.Join(c.Dir, "pending"))
	if err != nil {
		return nil, err
	}
	n := &Node{c: c, db: c.Store.DB(), log: l, client: c.Network.Client(Service), tryFor: tryFor}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.stops = append(n.stops, n.db.Observe(store.KVModeTopic, n.modeChanged), n.db.Observe(store.KVFastTopic, n.ordered))
	n.server = &http.Server{Handler: n.handler(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug)}
	ln := c.Network.Listen(Service)
	n.wg.Go(func() { n.server.Serve(ln) })
	n.wg.Go(n.run)
	return n, nil
}

// Close ends it. What is pending stays on the disk.
func (n *Node) Close() error {
	n.mu.Lock()
	n.shut = true
	n.mu.Unlock()
	n.cancel()
	for _, stop := range n.stops {
		stop()
	}
	n.server.Close()
	n.wg.Wait()
	n.client.CloseIdleConnections()
	return n.log.close()
}

// start runs f, for which Close waits. It reports false when the node is closed.
func (n *Node) start(f func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.shut {
		n.wg.Go(f)
	}
	return !n.shut
}

// Collectors are the figures for /metrics.
func (n *Node) Collectors() []prometheus.Collector {
	counter := func(name, help string, v *atomic.Int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(v.Load()) })
	}
	return []prometheus.Collector{
		counter("trivium_kv_fast_writes_total", "Writes of keys acknowledged before they had a place in the log.", &n.fast),
		counter("trivium_kv_fast_fallbacks_total", "Fast writes of keys that became ordinary ones.", &n.slow),
	}
}

// modeChanged notes the mode as its entry takes effect.
func (n *Node) modeChanged(topics []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reads++
	n.known = nil
	for _, t := range topics {
		m := strings.TrimPrefix(t, store.KVModeTopic)
		n.known = &m
	}
}

// ordered drops what has its place in the log.
func (n *Node) ordered(topics []string) {
	ids := make([]string, len(topics))
	for i, t := range topics {
		ids[i] = strings.TrimPrefix(t, store.KVFastTopic)
	}
	n.log.drop(ids...)
}

// mode is the mode in this node's database. A node that has caught up once knows every mode that is in force: the leader
// does not use one before all members have it.
func (n *Node) mode(ctx context.Context) (string, error) {
	if err := n.c.Store.KVReach(ctx, consensus.Local); err != nil {
		return "", err
	}
	n.mu.Lock()
	known, reads := n.known, n.reads
	n.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	m, err := n.c.Store.KVMode(ctx)
	if err != nil {
		return "", err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.reads == reads {
		n.known = &m
	}
	return m, nil
}

// On reports whether there may be writes that were acknowledged and have no place in the log yet: then reads and writes of
// keys must Settle first.
func (n *Node) On(ctx context.Context) (bool, error) {
	m, err := n.mode(ctx)
	return m != "", err
}

// The messages between nodes.
type (
	appendRequest struct {
		Term uint64 `json:"term"`
		Op   Op     `json:"op"`
	}
	termRequest struct {
		Term  uint64 `json:"term"`
		Mode  string `json:"mode,omitempty"`
		Index uint64 `json:"index,omitempty"`
	}
	listAnswer struct {
		Opened  uint64 `json:"opened"`
		Ops     []Op   `json:"ops,omitempty"`
		Enabled bool   `json:"enabled,omitempty"`
	}
	dropRequest struct {
		IDs []string `json:"ids"`
	}
	settleRequest struct {
		Keys  []string        `json:"keys,omitempty"` // none: all
		Read  bool            `json:"read,omitempty"`
		Level consensus.Level `json:"level,omitempty"`
	}
	settleAnswer struct {
		Mode  string `json:"mode,omitempty"`
		Index uint64 `json:"index,omitempty"`
	}
	putAnswer struct {
		Fast  bool          `json:"fast,omitempty"`
		Done  bool          `json:"done,omitempty"` // it has its place already
		Entry store.KVEntry `json:"entry"`
	}
	none struct{}
)

const maxMessage = 32 << 20

var errMessage = errors.New("fast: refused")

func (n *Node) handler() http.Handler {
	mux := http.NewServeMux()
	handle(mux, "append", func(_ context.Context, in appendRequest) (none, error) {
		if !n.c.Enabled {
			return none{}, errTerm
		}
		return none{}, n.log.append(in.Term, in.Op)
	})
	handle(mux, "collect", func(_ context.Context, in termRequest) (a listAnswer, err error) {
		a.Opened, a.Ops, err = n.log.collect(in.Term)
		return a, err
	})
	handle(mux, "open", func(ctx context.Context, in termRequest) (none, error) { return none{}, n.open(ctx, in) })
	handle(mux, "pending", func(context.Context, none) (listAnswer, error) {
		return listAnswer{Ops: n.log.pending(), Enabled: n.c.Enabled}, nil
	})
	handle(mux, "drop", func(_ context.Context, in dropRequest) (none, error) {
		n.log.drop(in.IDs...)
		return none{}, nil
	})
	handle(mux, "settle", n.settle)
	handle(mux, "put", n.put)
	return mux
}

// open is what a member does when a leader begins to acknowledge fast writes: it makes sure that it knows the mode, and a
// voter begins to keep them.
func (n *Node) open(ctx context.Context, in termRequest) error {
	if err := n.db.WaitIndex(ctx, in.Index); err != nil {
		return err
	}
	have, err := n.mode(ctx)
	if err == nil && have != in.Mode {
		err = store.ErrKVMode
	}
	m, e := decodeMode(in.Mode)
	if err = errors.Join(err, e); err != nil {
		return err
	}
	if !slices.Contains(m.Group, n.db.Standing().ID) {
		return nil
	}
	if !n.c.Enabled {
		return errTerm
	}
	return n.log.open(in.Term)
}

func handle[In, Out any](mux *http.ServeMux, name string, f func(context.Context, In) (Out, error)) {
	mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage)).Decode(&in)
		var out Out
		if err == nil {
			out, err = f(r.Context(), in)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		json.NewEncoder(w).Encode(out)
	})
}
