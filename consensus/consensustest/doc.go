// Package consensustest opens real nodes of package consensus for tests: one, or several that are joined over loopback in
// one process. Everything lies in t.TempDir and is closed when the test ends.
package consensustest
