// Package sql is rqlite's HTTP API, for administrators, over package consensus: every client of rqlite and its shell work
// with a cluster of Trivium. The requests are parsed and the answers written by rqlite's own package http, behind which
// Store stands for rqlite's store. rqlite's store and database are linked and never opened.
//
// In front of it stands what rqlite leaves to its operator: nobody without an administrator's password is heard, a browser
// of another site is refused, writes need a switch, who reads or writes is in the audit log, and what would differ between
// nodes is refused instead of rewritten.
package sql
