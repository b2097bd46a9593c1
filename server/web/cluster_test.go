package web

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
	"trivium/consensus/consensustest"
	"trivium/server/files"
	"trivium/server/store"
)

// threeNodes is a server on each of three nodes, with a course c1 of ina's and the student sue.
type threeNodes struct {
	set   *consensustest.Set
	sites []*site
	ahead atomic.Int64 // by how much the servers' clocks are ahead
}

func newThreeNodes(t *testing.T, changes ...func(*Config)) *threeNodes {
	t.Helper()
	n := &threeNodes{set: consensustest.Cluster(t, 3, func(c *consensus.Config) { c.HoldTimeout = 2 * time.Second })}
	for _, node := range n.set.Nodes {
		st, err := store.Open(t.Context(), node.DB)
		if err != nil {
			t.Fatal(err)
		}
		members := func(ctx context.Context) ([]files.Member, error) {
			nodes, err := st.DB().Nodes(ctx)
			var all []files.Member
			for _, m := range nodes {
				all = append(all, files.Member{ID: m.ID, Address: m.Address, Voter: m.Voter})
			}
			return all, err
		}
		n.sites = append(n.sites, serve(t, st, node.Network, members, func(c *Config) {
			c.Now = func() time.Time { return time.Now().Add(time.Duration(n.ahead.Load())) }
			for _, change := range changes {
				change(c)
			}
		}))
	}
	s := n.sites[0]
	s.user("root", true, true)
	s.user("ina", false, true)
	s.user("sue", false, false)
	call(s, "ina", api.CreateCourse, api.CourseInput{ID: "c1", Code: "X", Title: "Y", Zone: "UTC", State: lms.CoursePublished})
	call(s, "ina", api.AddMember, api.AddMemberInput{Course: "c1", Login: "sue", Role: lms.RoleStudent})
	call(s, "ina", api.CreateAssignment, api.AssignmentInput{Course: "c1", ID: "a1", Title: "T", Points: 100, AllowText: true, MaxFiles: 1, MaxFileSize: 1 << 20, Published: true})
	return n
}

// stop stops a node and returns the ones that run.
func (n *threeNodes) stop(i int) []*site {
	n.set.Stop(i)
	var running []*site
	for j, node := range n.set.Nodes {
		if node.DB != nil {
			running = append(running, n.sites[j])
		}
	}
	return running
}

const submissionsPath = "/api/v1/courses/c1/assignments/a1/submissions"

func TestThreeNodes(t *testing.T) {
	n := newThreeNodes(t)
	token := n.sites[0].token("sue", time.Hour)
	seen := api.HeaderIndex + ": " + strconv.FormatUint(n.sites[0].server.db.Applied(), 10)

	t.Run("a client reads its own writes on any node", func(t *testing.T) {
		for i, s := range n.sites {
			if r := s.send("GET", "/api/v1/session", token, "", seen); r.status != 200 {
				t.Errorf("node %d: %d %s", i, r.status, r.body)
			}
		}
	})
	t.Run("every node names the leader", func(t *testing.T) {
		leader := n.set.Leader().ID
		for i, s := range n.sites {
			if r := s.send("GET", "/api/v1/session", token, "", seen); r.header.Get(api.HeaderLeader) != leader {
				t.Errorf("node %d: %q, want %s", i, r.header.Get(api.HeaderLeader), leader)
			}
		}
	})
	body := `{"id":"s1","text":"Mine."}`
	first := n.sites[1].send("POST", submissionsPath, token, body, seen, api.HeaderKey+": k")
	if first.status != 200 {
		t.Fatalf("%d %s", first.status, first.body)
	}
	t.Run("a file is on a majority before it is acknowledged", func(t *testing.T) {
		content := strings.Repeat("x", 2*lms.ChunkSize)
		f := n.sites[0].upload("sue", "c1", "a.txt", content)
		s := n.sites[2]
		index := n.sites[0].server.db.Applied()
		r := s.send("GET", "/api/v1/courses/c1/files/"+f.ID+"/content", token, "", api.HeaderIndex+": "+strconv.FormatUint(index, 10))
		if r.status != 200 || hash(r.body) != hash(content) {
			t.Errorf("%d, %d bytes", r.status, len(r.body))
		}
	})

	running := n.stop(n.set.Index(n.set.Leader()))
	t.Run("without the leader a repeat returns the first answer", func(t *testing.T) {
		for i, s := range running {
			var got, want lms.Receipt
			r := s.send("POST", submissionsPath, token, body, seen, api.HeaderKey+": k")
			decodeJSON(t, r.body, &got)
			decodeJSON(t, first.body, &want)
			if r.status != 200 || got.Submission.Attempt != 1 || got.Index != want.Index || !got.Submission.SubmittedAt.Equal(want.Submission.SubmittedAt) {
				t.Errorf("node %d: %d %s, want %s", i, r.status, r.body, first.body)
			}
		}
		if r := running[0].send("POST", submissionsPath, token, `{"id":"s2","text":"More."}`); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})

	last := running[0]
	n.stop(n.set.Index(n.set.Nodes[n.siteIndex(running[1])]))
	t.Run("without a majority writes are refused and reads go on", func(t *testing.T) {
		start := time.Now()
		r := last.send("POST", submissionsPath, token, `{"id":"s3","text":"Lost?"}`)
		if r.status != 503 || r.error.Kind != lms.KindUnavailable && r.error.Kind != lms.KindUnknown || r.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", r.status, r.body)
		}
		if held := time.Since(start); held > 10*time.Second {
			t.Errorf("held for %v", held)
		}
		n.ahead.Store(int64(staleAfter + time.Second))
		r = last.send("GET", submissionsPath+"/mine", token, "")
		if r.status != 200 || r.header.Get(api.HeaderStale) == "" || !strings.Contains(r.body, "More.") || strings.Contains(r.body, "Lost?") {
			t.Errorf("%d %v %s", r.status, r.header, r.body)
		}
		if r := last.send("GET", "/readyz", "", ""); r.status != 503 {
			t.Errorf("readyz: %d", r.status)
		}
	})
}

func (n *threeNodes) siteIndex(s *site) int {
	for i := range n.sites {
		if n.sites[i] == s {
			return i
		}
	}
	return -1
}
