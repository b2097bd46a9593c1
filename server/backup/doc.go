// Package backup makes archives of a cluster while it is used, and a new cluster out of an archive.
//
// An archive is a tar file, optionally encrypted as a whole with age:
//
//	manifest.json       what it is: format, cluster, index, term, row hash, sizes and SHA-256 of what follows
//	seal.keys           the keys of the secrets that the database holds sealed; only if asked for, see below
//	database            the SQLite database as it was at the index
//	chunks/<sha256>     every chunk of every complete file that the database names and a node has, in the order of the hashes
//	manifest.sha256     the SHA-256 of manifest.json: the archive is whole
//
// Invariants:
//
//   - The database and the list of chunks belong to one index. A chunk that a complete file names is in the archive, or there is
//     no archive; except when every node was asked and none has it any more: what was lost once must not keep the rest from being
//     saved. The manifest then says what is missing, and nothing else may be. Bytes of uploads that were not complete at the index
//     are not: whoever was sending them sends them again.
//   - Writing and reading need memory for one chunk, whatever the size of the site.
//   - Restore has read and verified everything, the hash of every row included, before anything appears under a name that a
//     node would use. A damaged, truncated, foreign or newer archive changes nothing.
//   - A restored site is a new cluster: it has an authority of its own, and nobody is signed in. See Restore.
//   - The keys of sealed secrets travel only where the operator has said for whom the archive is encrypted: by flags of the
//     schedule, or on the command line with the operator's token. An administrator of the site, who may name recipients as
//     well, never gets them: what is sealed is sealed from administrators too.
//   - The schedule runs on the leader. A slot is claimed in the replicated database, and its archive is named by it: a slot
//     that a second node takes over replaces what the first one may have left.
package backup
