package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// rqliteLevels translates the levels of a read. rqlite has no session level: its cheapest is "none".
var rqliteLevels = map[string]string{"none": "none", "session": "none", "linearizable": "linearizable"}

func startRqlite(ctx context.Context, program, dir string) (*cluster, error) {
	addrs, err := freePorts(6)
	if err != nil {
		return nil, err
	}
	c := &cluster{name: "rqlited", http: newHTTP()}
	for i := range 3 {
		d := filepath.Join(dir, strconv.Itoa(i))
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
		args := []string{"-node-id", strconv.Itoa(i), "-http-addr", addrs[i], "-raft-addr", addrs[3+i]}
		if i > 0 {
			args = append(args, "-join", addrs[3])
		}
		p := &process{name: program, args: append(args, d), log: filepath.Join(dir, fmt.Sprintf("%d.log", i)), base: "http://" + addrs[i]}
		if err := p.start(); err != nil {
			c.stop()
			return nil, err
		}
		c.nodes = append(c.nodes, p)
	}
	c.write = func(ctx context.Context, base, key, value string) (*http.Request, error) {
		return jsonRequest(ctx, "POST", base+"/db/execute", [][]any{{
			"INSERT INTO kv(key, value, version) VALUES(?, ?, 1) ON CONFLICT(key) DO UPDATE SET value = excluded.value, version = version + 1", key, value}})
	}
	c.read = func(ctx context.Context, base, key, level string) (*http.Request, error) {
		return jsonRequest(ctx, "POST", base+"/db/query?level="+url.QueryEscape(rqliteLevels[level]), [][]any{{"SELECT value, version FROM kv WHERE key = ?", key}})
	}
	c.check = func(body []byte) error {
		if bytes.Contains(body, []byte(`"error"`)) {
			return fmt.Errorf("rqlited: %.200s", body)
		}
		return nil
	}
	c.leader = func(ctx context.Context, base string) (int, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", base+"/nodes", nil)
		if err != nil {
			return 0, err
		}
		res, err := c.http.Do(req)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		var nodes map[string]struct {
			Leader bool `json:"leader"`
		}
		if err := json.NewDecoder(res.Body).Decode(&nodes); err != nil {
			return 0, err
		}
		for id, n := range nodes {
			if n.Leader {
				return strconv.Atoi(id)
			}
		}
		return 0, errors.New("rqlited: no leader")
	}
	_, err = poll(ctx, 60*time.Second, func() (struct{}, error) {
		req, err := jsonRequest(ctx, "POST", c.nodes[0].base+"/db/execute", []string{"CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value TEXT NOT NULL, version INTEGER NOT NULL) STRICT"})
		if err == nil {
			err = c.do(req)
		}
		return struct{}{}, err
	})
	if err == nil {
		err = c.waitWrite(ctx)
	}
	if err != nil {
		c.stop()
	}
	return c, err
}
