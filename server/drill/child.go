package drill

import (
	"bufio"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"trivium/consensus"
)

// childConfig is the first line that a child reads. It ends when that pipe does, so that none outlives its drill.
type childConfig struct {
	ID, Dir, Address, Secret string
	Bootstrap                bool
	Timing                   consensus.Timing
	Hold                     time.Duration
	Trailing, Every          uint64 // 0: the default
}

// childReady is what a child says once it can be talked to.
type childReady struct{ Control string }

// reply of a child: Error is told in words, Kind says whether it is a refusal.
type reply struct {
	Value  Value             `json:",omitzero"`
	Status *consensus.Status `json:",omitempty"`
	Lines  []string          `json:",omitempty"`
	Error  string            `json:",omitempty"`
	Kind   string            `json:",omitempty"` // "refused", "unknown" or empty
}

// Child runs one node of a drill until in ends.
func Child(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("this command is started by \"trivium drill\": %w", err)
	}
	var c childConfig
	if err := json.Unmarshal(first, &c); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", c.Address)
	if err != nil {
		return err
	}
	network := consensus.NewNetwork(consensus.NetworkConfig{Listener: ln})
	defer network.Close()
	db, err := consensus.Open(consensus.Config{ID: c.ID, Dir: c.Dir, Address: c.Address, Network: network, Bootstrap: c.Bootstrap,
		HeartbeatTimeout: c.Timing.Heartbeat, ElectionTimeout: c.Timing.Election, LeaseTimeout: c.Timing.Lease, HoldTimeout: c.Hold,
		TrailingLogs: c.Trailing, SnapshotEvery: c.Every, SnapshotInterval: time.Second, DiskTimeout: 30 * time.Second,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	defer db.Close()
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: childHandler(local{db}, c.Secret), ReadHeaderTimeout: 5 * time.Second}
	defer server.Close()
	go server.Serve(control)
	if err := json.NewEncoder(out).Encode(childReady{control.Addr().String()}); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, lines)
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return nil
}

// command is what a drill asks of a child.
type command struct{ Do, ID, Key, Text string }

func childHandler(n local, secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(secret)) != 1 {
			http.Error(w, "not for you", http.StatusUnauthorized)
			return
		}
		var c command
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&c); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := n.execute(r.Context(), c)
		if err != nil {
			answer.Error = err.Error()
			switch {
			case errors.Is(err, errUnknown):
				answer.Kind = "unknown"
			case errors.Is(err, errRefused):
				answer.Kind = "refused"
			}
		}
		json.NewEncoder(w).Encode(answer)
	})
}

func (n local) execute(ctx context.Context, c command) (a reply, err error) {
	switch c.Do {
	case "set":
		err = n.Set(ctx, c.ID, c.Key, c.Text)
	case "get":
		a.Value, err = n.Get(ctx, c.Key)
	case "status":
		st := n.db.Status()
		a.Status = &st
	case "log":
		a.Lines, err = n.Log(ctx)
	case "join":
		err = n.Join(ctx, c.ID, c.Text)
	case "prepare":
		err = n.prepare(ctx)
	default:
		err = fmt.Errorf("there is no command %q", c.Do)
	}
	return a, err
}
