// Package fast holds the rule by which a new leader orders writes that were acknowledged before they had a place in the
// log: a client's plain put is durable when enough nodes keep it beside their logs, in the order in which it reached them.
// It is the recovery of Skyros (Ganesan, Alagappan, Arpaci-Dusseau, Arpaci-Dusseau: "Exploiting Nil-Externality for Fast
// Replicated Storage", SOSP 2021). The page fast-writes.md of the documentation says what such writes are good for.
package fast
