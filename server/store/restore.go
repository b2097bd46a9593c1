package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"trivium/app/lms"
)

// SchemaVersion is the number of the last migration that this program knows.
func SchemaVersion() int {
	steps, err := migrations()
	if err != nil { // embedded: a test reads them
		panic(err)
	}
	return len(steps)
}

// NewCluster returns the statements that make the rows of a restored site, of the schema, those of a new cluster. What goes with the old
// one: sessions and hand-over tickets (everybody signs in again), setup and join tokens, where the nodes were and which were
// removed, counted sign-in failures, what the schedule of backups has done, and mails that wait: the old cluster may have
// sent them since. Idempotency keys stay: an outbox of a browser that repeats an acknowledged write gets its result.
func NewCluster(schema int) []string {
	all := []string{
		`DELETE FROM session_tickets`,
		`DELETE FROM session_tokens`,
		`DELETE FROM sessions`,
		`DELETE FROM setup_tokens`,
		`DELETE FROM join_tokens`,
		`DELETE FROM nodes`,
		`DELETE FROM sign_in_failures`,
		`DELETE FROM settings WHERE name LIKE 'cluster.removed.%' OR name LIKE 'backup.%'`,
	}
	if schema >= outboxSchema() {
		all = append(all, `DELETE FROM outbox`, `DELETE FROM mailers`)
	}
	return all
}

// outboxSchema is the first schema with an outbox.
func outboxSchema() int {
	steps, err := migrations()
	if err != nil { // embedded: a test reads them
		panic(err)
	}
	return 1 + slices.IndexFunc(steps, func(m migration) bool { return strings.HasSuffix(m.name, "_create_outbox") })
}

// ForgetCertificates returns the statement that makes a restored site obtain its certificates anew, because it cannot open those
// that it has.
func ForgetCertificates() string { return `DELETE FROM certificate_items` }

// auditSchema is the first schema with an audit log.
const auditSchema = 9

// RestoreRecord is the statement that says in the audit log of a restored site, of the schema, that it was restored now and
// from which archive. It has no parameters. Empty: there is no audit log yet.
func RestoreRecord(schema int, now time.Time, details ...string) []string {
	if schema < auditSchema {
		return nil
	}
	text := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	return []string{strings.NewReplacer(
		"?1", fmt.Sprintf("max(%d, (SELECT stamp FROM raft_state))", now.UnixMilli()), // the records' times never go back
		"?2", text(lms.OperatorID), "?3", text(lms.OperatorID), "?4", "''", "?5", text(string(lms.AuditRestore)), "?6", "'site'",
		"?7", text(auditDetails(details)),
	).Replace(auditInsert)}
}
