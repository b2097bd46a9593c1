// Package simnet is a network in memory for simulations and drills of package consensus: a transport for Raft's messages, of which
// each can be lost, late, repeated or overtaken, and connections for everything else, which stall and break as those of TCP
// do. Every wait is one of channels, conditions and timers, so that it runs in the virtual time of testing/synctest, too.
package simnet
