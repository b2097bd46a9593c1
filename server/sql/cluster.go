package sql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	clusterpb "github.com/rqlite/rqlite/v8/cluster/proto"
	"github.com/rqlite/rqlite/v8/command/proto"
	"github.com/rqlite/rqlite/v8/store"

	"trivium/consensus"
)

// Protocol is the service on the cluster port by which nodes tell each other where they serve SQL.
const Protocol consensus.Service = 'S'

const metaPath = "/meta"

// meta is what a node tells of itself.
type meta struct {
	URL     string `json:"url"`
	Commit  uint64 `json:"commit"`
	Version string `json:"version"`
}

// members knows the addresses of the nodes. It is what rqlite's package http takes for its cluster service.
type members struct {
	*database // answers what another node would be asked for: see unreachable
	client    *http.Client

	mu      sync.Mutex
	leader  store.Server
	learned time.Time
}

// Leader implements rqlite's store.
func (d *database) Leader() (*store.Server, error) { return d.members.leads() }

// Nodes implements rqlite's store.
func (d *database) Nodes() ([]*store.Server, error) {
	nodes, err := d.c.DB.Nodes(d.ctx)
	if err != nil {
		return nil, err
	}
	all := make([]*store.Server, len(nodes))
	for i, n := range nodes {
		all[i] = server(n)
	}
	return all, nil
}

func server(n consensus.Node) *store.Server {
	s := &store.Server{ID: n.ID, Addr: n.Address, Suffrage: "Voter"}
	if !n.Voter {
		s.Suffrage = "Nonvoter"
	}
	return s
}

const addressAge = 5 * time.Second

// leads finds the leader. Its address is asked for now and then only: all members are asked for that.
func (m *members) leads() (*store.Server, error) {
	id := m.c.DB.Standing().Leader
	if id == "" {
		return nil, store.ErrLeaderNotFound
	}
	m.mu.Lock()
	s, fresh := m.leader, time.Since(m.learned) < addressAge
	m.mu.Unlock()
	if s.ID == id && fresh {
		return &s, nil
	}
	nodes, err := m.c.DB.Nodes(m.ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if n.ID == id {
			s := server(n)
			m.mu.Lock()
			m.leader, m.learned = *s, time.Now()
			m.mu.Unlock()
			return s, nil
		}
	}
	return nil, store.ErrLeaderNotFound
}

// GetNodeMeta asks the node at the cluster address where it serves SQL.
func (m *members) GetNodeMeta(address string, _ int, timeout time.Duration) (*clusterpb.NodeMeta, error) {
	if address == m.c.Address {
		own := m.own()
		return &clusterpb.NodeMeta{Url: own.URL, CommitIndex: own.Commit, Version: own.Version}, nil
	}
	ctx, cancel := context.WithTimeout(m.ctx, timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+metaPath, nil)
	if err != nil {
		return nil, err
	}
	resp, err := m.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("the node is down, or serves no SQL: %w", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	var other meta
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&other); err != nil {
		return nil, err
	}
	return &clusterpb.NodeMeta{Url: other.URL, CommitIndex: other.Commit, Version: other.Version}, nil
}

func (m *members) own() meta {
	return meta{URL: m.c.URL, Commit: m.c.DB.Status().Commit, Version: m.c.Version}
}

// serveMeta answers the other nodes.
func (m *members) serveMeta(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != metaPath {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(m.own()) // an error is the other's
}

// The rest of rqlite's cluster service is for requests that only the leader answers. Here any node does, so whoever comes to
// these has met a moment without leader that is over by now: the request is made once more.

// Execute implements rqlite's cluster service.
func (m *members) Execute(er *proto.ExecuteRequest, _ string, _ *clusterpb.Credentials, _ time.Duration, _ int) ([]*proto.ExecuteQueryResponse, uint64, error) {
	return m.database.Execute(er)
}

// Query implements rqlite's cluster service.
func (m *members) Query(qr *proto.QueryRequest, _ string, _ *clusterpb.Credentials, _ time.Duration) ([]*proto.QueryRows, uint64, error) {
	return m.database.Query(qr)
}

// Request implements rqlite's cluster service.
func (m *members) Request(er *proto.ExecuteQueryRequest, _ string, _ *clusterpb.Credentials, _ time.Duration, _ int) ([]*proto.ExecuteQueryResponse, uint64, error) {
	return m.database.Request(er)
}

// Backup implements rqlite's cluster service.
func (m *members) Backup(br *proto.BackupRequest, _ string, _ *clusterpb.Credentials, _ time.Duration, w io.Writer) error {
	return m.database.Backup(br, w)
}

// Load implements rqlite's cluster service. It is refused.
func (m *members) Load(*proto.LoadRequest, string, *clusterpb.Credentials, time.Duration, int) error {
	return errLoad
}

// RemoveNode implements rqlite's cluster service.
func (m *members) RemoveNode(r *proto.RemoveNodeRequest, _ string, _ *clusterpb.Credentials, _ time.Duration) error {
	return m.database.Remove(r)
}

// Stepdown implements rqlite's cluster service.
func (m *members) Stepdown(r *proto.StepdownRequest, _ string, _ *clusterpb.Credentials, _ time.Duration) error {
	return m.database.Stepdown(r.Wait, r.Id)
}

// Stats implements rqlite's cluster service.
func (m *members) Stats() (map[string]any, error) {
	return map[string]any{"addr": m.c.Address, "api_addr": m.c.URL, "https": fmt.Sprint(m.c.TLS)}, nil
}

// Stats implements rqlite's store, with the names that its clients know.
func (d *database) Stats() (map[string]any, error) {
	st := d.c.DB.Status()
	nodes, err := d.Nodes()
	if err != nil {
		return nil, err
	}
	leader := map[string]string{"node_id": "", "addr": ""}
	if l, err := d.Leader(); err == nil {
		leader = map[string]string{"node_id": l.ID, "addr": l.Addr}
	}
	return map[string]any{
		"open": true, "ready": st.Ready, "node_id": st.ID, "addr": d.c.Address, "leader": leader, "nodes": nodes,
		"fsm_index": st.Applied, "db_applied_index": st.Applied,
		"raft": map[string]any{
			"state": st.State, "term": st.Term, "commit_index": st.Commit, "applied_index": st.Applied, "num_peers": len(nodes) - 1,
			"voter": !d.c.Replica,
		},
	}, nil
}
