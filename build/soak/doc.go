// Soak runs a cluster of real node processes under load, breaks it in every way of a table of faults, and checks that
// nothing that was acknowledged is lost, doubled, stale, late or readable by strangers.
//
// Each node has its own network namespace and a disk of the rig's own making (a pass-through FUSE file system that can
// freeze, lie, fill up and fail). Without root the nodes listen on loopback behind a TCP proxy and on an ordinary
// folder, and the faults that need more are reported as not run.
//
// Order of a run, after etcd's robustness tests: traffic; one random fault, or two; traffic; the cluster must be healthy
// again within a minute. Every two minutes the load pauses and all nodes must hold the same rows. At the end the whole
// history is checked. A run in which fewer than the floor of operations succeed before a fault is void: a quiet history
// proves nothing.
//
// Each known bug keeps a script: planted/NAME.patch breaks the program in one way, and "soak -planted NAME" (or all) must
// find it, with the faults and by the invariant that the head of the patch names. "soak -figures NAME" measures instead.
//
// Exit status: 0 all checks hold, 1 violations, 2 the run is void or could not be made.
package main
