package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"trivium/app/api"
)

// indexHeader carries what a client has seen.
const indexHeader = api.HeaderIndex

// triviumLevels translates the levels of a read.
var triviumLevels = map[string]string{"none": api.KVStale, "session": api.KVSession, "linearizable": api.KVLinearizable}

func startTrivium(ctx context.Context, program, dir string) (*cluster, error) {
	addrs, err := freePorts(6)
	if err != nil {
		return nil, err
	}
	c := &cluster{name: "trivium", check: func([]byte) error { return nil }, leader: triviumLeader, status: call{method: "GET", path: "/api/v1/cluster"}}
	c.write = func(key, value string) call {
		b, _ := json.Marshal(map[string]string{"value": value}) // strings always marshal
		return call{method: "PUT", path: "/api/v1/kv/" + url.PathEscape(key), body: string(b)}
	}
	c.read = func(key, level string) call {
		return call{method: "GET", path: "/api/v1/kv/" + url.PathEscape(key) + "?consistency=" + triviumLevels[level]}
	}
	var token string
	for i := range 3 {
		d := filepath.Join(dir, strconv.Itoa(i))
		if err := os.MkdirAll(d, 0o700); err != nil {
			return c.started(err)
		}
		args := []string{"serve", "--data", d, "--id", "n" + strconv.Itoa(i), "--http", addrs[i], "--cluster", addrs[3+i], "--log-level", "warn"}
		p := &process{name: program, args: args, log: filepath.Join(dir, fmt.Sprintf("%d.log", i)), address: addrs[i]}
		if i > 0 {
			p.args = append(args, "--join", addrs[3], "--token", token)
		}
		if err := p.start(); err != nil {
			return c.started(err)
		}
		p.args = args // a restart needs no token
		c.nodes = append(c.nodes, p)
		if token, err = c.admit(ctx, p, d); err != nil {
			return c.started(err)
		}
	}
	return c, nil
}

// admit waits until the node takes writes and returns a token for the next one. Each node has an operator token of its own.
func (c *cluster) admit(ctx context.Context, p *process, dir string) (string, error) {
	operator, err := poll(ctx, func() (string, error) {
		b, err := os.ReadFile(filepath.Join(dir, "operator-token"))
		if err == nil && len(b) == 0 {
			err = errors.New("empty token file")
		}
		return strings.TrimSpace(string(b)), err
	})
	if err != nil {
		return "", err
	}
	p.headers = []string{"Authorization: Bearer " + operator, api.HeaderClient + ": " + api.ClientName}
	if err := c.waitWrite(ctx); err != nil {
		return "", err
	}
	out, err := output(ctx, p.name, "join-token", "--data", dir, "--url", "http://"+p.address, "--json")
	if err != nil {
		return "", err
	}
	var t api.JoinToken
	return t.Token, errors.Join(json.Unmarshal(out, &t), err)
}

func triviumLeader(body []byte) (int, error) {
	var status struct {
		Leader string `json:"leader"`
	}
	if err := json.Unmarshal(body, &status); err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimPrefix(status.Leader, "n"))
}
