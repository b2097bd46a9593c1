// Package inspect is what a node tells of itself to those who operate it: a report with its figures of the last minutes,
// and the texts logs.txt, metadata.txt and dump.txt. Every node answers for every other one: it asks over the cluster
// network, where both ends are proven, so that an administrator needs to reach a single node.
//
// Nothing in it changes anything, and nothing waits for it: what it samples is read from counters that exist anyway.
package inspect
