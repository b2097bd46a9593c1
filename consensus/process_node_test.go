package consensus_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"trivium/consensus"
)

// nodeEnv makes the test binary a node instead of running tests: its value is a nodeConfig.
const nodeEnv = "TRIVIUM_TEST_NODE"

func TestMain(m *testing.M) {
	if text := os.Getenv(nodeEnv); text != "" {
		if err := runNode(text); err != nil {
			fmt.Fprintln(os.Stderr, "node:", err)
			os.Exit(2)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// nodeConfig is what a node process is told.
type nodeConfig struct {
	ID, Dir, Address, Control string
	Bootstrap                 bool
	Trailing, Every           uint64        // as consensus.Config
	DiskTimeout               time.Duration // 0: long, since shared disks stall
}

type sqlText struct {
	SQL  string
	Args []any
}

// control is one request to a node process.
type control struct {
	Op          string
	Key         string
	Guards      []sqlText
	Exec        []sqlText
	Return      *sqlText
	Level       consensus.Level
	Wait        uint64 // session reads: the index that the client has seen
	Query       sqlText
	ID, Address string
	Voter       bool
}

// reply is its answer. Kind is empty when all is well.
type reply struct {
	Kind, Text string
	Index      uint64 // of the write, or after the read
	Replayed   bool
	Rows       [][]any
	Hash       string
	Status     consensus.Status
	Received   float64 // snapshots
}

// Kinds of failure.
const (
	kindUnavailable = "unavailable"
	kindUnknown     = "unknown"
	kindGuard       = "guard"
	kindOther       = "other"
)

var errTestGuard = errors.New("a guard of the test refused")

func kindOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, consensus.ErrUnknown):
		return kindUnknown
	case errors.Is(err, consensus.ErrUnavailable), errors.Is(err, consensus.ErrBusy):
		return kindUnavailable
	case errors.Is(err, errTestGuard):
		return kindGuard
	}
	return kindOther
}

// Timeouts of a node process.
const (
	processHeartbeat = 250 * time.Millisecond
	processHold      = 3 * time.Second
)

// runNode serves until the process is killed, or until its parent is gone and stdin ends.
func runNode(text string) error {
	var c nodeConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	ln, err := listenAgain(c.Address)
	if err != nil {
		return err
	}
	db, err := consensus.Open(consensus.Config{
		ID: c.ID, Dir: c.Dir, Network: consensus.NewNetwork(consensus.NetworkConfig{Listener: ln}), Bootstrap: c.Bootstrap,
		HeartbeatTimeout: processHeartbeat, ElectionTimeout: processHeartbeat, LeaseTimeout: processHeartbeat / 2,
		HoldTimeout: processHold, TrailingLogs: c.Trailing, SnapshotEvery: c.Every, SnapshotInterval: 100 * time.Millisecond,
		DiskTimeout: cmp.Or(c.DiskTimeout, 30*time.Second),
		Logger:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	if err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if ln, err = listenAgain(c.Control); err != nil {
		return err
	}
	return http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q control
		d := json.NewDecoder(r.Body)
		d.UseNumber()
		if err := d.Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		a, err := answer(r.Context(), db, &q)
		if a.Kind = kindOf(err); err != nil {
			a.Text = err.Error()
		}
		json.NewEncoder(w).Encode(a)
	}))
}

// listenAgain takes the port that a killed predecessor may hold for a moment more.
func listenAgain(address string) (ln net.Listener, err error) {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ln, err = net.Listen("tcp", address); err == nil {
			return ln, nil
		}
	}
	return nil, err
}

func answer(ctx context.Context, db *consensus.DB, q *control) (a reply, err error) {
	switch q.Op {
	case "apply":
		r, err := db.Apply(ctx, q.batch())
		a.Index, a.Replayed, a.Rows = r.Index, r.Replayed, plainRows(r.Rows)
		return a, err
	case "query":
		if err := db.WaitIndex(ctx, q.Wait); err != nil {
			return a, err
		}
		rows, err := db.Query(ctx, q.Level, q.Query.SQL, plainArgs(q.Query.Args)...)
		a.Index, a.Rows = db.Applied(), plainRows(rows)
		return a, err
	case "hash":
		a.Hash, a.Index, err = db.Hash(ctx)
		return a, err
	case "status":
		a.Status = db.Status()
		if !db.IsLeader() && a.Status.State == "leader" {
			a.Status.State = "candidate" // not yet of use
		}
		return a, nil
	case "received":
		a.Received, err = figureOf(db, "trivium_consensus_snapshots_received_total")
		return a, err
	case "join":
		return a, db.Join(ctx, q.ID, q.Address, q.Voter)
	case "remove":
		return a, db.Remove(ctx, q.ID, false)
	}
	return a, fmt.Errorf("no operation %q", q.Op)
}

func (q *control) batch() *consensus.Batch {
	b := &consensus.Batch{Key: q.Key}
	for _, g := range q.Guards {
		b.Require(errTestGuard, g.SQL, plainArgs(g.Args)...)
	}
	for _, s := range q.Exec {
		b.Exec(s.SQL, plainArgs(s.Args)...)
	}
	if q.Return != nil {
		b.Return(q.Return.SQL, plainArgs(q.Return.Args)...)
	}
	return b
}

// logIndex stands for consensus.Index in JSON.
const logIndex = "$index"

func plainArgs(args []any) []any {
	out := make([]any, len(args))
	for i, v := range args {
		out[i] = v
		switch v := v.(type) {
		case json.Number:
			out[i], _ = v.Int64()
		case string:
			if v == logIndex {
				out[i] = consensus.Index{}
			}
		}
	}
	return out
}

func plainRows(rows consensus.Rows) [][]any {
	out := make([][]any, len(rows.Values))
	for i, r := range rows.Values {
		out[i] = r
	}
	return out
}
