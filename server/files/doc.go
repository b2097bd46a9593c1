// Package files keeps uploaded files on every node: as chunks of 1 MiB, each stored under its SHA-256, outside the Raft log.
//
// Invariants:
//
//   - A chunk lies under its final name only whole, verified and on the disk: it is written under a temporary name, synced, renamed,
//     and its folder is synced before anybody is told that it is there.
//   - PutChunk returns nil only when a majority of the voters, this node among them, has the chunk on disk so.
//   - A chunk counts as arrived for a file only when it was sent for that file: an empty marker file per (file, number, hash)
//     says so, and travels with the chunk. Knowing a hash gives nobody another's bytes.
//   - No byte is served that does not belong to the hash the row names. A damaged chunk is set aside, counted, and replaced from a peer.
//   - A failing disk stops the node (Config.Fatal); a full one refuses, and keeps what it has.
//
// Every node follows the replicated rows (Config.List) and fetches what it lacks from its peers, checks its chunks against their
// hashes in the background, and removes chunks that no row names any more.
//
//	err := fs.PutChunk(ctx, file, 0, body) // on any node, any number of times
//	missing, err := fs.Missing(ctx, file)  // on the same or another node
//	replicas, nodes, err := fs.Verify(ctx, file)
//	r, err := fs.Open(ctx, file)           // for http.ServeContent
package files
