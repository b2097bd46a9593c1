// Package drill breaks clusters on purpose and says whether they stood it: the scenario sets of "trivium drill", which are
// tests as well. A drill makes a cluster of its own in a folder of its own and never touches a real site.
//
// The nodes are those of package consensus with a key-value table, without the web above: either child processes on the
// loopback with real disks, killed as by a power cut, or nodes in this process on a simulated network, which can lose,
// delay and repeat messages and fall apart.
package drill
