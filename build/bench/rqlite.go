package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// rqliteLevels translates the levels of a read. rqlite has no session level: its cheapest is "none".
var rqliteLevels = map[string]string{"none": "none", "session": "none", "linearizable": "linearizable"}

const rqliteUpsert = "INSERT INTO kv(key, value, version) VALUES(?, ?, 1) ON CONFLICT(key) DO UPDATE SET value = excluded.value, version = version + 1"

func startRqlite(ctx context.Context, program, dir string) (*cluster, error) {
	addrs, err := freePorts(6)
	if err != nil {
		return nil, err
	}
	c := &cluster{name: "rqlited", check: checkRqlite, leader: rqliteLeader, status: call{method: "GET", path: "/nodes"}}
	c.write = func(key, value string) call { return rqliteCall("/db/execute", rqliteUpsert, key, value) }
	c.read = func(key, level string) call {
		return rqliteCall("/db/query?level="+rqliteLevels[level], "SELECT value, version FROM kv WHERE key = ?", key)
	}
	for i := range 3 {
		d := filepath.Join(dir, strconv.Itoa(i))
		if err := os.MkdirAll(d, 0o755); err != nil {
			return c.started(err)
		}
		args := []string{"-node-id", strconv.Itoa(i), "-http-addr", addrs[i], "-raft-addr", addrs[3+i]}
		if i > 0 {
			args = append(args, "-join", addrs[3])
		}
		p := &process{name: program, args: append(args, d), log: filepath.Join(dir, fmt.Sprintf("%d.log", i)), address: addrs[i]}
		if err := p.start(); err != nil {
			return c.started(err)
		}
		c.nodes = append(c.nodes, p)
	}
	_, err = poll(ctx, func() (answer, error) {
		return c.once(0, rqliteCall("/db/execute", "CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value TEXT NOT NULL, version INTEGER NOT NULL) STRICT"))
	})
	if err == nil {
		err = c.waitWrite(ctx)
	}
	return c.started(err)
}

func rqliteCall(path string, statement ...any) call {
	b, _ := json.Marshal([][]any{statement}) // strings always marshal
	return call{method: "POST", path: path, body: string(b)}
}

func checkRqlite(body []byte) error {
	if bytes.Contains(body, []byte(`"error":`)) && !bytes.Contains(body, []byte(`"leader":`)) {
		return fmt.Errorf("%.200s", body)
	}
	return nil
}

func rqliteLeader(body []byte) (int, error) {
	var nodes map[string]struct {
		Leader bool `json:"leader"`
	}
	if err := json.Unmarshal(body, &nodes); err != nil {
		return 0, err
	}
	for id, n := range nodes {
		if n.Leader {
			return strconv.Atoi(id)
		}
	}
	return 0, errors.New("rqlited: no leader")
}
