// Package store is the SQL of Trivium: one file per aggregate, and the migrations.
//
// Invariants:
//   - A write is one consensus.Batch. Its guards are the truth of every rule that must hold when it takes effect: who may
//     do it, that the course is not over, that the version is unchanged, that ids belong to their parents. What is read
//     beforehand only makes messages nicer or builds parameters out of values that never change.
//   - Guards stand in the order in which a person should hear about them: sign-in, membership, role, existence, state of
//     the course, and then the rules of the object.
//   - Ids, tokens and random values come from Go and are bound; the time is consensus.Stamp. Rows are written in a fixed
//     order. There are no foreign keys in the schema: nothing that work hangs on is ever deleted, and the guards tie
//     every id to its parent.
//   - Every method that changes something takes the actor and checks it against the database, not against what the caller
//     says about the actor. Reads are scoped by course and membership the same way.
//   - A write that answers an object returns it from the batch, so that a repeat under the same key answers the first one.
//
// Parameters are numbered (?1, ?2) where a value is used more than once. TestSQL prepares every statement of the package on
// the migrated schema.
package store
