package consensus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// The nodes talk HTTP to each other over ServiceRPC: forwarded batches in the codec of the log, the rest as JSON or text.
// Errors are told by the status.
const (
	statusNotLeader = http.StatusMisdirectedRequest // surely without effect
	statusRefused   = http.StatusConflict           // ErrMembership, the text says why
)

const (
	maxAnswer   = 64 << 20
	maxJSON     = 64 << 10
	dialTimeout = 2 * time.Second
)

// raftStream carries Raft's own messages over the network.
type raftStream struct {
	net.Listener
	network *Network
	address string
}

func (s *raftStream) Addr() net.Addr { return nodeAddr(s.address) }

func (s *raftStream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), min(timeout, dialTimeout))
	defer cancel()
	return s.network.Dial(ctx, ServiceRaft, string(address))
}

// nodeAddr is the address that other nodes use, which need not be the one we listen on.
type nodeAddr string

func (nodeAddr) Network() string  { return "tcp" }
func (a nodeAddr) String() string { return string(a) }

func (db *DB) serve() {
	if db.config.Network == nil {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apply", db.serveApply)
	mux.HandleFunc("POST /member", db.serveMember)
	mux.HandleFunc("GET /readindex", db.serveReadIndex)
	mux.HandleFunc("GET /marks", db.serveMarks)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(db.Status()) })
	db.client = db.config.Network.Client(ServiceRPC)
	if t, ok := db.client.Transport.(*http.Transport); ok { // HTTP dials on for whoever may come next: not after Close
		dial := t.DialContext
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(db.life, cancel)()
			return dial(ctx, network, address)
		}
	}
	db.rpc = &http.Server{Handler: db.silence(mux), ReadHeaderTimeout: headerTimeout, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(db.config.Logger.Handler(), slog.LevelDebug)}
	ln := db.config.Network.Listen(ServiceRPC)
	db.start(func() { db.rpc.Serve(ln) })
}

// call makes one request. The error is errNotLeader when the request cannot have arrived, else ErrUnknown.
func (db *DB) call(ctx context.Context, method, address, path string, body []byte) (status int, answer []byte, err error) {
	if db.gate.shut.Load() {
		db.gate.wait(ctx.Done(), maxSilence)
		return 0, nil, fmt.Errorf("%w: %w", errNotLeader, errSuspended)
	}
	kind, _, _ := strings.Cut(path, "?")
	db.sent.count(rpcKinds[kind])
	req, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errNotLeader, err)
	}
	req.Header.Set("Idempotency-Key", "1") // the key is in the batch: let the client use a new connection for an old, dead one
	var connected atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}))
	res, err := db.client.Do(req)
	if err != nil {
		// That no new connection could be made says nothing about the old one, on which it may have arrived.
		if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" && !connected.Load() {
			return 0, nil, fmt.Errorf("%w: %w", errNotLeader, err)
		}
		return 0, nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return res.StatusCode, answer, nil
}

func (db *DB) serveReadIndex(w http.ResponseWriter, r *http.Request) {
	if db.raft.State() != raft.Leader {
		http.Error(w, errNotLeader.Error(), statusNotLeader)
		return
	}
	level := Linearizable
	if r.URL.RawQuery == leaseQuery {
		level = Lease
	}
	index, err := db.askReadIndex(r.Context(), level)
	if err != nil {
		http.Error(w, err.Error(), statusNotLeader)
		return
	}
	io.WriteString(w, strconv.FormatUint(index, 10))
}

const leaseQuery = "lease"

func (db *DB) askLeader(ctx context.Context, address string, level Level) (uint64, error) {
	path := "/readindex"
	if level == Lease {
		path += "?" + leaseQuery
	}
	status, body, err := db.call(ctx, http.MethodGet, address, path, nil)
	if err != nil {
		return 0, err
	}
	if status != http.StatusOK {
		return 0, errNotLeader
	}
	return strconv.ParseUint(string(body), 10, 64)
}

// statusOf asks a node how it stands, and makes sure that it is the one we mean.
func (db *DB) statusOf(ctx context.Context, id, address string) (st Status, err error) {
	if id == db.config.ID {
		return db.Status(), nil
	}
	if db.client == nil {
		return st, errors.New("there is no network to ask over")
	}
	ctx, cancel := context.WithTimeout(ctx, nodesTimeout)
	defer cancel()
	sent, local := time.Now(), db.clock.read().wall
	status, body, err := db.call(ctx, http.MethodGet, address, "/status", nil)
	if err != nil {
		return st, err
	}
	if status != http.StatusOK {
		return st, fmt.Errorf("status %d", status)
	}
	if err := json.Unmarshal(body, &st); err != nil {
		return st, err
	}
	if st.ID != id {
		return st, fmt.Errorf("node %q answers at %s", st.ID, address)
	}
	st.ahead = st.Clock.Sub(local.Add(time.Since(sent) / 2)) // it looked at its clock about half-way
	return st, nil
}
