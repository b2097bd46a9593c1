package load

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

// newTrivium knows how to talk to Trivium's key-value store. Levels are those of the API.
func newTrivium() *Cluster {
	path := func(key string) string { return "/api/v1/kv/" + url.PathEscape(key) }
	return &Cluster{
		Name:   "trivium",
		Check:  func([]byte) error { return nil },
		Status: Call{Method: "GET", Path: path("ready") + "?consistency=" + api.KVStale},
		Leader: triviumLeader,
		Write: func(key, value string) Call {
			b, _ := json.Marshal(map[string]string{"value": value}) // strings always marshal
			return Call{Method: "PUT", Path: path(key), Body: string(b)}
		},
		Read: func(key, level string) Call {
			if level == "" {
				return Call{Method: "GET", Path: path(key)}
			}
			return Call{Method: "GET", Path: path(key) + "?consistency=" + level}
		},
		Delete: func(key string) Call { return Call{Method: "DELETE", Path: path(key)} },
	}
}

func triviumLeader(a Answer) (string, error) {
	if id := a.Header.Get(api.HeaderLeader); id != "" {
		return id, nil
	}
	return "", errors.New("no leader is known")
}

func triviumHeaders(token string, forward bool) []string {
	h := []string{"Authorization: Bearer " + token, api.HeaderClient + ": " + api.ClientName}
	if !forward {
		h = append(h, api.HeaderForward+": false")
	}
	return h
}

// StartTrivium starts a cluster of n nodes of the program, with their data below dir. Stop ends it. Without forward, a node that
// does not lead answers with a redirect.
func StartTrivium(ctx context.Context, program, dir string, n int, forward bool) (*Cluster, error) {
	addrs, err := FreeAddresses(2 * n)
	if err != nil {
		return nil, err
	}
	c := newTrivium()
	var join []string
	for i := range n {
		id := "node" + strconv.Itoa(i+1)
		d := filepath.Join(dir, id)
		if err := os.MkdirAll(d, 0o700); err != nil {
			return c.Started(err)
		}
		args := []string{"serve", "--data", d, "--id", id, "--http", addrs[i], "--cluster", addrs[n+i], "--log-level", "warn"}
		p := &Node{ID: id, Address: addrs[i], Command: Command{Program: program, Args: args, Env: join, Log: filepath.Join(dir, id+".log")}}
		if err := c.Add(p); err != nil {
			return c.Started(err)
		}
		p.Command.Env = nil // a restart needs no token
		token, err := c.admit(ctx, p, d)
		if err != nil {
			return c.Started(err)
		}
		// The token travels in the environment: a command line can be seen by everybody.
		join = []string{"TRIVIUM_JOIN=" + addrs[n], "TRIVIUM_TOKEN=" + token}
	}
	if !forward {
		for _, p := range c.Nodes {
			p.Headers = append(p.Headers, api.HeaderForward+": false")
		}
	}
	return c, nil
}

// admit waits until the node takes writes and returns a token for the next one. Each node has an operator token of its own.
func (c *Cluster) admit(ctx context.Context, n *Node, dir string) (string, error) {
	operator, err := Poll(ctx, func() (string, error) {
		b, err := os.ReadFile(filepath.Join(dir, "operator-token"))
		if err == nil && len(b) == 0 {
			err = errors.New("empty token file")
		}
		return strings.TrimSpace(string(b)), err
	})
	if err != nil {
		return "", err
	}
	n.Headers = triviumHeaders(operator, true)
	if err := c.WaitWrite(ctx); err != nil {
		return "", err
	}
	t, err := api.Call(ctx, api.NewClient("http://"+n.Address, api.WithBearer(operator)), api.CreateJoinToken, api.NoInput{})
	return t.Token, err
}

// Connect reaches nodes of Trivium that run already, at the URLs, with a token that every one of them takes. Nothing is written.
func Connect(urls []string, token string, forward bool) (*Cluster, error) {
	c := newTrivium()
	for _, s := range urls {
		u, err := url.Parse(strings.TrimRight(s, "/"))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" {
			return nil, fmt.Errorf("%q is no address of a node; write https://lms1.example.edu", s)
		}
		c.Nodes = append(c.Nodes, &Node{ID: s, Address: hostPort(u), TLS: u.Scheme == "https", Headers: triviumHeaders(token, forward)})
	}
	for i, n := range c.Nodes {
		a, err := c.Once(i, c.Status)
		if err != nil {
			return nil, err
		}
		if n.ID = a.Header.Get(api.HeaderNode); n.ID == "" {
			return nil, fmt.Errorf("%s is no node of Trivium", n.Address)
		}
	}
	return c, nil
}
