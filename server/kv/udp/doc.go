// Package udp is a replicated key-value store that speaks the datagram protocol of a classic exercise: a network simulator
// on one UDP port of this machine carries every message, also those between the replicas, as JSON objects with src, dst,
// leader and type, and may lose, delay, repeat and reorder them.
//
// Ids are four hexadecimal digits; FFFF is everybody as a destination and nobody known as a leader. A replica says hello
// first. A client's get and put, which carry a MID, are answered under the same MID with ok, fail or redirect (to the
// leader that the answer names). An unknown key has the value "". A datagram that is none of this is counted and dropped.
//
// The store is trivium/consensus with a raft.Transport over these datagrams (Transport): Raft's messages are cut into
// fragments, sent again until they are answered, and put together in bounded memory. Writes carry the client's id and MID
// as their idempotency key, so that a datagram that comes twice takes effect once; reads are as fresh as the lease of the
// leader or a majority makes them.
package udp
