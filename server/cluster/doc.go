// Package cluster forms the cluster: the certificate authority that every node trusts, the certificates by which nodes
// know each other, the tokens with which a new node joins, and the removal of nodes.
//
// Invariants:
//
//   - Nothing but the join service ('J') is open to a connection without a certificate of the cluster's authority, and
//     a certificate names exactly one node. A removed node's certificate is refused for ever.
//   - A joining node compares the authority that its peer presents with the hash in the token before it sends the
//     secret of the token. A stranger who answers at the address learns nothing.
//   - A node becomes a voter only after it has caught up: joining never endangers the majority that exists.
//   - Joining is two steps, and each may be repeated: the exchange of a token for a certificate (kept under the token and
//     the node's public key) and the entry into the configuration (proven by the certificate).
//
// A node's state lies below its data directory, readable by its owner alone:
//
//	cluster/node.json   its id, its address and how far joining has come
//	cluster/node.key    its private key; it never leaves the node
//	cluster/node.crt    its certificate
//	cluster/ca.crt      the authority
//	cluster/ca.key      the authority's key, on every node, so that any node can admit another
//	cluster/removed     ids of removed nodes that this node has met
package cluster
