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

	"trivium/server/load"
)

// rqliteLevels translates the levels of a read. rqlite has no session level: its cheapest is "none".
var rqliteLevels = map[string]string{"none": "none", "session": "none", "linearizable": "linearizable"}

const rqliteUpsert = "INSERT INTO kv(key, value, version) VALUES(?, ?, 1) ON CONFLICT(key) DO UPDATE SET value = excluded.value, version = version + 1"

func startRqlite(ctx context.Context, program, dir string) (*load.Cluster, error) {
	addrs, err := load.FreeAddresses(6)
	if err != nil {
		return nil, err
	}
	c := &load.Cluster{Name: "rqlited", Check: checkRqlite, Leader: rqliteLeader, Status: load.Call{Method: "GET", Path: "/nodes"}}
	c.Write = func(key, value string) load.Call { return rqliteCall("/db/execute", rqliteUpsert, key, value) }
	c.Read = func(key, level string) load.Call {
		return rqliteCall("/db/query?level="+level, "SELECT value, version FROM kv WHERE key = ?", key)
	}
	for i := range 3 {
		id := strconv.Itoa(i)
		d := filepath.Join(dir, id)
		if err := os.MkdirAll(d, 0o755); err != nil {
			return c.Started(err)
		}
		args := []string{"-node-id", id, "-http-addr", addrs[i], "-raft-addr", addrs[3+i]}
		if i > 0 {
			args = append(args, "-join", addrs[3])
		}
		n := &load.Node{ID: id, Address: addrs[i], Command: load.Command{Program: program, Args: append(args, d), Log: filepath.Join(dir, id+".log")}}
		if err := c.Add(n); err != nil {
			return c.Started(err)
		}
	}
	_, err = load.Poll(ctx, func() (load.Answer, error) {
		return c.Once(0, rqliteCall("/db/execute", "CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value TEXT NOT NULL, version INTEGER NOT NULL) STRICT"))
	})
	if err == nil {
		err = c.WaitWrite(ctx)
	}
	return c.Started(err)
}

func rqliteCall(path string, statement ...any) load.Call {
	b, _ := json.Marshal([][]any{statement}) // strings always marshal
	return load.Call{Method: "POST", Path: path, Body: string(b)}
}

func checkRqlite(body []byte) error {
	if bytes.Contains(body, []byte(`"error":`)) && !bytes.Contains(body, []byte(`"leader":`)) {
		return fmt.Errorf("%.200s", body)
	}
	return nil
}

func rqliteLeader(a load.Answer) (string, error) {
	var nodes map[string]struct {
		Leader bool `json:"leader"`
	}
	if err := json.Unmarshal(a.Body, &nodes); err != nil {
		return "", err
	}
	for id, n := range nodes {
		if n.Leader {
			return id, nil
		}
	}
	return "", errors.New("rqlited: no leader")
}
