// Package certs gets and renews the certificates under which people reach the nodes, from an ACME authority such as Let's
// Encrypt. The protocol is certmagic's; this package gives it a storage in the replicated database.
//
// Invariants:
//
//   - All nodes share one account and one certificate a name: whichever node obtains it, every node serves it, and any node
//     answers the authority's challenge, because the challenge lies in the shared storage too.
//   - One node at a time obtains a certificate. The lock expires by the cluster's stamps, never by a node's clock, so a node
//     that dies while it holds one stops nobody for longer than the lock lives.
//   - Values are sealed with the cluster's key before they reach the database: neither it nor a backup shows a private key.
//   - A node without a majority goes on serving the certificate that its own database has.
package certs
