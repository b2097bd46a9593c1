package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// launch starts a node and does not wait for it.
func launch(t *testing.T, data string, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{data: data, out: &buffer{}, log: &buffer{}, cancel: cancel, done: make(chan error, 1)}
	args = append([]string{"serve", "--data", data, "--http", "127.0.0.1:0", "--log-level", "warn", "--hold-timeout", "1s"}, args...)
	go func() { s.done <- run(ctx, args, s.out, s.log) }()
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *server) ready() bool { return strings.Contains(s.out.String(), "Open http") }

// answer is what a node says to a request.
type answer struct {
	status int
	header http.Header
	body   string
}

func (s *server) send(t *testing.T, method, path, token, body string, header ...string) (a answer) {
	t.Helper()
	url, err := readLine(filepath.Join(s.data, urlFile))
	if err != nil {
		return a // not yet
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set(api.HeaderClient, api.ClientName)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return a
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// freeAddresses are addresses that a node can have again after a restart.
func freeAddresses(t *testing.T, n int) (all []string) {
	t.Helper()
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		all = append(all, ln.Addr().String())
	}
	return all
}

// TestRestartWithoutAMajority starts one of three nodes while the others stay down: people read from it what it had, as
// of then, and can save when another node is back.
func TestRestartWithoutAMajority(t *testing.T) {
	dir, addresses := t.TempDir(), freeAddresses(t, 3)
	data := func(i int) string { return filepath.Join(dir, strconv.Itoa(i)) }
	nodes := make([]*server, 3)
	for i := range nodes {
		args := []string{"--cluster", addresses[i]}
		if i > 0 {
			args = append(args, "--join", addresses[0], "--token", strings.TrimSpace(must(t, "join-token", "--data", data(0))))
		}
		nodes[i] = launch(t, data(i), args...)
		eventually(t, "the node is ready", nodes[i].ready)
	}
	eventually(t, "three nodes vote", func() bool { return strings.Contains(must(t, "status", "--data", data(0)), "3 of 3 healthy") })
	must(t, "kv", "put", "colour", "green", "--data", data(0))
	created := must(t, "user", "create", "ines", "--name", "Ines", "--instructor", "--data", data(0))
	_, password, _ := strings.Cut(created, "Password: ")
	password = strings.Fields(password)[0]
	url, _ := readLine(filepath.Join(data(0), urlFile))
	client := api.NewClient(url)
	session, err := api.Call(t.Context(), client, api.SignIn, api.SignInInput{Login: "ines", Password: password, Bearer: true})
	if err != nil {
		t.Fatal(err)
	}
	operator, _ := readLine(filepath.Join(data(1), operatorFile))
	eventually(t, "node 1 has the session", func() bool { return nodes[1].send(t, "GET", "/api/v1/session", session.Token, "").status == 200 })
	for _, n := range nodes {
		n.stop(t)
	}
	stopped := time.Now()

	// When the time for it is over no page is served any more, but how the nodes stand is told as ever.
	late := launch(t, data(1), "--cluster", addresses[1], "--stale-reads", "1ms")
	eventually(t, "it says how the nodes stand", func() bool {
		return late.send(t, "GET", api.GetCluster.Path, operator, "").status == 200
	})
	if a := late.send(t, "GET", "/api/v1/session", session.Token, ""); a.status != 503 {
		t.Errorf("a page after the time for it: %d %s", a.status, a.body)
	}
	if out := must(t, "status", "--data", data(1)); !strings.Contains(out, "2 of 3 nodes down: read only") {
		t.Errorf("status after the time for pages: %s", out)
	}
	late.stop(t)

	alone := launch(t, data(1), "--cluster", addresses[1])
	var a answer
	eventually(t, "a page can be read", func() bool {
		a = alone.send(t, "GET", "/api/v1/session", session.Token, "", api.HeaderIndex, "1")
		return a.status == 200
	})
	asOf, err := strconv.ParseInt(a.header.Get(api.HeaderStale), 10, 64)
	if err != nil || time.UnixMilli(asOf).After(stopped) || stopped.Sub(time.UnixMilli(asOf)) > time.Minute || !strings.Contains(a.body, "Ines") {
		t.Errorf("%d as of %q: %s", a.status, a.header.Get(api.HeaderStale), a.body)
	}
	if a := alone.send(t, "GET", "/api/v1/session", lms.NewSecret(), ""); a.status != 401 {
		t.Errorf("a token that is none: %d %s", a.status, a.body)
	}
	if a := alone.send(t, "GET", "/api/v1/session", session.Token, "", api.HeaderIndex, "999"); a.status == 200 && a.header.Get(api.HeaderStale) == "" {
		t.Error("a session beyond the node's index is answered as if it were fresh")
	}
	if out := must(t, "status", "--data", data(1)); !strings.Contains(out, "2 of 3 nodes down: read only") {
		t.Errorf("status: %s", out)
	}
	if a := alone.send(t, "GET", "/readyz", "", ""); a.status != 503 {
		t.Errorf("readyz: %d", a.status)
	}
	for _, w := range []struct{ method, path, token, body string }{
		{"POST", "/api/v1/courses", session.Token, `{"id":"c1","code":"X","title":"Y","zone":"UTC","state":"published"}`},
		{"PUT", "/api/v1/kv/colour", operator, `{"value":"red"}`},
		{api.CreateJoinToken.Method, api.CreateJoinToken.Path, operator, `{}`},
	} {
		if a := alone.send(t, w.method, w.path, w.token, w.body); a.status != 503 {
			t.Errorf("%s %s: %d %s", w.method, w.path, a.status, a.body)
		}
	}
	if a := alone.send(t, "GET", "/", "", ""); a.status == 0 || strings.Contains(a.body, "is starting") {
		t.Errorf("the first page: %d %s", a.status, a.body)
	}
	if log := alone.log.String(); strings.Contains(log, "not read") || !strings.Contains(log, "people can read from this node what it had") {
		t.Errorf("the log of the node:\n%s", log)
	}
	if alone.ready() {
		t.Error("it says that it is ready")
	}

	nodes[2] = launch(t, data(2), "--cluster", addresses[2])
	eventually(t, "it goes on by itself", func() bool {
		a := alone.send(t, "GET", "/api/v1/session", session.Token, "")
		return a.status == 200 && a.header.Get(api.HeaderStale) == "" && alone.ready()
	})
	must(t, "kv", "put", "colour", "red", "--data", data(1))
	if a := alone.send(t, "GET", "/readyz", "", ""); a.status != 200 {
		t.Errorf("readyz: %d %s", a.status, a.body)
	}
}
