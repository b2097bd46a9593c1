package web

import (
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/app/api"
	"trivium/consensus"
)

// redirects is how many requests a node says that it has sent away.
func redirects(t *testing.T, db *consensus.DB) float64 {
	t.Helper()
	all := prometheus.NewRegistry()
	all.MustRegister(db.Collectors()...)
	families, err := all.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "trivium_consensus_redirected_total" {
			return f.Metric[0].Counter.GetValue()
		}
	}
	t.Fatal("redirects are not counted")
	return 0
}

// TestNotForwarded: a client that asks not to be forwarded is told the leader, also before it has signed in, and the node
// counts it.
func TestNotForwarded(t *testing.T) {
	n := newThreeNodes(t)
	leader := n.set.Index(n.set.Leader())
	for i, node := range n.set.Nodes {
		if err := n.sites[i].store.SetNode(t.Context(), node.ID, node.Address, n.sites[i].base); err != nil {
			t.Fatal(err)
		}
	}
	other := (leader + 1) % 3
	follower, db := n.sites[other], n.set.Nodes[other].DB
	if err := db.WaitIndex(t.Context(), n.set.Nodes[leader].DB.Applied()); err != nil {
		t.Fatal(err)
	}
	const wish = api.HeaderForward + ": false"
	before := redirects(t, db)
	for i, x := range []struct{ path, token, body string }{
		{"/api/v1/session", "", `{"login":"nobody","password":"not the password"}`},
		{"/api/v1/setup", "", `{}`},
		{"/api/v1/session/ticket", follower.token("sue", time.Hour), ""},
	} {
		if r := follower.send("POST", x.path, x.token, x.body, wish); r.status != http.StatusTemporaryRedirect || r.header.Get("Location") != n.sites[leader].base+x.path {
			t.Errorf("%s: %d to %q", x.path, r.status, r.header.Get("Location"))
		}
		if got := redirects(t, db) - before; got != float64(i+1) {
			t.Errorf("%s: %v redirects are counted, want %d", x.path, got, i+1)
		}
	}
	if r := follower.signIn("nobody", "not the password"); r.status != http.StatusUnauthorized {
		t.Errorf("forwarded: %d %s", r.status, r.body)
	}
	if r := n.sites[leader].signIn("nobody", "not the password", wish); r.status != http.StatusUnauthorized {
		t.Errorf("at the leader: %d %s", r.status, r.body)
	}
	if r := follower.send("GET", "/api/v1/door", "", "", wish); r.status != http.StatusOK {
		t.Errorf("a public page that writes nothing: %d %s", r.status, r.body)
	}
}
