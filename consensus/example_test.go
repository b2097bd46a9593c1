package consensus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"trivium/consensus"
)

// A seat is taken in one batch: the guard decides when the batch is applied, in the order that all nodes share.
func ExampleBatch() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	network := consensus.NewNetwork(consensus.NetworkConfig{Listener: ln})
	defer network.Close()
	db, err := consensus.Open(consensus.Config{ID: "n1", Dir: dir, Network: network, Bootstrap: true, Logger: slog.New(slog.DiscardHandler),
		HeartbeatTimeout: 100 * time.Millisecond, ElectionTimeout: 100 * time.Millisecond, LeaseTimeout: 50 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	ctx := context.Background()

	var schema consensus.Batch
	schema.Exec(`CREATE TABLE seats (student TEXT PRIMARY KEY, taken_at INTEGER NOT NULL) STRICT`)
	if _, err := db.Apply(ctx, &schema); err != nil {
		panic(err)
	}

	errFull := errors.New("the course is full")
	take := func(key, student string) {
		var b consensus.Batch
		b.Key = key // a repeat, on any node, returns the first result
		b.Require(errFull, `(SELECT count(*) FROM seats) < ?`, 1)
		b.Exec(`INSERT INTO seats VALUES (?, ?)`, student, consensus.Stamp{})
		b.Return(`SELECT count(*) FROM seats`)
		r, err := db.Apply(ctx, &b)
		if err != nil {
			fmt.Println(student, err)
			return
		}
		fmt.Println(student, "sits; seats taken:", r.Rows.Values[0][0], "repeat:", r.Replayed)
	}
	take("request 1", "ada")
	take("request 2", "bob")
	take("request 1", "ada")
	// Output:
	// ada sits; seats taken: 1 repeat: false
	// bob the course is full
	// ada sits; seats taken: 1 repeat: true
}
