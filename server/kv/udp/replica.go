package udp

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"trivium/consensus"
)

// Bounds of what a replica does at once and remembers.
const (
	maxRequests = 512
	maxAnswered = 4096
	repeatAfter = 50 * time.Millisecond // a request that comes again sooner is the network's copy
)

// Config describes a replica.
type Config struct {
	Port   int           // of the simulator on this machine
	ID     string        // four hexadecimal digits
	Peers  []string      // the other replicas
	Dir    string        // of this replica alone; one that comes back with it has lost nothing
	Timing time.Duration // silence of the leader after which there is an election; default 300 ms
	Logger *slog.Logger
	Fatal  func(error)
}

// Stats counts messages.
type Stats struct{ Sent, Received, Malformed int64 }

// Replica is one replica. Make one with Open.
type Replica struct {
	conn      *Conn
	transport *Transport
	db        *consensus.DB
	logs      *wal.WAL
	table     atomic.Bool // the table is there
	slots     chan struct{}
	ctx       context.Context
	cancel    context.CancelFunc
	wg        sync.WaitGroup

	mu       sync.Mutex
	requests map[string]*request
	order    []string // keys of requests, oldest first
}

// request is a client's request: under way, or with its answer.
type request struct {
	answer *Message
	at     time.Time
}

// Open starts a replica and says hello.
func Open(c Config) (*Replica, error) {
	all := append([]string{c.ID}, c.Peers...)
	slices.Sort(all)
	for _, id := range all {
		if !ValidID(id) || id == Broadcast {
			return nil, fmt.Errorf("udp: %q is no id of a replica: four hexadecimal digits, not %s", id, Broadcast)
		}
	}
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		return nil, errors.New("udp: an id is there twice")
	}
	if c.Timing == 0 {
		c.Timing = 300 * time.Millisecond
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	conn, err := Dial(c.Port, c.ID)
	if err != nil {
		return nil, err
	}
	r := &Replica{conn: conn, transport: newTransport(conn), slots: make(chan struct{}, maxRequests), requests: map[string]*request{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if err := r.open(c, all); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	conn.Send(Message{Dst: Broadcast, Leader: Broadcast, Type: typeHello})
	r.wg.Go(r.receive)
	return r, nil
}

// open starts consensus. Every replica begins with the same configuration, so that any majority of them can start.
func (r *Replica) open(c Config, all []string) error {
	logs, err := openLog(c.Dir)
	if err != nil {
		return err
	}
	r.logs = logs
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(c.ID)
	var members raft.Configuration
	for _, id := range all {
		members.Servers = append(members.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id)})
	}
	err = raft.BootstrapCluster(rc, logs, logs, raft.NewInmemSnapshotStore(), r.transport, members)
	if err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return err
	}
	r.db, err = consensus.Open(consensus.Config{ID: c.ID, Dir: c.Dir, Transport: r.transport, LogStore: logs,
		HeartbeatTimeout: c.Timing, ElectionTimeout: c.Timing, LeaseTimeout: c.Timing / 2, HoldTimeout: 5 * time.Second,
		Logger: c.Logger, Fatal: c.Fatal})
	if err == nil {
		r.conn.leader = r.Leader
	}
	return err
}

// Leader is the id of the leader as this replica knows it, or Broadcast.
func (r *Replica) Leader() string {
	if id := r.db.Standing().Leader; id != "" {
		return id
	}
	return Broadcast
}

// Stats counts the messages so far.
func (r *Replica) Stats() Stats {
	return Stats{r.conn.sent.Load(), r.conn.received.Load(), r.conn.malformed.Load()}
}

// Close stops the replica without a word to the others.
func (r *Replica) Close() error {
	r.cancel()
	r.transport.Close() // nobody hears of it, as when the process dies
	err := r.conn.Close()
	r.wg.Wait()
	if r.db != nil {
		err = errors.Join(err, r.db.Close())
	}
	if r.logs != nil {
		err = errors.Join(err, r.logs.Close())
	}
	return err
}

func (r *Replica) receive() {
	for {
		m, err := r.conn.Receive()
		if err != nil {
			return
		}
		switch m.Type {
		case typeRaft:
			r.transport.receive(m.Src, m.Part)
		case typeGet, typePut:
			r.accept(m)
		}
	}
}

// accept answers a request beside the others. A repeat gets the answer that was given, unless it came with it: then the
// network has copied the request.
func (r *Replica) accept(m Message) {
	id := m.Src + "/" + m.MID
	r.mu.Lock()
	known := r.requests[id]
	if known == nil {
		r.remember(id)
	}
	var again *Message
	if known != nil && known.answer != nil && time.Since(known.at) > repeatAfter {
		again, known.at = known.answer, time.Now()
	}
	r.mu.Unlock()
	if known != nil {
		if again != nil {
			r.conn.Send(*again)
		}
		return
	}
	select {
	case r.slots <- struct{}{}:
	default:
		r.answer(id, Message{Dst: m.Src, Type: typeFail, MID: m.MID})
		return
	}
	r.wg.Go(func() {
		defer func() { <-r.slots }()
		r.answer(id, r.do(id, m))
	})
}

func (r *Replica) remember(id string) {
	if len(r.order) >= maxAnswered {
		delete(r.requests, r.order[0])
		r.order = r.order[1:]
	}
	r.requests[id] = &request{}
	r.order = append(r.order, id)
}

// answer sends an answer. Only what was done is kept for repeats: a refused request may succeed when it comes again.
func (r *Replica) answer(id string, m Message) {
	if r.ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	if known := r.requests[id]; known != nil {
		if m.Type == typeOK {
			known.answer, known.at = &m, time.Now()
		} else {
			delete(r.requests, id)
			if i := slices.Index(r.order, id); i >= 0 {
				r.order = slices.Delete(r.order, i, i+1)
			}
		}
	}
	r.mu.Unlock()
	r.conn.Send(m)
}

// do gets or puts, on the leader. A put whose outcome is unknown is refused; coming again under its MID, it is done once.
func (r *Replica) do(id string, m Message) Message {
	out := Message{Dst: m.Src, MID: m.MID, Type: typeOK}
	ctx := consensus.WithoutForwarding(r.ctx)
	err := r.needTable(ctx)
	if err == nil && m.Type == typePut {
		b := consensus.Batch{Key: id, Label: consensus.LabelSet}
		sum := sha256.Sum256([]byte(m.Key + "\x00" + m.Value))
		b.Digest = sum[:]
		b.Exec(`INSERT INTO kv (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2`, m.Key, m.Value)
		_, err = r.db.Apply(ctx, &b)
	} else if err == nil {
		var rows consensus.Rows
		rows, err = r.db.Query(ctx, consensus.Lease, `SELECT value FROM kv WHERE key = ?`, m.Key)
		if err == nil && len(rows.Values) > 0 {
			err = rows.Values[0].Scan(&out.Value)
		}
	}
	if err == nil {
		return out
	}
	out.Type, out.Leader = typeFail, r.Leader()
	if out.Leader != Broadcast && out.Leader != r.conn.id {
		out.Type = typeRedirect
	}
	return out
}

// needTable makes the table, once for all replicas.
func (r *Replica) needTable(ctx context.Context) error {
	if r.table.Load() {
		return nil
	}
	b := consensus.Batch{Key: "table"}
	b.Exec(`CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT`)
	_, err := r.db.Apply(ctx, &b)
	if err == nil {
		r.table.Store(true)
	}
	return err
}
