// Package outbox sends the mails that the store holds for people, each of them once even if nodes change or die.
//
// A mail is queued by the replicated batch that writes what it tells of, as a row with the kind and the object only. A node
// that has a mail server claims a due row with a lease, composes the text from what is true then, hands the mail to its
// server, and marks the row as sent. The leader begins at once and the other nodes that have a mail server a little later, so
// that normally one node works, and a cluster in which one node has mail, leading or not, sends all the same.
//
// What is promised:
//
//  1. Of any number of nodes one holds a mail at a time: the stamp of the batch that claims decides.
//  2. A node that dies after claiming delays the mail by the lease and no more: another one claims it then.
//  3. A mail that failed is tried again after a pause that doubles up to an hour, for three days. A mailbox that the server
//     refuses for good is not tried again. Nothing that people do waits for a mail.
//  4. Sent at least once, and once but for one case: a node dies, or loses the majority for longer than the lease, between
//     the mail server's taking the mail and the mark. The mail is sent again with the same Message-ID, by which mail
//     systems that look for duplicates drop the second copy.
//  5. Rows go after 30 days. A restored site sends nothing that was queued before: the site that it was may have sent it.
package outbox
