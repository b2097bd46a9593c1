package load

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"trivium/app/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// standIn is a cluster of n nodes that h answers, with the number of the node.
func standIn(t *testing.T, n int, h func(node int, w http.ResponseWriter, r *http.Request)) *Cluster {
	t.Helper()
	c := newTrivium()
	for i := range n {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(api.HeaderNode, fmt.Sprint("node", i))
			w.Header().Set(api.HeaderLeader, "node0")
			h(i, w, r)
		}))
		t.Cleanup(s.Close)
		c.Nodes = append(c.Nodes, &Node{ID: fmt.Sprint("node", i), Address: s.Listener.Addr().String(), Headers: []string{"Authorization: Bearer x"}})
	}
	return c
}

func TestClient(t *testing.T) {
	c := standIn(t, 1, func(_ int, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/refused":
			http.Error(w, "no", http.StatusTeapot)
		case "/elsewhere":
			http.Redirect(w, r, "http://there/x", http.StatusTemporaryRedirect)
		default:
			w.Header().Set(api.HeaderIndex, "7")
			fmt.Fprint(w, r.Method, r.URL, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get(api.HeaderIndex), string(body))
		}
	})
	c.Check = func(b []byte) error {
		if strings.Contains(string(b), "GET/failed") {
			return errors.New("no such table")
		}
		return nil
	}
	cl := c.Client(0)
	defer cl.Close()
	for range 2 { // after an error the client connects anew
		a, err := cl.Do(Call{Method: "PUT", Path: "/a?b=c", Body: "{}", Index: 5}, time.Minute)
		if want := "PUT/a?b=cBearer xapplication/json5{}"; err != nil || string(a.Body) != want || a.Index != 7 {
			t.Errorf("%s, %d, %v; want %s, 7", a.Body, a.Index, err, want)
		}
		for _, path := range []string{"/refused", "/failed"} {
			if _, err := cl.Do(Call{Method: "GET", Path: path}, time.Minute); err == nil {
				t.Errorf("%s is no error", path)
			}
		}
		var to *Redirect
		if _, err := cl.Do(Call{Method: "GET", Path: "/elsewhere"}, time.Minute); !errors.As(err, &to) || to.Location != "http://there/x" {
			t.Errorf("redirect: %v", err)
		}
	}
}

// TestRedirectsAndErrorsCountApart: nodes 1 and 2 send everybody to node 0, which refuses some keys.
func TestRedirectsAndErrorsCountApart(t *testing.T) {
	var mu sync.Mutex
	var answered, refused, sent int64
	var c *Cluster
	c = standIn(t, 3, func(node int, w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case node > 0:
			sent++
			http.Redirect(w, r, "http://"+c.Nodes[0].Address+r.URL.Path, http.StatusTemporaryRedirect)
		case strings.HasSuffix(r.URL.Path, "-3") && r.Method == "GET":
			refused++
			http.Error(w, "not this one", http.StatusServiceUnavailable)
		default:
			answered++
		}
	})
	s, err := c.Measure(t.Context(), Workload{Writes: 30, Spread: true}, Data{Seed: 1, Keys: 5, Value: 1}, 6, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	// Before the clock runs each client writes once, one asks who leads; four clients begin at a node that sends them on.
	if want := answered - 2 - 1; s.Successes != want || s.Errors != refused || s.Errors == 0 {
		t.Errorf("%d successes, %d errors; want %d, %d", s.Successes, s.Errors, want, refused)
	}
	if s.Redirects < 4 || s.Redirects != sent-4 || s.Reads+s.Writes != s.Successes || s.Writes == 0 || s.Reads == 0 {
		t.Errorf("%+v, %d sent elsewhere", s, sent)
	}
	if !strings.Contains(s.First, "not this one") || s.P50 <= 0 || s.P50 > s.P95 || s.P95 > s.P99 || s.Rate <= 0 {
		t.Errorf("%+v", s)
	}
}

// TestRequestsFollowSeedAndShares records what one client asks for.
func TestRequestsFollowSeedAndShares(t *testing.T) {
	var asked []string
	c := standIn(t, 1, func(_ int, w http.ResponseWriter, r *http.Request) { asked = append(asked, r.Method+" "+r.URL.Path) })
	record := func(seed uint64, w Workload, n int) []string {
		asked = nil
		k := c.worker(0, 0, w, Data{Seed: seed, Keys: 100, Value: 1}, new(atomic.Int64))
		defer k.Close()
		for range n {
			if err := k.next(time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		return asked
	}
	first := fmt.Sprint(record(1, Workload{Writes: 50}, 50))
	if again := fmt.Sprint(record(1, Workload{Writes: 50}, 50)); again != first {
		t.Errorf("the same seed asks for something else:\n%s\n%s", first, again)
	}
	if other := strings.ReplaceAll(fmt.Sprint(record(2, Workload{Writes: 50}, 50)), "bench-2-", "bench-1-"); other == first {
		t.Error("another seed asks for the same")
	}
	writes, fresh, reads, last := 0, 0, 0, ""
	for _, a := range record(3, Workload{Writes: 20, Recent: 100}, 1000) {
		method, path, _ := strings.Cut(a, " ")
		switch {
		case method == "PUT":
			writes, last = writes+1, path
		case last != "":
			reads++
			if path == last {
				fresh++
			}
		}
	}
	if writes < 130 || writes > 270 || fresh != reads {
		t.Errorf("%d writes of 1000 at 20 %%; %d of %d reads hit the key written last", writes, fresh, reads)
	}
}

func TestTimeline(t *testing.T) {
	const ms = time.Millisecond
	list, silence := timeline([]event{{100 * ms, 5 * ms, success}, {2600 * ms, 9 * ms, success}, {900 * ms, ms, failed}, {1500 * ms, ms, redirected}, {3001 * ms, 7 * ms, success}}, 3*time.Second)
	want := []Second{{1, 0, 1, 5 * ms}, {0, 1, 0, 0}, {2, 0, 0, 9 * ms}}
	if fmt.Sprint(list) != fmt.Sprint(want) || silence != 2500*ms {
		t.Errorf("%v, %v; want %v, 2.5s", list, silence, want)
	}
	if _, silence := timeline([]event{{500 * ms, ms, success}}, 4*time.Second); silence != 3500*ms {
		t.Errorf("silence that lasts: %v", silence)
	}
}

func TestQuantile(t *testing.T) {
	sorted := make([]time.Duration, 20)
	for i := range sorted {
		sorted[i] = time.Duration(i + 1)
	}
	if a, b, c := Quantile(sorted, .5), Quantile(sorted, .99), Quantile(nil, .5); a != 11 || b != 20 || c != 0 {
		t.Error(a, b, c)
	}
}

func TestOnlyOwnNodesAreKilled(t *testing.T) {
	c := standIn(t, 1, func(int, http.ResponseWriter, *http.Request) {})
	if _, err := c.Failover(t.Context(), Data{Keys: 1}, 1, nil); !errors.Is(err, errForeign) {
		t.Error(err)
	}
	if _, err := c.Outage(t.Context(), Workload{}, Data{Keys: 1}, 1, time.Second, Kill{}); !errors.Is(err, errForeign) {
		t.Error(err)
	}
}

func TestConnect(t *testing.T) {
	c := standIn(t, 2, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer good" {
			http.Error(w, "sign in", http.StatusUnauthorized)
		}
	})
	urls := []string{"http://" + c.Nodes[0].Address, "http://" + c.Nodes[1].Address + "/"}
	got, err := Connect(urls, "good", true)
	if err != nil || got.Own() || got.Nodes[1].ID != "node1" {
		t.Fatalf("%+v %v", got, err)
	}
	if lead, err := got.FindLeader(t.Context()); lead != 0 || err != nil {
		t.Error(lead, err)
	}
	if one, err := Connect(urls[1:], "good", true); err != nil {
		t.Error(err)
	} else if lead, err := one.FindLeader(t.Context()); lead != 0 || err != nil {
		t.Errorf("a leader that was not named: %d %v", lead, err)
	}
	for _, bad := range [][]string{{"127.0.0.1:1"}, {"ftp://x"}, {"http://a/b"}, {""}} {
		if _, err := Connect(bad, "good", true); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	if _, err := Connect(urls, "bad", true); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a wrong token: %v", err)
	}
	if u, err := url.Parse("https://x"); err != nil || hostPort(u) != "x:443" {
		t.Error(u, err)
	}
}
