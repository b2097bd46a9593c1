package api

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"trivium/app/lms"
)

// Client calls the nodes of one cluster. It remembers the highest log index that it has seen, moves to another node
// when the current one stops answering, and repeats what was under way there with the same idempotency key. The zero
// value is not usable; make one with NewClient. All methods are safe for concurrent use.
type Client struct {
	transport transport
	hooks     Hooks
	timeout   time.Duration // of one attempt: 10 s, and the time for which a node may hold a request
	patience  time.Duration // for which a call is repeated
	handOver  bool

	mu      sync.Mutex
	home    string            // origin of the page, "" in a browser; the cookie is valid only here
	nodes   []string          // origins in the order in which they are tried; the first is home
	current string            // origin that answered last
	index   uint64            // highest X-Trivium-Index
	version string            // last X-App-Version
	stale   bool              // the last answer was as of an earlier time
	trouble bool              // calls are being repeated
	bearer  string            // token for every origin but home, and for home where there is no cookie
	ticket  string            // single use, for another node
	pending map[string]string // digest of a write whose outcome is unknown -> its key
	keeping bool              // the hand-over loop runs

	renewing sync.Mutex // held while the bearer token is renewed
}

// Hooks are told what the answers say beside their content. They run on the goroutine of the call; nil ones are left out.
type Hooks struct {
	OnAppVersion func(version string) // the node serves this version of the browser program
	OnStale      func(asOf time.Time) // answers are as of this time; the zero time: they are current again
	OnNode       func(origin string)  // another node answers now; "" is the page's own
	OnTrouble    func(err error)      // no node answers, calls are being repeated; nil: they answer again
	OnToken      func(token string)   // the bearer token was renewed: the old one is good for nothing more
	OnSignedOut  func()               // a node said that there is no session
}

// Option changes a client while it is made.
type Option func(*Client)

// WithHooks sets the callbacks.
func WithHooks(h Hooks) Option { return func(c *Client) { c.hooks = h } }

// WithBearer signs the calls with a token instead of the browser's cookie.
func WithBearer(token string) Option { return func(c *Client) { c.bearer = token } }

// WithTimeouts sets the bound of one attempt and of a whole call.
func WithTimeouts(attempt, call time.Duration) Option {
	return func(c *Client) { c.timeout, c.patience = attempt, call }
}

// WithHandOver keeps a hand-over ticket and the list of nodes fresh while somebody is signed in by cookie. It is the
// default in a browser.
func WithHandOver() Option { return func(c *Client) { c.handOver = true } }

// NewClient returns a client of the cluster that the node at base belongs to. An empty base is the page's own origin.
func NewClient(base string, opts ...Option) *Client {
	base = strings.TrimRight(base, "/")
	c := &Client{transport: newTransport(), timeout: 20 * time.Second, patience: 30 * time.Second, handOver: inBrowser,
		home: base, nodes: []string{base}, current: base, pending: map[string]string{}}
	for _, o := range opts {
		o(c)
	}
	return c
}

// SetNodes sets the origins of the cluster's nodes, where calls go when the current node stops answering.
func (c *Client) SetNodes(origins []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	nodes := []string{c.home}
	for _, o := range origins {
		o = strings.TrimRight(o, "/")
		if o == "" || o == pageOrigin() || slices.Contains(nodes, o) {
			continue
		}
		nodes = append(nodes, o)
	}
	c.nodes = nodes
}

// Nodes lists the known origins; the first is the one that the client was made with.
func (c *Client) Nodes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.nodes)
}

// Node is the origin that answered last; "" is the page's own.
func (c *Client) Node() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// Index is the highest log index that an answer carried.
func (c *Client) Index() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.index
}

// SetBearer changes the token; "" signs out. The token stays in memory.
func (c *Client) SetBearer(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bearer, c.ticket = token, ""
}

type keyOfCall struct{}

// WithKey makes the writes under ctx carry the idempotency key instead of a random one.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyOfCall{}, key)
}

// Call sends one request and returns its answer. What a node refuses comes back as an *lms.Error. When no node answers
// in time the error is lms.ErrUnavailable (nothing was changed) or lms.ErrUnknown; after the latter the same call,
// made again with equal content, carries the same key, so that it is never done twice.
func Call[In, Out any](ctx context.Context, c *Client, e Endpoint[In, Out], in In) (Out, error) {
	var out Out
	err := c.Do(ctx, Route{Method: e.Method, Path: e.Path, Access: e.Access}, in, &out)
	return out, err
}

// Do is Call without type parameters: the compiler makes a copy of a generic function for every endpoint, and the
// browser has to load them. It needs no more of the route than method, path and access; Endpoint.Route would bring the
// descriptions of all types of the table into the browser.
func (c *Client) Do(ctx context.Context, route Route, in, out any) error {
	r, err := newRequest(route, in)
	if err != nil {
		return err
	}
	r.timeout, r.patience = c.timeout, c.patience
	body, err := c.send(ctx, r)
	if v, ok := out.(*KVValue); ok && lms.KindOf(err) == lms.KindConflict {
		_ = json.Unmarshal(body, v) // a comparison that failed brings the present value, a key used before none
	}
	if err != nil {
		return err
	}
	if _, raw := out.(*Raw); raw || len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return lms.Errorf(lms.KindInternal, "The answer of the node could not be read. Reload the page; nothing you typed is lost.")
	}
	if cl, ok := out.(*lms.Cluster); ok && route.Path == GetCluster.Path {
		c.learn(*cl)
	}
	return nil
}

// learn keeps where the nodes are.
func (c *Client) learn(cl lms.Cluster) {
	var origins []string
	for _, n := range cl.Nodes {
		origins = append(origins, n.Origin)
	}
	c.SetNodes(origins)
}

// Bytes reads the body of a GET request, at most limit bytes.
func (c *Client) Bytes(ctx context.Context, path string, limit int64) ([]byte, error) {
	r := &request{method: "GET", path: path, access: lms.AnyUser, timeout: c.timeout, patience: c.patience, limit: limit}
	if !strings.HasPrefix(path, "/api/") {
		r.access = lms.Public // an answer does not prove that somebody is signed in
	}
	return c.send(ctx, r)
}

// Ready asks until ctx ends whether a node is ready for people. It needs no session and starts none.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.send(ctx, &request{method: "GET", path: "/readyz", access: lms.Public, timeout: c.timeout, patience: c.patience})
	return err
}

// noteAnswer remembers what the headers of an answer say and tells the hooks.
func (c *Client) noteAnswer(origin string, h func(string) string) {
	index, _ := strconv.ParseUint(h(HeaderIndex), 10, 64)
	ms, err := strconv.ParseInt(h(HeaderStale), 10, 64)
	isStale := err == nil && ms > 0
	version := h(HeaderAppVersion)

	c.mu.Lock()
	c.index = max(c.index, index)
	moved := c.current != origin
	newVersion := version != "" && version != c.version
	if newVersion {
		c.version = version
	}
	wasStale := c.stale
	c.current, c.stale = origin, isStale
	c.mu.Unlock()

	if newVersion && c.hooks.OnAppVersion != nil {
		c.hooks.OnAppVersion(version)
	}
	if moved && c.hooks.OnNode != nil {
		c.hooks.OnNode(origin)
	}
	if c.hooks.OnStale != nil && (isStale || wasStale) {
		var asOf time.Time
		if isStale {
			asOf = time.UnixMilli(ms).UTC()
		}
		c.hooks.OnStale(asOf)
	}
}

// noteTrouble tells the hook when calls begin and cease to be repeated.
func (c *Client) noteTrouble(err error) {
	c.mu.Lock()
	changed := c.trouble != (err != nil)
	c.trouble = err != nil
	c.mu.Unlock()
	if changed && c.hooks.OnTrouble != nil {
		c.hooks.OnTrouble(err)
	}
}
