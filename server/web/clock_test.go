package web

import (
	"context"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/consensus"
)

// skewedCluster is a cluster whose nodes' clocks are off.
type skewedCluster struct {
	oneNode
	skew time.Duration
}

func (c skewedCluster) Nodes(ctx context.Context) ([]consensus.Node, error) {
	nodes, err := c.oneNode.Nodes(ctx)
	for i := range nodes {
		nodes[i].Skew = c.skew
	}
	return nodes, err
}

func TestClusterTellsOfAWrongClock(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Cluster = skewedCluster{oneNode{DB: c.Store.DB()}, -5 * time.Minute} })
	s.user("root", true, true)
	n := call(s, "root", api.GetCluster, api.NoInput{}).Nodes[0]
	if n.ClockSkewMs != -5*60*1000 || !strings.Contains(n.ClockMessage, n.ID+" is 5 minutes behind") || !strings.Contains(n.ClockMessage, "NTP") {
		t.Errorf("%+v", n)
	}
}
