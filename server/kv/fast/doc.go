// Package fast acknowledges plain puts before they have a place in the log: the leader sends a put to all voters, each keeps
// it durably beside its log, and when f+⌈f/2⌉+1 of 2f+1 do, the leader among them, the client is answered. The leader gives
// it its place behind that. It is the protocol of Skyros (Ganesan, Alagappan, Arpaci-Dusseau, Arpaci-Dusseau: "Exploiting
// Nil-Externality for Fast Replicated Storage", SOSP 2021), with the leader as the one that sends. The page fast-writes.md
// of the documentation says what such writes are good for.
//
// Why nothing acknowledged is lost or overtaken, in steps:
//
//  1. A leader acknowledges fast writes only while a row of the store says so (the mode: its term, and the voters that
//     count), and only after every member has applied that row. So whoever reads or writes keys knows that it must settle:
//     ask the leader to give a place to what is pending of the keys first.
//  2. A new leader that finds such a row collects what f+1 of those voters keep. A voter that was asked takes no more from
//     leaders before. It orders what may have been acknowledged (Recover), applies it and removes the row; only then does
//     it settle for anybody.
//  3. A read settles and then has the leader confirm, by its lease or by a majority, that it leads in the same term: had a
//     later leader acknowledged something, it would not.
//  4. An ordinary write settles and carries the mode that it was told as a condition. Had a later leader acknowledged a
//     write of the key, its row would come before in the log, and the condition fails.
//  5. Each write is applied under the idempotency key of its request, however many nodes bring it into the log.
//  6. A voter keeps one write of a key at a time, and so does the leader; a second one becomes an ordinary write. So the
//     places of recovered writes are of different keys, where the order of what overlapped is of no consequence.
package fast
