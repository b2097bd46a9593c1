package store

// SchemaVersion is the number of the last migration that this program knows.
func SchemaVersion() int {
	steps, err := migrations()
	if err != nil { // embedded: a test reads them
		panic(err)
	}
	return len(steps)
}

// NewCluster returns the statements that make the rows of a restored site those of a new cluster. What goes with the old
// one: sessions and hand-over tickets (everybody signs in again), setup and join tokens, where the nodes were and which were
// removed, counted sign-in failures, and what the schedule of backups has done. Idempotency keys stay: an outbox that
// repeats an acknowledged write gets its result.
func NewCluster() []string {
	return []string{
		`DELETE FROM session_tickets`,
		`DELETE FROM session_tokens`,
		`DELETE FROM sessions`,
		`DELETE FROM setup_tokens`,
		`DELETE FROM join_tokens`,
		`DELETE FROM nodes`,
		`DELETE FROM sign_in_failures`,
		`DELETE FROM settings WHERE name LIKE 'cluster.removed.%' OR name LIKE 'backup.%'`,
	}
}
