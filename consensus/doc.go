// Package consensus is SQLite replicated by Raft: every node holds the same database, one node (the leader) orders the
// writes, and what Apply acknowledged is on the disks of a majority. It knows nothing of the application above it.
//
// A write is one Batch: guards (Require), statements (Exec) and an optional final query (Return). A batch becomes part of
// exactly one entry of the Raft log and takes effect as a whole or not at all, at the same place in the order on
// every node. Everything that could differ between nodes is resolved before the batch is built: ids and random values
// are bound as parameters, the time is the leader's stamp (bind Stamp{}), and SQL that calls random(), 'now' or the like
// is refused.
//
// Any node answers: a follower forwards writes to the leader, and requests that arrive during an election are held for a
// while. Reads are local; a reader that has seen index i calls WaitIndex(i) first and so reads its own writes on any node.
//
// A leader that a majority has confirmed in time holds a lease: reads at the level Lease are as fresh as linearizable ones
// and ask nobody. Two leases never overlap; see lease.go for the argument. Batches have labels, under which Log and
// Config.Events show them without what they carry.
//
// The nodes compare their clocks: one that a majority contradicts does not lead, and stamps with the others' time. Data of
// an unknown format is refused at start.
//
// The database is the snapshot: applied_index and applied_term lie in the SQLite file and change in the transaction of the
// effect. A node that cannot trust its disk stops.
package consensus
