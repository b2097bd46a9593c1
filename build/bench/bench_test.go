package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// standIn is a cluster of one node that h answers.
func standIn(t *testing.T, h http.HandlerFunc) *cluster {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &cluster{name: "stand-in", check: checkRqlite,
		nodes: []*process{{address: s.Listener.Addr().String(), headers: []string{"Authorization: Bearer x"}}}}
}

func TestClient(t *testing.T) {
	c := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path == "/refused":
			http.Error(w, "no", http.StatusTeapot)
		case r.URL.Path == "/failed":
			fmt.Fprint(w, `{"results":[{"error":"no such table"}]}`)
		default:
			w.Header().Set(indexHeader, "7")
			fmt.Fprint(w, r.Method, r.URL, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get(indexHeader), string(body))
		}
	})
	cl := c.client(0)
	defer cl.close()
	for range 2 { // after an error the client connects anew
		a, err := cl.do(call{method: "PUT", path: "/a?b=c", body: "{}", index: 5}, time.Second)
		if want := "PUT/a?b=cBearer xapplication/json5{}"; err != nil || string(a.body) != want || a.index != 7 {
			t.Errorf("%s, %d, %v; want %s, 7", a.body, a.index, err, want)
		}
		for _, path := range []string{"/refused", "/failed"} {
			if _, err := cl.do(call{method: "GET", path: path}, time.Second); err == nil {
				t.Errorf("%s is no error", path)
			}
		}
	}
}

func TestLeaders(t *testing.T) {
	if i, err := triviumLeader([]byte(`{"leader":"n2"}`)); i != 2 || err != nil {
		t.Error(i, err)
	}
	if _, err := triviumLeader([]byte(`{"leader":""}`)); err == nil {
		t.Error("no leader is a leader")
	}
	if i, err := rqliteLeader([]byte(`{"0":{"leader":false},"1":{"leader":true}}`)); i != 1 || err != nil {
		t.Error(i, err)
	}
	if _, err := rqliteLeader([]byte(`{"0":{"leader":false}}`)); err == nil {
		t.Error("no leader is a leader")
	}
}

func TestReport(t *testing.T) {
	sorted := make([]time.Duration, 20)
	for i := range sorted {
		sorted[i] = time.Duration(i+1) * 100 * time.Millisecond
	}
	if p50, p99 := quantile(sorted, .5), quantile(sorted, .99); p50 != 1100*time.Millisecond || p99 != 2*time.Second || quantile(nil, .5) != 0 {
		t.Errorf("%v %v", p50, p99)
	}
	m := median([]sample{{rate: 3, errors: 1}, {rate: 1}, {rate: 2, errors: 1}})
	if m.rate != 2 || m.errors != 2 {
		t.Errorf("%+v", m)
	}
	list := cells()
	for i := range list {
		list[i].ours, list[i].peer = sample{rate: 19, p50: 6}, sample{rate: 10, p50: 10}
	}
	var b strings.Builder
	(&results{cells: list, ours: sorted, seconds: 1, rounds: 1}).print(&b)
	for _, want := range []string{"| write, all nodes | 64 | 19 |", "| writes at 64 clients | >= 2.00x | 1.90x | missed |",
		"| p50 of a write at 1 client | <= 0.70x | 0.60x | met |", "| session reads at 64 clients | >= 1.00x | 1.90x | met |", "| failover p50 | <= 1.20 s | 1.10 s | met |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing in\n%s", want, b.String())
		}
	}
}
