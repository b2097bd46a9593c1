// Package load makes load on a cluster and measures how it stands it: "trivium bench" does so for people who run a site,
// build/bench beside another program.
//
// A Cluster is nodes and how to talk to them: processes of its own (StartTrivium) or nodes that run already (Connect). Clients
// are goroutines that keep one request under way each. A request is a success, a redirect or an error, and each is counted for
// itself: rates and latencies are those of successes alone.
package load
