package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// kvBody is what answers and refusals of the key-value store have in common.
type kvBody struct {
	Success  bool
	LeaderID *string
	Data     *string
	Found    bool
	Version  int64
	Stale    bool
	Code     lms.Kind
	Items    []api.KVItem
	Next     string
}

func kvOf(t *testing.T, r reply) (b kvBody) {
	t.Helper()
	decodeJSON(t, r.body, &b)
	return b
}

func TestKeyValue(t *testing.T) {
	s := newCourse(t, nil).site
	root := s.token("root", time.Hour)
	secret := func(id string) string {
		return call(s, "root", api.CreateAPIToken, api.APITokenInput{ID: id, Name: id}).Secret
	}
	one, two := secret("one"), secret("two")
	put := s.send("PUT", "/api/v1/kv/k", one, `{"value":"v"}`)
	if b := kvOf(t, put); put.status != 200 || !b.Success || b.LeaderID == nil || *b.LeaderID == "" || b.Version == 0 {
		t.Fatalf("%d %s", put.status, put.body)
	}
	for name, token := range map[string]string{"another token": two, "the administrators": root} {
		r := s.send("GET", "/api/v1/kv/k", token, "")
		if b := kvOf(t, r); r.status != 200 || !b.Success || b.Found || b.Data == nil || *b.Data != "" {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if l := kvOf(t, s.send("GET", "/api/v1/kv", token, "")); len(l.Items) != 0 {
			t.Errorf("%s lists %v", name, l.Items)
		}
	}
	for _, level := range []string{"", "lease", "linearizable", "session", "stale"} {
		r := s.send("GET", "/api/v1/kv/k?consistency="+level, one, "")
		if b := kvOf(t, r); *b.Data != "v" || !b.Found || b.Stale != (level == "stale") {
			t.Errorf("%q: %s", level, r.body)
		}
	}
	version := kvOf(t, put).Version
	if r := s.send("POST", "/api/v1/kv/k/cas", one, fmt.Sprintf(`{"value":"w","ifVersion":%d}`, version)); r.status != 200 {
		t.Errorf("cas: %d %s", r.status, r.body)
	}
	r := s.send("POST", "/api/v1/kv/k/cas", one, fmt.Sprintf(`{"value":"x","ifVersion":%d}`, version))
	if b := kvOf(t, r); r.status != 409 || b.Success || *b.Data != "w" || b.Version <= version || b.Code != lms.KindConflict {
		t.Errorf("a cas that lost: %d %s", r.status, r.body)
	}
	v, err := api.Call(t.Context(), api.NewClient(s.base, api.WithBearer(one)), api.KVCompareAndSet, api.KVCompareInput{Key: "k", Value: new(string), IfValue: new(string)})
	if lms.KindOf(err) != lms.KindConflict || v.Data != "w" || v.Success {
		t.Errorf("the client does not hand on the present value: %+v, %v", v, err)
	}
	if r := s.send("POST", "/api/v1/kv-batch/put", one, `{"entries":[{"key":"a","value":"1"},{"key":"b","value":"2"}]}`); r.status != 200 {
		t.Errorf("mput: %d %s", r.status, r.body)
	}
	if b := kvOf(t, s.send("POST", "/api/v1/kv-batch/get", one, `{"keys":["b","none","a"]}`)); len(b.Items) != 3 || b.Items[0].Data != "2" || b.Items[1].Found || b.Items[2].Data != "1" {
		t.Errorf("mget: %+v", b)
	}
	if b := kvOf(t, s.send("GET", "/api/v1/kv?limit=2", one, "")); len(b.Items) != 2 || b.Next != "b" {
		t.Errorf("list: %+v", b)
	}
	if r := s.send("PUT", "/api/v1/kv/fast?fast=true", one, `{"value":"v"}`); r.status != 200 || kvOf(t, r).Version == 0 {
		t.Errorf("a fast write where there are none: %d %s", r.status, r.body)
	}
	if r := s.send("PUT", "/api/v1/kv/fast?fast=perhaps", one, `{"value":"v"}`); r.status != 400 {
		t.Errorf("neither true nor false: %d %s", r.status, r.body)
	}
	if r := s.send("GET", "/api/v1/session", one, ""); r.status != 403 {
		t.Errorf("an API token beyond the store: %d", r.status)
	}
	call(s, "root", api.RevokeAPIToken, api.APITokenPath{Token: "one"})
	for name, token := range map[string]string{"revoked": one, "no token": "", "unknown": lms.APITokenPrefix + "x"} {
		if r := s.send("GET", "/api/v1/kv/k", token, ""); r.status != 401 || kvOf(t, r).Success || kvOf(t, r).LeaderID == nil {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

// What is malformed or too large is refused with success false, and nothing of a batch is written.
func TestKeyValueLimits(t *testing.T) {
	s := newCourse(t, nil).site
	root := s.token("root", time.Hour)
	entries := func(n int, last string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`{"key":"b%d","value":"v"}`, i)
		}
		list[n-1] = last
		return `{"entries":[` + strings.Join(list, ",") + `]}`
	}
	const last = `{"key":"last","value":"v"}`
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"null", "PUT", "k", `{"value":null}`, 400},
		{"no value", "PUT", "k", `{}`, 400},
		{"a number", "PUT", "k", `{"value":1}`, 400},
		{"negative time to live", "PUT", "k", `{"value":"v","ttlMs":-1}`, 400},
		{"empty key", "PUT", "", `{"value":"v"}`, 400},
		{"long key", "PUT", strings.Repeat("k", 513), `{"value":"v"}`, 400},
		{"longest key", "PUT", strings.Repeat("k", 512), `{"value":"v"}`, 200},
		{"another's scope", "PUT", "%01one%01k", `{"value":"v"}`, 400},
		{"large value", "PUT", "k", `{"value":"` + strings.Repeat("v", 1<<20+1) + `"}`, 413},
		{"largest value", "PUT", "large", `{"value":"` + strings.Repeat("v", 1<<20) + `"}`, 200},
		{"no condition", "POST", "k/cas", `{"value":"v"}`, 400},
		{"two conditions", "POST", "k/cas", `{"value":"v","ifValue":"","ifVersion":0}`, 400},
		{"a null in a batch", "POST", "../kv-batch/put", entries(3, `{"key":"x","value":null}`), 400},
		{"an empty key in a batch", "POST", "../kv-batch/put", entries(3, `{"key":"","value":"v"}`), 400},
		{"a key twice in a batch", "POST", "../kv-batch/put", entries(3, `{"key":"b0","value":"v"}`), 400},
		{"an empty batch", "POST", "../kv-batch/put", `{"entries":[]}`, 400},
		{"a batch of 1,001", "POST", "../kv-batch/put", entries(1001, last), 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := strings.Replace("/api/v1/kv/"+tt.path, "/kv/../", "/", 1)
			r := s.send(tt.method, path, root, tt.body)
			if tt.name == "empty key" {
				if r.status < 400 || r.status >= 500 {
					t.Errorf("%d %s", r.status, r.body)
				}
				return
			}
			if b := kvOf(t, r); r.status != tt.status || b.Success != (tt.status == 200) || b.LeaderID == nil {
				t.Errorf("%d %.200s, want %d", r.status, r.body, tt.status)
			}
		})
	}
	if l := kvOf(t, s.send("GET", "/api/v1/kv?prefix=b", root, "")); len(l.Items) != 0 {
		t.Errorf("a refused batch has written %d keys", len(l.Items))
	}
	if r := s.send("POST", "/api/v1/kv-batch/put", root, entries(1000, last)); r.status != 200 {
		t.Errorf("a batch of 1,000: %d %.200s", r.status, r.body)
	}
}

// A node that does not lead forwards, or says where the leader is when it must not.
func TestKeyValueForwarding(t *testing.T) {
	n := newThreeNodes(t)
	secret := call(n.sites[0], "root", api.CreateAPIToken, api.APITokenInput{ID: "one", Name: "one"}).Secret
	leader := n.set.Index(n.set.Leader())
	for i, node := range n.set.Nodes {
		if err := n.sites[i].store.SetNode(t.Context(), node.ID, node.Address, n.sites[i].base); err != nil {
			t.Fatal(err)
		}
	}
	follower := n.sites[(leader+1)%3]
	if r := follower.send("PUT", "/api/v1/kv/k", secret, `{"value":"v"}`); r.status != 200 || *kvOf(t, r).LeaderID != n.set.Nodes[leader].ID {
		t.Errorf("forwarded: %d %s", r.status, r.body)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(s *site, path, header string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.base+path, nil)
		s.check(err)
		r.Header.Set("Authorization", "Bearer "+secret)
		if header != "" {
			r.Header.Set(api.HeaderForward, header)
		}
		res, err := client.Do(r)
		s.check(err)
		s.check(res.Body.Close())
		return res
	}
	for _, how := range [][2]string{{"/api/v1/kv/k?forward=false", ""}, {"/api/v1/kv/k", "false"}} {
		r := ask(follower, how[0], how[1])
		if r.StatusCode != http.StatusTemporaryRedirect || r.Header.Get("Location") != n.sites[leader].base+how[0] {
			t.Errorf("%v: %d to %q", how, r.StatusCode, r.Header.Get("Location"))
		}
		if r := ask(n.sites[leader], how[0], how[1]); r.StatusCode != 200 {
			t.Errorf("%v at the leader: %d", how, r.StatusCode)
		}
	}
	if r := ask(follower, "/api/v1/kv/k?forward=perhaps", ""); r.StatusCode != 400 {
		t.Errorf("neither true nor false: %d", r.StatusCode)
	}
	n.stop(leader)
	n.stop((leader + 2) % 3)
	deadline := time.Now().Add(20 * time.Second)
	for follower.server.leaderID() != nil && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	r := follower.send("GET", "/api/v1/kv/k?forward=false", secret, "")
	if b := kvOf(t, r); r.status != 503 || b.Success || b.LeaderID != nil || r.header.Get("Location") != "" {
		t.Errorf("without a leader: %d %s", r.status, r.body)
	}
	r = follower.send("GET", "/api/v1/kv/k?consistency=stale", secret, "")
	if b := kvOf(t, r); r.status != 200 || *b.Data != "v" || !b.Stale {
		t.Errorf("stale without a leader: %d %s", r.status, r.body)
	}
	if r := follower.send("GET", "/api/v1/kv/k", secret, ""); r.status != 503 {
		t.Errorf("the default level without a majority: %d %s", r.status, r.body)
	}
}
