// Package kv is the data API of a replicated key-value store on server/store: scopes, levels of consistency and a cache of
// what was read. The store below it orders the writes and keeps one batch one entry of the log; package web serves it over
// HTTP, the command line calls that. Package kv/udp beside it is a store of its own that speaks datagrams.
//
// Keys lie in the scope of the API token that a program presents; administrators have a scope of their own, "". No call
// reaches the keys of another scope.
//
// A read answers with what was acknowledged anywhere before it began, unless it asks for less: Session is what the client
// has seen, Stale whatever this node has. The cache changes no answer: it is asked only after the node has reached what
// the level demands, and an entry leaves it before the write that changes it is told to be applied.
//
// Package fast beside it acknowledges puts before they have a place in the log, where the operator has turned that on: then
// every call but a stale read first settles what is pending of its keys, a session read, too.
package kv
