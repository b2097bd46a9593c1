package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/server/cluster"
)

// TestPlannedStop stops the leader of three nodes under load, with a stream open on it and a connection that a browser has
// opened ahead: no request fails after one repeat on another node.
func TestPlannedStop(t *testing.T) {
	nodes := []*server{startServer(t, t.TempDir(), "--id", "one")}
	self, err := cluster.Load(nodes[0].data)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"two", "three"} {
		token := strings.TrimSpace(must(t, "join-token", "--data", nodes[0].data))
		nodes = append(nodes, startServer(t, t.TempDir(), "--id", id, "--join", self.Address(), "--token", token))
	}
	eventually(t, "three nodes vote", func() bool { return strings.Contains(must(t, "status", "--data", nodes[0].data), "3 of 3 healthy") })
	leader := nodes[0]
	if !strings.Contains(must(t, "nodes", "--data", leader.data), "leader") {
		t.Fatal("nobody leads")
	}
	url, _ := readLine(filepath.Join(leader.data, urlFile))
	idle, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	operators := make([]string, 3)
	for i, n := range nodes {
		operators[i], _ = readLine(filepath.Join(n.data, operatorFile))
	}
	stream, err := http.NewRequestWithContext(t.Context(), "GET", url+api.Events.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	stream.Header.Set("Authorization", "Bearer "+operators[0])
	resp, err := http.DefaultClient.Do(stream)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v %v", resp, err)
	}
	defer resp.Body.Close()

	ctx, stopLoad := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var done, repeated int
	var gap time.Duration
	for w := range 4 {
		wg.Go(func() {
			last := time.Now()
			for i := 0; ctx.Err() == nil; i++ {
				write := func(at int) answer {
					return nodes[at].send(t, "PUT", fmt.Sprintf("/api/v1/kv/w%d", w), operators[at], fmt.Sprintf(`{"value":"%d"}`, i))
				}
				a := write(w % 3)
				again := a.status != 200
				if again {
					a = write((w + 1) % 3)
				}
				mu.Lock()
				if a.status == 200 {
					done++
				} else {
					t.Errorf("write %d of %d fails: %d %s", i, w, a.status, a.body)
				}
				if again {
					repeated++
				}
				gap = max(gap, time.Since(last))
				mu.Unlock()
				last = time.Now()
			}
		})
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return done }
	eventually(t, "there is load", func() bool { return count() > 100 })
	start := time.Now()
	leader.stop(t)
	took := time.Since(start)
	after := count()
	eventually(t, "the load goes on", func() bool { return count() > after+100 })
	stopLoad()
	wg.Wait()
	t.Logf("the stop took %v; %d writes, %d of them repeated; the longest wait between two of a writer %v", took.Round(time.Millisecond), done, repeated, gap.Round(time.Millisecond))
	if took > 15*time.Second || gap > 15*time.Second {
		t.Error("that is too long")
	}
}
