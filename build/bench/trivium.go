package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func startTrivium(ctx context.Context, program, dir string) (*cluster, error) {
	addrs, err := freePorts(6)
	if err != nil {
		return nil, err
	}
	c := &cluster{name: "trivium", http: newHTTP(), check: func([]byte) error { return nil }}
	var token string // the first node's operator token works on the first node only: each node has its own
	tokens := map[string]string{}
	authorize := func(req *http.Request, err error) (*http.Request, error) {
		if err == nil {
			req.Header.Set("Authorization", "Bearer "+tokens[req.URL.Host])
			req.Header.Set("X-Requested-With", "trivium")
		}
		return req, err
	}
	c.write = func(ctx context.Context, base, key, value string) (*http.Request, error) {
		return authorize(jsonRequest(ctx, "PUT", base+"/api/v1/kv/"+url.PathEscape(key), map[string]string{"value": value}))
	}
	c.read = func(ctx context.Context, base, key, level string) (*http.Request, error) {
		return authorize(http.NewRequestWithContext(ctx, "GET", base+"/api/v1/kv/"+url.PathEscape(key)+"?level="+level, nil))
	}
	c.leader = func(ctx context.Context, base string) (int, error) { return triviumLeader(ctx, c, authorize, base) }
	for i := range 3 {
		d := filepath.Join(dir, strconv.Itoa(i))
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
		args := []string{"serve", "--data", d, "--id", "n" + strconv.Itoa(i), "--http", addrs[i], "--cluster", addrs[3+i], "--log-level", "warn"}
		p := &process{name: program, args: args, log: filepath.Join(dir, fmt.Sprintf("%d.log", i)), base: "http://" + addrs[i]}
		if i > 0 {
			p.args = append(args, "--join", addrs[3], "--token", token)
		}
		if err := p.start(); err != nil {
			c.stop()
			return nil, err
		}
		p.args = args // a restart needs no token
		c.nodes = append(c.nodes, p)
		operator, err := poll(ctx, 60*time.Second, func() (string, error) {
			b, err := os.ReadFile(filepath.Join(d, "operator-token"))
			if err == nil && len(b) == 0 {
				err = errors.New("empty token file")
			}
			return strings.TrimSpace(string(b)), err
		})
		if err == nil {
			tokens[addrs[i]] = operator
			err = c.waitWrite(ctx)
		}
		if err == nil {
			token, err = joinToken(ctx, program, d, p.base)
		}
		if err != nil {
			c.stop()
			return nil, err
		}
	}
	return c, nil
}

func joinToken(ctx context.Context, program, dir, base string) (string, error) {
	out, err := output(ctx, program, "join-token", "--data", dir, "--url", base, "--json")
	if err != nil {
		return "", err
	}
	var t struct {
		Token string `json:"token"`
	}
	return t.Token, json.Unmarshal([]byte(out), &t)
}

func triviumLeader(ctx context.Context, c *cluster, authorize func(*http.Request, error) (*http.Request, error), base string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := authorize(http.NewRequestWithContext(ctx, "GET", base+"/api/v1/cluster", nil))
	if err != nil {
		return 0, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	var status struct {
		Leader string `json:"leader"`
	}
	if err := json.NewDecoder(res.Body).Decode(&status); err != nil {
		return 0, err
	}
	if i, err := strconv.Atoi(strings.TrimPrefix(status.Leader, "n")); err == nil {
		return i, nil
	}
	return 0, errors.New("trivium: no leader")
}
