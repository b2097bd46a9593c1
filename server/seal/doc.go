// Package seal keeps secrets at rest: what the replicated database must hold but nobody who reads the database, a snapshot
// or a backup may learn (the key of the tutor's service, seeds of one-time passwords, keys of certificates).
//
// A Ring is the cluster's keys. It lies outside the database, in a file of the owner alone, the same on every node; a node
// receives it when it joins. Seal encrypts with the first key, Open with whichever key the box names. So a key is
// rotated without a pause: append the new line to the file on every node and restart them one by one; then move it to the
// top on every node, restart them again, and store the secrets anew; then the old line can go.
//
// A backup that is encrypted for the operator carries the ring, and a restored cluster appends it to its own: see server/backup.
//
// Invariants:
//
//   - A box is authenticated together with its place (such as "setting tutor.key"): moved to another place it does not open.
//   - A secret in memory is a Secret, which prints, logs and encodes as "set", never as itself.
package seal
